package graph

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// resolved are the parameters that a set of overrides leads to, with the mapping that they were read from.
type resolved struct {
	params *passes.Params
	node   *syntax.Node
}

// parameters works out each layer's effective parameters: the step's, then every override that matches, in order, so
// that the last match wins, parameter by parameter.
func (c *compiler) parameters(step *Step) {
	var (
		rs      = step.Step
		acting  = step.acting()
		matches = c.overridden(rs, acting)
		wins    = make([]int, len(rs.Overrides)) // layers on which an override decides at least one parameter
		known   = map[string]*resolved{}         // by which overrides matched
		fields  = step.Pass.Fields()
		wrong   gatherer
	)
	for i, t := range acting {
		key := ""
		for j, o := range rs.Overrides {
			if matches[j].matched.has(i) {
				key += strconv.Itoa(j) + ","
				t.Overrides = append(t.Overrides, o)
				t.Rules = append(t.Rules, o.Node.Span)
			}
		}
		for _, j := range winners(rs.Overrides, matches, i) {
			wins[j]++
		}
		r := known[key]
		if r == nil {
			r = &resolved{params: step.Params, node: rs.Params}
			for _, o := range t.Overrides {
				r.node = fields.Merge(r.node, o.Set)
			}
			if len(t.Overrides) > 0 {
				p, ok := step.Pass.Decode(c.recipe.Decoder(c.facts, c.report), r.node)
				if !ok {
					wrong.report(c.report, alsoWrong)
					return
				}
				r.params = p
			}
			known[key] = r
		}
		t.Params, t.node = r.params, r.node
		for _, p := range step.Pass.Check(t.Params, t.Layer) {
			wrong.add(problem(p, t, rs))
		}
	}
	wrong.report(c.report, alsoWrong)
	c.fights(rs, acting, matches)
	for j, o := range rs.Overrides {
		switch {
		case matches[j].matched.count() == 0:
			c.noMatch(o, step, acting, matches[j].targeted.count())
		case wins[j] == 0:
			c.report.Warningf(o.Node.Span, "override-shadowed",
				"this override has no effect: later ones set the same parameters on every layer it matches")
		}
	}
	c.always(rs, matches)
}

// match tells which of the layers that a step treats the targets of an override pick, and of which its condition holds
// too.
type match struct{ targeted, matched marks }

func (c *compiler) overridden(rs *recipe.Step, acting []*Treatment) []match {
	out := make([]match, len(rs.Overrides))
	for j, o := range rs.Overrides {
		m := match{newMarks(len(acting)), newMarks(len(acting))}
		targets := c.picker(o.Targets)
		for i, t := range acting {
			if len(o.Targets) > 0 && targets.first(t.at) == nil {
				continue
			}
			m.targeted.add(i)
			if c.holds(o.When, t.at) {
				m.matched.add(i)
			}
		}
		out[j] = m
	}
	return out
}

// noMatch reports an override that matches no layer: its targets match none, or its condition holds for none.
func (c *compiler) noMatch(o *recipe.Override, step *Step, acting []*Treatment, targeted int) {
	switch {
	case len(acting) == 0:
	case o.When != nil && targeted > 0 && len(o.Targets) > 0:
		c.report.Errorf(o.When.Node.Span, "override-matches-nothing", "%s holds for none of the %s that the override's targets match",
			oneLine(o.When.Text), plural(targeted, "layer"))
	case o.When != nil && targeted > 0:
		c.report.Errorf(o.When.Node.Span, "override-matches-nothing", "%s holds for none of the %s of step %s",
			oneLine(o.When.Text), plural(targeted, "layer"), step.Step.ID)
	default:
		names := make([]string, len(acting))
		for i, t := range acting {
			names[i] = t.Layer.Name
		}
		c.report.Errorf(o.Node.Get("targets").Span, "override-matches-nothing", "this override matches none of the %s of step %s%s",
			plural(len(acting), "layer"), step.Step.ID, diag.Suggest(o.Targets[0].Text, names))
	}
}

// problem is the finding of parameters that a pass cannot use on a layer.
func problem(p passes.Problem, t *Treatment, rs *recipe.Step) diag.Diagnostic {
	at := rs.Node.Span
	if t.node != nil {
		at = t.node.At(p.Field).Span
	}
	severity := diag.Error
	if p.Warning {
		severity = diag.Warning
	}
	return diag.Diagnostic{Severity: severity, Code: p.Code, Span: at, Subject: "layer " + t.Layer.Name, Message: p.Message}
}

// leaf is one parameter that a mapping sets.
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

// covers tells whether setting the parameter a decides b too: they are one, or b lies inside a.
func covers(a, b string) bool { return a == b || strings.HasPrefix(b, a+".") }

// winners returns those of the overrides matched on layer i that decide at least one parameter: of those that set it,
// the last.
func winners(all []*recipe.Override, matches []match, i int) []int {
	var matched, out []int
	for j := range all {
		if matches[j].matched.has(i) {
			matched = append(matched, j)
		}
	}
	if len(matched) < 2 {
		return matched
	}
	last := map[string]int{}
	for _, j := range matched {
		for _, l := range leaves(all[j].Set, "") {
			last[l.path] = j
		}
	}
	for _, j := range matched {
		for _, l := range leaves(all[j].Set, "") {
			if last[l.path] == j {
				out = append(out, j)
				break
			}
		}
	}
	return out
}

// fights reports pairs of overrides that set one parameter of one layer to different values. An override that is
// covered on every layer is reported as shadowed instead, and one that narrows an earlier one to fewer layers is how
// overrides are meant to be used; what is left is a pair in which each has layers of its own.
func (c *compiler) fights(rs *recipe.Step, ts []*Treatment, matches []match) {
	for j := range rs.Overrides {
		for i := range j {
			a, b := matches[i].matched, matches[j].matched
			if !a.meets(b) {
				continue
			}
			path, x, y := conflict(rs.Overrides[i], rs.Overrides[j])
			if path == "" {
				continue
			}
			var shared []string
			for k, t := range ts {
				if a.has(k) && b.has(k) {
					shared = append(shared, t.Layer.Name)
				}
			}
			if len(shared) == a.count() || len(shared) == b.count() {
				continue
			}
			c.report.Add(diag.Diagnostic{Severity: diag.Warning, Code: "overrides-fight", Span: y.Span, Subject: "layer " + shared[0],
				Message: fmt.Sprintf("two overrides set %s of %s (%s and %s); the later one wins",
					path, plural(len(shared), "layer"), x.Text, y.Text),
				Related: []diag.Related{{Span: x.Span, Message: "the other one"}}})
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
