package recipe

import (
	"slices"
	"strings"

	"github.com/pare-ml/pare/internal/lazyregexp"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// What may be asked about at each place of the language. Vars are known everywhere.
var (
	varFacts      = []string{"vars"}
	fillFacts     = []string{"vars", "model", "target"}                        // ${{ }} in the parameters of a step
	stepFacts     = []string{"vars", "model", "target", "metrics", "baseline"} // when of a step
	overrideFacts = []string{"layer", "vars", "model", "target"}               // when of an override or selector
	gateFacts     = []string{"artifact", "metrics", "baseline", "vars"}        // expect of a gate
)

// env lists the facts of the named namespaces, as far as the language has them.
func (r *Recipe) env(namespaces []string) condition.Env {
	var env condition.Env
	for _, name := range namespaces {
		if name == "vars" {
			env = append(env, r.varNamespace())
			continue
		}
		for _, ns := range r.lang.Env {
			if ns.Name == name {
				env = append(env, ns)
			}
		}
	}
	return env
}

// env is Recipe.env, made once for each of the lists of namespaces above: every override may have a condition. The
// variables are known by then.
func (p *parser) env(namespaces []string) condition.Env {
	if p.envs == nil {
		p.envs = map[*string]condition.Env{}
	}
	env, ok := p.envs[&namespaces[0]]
	if !ok {
		env = p.recipe.env(namespaces)
		p.envs[&namespaces[0]] = env
	}
	return env
}

func (r *Recipe) varNamespace() condition.Namespace {
	ns := condition.Namespace{Name: "vars", Doc: "the variables that the recipe declares"}
	for _, v := range r.Vars {
		ns.Facts = append(ns.Facts, condition.Fact{Name: v.Name, Type: v.factType(), Price: condition.Header, Doc: "declared in vars"})
	}
	return ns
}

func (v Var) factType() condition.Type {
	switch v.Value.(type) {
	case bool:
		return condition.Bool
	case int64:
		return condition.Int
	case float64:
		return condition.Number
	}
	return condition.String
}

// VarFacts returns the values of the variables, for conditions and ${{ }} that ask about vars.
func (r *Recipe) VarFacts() map[string]any {
	m := make(map[string]any, len(r.Vars))
	for _, v := range r.Vars {
		m[v.Name] = v.Value
	}
	return m
}

// Decoder returns a decoder for the parameters of steps. It fills ${{ }} of this recipe from its variables and from
// facts (model, target). A fact that facts does not hold gives a schema.Later: its type is checked, the field keeps its
// default.
func (r *Recipe) Decoder(facts condition.Facts, report *diag.List) *schema.Decoder {
	return r.decoder(&filler{recipe: r, env: r.env(fillFacts), facts: facts, report: report})
}

func (r *Recipe) decoder(f *filler) *schema.Decoder {
	return &schema.Decoder{Report: f.report, Fill: f.fill, Origin: r.origin, Locate: r.locate}
}

// filler gives the values of ${{ }}.
type filler struct {
	recipe *Recipe
	env    condition.Env
	facts  condition.Facts // vars are added
	report *diag.List
	used   func(c *condition.Condition, fact string) bool // told what expressions ask about; false: it has been reported; may be nil
}

// fill is schema.Decoder.Fill.
func (f *filler) fill(n *syntax.Node, i, j int) (any, bool) {
	c, like := f.compile(n, i, j)
	if c == nil {
		return nil, false
	}
	facts := condition.Facts{}
	for name, values := range f.facts {
		facts[name] = values
	}
	facts["vars"] = f.recipe.VarFacts()
	known := true
	for _, use := range c.Uses {
		if f.used != nil && !f.used(c, use) {
			return nil, false
		}
		namespace, name, _ := strings.Cut(use, ".")
		if _, ok := facts[namespace][name]; !ok {
			known = false
		}
	}
	if !known {
		return schema.Later{Like: like}, true
	}
	v, err := c.Value(facts)
	if err != nil {
		f.report.Errorf(n.Sub(i, j), "template-fails", "%s has no value: %v", n.Text[i:j], err)
		return nil, false
	}
	return v, true
}

// compile checks an expression; like is a value of its type.
func (f *filler) compile(n *syntax.Node, i, j int) (c *condition.Condition, like any) {
	if f.recipe.usesBroken(n.Text[i:j]) {
		return nil, nil
	}
	c = condition.CompileText(n, i, j, f.env, "", f.report)
	if c == nil {
		return nil, nil
	}
	switch c.Type {
	case condition.Int:
		return c, int64(0)
	case condition.Number:
		return c, 0.0
	case condition.Bool:
		return c, false
	case condition.String:
		return c, ""
	}
	f.report.Errorf(n.Sub(i, j), "template-type", "%s is a %s; ${{ }} gives a number, text, or true or false", n.Text[i:j], c.Type)
	return nil, nil
}

// holds tells whether the list has a finding like d: same code, place and message.
func holds(list diag.List, d diag.Diagnostic) bool {
	return slices.ContainsFunc(list, func(o diag.Diagnostic) bool {
		return o.Code == d.Code && o.Span == d.Span && o.Message == d.Message
	})
}

var varUse = lazyregexp.New(`\bvars\.([A-Za-z_][A-Za-z0-9_]*)`)

// usesBroken tells whether an expression uses a variable whose declaration, or the import that may hold it, has been
// reported; that is enough said.
func (r *Recipe) usesBroken(expr string) bool {
	if len(r.broken) == 0 && !r.partial {
		return false
	}
	return slices.ContainsFunc(varUse.FindAllStringSubmatch(expr, -1), func(m []string) bool {
		return slices.Contains(r.broken, m[1]) ||
			r.partial && !slices.ContainsFunc(r.Vars, func(v Var) bool { return v.Name == m[1] })
	})
}

// origin is schema.Decoder.Origin: where the variables of an expression got their values.
func (r *Recipe) origin(n *syntax.Node, i, j int) []diag.Related {
	var out []diag.Related
	for _, m := range varUse.FindAllStringSubmatch(n.Text[i:j], -1) {
		for _, v := range r.Vars {
			if v.Name == m[1] {
				out = append(out, diag.Related{Span: v.Node.Span, Message: "vars." + v.Name + " is set here"})
			}
		}
	}
	return out
}

// condition compiles the scalar behind a key as a condition over some facts, or returns nil.
func (p *parser) condition(n *syntax.Node, key string, namespaces []string) *condition.Condition {
	switch {
	case n == nil:
		return nil
	case n.Kind == syntax.Null:
		p.report.Errorf(n.Span, "empty-value", "%s has no value; it must be a condition", key)
		return nil
	case n.Kind != syntax.Scalar:
		p.report.Errorf(n.Span, "wrong-type", "%s is %s; it must be a condition, written as text", key, kindName(n))
		return nil
	case schema.HasTemplate(n):
		i := strings.Index(n.Text, "${{")
		p.report.Errorf(n.Sub(i, i+3), "template-not-allowed", "%s is a condition, which asks about facts directly: write vars.name without ${{ }}", key)
		return nil
	}
	if p.recipe.usesBroken(n.Text) {
		return nil
	}
	c := condition.Compile(n, p.env(namespaces), condition.Bool, p.report)
	if c == nil {
		return nil
	}
	for _, use := range c.Uses {
		if !p.use(c, use) {
			return nil
		}
	}
	return c
}

func kindName(n *syntax.Node) string {
	switch n.Kind {
	case syntax.Sequence:
		return "a list"
	case syntax.Mapping:
		return "a mapping"
	}
	return "text"
}

// use notes that an expression asks about a fact. It reports one that has no value in this recipe and returns false.
func (p *parser) use(c *condition.Condition, fact string) bool {
	if name, ok := strings.CutPrefix(fact, "vars."); ok {
		p.varsUsed[name] = true
	}
	if strings.HasPrefix(fact, "target.") && p.recipe.Target == (Target{}) && !p.recipe.partial {
		p.report.Errorf(placeOf(c, fact), "target-missing", "%s is a fact of the target, and the recipe names none; add target: with a profile", fact)
		return false
	}
	return true
}

// placeOf is where a condition asks about a fact, else the whole condition.
func placeOf(c *condition.Condition, fact string) diag.Span {
	if i := strings.Index(c.Node.Text, fact); i >= 0 {
		return c.Node.Sub(i, i+len(fact))
	}
	return c.Node.Span
}

// decoder returns a decoder that fills ${{ }} from the facts of the namespaces that are known from the text, and
// checks names of data sets with refer, which may be nil.
func (p *parser) decoder(namespaces []string, refer func(*syntax.Node, string, schema.Format) bool, report *diag.List) *schema.Decoder {
	d := p.recipe.decoder(&filler{recipe: p.recipe, env: p.env(namespaces), report: report, used: p.use})
	d.Refer, d.Advise = refer, true
	return d
}
