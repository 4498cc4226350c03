package graph

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

func (c *compiler) matchAny(sels []*recipe.Selector, l ir.Layer) bool {
	return slices.ContainsFunc(sels, func(s *recipe.Selector) bool { return c.matches(s, l) })
}

// matches tells whether a selector picks a layer: by its pattern, and by its condition if it has one.
func (c *compiler) matches(s *recipe.Selector, l ir.Layer) bool {
	return picks(s, &l) && c.holds(s.When, l)
}

// picks tells whether a selector's pattern fits a layer, with any of the roles that the layer has.
func picks(s *recipe.Selector, l *ir.Layer) bool {
	return s.Match(l.Name, l.Type, l.Role) ||
		len(l.Roles) > 1 && slices.ContainsFunc(l.Roles[1:], func(role string) bool { return s.Match(l.Name, l.Type, role) })
}

// holds evaluates a condition on a layer; no condition holds always. One that cannot be evaluated is reported.
func (c *compiler) holds(when *condition.Condition, l ir.Layer) bool {
	if when == nil {
		return true
	}
	yes, err := when.Bool(condition.Facts{"layer": FactsOfLayer(l), "model": c.facts["model"], "vars": c.facts["vars"]})
	if err != nil {
		c.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "condition-fails", Span: when.Node.Span,
			Subject: "layer " + l.Name, Message: fmt.Sprintf("the condition cannot be evaluated: %v", err)})
	}
	return yes && err == nil
}

// leaf is one parameter that an override sets.
type leaf struct {
	path string
	node *syntax.Node
}

// leaves lists the parameters below a mapping, by path, in the order of the text.
func leaves(n *syntax.Node, prefix string) []leaf {
	if n == nil || n.Kind != syntax.Mapping {
		return []leaf{{prefix, n}}
	}
	var out []leaf
	for _, p := range n.Pairs {
		path := p.Key.Text
		if prefix != "" {
			path = prefix + "." + path
		}
		out = append(out, leaves(p.Value, path)...)
	}
	return out
}

// winners returns those of the matched overrides that decide at least one parameter: of those that set it, the last.
func winners(all []*recipe.Override, matched []int) []int {
	last := map[string]int{}
	for _, i := range matched {
		for _, l := range leaves(all[i].Set, "") {
			last[l.path] = i
		}
	}
	var out []int
	for _, i := range matched {
		for _, l := range leaves(all[i].Set, "") {
			if last[l.path] == i {
				out = append(out, i)
				break
			}
		}
	}
	return out
}

// fights reports pairs of overrides that set one parameter of one layer to different values. An override that is
// covered on every layer is reported as shadowed instead, and one that narrows an earlier one to fewer layers is how
// overrides are meant to be used; what is left is a pair in which each has layers of its own.
func (c *compiler) fights(rs *recipe.Step, ts []*Treatment) {
	layers := make([]map[string]bool, len(rs.Overrides))
	for i, o := range rs.Overrides {
		layers[i] = map[string]bool{}
		for _, t := range ts {
			if c.overrides(o, t.Layer) {
				layers[i][t.Layer.Name] = true
			}
		}
	}
	for j := range rs.Overrides {
		for i := range j {
			path, a, b := conflict(rs.Overrides[i], rs.Overrides[j])
			if path == "" {
				continue
			}
			var shared []string
			for _, t := range ts {
				if layers[i][t.Layer.Name] && layers[j][t.Layer.Name] {
					shared = append(shared, t.Layer.Name)
				}
			}
			if len(shared) == 0 || len(shared) == len(layers[i]) || len(shared) == len(layers[j]) {
				continue
			}
			c.report.Add(diag.Diagnostic{Severity: diag.Warning, Code: "overrides-fight", Span: b.Span, Subject: "layer " + shared[0],
				Message: fmt.Sprintf("two overrides set %s of %s (%s and %s); the later one wins",
					path, plural(len(shared), "layer"), a.Text, b.Text),
				Related: []diag.Related{{Span: a.Span, Message: "the other one"}}})
		}
	}
}

// conflict returns the first parameter that both overrides set, to different values.
func conflict(a, b *recipe.Override) (path string, x, y *syntax.Node) {
	for _, la := range leaves(a.Set, "") {
		for _, lb := range leaves(b.Set, "") {
			if la.path == lb.path && la.node != nil && lb.node != nil && la.node.Text != lb.node.Text {
				return la.path, la.node, lb.node
			}
		}
	}
	return "", nil, nil
}
