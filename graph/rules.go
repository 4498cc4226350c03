package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
)

// selectors finds selectors of a step that narrow nothing, and steps that are left with nothing to treat.
func (c *compiler) selectors(step *Step) {
	rs, n := step.Step, len(c.view.layers)
	for _, sel := range rs.Targets {
		if narrows(sel) && n > 1 && count(c.picks(sel)) == n {
			c.report.Warningf(sel.Node.Span, "selector-matches-everything",
				"%q matches all %d layers of the model; if that is meant, write ** or leave targets out", sel.Text, n)
		}
	}
	for _, sel := range slices.Concat(rs.Targets, rs.Ignore) {
		if sel.When != nil {
			c.idle(sel.When, count(c.patterns(sel)), count(c.picks(sel)))
		}
	}
	if step.Pass.Whole || expectsNone(rs) {
		return
	}
	for _, sel := range rs.Ignore {
		if !anyOf(c.picks(sel)) {
			continue // reported
		}
		ignored, targets := false, c.picker(rs.Targets)
		for i, picked := range c.picks(sel) {
			ignored = ignored || picked && (len(rs.Targets) == 0 || targets.first(i) != nil)
		}
		if !ignored {
			c.report.Warningf(sel.Node.Span, "ignore-without-effect", "%q takes nothing out: none of the layers it matches is among the targets", sel.Text)
		}
	}
	if len(step.acting()) > 0 || rs.Expect.Node != nil || c.matchedNothing(rs) {
		return
	}
	why := "no layer of the model is one that it can treat"
	switch {
	case len(step.Layers) > 0:
		t := step.Layers[0]
		why = fmt.Sprintf("%s: %s", t.Layer.Name, t.Effect.Why)
	case slices.ContainsFunc(step.Passed, func(p Passed) bool { return p.Ignored != nil }):
		why = "ignore takes out every layer that is picked"
	}
	c.report.Warningf(problemAt(step), "step-treats-nothing", "step %s treats no layer; %s", rs.ID, why)
}

// zeros finds weights that an earlier step set to zero and this one gives a type that has no exact zero.
func (c *compiler) zeros(step *Step) {
	released := releases(step)
	var types []ir.DType
	layers := map[ir.DType][]string{}
	by := ""
	for _, t := range step.Layers {
		e, name := &t.Effect, t.Layer.Name
		switch {
		case e.Did == "":
		case step.Pass.Zeroes:
			if e.To.Zeros == 0 {
				continue // what it took is gone
			}
			if c.pruned == nil {
				c.pruned = map[string]string{}
			}
			c.pruned[name] = step.Step.ID
		case released:
			delete(c.pruned, name)
		case c.pruned[name] != "" && e.To.DType != e.From.DType && !e.To.DType.HasZero():
			if layers[e.To.DType] == nil {
				types = append(types, e.To.DType)
			}
			layers[e.To.DType] = append(layers[e.To.DType], name)
			by = c.pruned[name]
		}
	}
	for _, d := range types {
		c.report.Errorf(problemAt(step), "zero-does-not-fit", "%s has no exact zero, so weights that step %s sets to zero would not stay so, in %s: %s; "+
			"take q4_0, q5_0, q8_0, q3_k or q6_k, or let the zeros go with mask: release", d, by, plural(len(layers[d]), "layer"), strings.Join(shorten(layers[d], 3), ", "))
	}
}

// releases tells whether a step may change weights that an earlier one set to zero.
func releases(s *Step) bool { return s.Params.Effective()["mask"] == "release" }

// matchedNothing tells whether a target of the step matches no layer, which has been reported.
func (c *compiler) matchedNothing(rs *recipe.Step) bool {
	return slices.ContainsFunc(rs.Targets, func(s *recipe.Selector) bool { return !anyOf(c.picks(s)) })
}

// narrows tells whether a selector is a pattern that looks as if it picked some layers of many.
func narrows(sel *recipe.Selector) bool {
	return sel.Text != "**" && sel.Text != "re:.*" && !strings.HasPrefix(sel.Text, "type:") && !strings.HasPrefix(sel.Text, "role:")
}

// always finds conditions of overrides that hold for every layer in question: they decide nothing.
func (c *compiler) always(rs *recipe.Step, matches []match) {
	for j, o := range rs.Overrides {
		if o.When != nil {
			c.idle(o.When, matches[j].targeted.count(), matches[j].matched.count())
		}
	}
}

// idle reports a condition that holds for every one of several layers that it is asked of.
func (c *compiler) idle(when *condition.Condition, asked, held int) {
	if asked > 1 && held == asked && asksOfLayer(when) {
		c.report.Warningf(when.Node.Span, "condition-always", "%s holds for all %d layers that it is asked of; leave it out, or mend it",
			oneLine(when.Text), asked)
	}
}

// asksOfLayer tells whether a condition can differ between layers: others are switches, and meant to be constant.
func asksOfLayer(c *condition.Condition) bool {
	return slices.ContainsFunc(c.Uses, func(use string) bool { return strings.HasPrefix(use, "layer.") })
}

// untouched notes the layers with a weight matrix that no step picks out, if any step picks at all.
func (c *compiler) untouched(plan *Plan, layers []ir.Layer) {
	touched := map[string]bool{}
	for _, s := range plan.Steps {
		for _, t := range s.Layers {
			touched[t.Layer.Name] = touched[t.Layer.Name] || !s.Pass.Whole && len(t.Rules) > 0
		}
	}
	if len(touched) == 0 || !slices.ContainsFunc(plan.Steps, func(s *Step) bool { return !s.Pass.Whole && s.Skipped == "" }) {
		return
	}
	var names []string
	for _, l := range layers {
		if !touched[l.Name] && l.Type != "norm" {
			names = append(names, l.Name)
		}
	}
	if len(names) > 0 {
		c.report.Notef(plan.Recipe.Root.KeySpan("passes"), "layer-untouched", "no step picks %s: %s",
			plural(len(names), "layer"), strings.Join(shorten(names, 8), ", "))
	}
}
