package recipe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// quote quotes a text of the user for a message, cut where it is long.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:59]) + "…"
	}
	return strconv.Quote(s)
}

// isVarName accepts [A-Za-z_][A-Za-z0-9_]{0,63}.
func isVarName(name string) bool {
	return len(name) <= 64 && name != "" && (name[0] < '0' || name[0] > '9') && hasOnly(name, "")
}

// vars reads the declared variables; each has the type of its default.
func (p *parser) vars(n *syntax.Node) {
	if n == nil {
		return
	}
	if n.Kind != syntax.Mapping {
		p.report.Errorf(n.Span, "wrong-type", "vars is %s; it must be a mapping of names to defaults such as {sparsity: 0.5}", kindOrEmpty(n))
		return
	}
	for _, pair := range n.Pairs {
		name := pair.Key.Text
		if !isVarName(name) {
			p.report.Errorf(pair.Key.Span, "bad-name", "the variable name %s cannot be used in an expression; use letters, digits and _", quote(name))
			continue
		}
		d := schema.Decoder{Report: p.report}
		value, kind, ok := d.Variable(pair.Value, name)
		if !ok {
			// Known, with a value of no use, so that expressions that name it are not reported too.
			p.recipe.broken = append(p.recipe.broken, name)
			continue
		}
		p.recipe.Vars = append(p.recipe.Vars, Var{Name: name, Value: value, Kind: kind, Node: pair.Value, key: pair.Key})
	}
}

func kindOrEmpty(n *syntax.Node) string {
	switch n.Kind {
	case syntax.Null:
		return "empty"
	case syntax.Scalar:
		return "the text " + quote(n.Text)
	}
	return kindName(n)
}

// set applies --set name=value to a declared variable. Each has a source of its own, which findings point into.
func (p *parser) set(list []string) {
	done := map[string]*syntax.Node{}
	for _, arg := range list {
		src := &diag.Source{Name: "--set", Text: []byte(arg)}
		name, text, ok := strings.Cut(arg, "=")
		nameSpan := diag.Span{Source: src, End: len(name)}
		if !ok {
			p.report.Errorf(nameSpan, "bad-set", "--set %s gives no value; write --set name=value", quote(arg))
			continue
		}
		i := slices.IndexFunc(p.recipe.Vars, func(v Var) bool { return v.Name == name })
		if i < 0 {
			p.unknownVar(nameSpan, name)
			continue
		}
		v := &p.recipe.Vars[i]
		n := &syntax.Node{Kind: syntax.Scalar, Span: diag.Span{Source: src, Start: len(name) + 1, End: len(arg)}, Text: text, Plain: v.Kind != schema.KindString}
		if first := done[name]; first != nil {
			p.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "repeated-set", Span: n.Span,
				Message: name + " is set twice", Related: []diag.Related{{Span: first.Span, Message: "the first time"}}})
			continue
		}
		done[name] = n
		p.assign(v, n)
	}
}

func (p *parser) unknownVar(span diag.Span, name string) {
	if slices.Contains(p.recipe.broken, name) || p.recipe.partial {
		return
	}
	known := make([]string, len(p.recipe.Vars))
	for i, v := range p.recipe.Vars {
		known[i] = v.Name
	}
	if len(known) == 0 {
		p.report.Errorf(span, "unknown-var", "the recipe declares no variable %s; it has no vars", quote(name))
		return
	}
	p.report.Errorf(span, "unknown-var", "the recipe declares no variable %s%s", quote(name), diag.Suggest(name, known))
	p.report.Fix(diag.Rename(span, name, known))
}

// assign gives a variable the value of a scalar, which must be of the variable's type.
func (p *parser) assign(v *Var, n *syntax.Node) {
	var found diag.List
	if schema.HasTemplate(n) {
		p.report.Errorf(n.Span, "template-not-allowed", "%s must be written out; ${{ }} is not filled in here", v.Name)
		return
	}
	d := schema.Decoder{Report: &found}
	value, ok := d.As(n, v.Name, v.Kind)
	if !ok {
		for _, f := range found {
			f.Fixes = nil // the command line is not edited
			f.Related = append(f.Related, diag.Related{Span: v.Node.Span, Message: "its default decides its type"})
			p.report.Add(f)
		}
		return
	}
	v.Value, v.Node = value, n
}

// unused warns of variables that nothing asks about.
func (p *parser) unusedVars() {
	for _, v := range p.recipe.Vars {
		if !p.varsUsed[v.Name] && p.own(v.key) {
			p.report.Warningf(v.key.Span, "unused-var", "nothing uses vars.%s; use it in ${{ }} or a condition, or remove it", v.Name)
		}
	}
}
