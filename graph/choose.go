package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// choose applies targets and ignore. Every selector must match at least one layer, unless the step expects none.
func (c *compiler) choose(step *Step) {
	rs := step.Step
	c.mustMatch(rs)
	targets, ignore := c.picker(rs.Targets), c.picker(rs.Ignore)
	passed := 0 // a layer is large, so the list is made as long as it will be
	for i := range c.view.layers {
		if len(rs.Targets) > 0 && targets.first(i) == nil || ignore.first(i) != nil {
			passed++
		}
	}
	step.Passed = slices.Grow(step.Passed, passed)
	for i := range c.view.layers {
		l := c.view.layers[i]
		by := targets.first(i)
		if len(rs.Targets) > 0 && by == nil {
			step.Passed = append(step.Passed, Passed{Layer: l})
			continue
		}
		if ignored := ignore.first(i); ignored != nil {
			step.Passed = append(step.Passed, Passed{Layer: l, Target: by, Ignored: ignored})
			continue
		}
		ok, why := step.Pass.Takes(l)
		if !ok && by == nil {
			step.Passed = append(step.Passed, Passed{Layer: l, Refused: why})
			continue // not asked for by name or pattern, so nothing to explain in the plan
		}
		t := &Treatment{Layer: l, Target: by, Rules: []diag.Span{rs.Node.Span}, Effect: passes.Effect{Layer: l.Name}, at: i}
		if ok {
			t.Params, t.node = step.Params, rs.Params
		} else {
			t.Effect.Why = why
		}
		step.Layers = append(step.Layers, t)
	}
}

// acting returns the treatments of a step that its pass can perform.
func (s *Step) acting() []*Treatment {
	var out []*Treatment
	for _, t := range s.Layers {
		if t.Params != nil {
			out = append(out, t)
		}
	}
	return out
}

// expectsNone tells whether a step says that it may match no layer at all.
func expectsNone(rs *recipe.Step) bool {
	return rs.Expect.Min != nil && *rs.Expect.Min == 0 || rs.Expect.Matches != nil && *rs.Expect.Matches == 0
}

// mustMatch reports selectors that match no layer of the model.
func (c *compiler) mustMatch(rs *recipe.Step) {
	if expectsNone(rs) {
		return
	}
	for _, list := range [][]*recipe.Selector{rs.Targets, rs.Ignore} {
		for _, sel := range list {
			switch {
			case anyOf(c.picks(sel)):
			case sel.When != nil && anyOf(c.patterns(sel)):
				c.report.Errorf(sel.When.Node.Span, "selector-matches-nothing", "%s holds for none of the %s that match %q",
					oneLine(sel.When.Text), plural(count(c.patterns(sel)), "layer"), sel.Text)
			default:
				c.report.Errorf(sel.Node.Span, "selector-matches-nothing", "%q matches none of the model's %s%s",
					sel.Text, plural(len(c.view.layers), "layer"), diag.Suggest(sel.Text, c.candidates(sel)))
			}
		}
	}
}

// candidates are what the model has of the kind that a selector asks for: roles, types or names.
func (c *compiler) candidates(sel *recipe.Selector) []string {
	var out []string
	kind, _, _ := strings.Cut(sel.Text, ":")
	for i := range c.view.layers {
		l := &c.view.layers[i]
		words := []string{l.Name}
		switch kind {
		case "role":
			words = l.Roles
		case "type":
			words = []string{l.Type}
		}
		for _, w := range words {
			if kind == "role" || kind == "type" {
				w = kind + ":" + w
				if slices.Contains(out, w) {
					continue
				}
			}
			out = append(out, w)
		}
	}
	return out
}

func namesOf(layers []ir.Layer) []string {
	names := make([]string, len(layers))
	for i, l := range layers {
		names[i] = l.Name
	}
	return names
}

func anyOf(list []bool) bool { return count(list) > 0 }

func count(list []bool) int {
	n := 0
	for _, v := range list {
		if v {
			n++
		}
	}
	return n
}

func (c *compiler) expect(step *Step) {
	e, n := step.Step.Expect, len(step.acting())
	if e.Node == nil {
		return
	}
	fail := func(key, want string) {
		at := e.Node
		if v := at.Get(key); v != nil {
			at = v
		}
		c.report.Errorf(at.Span, "unexpected-match-count", "step %s matches %s; the recipe expects %s",
			step.Step.ID, plural(n, "layer"), want)
	}
	switch {
	case e.Matches != nil && n != *e.Matches:
		fail("matches", fmt.Sprint(*e.Matches))
	case e.Min != nil && n < *e.Min:
		fail("min", fmt.Sprintf("at least %d", *e.Min))
	case e.Max != nil && n > *e.Max:
		fail("max", fmt.Sprintf("at most %d", *e.Max))
	}
}
