package recipe

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// mostSteps bounds the work of order rules, which look at pairs of steps.
const mostSteps = 1000

// steps reads the entries of passes.
func (p *parser) steps(n *syntax.Node) {
	switch {
	case n == nil && p.recipe.Root.Get("outputs") == nil && !p.recipe.partial:
		p.report.Errorf(p.recipe.Root.Head(), "missing-key", "a recipe needs passes: the steps, in the order in which they run; or outputs, to write the model in another format")
		return
	case n == nil:
		return // the model is written as it is
	case n.Kind == syntax.Sequence && len(n.Items) == 0:
		p.report.Warningf(n.Span, "passes-empty", "passes is empty, so the model goes out as it came in")
		return
	case n.Kind != syntax.Sequence:
		p.report.Errorf(n.Head(), "wrong-type", "passes is %s; it must be a list of steps such as - prune: {…}", kindOrEmpty(n))
		return
	case len(n.Items) > mostSteps:
		p.report.Errorf(n.Items[mostSteps].Head(), "too-many", "a recipe may have %d steps; this one has %d", mostSteps, len(n.Items))
		return
	}
	for _, item := range n.Items {
		if s := p.step(item); s != nil {
			p.recipe.Steps = append(p.recipe.Steps, s)
		}
	}
	p.ids()
	p.order()
}

// step reads one entry of passes. It returns nil if it is not known which pass it is.
func (p *parser) step(n *syntax.Node) *Step {
	if n.Kind != syntax.Mapping {
		p.notStep(n)
		return nil
	}
	var t stepText
	var w *PassWord
	pass, extra, ok := p.passOf(n)
	if ok {
		w = p.lang.pass(pass.Key.Text)
	}
	fields := stepFields(&t, p.lang, w, extra)
	p.decoder(varFacts, p.referGate, p.report).Decode(n, fields) // of its keys only gates name data; parameters come below
	if !ok {
		return nil
	}
	s := &Step{ID: t.ID, Pass: w.Name, Expect: t.Expect, Node: n}
	if pass.Value.Kind != syntax.Null {
		s.Params = pass.Value
	}
	if pair := n.Pair("id"); pair != nil && s.ID != "" {
		p.named(pair.Value, "id", s.ID)
	}
	s.Targets = p.selectors(t.Targets, "targets")
	s.Ignore = p.selectors(t.Ignore, "ignore")
	s.When = p.condition(t.When, "when", stepFacts)
	s.WhenAtRun = p.needsDataSet(s.When)
	s.Gates = p.gates(t.Gates)

	own := w.fields()
	ps := params{p, w, own, pass.Key, []schema.Scope{
		{Name: "a recipe", Fields: documentFields(new(document), p.lang).Fields},
		{Name: "a step", Fields: fields.Fields},
	}}
	base := ps.check(withMisplaced(s.Params, n, fields, own))
	for _, d := range base {
		p.report.Add(d)
	}
	p.overrides(s, ps, base, t.Overrides)
	p.needsData(s, w)
	return s
}

// withMisplaced adds to a step's parameters those that stand beside its pass instead of inside. They have been reported;
// what they set must not be missed too.
func withMisplaced(params, n *syntax.Node, fields, own schema.Object) *syntax.Node {
	misplaced := &syntax.Node{Kind: syntax.Mapping, Span: n.Span}
	for _, pair := range n.Pairs {
		if fields.Field(pair.Key.Text) == nil && own.Field(pair.Key.Text) != nil {
			misplaced.Pairs = append(misplaced.Pairs, pair)
		}
	}
	if misplaced.Pairs == nil {
		return params
	}
	return syntax.Merge(params, misplaced)
}

// notStep reports an entry of passes that is no mapping.
func (p *parser) notStep(n *syntax.Node) {
	if n.Kind == syntax.Scalar && p.lang.pass(n.Text) != nil {
		p.report.Errorf(n.Span, "wrong-type", "a step is a mapping of its pass to parameters: write %s: {}", n.Text)
		p.report.Fix(diag.Replace(n.Span, n.Text+": {}"))
		return
	}
	p.report.Errorf(n.Head(), "wrong-type", "a step is %s; it must be a mapping such as prune: {sparsity: 50%%}", kindOrEmpty(n))
}

// passOf finds the one key of a step that names its pass. If no key does, the key that was probably meant to is
// reported and returned as extra, and ok is false.
func (p *parser) passOf(n *syntax.Node) (pass syntax.Pair, extra string, ok bool) {
	own := []string{"id", "targets", "ignore", "overrides", "when", "expect", "gates"}
	var unknown []syntax.Pair
	for _, pair := range n.Pairs {
		switch key := pair.Key.Text; {
		case p.lang.pass(key) != nil && ok:
			p.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "two-passes", Span: pair.Key.Span,
				Message: fmt.Sprintf("a step has one pass, and this one has %s and %s; write a step for each", pass.Key.Text, key),
				Related: []diag.Related{{Span: pass.Key.Span, Message: "the first one"}}})
		case p.lang.pass(key) != nil:
			pass, ok = pair, true
		case !slices.Contains(own, key):
			unknown = append(unknown, pair)
		}
	}
	if ok {
		return pass, "", true
	}
	known := p.lang.passNames()
	for _, pair := range unknown {
		key := pair.Key.Text
		if diag.Near(key, known) == "" && diag.Near(key, own) != "" {
			continue // an unknown key, and reported as such
		}
		p.report.Errorf(pair.Key.Span, "unknown-pass", "unknown pass %s%s", quote(key), diag.Suggest(key, known))
		p.report.Fix(diag.Rename(pair.Key.Span, key, known))
		return pass, key, false
	}
	p.report.Errorf(n.Head(), "missing-key", "a step needs a pass: one of %s", diag.Names(known))
	return pass, "", false
}

func (l *Language) passNames() []string {
	out := make([]string, len(l.Passes))
	for i, w := range l.Passes {
		out[i] = w.Name
	}
	return out
}

// ids gives every step an id of its own: the one written, else its pass's name, with a number from the second on.
func (p *parser) ids() {
	taken := map[string]*Step{}
	for _, s := range p.recipe.Steps {
		if s.ID == "" {
			continue
		}
		at := s.Node.Get("id").Span
		if first := taken[s.ID]; first != nil {
			p.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "repeated-id", Span: at,
				Message: "two steps have the id " + quote(s.ID) + "; give each its own",
				Related: []diag.Related{{Span: first.Node.Get("id").Span, Message: "the first one"}}})
			continue
		}
		taken[s.ID] = s
	}
	for _, s := range p.recipe.Steps {
		if s.ID != "" {
			continue
		}
		s.ID = s.Pass
		for i := 2; taken[s.ID] != nil; i++ {
			s.ID = fmt.Sprintf("%s-%d", s.Pass, i)
		}
		taken[s.ID] = s
	}
}
