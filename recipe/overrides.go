package recipe

import (
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// params checks the parameters of one step's pass.
type params struct {
	parser *parser
	word   *PassWord
	own    schema.Object // the records of word, for what asks about them alone
	key    *syntax.Node  // of the step: the pass's name
	around []schema.Scope
}

// fields returns the pass's records, bound to fresh variables.
func (w *PassWord) fields() schema.Object {
	if w.Fields == nil {
		return schema.Object{}
	}
	return w.Fields()
}

// check decodes parameters against fresh variables and returns the findings.
func (ps params) check(n *syntax.Node) diag.List {
	var found diag.List
	p := ps.parser
	quiet := *p
	quiet.report = &found
	d := quiet.decoder(fillFacts, quiet.referStep, &found)
	d.Around = ps.around
	d.DecodeAt(n, ps.key, ps.word.fields())
	return found
}

// overrides reads the overrides of a step, whose own parameters gave the findings base.
func (p *parser) overrides(s *Step, ps params, base diag.List, list []overrideText) {
	if pair := s.Node.Pair("overrides"); pair != nil && ps.word.Whole {
		p.report.Errorf(pair.Key.Span, "override-refused", "%s treats the model as a whole, so its parameters cannot differ by layer; remove overrides", s.Pass)
		return
	}
	for i := range list {
		t := &list[i]
		if t.Node == nil || t.Node.Kind != syntax.Mapping {
			continue // reported
		}
		o := &Override{Set: t.Set, Node: t.Node}
		o.Targets = p.selectors(t.Targets, "targets")
		o.When = p.condition(t.When, "when", overrideFacts)
		if t.Targets == nil && t.When == nil {
			p.report.Errorf(t.Node.Head(), "missing-key", "an override needs targets or when, to say for which layers it holds")
		}
		if t.Set != nil && p.isSet(t.Set) {
			p.checkSet(s, ps, base, t.Set)
		}
		s.Overrides = append(s.Overrides, o)
	}
}

func (p *parser) isSet(n *syntax.Node) bool {
	switch {
	case n.Kind != syntax.Mapping && n.Kind != syntax.Null:
		p.report.Errorf(n.Head(), "wrong-type", "set is %s; it must be a mapping of the parameters that change", kindOrEmpty(n))
		return false
	case len(n.Pairs) == 0:
		p.report.Errorf(n.Span, "empty-value", "set is empty, so the override changes nothing")
		return false
	}
	return true
}

// checkSet decodes the step's parameters with those of an override laid over them, and reports what the override
// brings in: what is wrong without it has been said.
func (p *parser) checkSet(s *Step, ps params, base diag.List, set *syntax.Node) {
	for _, d := range ps.check(ps.own.Merge(s.Params, set)) {
		if holds(base, d) || d.Code == "hidden-default" {
			continue // said of the step, or for the step to say
		}
		if !contains(set.Span, d.Span) {
			d.Related = append(d.Related, diag.Related{Span: d.Span, Message: "together with this"})
			d.Span, d.Fixes = set.Head(), nil
		}
		p.report.Add(d)
	}
}

func contains(outer, inner diag.Span) bool {
	return outer.Source == inner.Source && outer.Start <= inner.Start && inner.End <= outer.End
}
