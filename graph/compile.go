package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Compile resolves a recipe against a model. It reads the model's header, never a weight: whatever it finds is found
// before anything is run. open gives other models that the recipe names, such as a teacher. The plan is nil if a finding
// is an error.
func Compile(r *recipe.Recipe, m *ir.Model, s *Suite, open func(path string) (*ir.Model, error), report *diag.List) *Plan {
	c := &compiler{recipe: r, suite: s, report: report, open: open, input: m.Header(), model: m.Header()}
	c.facts = condition.Facts{"model": FactsOfModel(m), "vars": r.VarFacts()}
	plan := &Plan{Recipe: r, Model: m.Header(), Before: totals(m)}
	touched := map[string]bool{}
	for _, rs := range r.Steps {
		step := c.step(rs)
		if step == nil {
			continue
		}
		plan.Steps = append(plan.Steps, step)
		if !step.Pass.Whole {
			for _, t := range step.Layers {
				touched[t.Layer.Name] = true
			}
		}
	}
	plan.Gates = c.gates()
	if report.HasErrors() {
		return nil
	}
	c.untouched(plan, touched)
	plan.After = totals(c.model)
	plan.Actions = actions(plan)
	return plan
}

// compiler carries the header model from step to step: each step foresees on it what it will leave to the next.
type compiler struct {
	recipe *recipe.Recipe
	suite  *Suite
	report *diag.List
	open   func(path string) (*ir.Model, error)
	input  *ir.Model // as it came in
	model  *ir.Model
	facts  condition.Facts
}

func (c *compiler) step(rs *recipe.Step) *Step {
	pass := c.suite.Pass(rs.Pass)
	if pass == nil {
		return nil // reported by recipe.Parse
	}
	errors := c.report.Count(diag.Error)
	step := &Step{Step: rs, Pass: pass}
	params, ok := pass.Decode(c.recipe.Decoder(c.facts, c.report), rs.Params)
	if !ok {
		return nil
	}
	step.Params = params
	if rs.When != nil {
		yes, err := rs.When.Bool(c.facts)
		if err != nil {
			c.report.Errorf(rs.When.Node.Span, "condition-fails", "the condition cannot be evaluated: %v", err)
			return nil
		}
		if !yes {
			step.Skipped = fmt.Sprintf("%s is false", strings.TrimSpace(rs.When.Text))
			return step
		}
	}
	step.Layers = c.choose(step)
	c.expect(step)
	if !pass.Whole {
		c.parameters(step)
	}
	if c.report.Count(diag.Error) > errors {
		return nil
	}
	step.Needs = needs(step)
	if !c.foresee(step) {
		return nil
	}
	return step
}

// choose applies targets and ignore. Every selector must match at least one layer, unless the step expects none.
func (c *compiler) choose(step *Step) []*Treatment {
	rs, layers := step.Step, c.model.Layers()
	none := rs.Expect.Min != nil && *rs.Expect.Min == 0
	if !none {
		for _, sel := range slices.Concat(rs.Targets, rs.Ignore) {
			c.mustMatch(sel, layers)
		}
	}
	var out []*Treatment
	for _, l := range layers {
		if len(rs.Targets) > 0 && !c.matchAny(rs.Targets, l) || c.matchAny(rs.Ignore, l) {
			continue
		}
		t := &Treatment{Layer: l, Rules: []diag.Span{rs.Node.Span}, Effect: passes.Effect{Layer: l.Name}}
		ok, why := step.Pass.Takes(l)
		switch {
		case ok:
			t.Params = step.Params
		case len(rs.Targets) == 0:
			continue // not asked for by name or pattern, so nothing to explain
		default:
			t.Effect.Why = why
		}
		out = append(out, t)
	}
	return out
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

func (c *compiler) mustMatch(sel *recipe.Selector, layers []ir.Layer) {
	names := make([]string, len(layers))
	for i, l := range layers {
		if c.matches(sel, l) {
			return
		}
		names[i] = l.Name
	}
	c.report.Errorf(sel.Node.Span, "selector-matches-nothing", "%q matches none of the model's %d layers%s",
		sel.Text, len(layers), diag.Suggest(sel.Text, names))
}

func (c *compiler) expect(step *Step) {
	e, n := step.Step.Expect, len(step.acting())
	if e.Node == nil {
		return
	}
	fail := func(want string) {
		c.report.Errorf(e.Node.Span, "unexpected-match-count", "step %s matches %s; the recipe expects %s",
			step.Step.ID, plural(n, "layer"), want)
	}
	switch {
	case e.Matches != nil && n != *e.Matches:
		fail(fmt.Sprint(*e.Matches))
	case e.Min != nil && n < *e.Min:
		fail(fmt.Sprintf("at least %d", *e.Min))
	case e.Max != nil && n > *e.Max:
		fail(fmt.Sprintf("at most %d", *e.Max))
	}
}

// parameters works out each layer's effective parameters: the step's, then every override that matches, in order, so
// that the last match wins, parameter by parameter.
func (c *compiler) parameters(step *Step) {
	var (
		rs      = step.Step
		uses    = make([]int, len(rs.Overrides)) // layers an override matches
		wins    = make([]int, len(rs.Overrides)) // layers on which it decides at least one parameter
		decoded = map[string]*passes.Params{}    // by which overrides matched
		checked = map[string]bool{}
	)
	for _, t := range step.acting() {
		node, key := rs.Params, ""
		var matched []int
		for i, o := range rs.Overrides {
			if c.overrides(o, t.Layer) {
				matched = append(matched, i)
				uses[i]++
				node = step.Pass.Fields().Merge(node, o.Set)
				key += fmt.Sprint(i, ",")
				t.Rules = append(t.Rules, o.Node.Span)
			}
		}
		for _, i := range winners(rs.Overrides, matched) {
			wins[i]++
		}
		if decoded[key] == nil {
			p, ok := step.Pass.Decode(c.recipe.Decoder(c.facts, c.report), node)
			if !ok {
				return
			}
			decoded[key] = p
		}
		t.Params = decoded[key]
		for _, p := range step.Pass.Check(t.Params, t.Layer) {
			c.problem(p, node, rs, t.Layer, checked)
		}
	}
	c.fights(rs, step.acting())
	for i, o := range rs.Overrides {
		switch {
		case uses[i] == 0:
			c.report.Errorf(o.Node.Span, "override-matches-nothing", "this override matches none of the %s of step %s%s",
				plural(len(step.acting()), "layer"), rs.ID, c.overrideHint(o, step))
		case wins[i] == 0:
			c.report.Warningf(o.Node.Span, "override-shadowed",
				"this override has no effect: later ones set the same parameters on every layer it matches")
		}
	}
}

func (c *compiler) overrides(o *recipe.Override, l ir.Layer) bool {
	return (len(o.Targets) == 0 || c.matchAny(o.Targets, l)) && c.holds(o.When, l)
}

// overrideHint names layers close to an override's first selector.
func (c *compiler) overrideHint(o *recipe.Override, step *Step) string {
	if len(o.Targets) == 0 {
		return ""
	}
	var names []string
	for _, t := range step.acting() {
		names = append(names, t.Layer.Name)
	}
	return diag.Suggest(o.Targets[0].Text, names)
}

func (c *compiler) problem(p passes.Problem, node *syntax.Node, rs *recipe.Step, l ir.Layer, seen map[string]bool) {
	at := rs.Node.Span
	if node != nil {
		at = node.At(p.Field).Span
	}
	key := fmt.Sprint(at.Start, p.Code, p.Message)
	if seen[key] {
		return
	}
	seen[key] = true
	severity := diag.Error
	if p.Warning {
		severity = diag.Warning
	}
	c.report.Add(diag.Diagnostic{Severity: severity, Code: p.Code, Span: at, Subject: "layer " + l.Name, Message: p.Message})
}

// foresee groups the step's layers into units and lets the pass do to the header model what it will do to the model.
func (c *compiler) foresee(step *Step) bool {
	units, err := step.units(c.model)
	if err != nil {
		c.report.Errorf(step.Step.Node.Span, "pass-refuses", "step %s: %v", step.Step.ID, err)
		return false
	}
	step.Units = units
	site := &passes.Site{Step: step.Step.ID, Model: c.model, Input: c.input, Seed: c.recipe.Seed, Open: c.open}
	before := statesOf(c.model)
	for _, unit := range units {
		effects, err := step.Pass.Foresee(site, step.Params, layerParams(c.model, unit))
		if err != nil {
			c.report.Errorf(step.Step.Node.Span, "pass-refuses", "step %s: %v", step.Step.ID, err)
			return false
		}
		merge(step, effects)
	}
	if err := c.model.Check(); err != nil {
		c.report.Errorf(step.Step.Node.Span, "pass-refuses", "step %s leaves a model that does not hold together: %v", step.Step.ID, err)
		return false
	}
	fill(step, before, statesOf(c.model))
	return true
}

// units asks the pass which layers it must treat together; m is the model as the step finds it.
func (s *Step) units(m *ir.Model) ([][]*Treatment, error) {
	acting := s.acting()
	groups, err := s.Pass.Join(m, layerParams(m, acting))
	if err != nil {
		return nil, err
	}
	var units [][]*Treatment
	for _, g := range groups {
		unit := make([]*Treatment, len(g))
		for i, j := range g {
			unit[i] = acting[j]
		}
		units = append(units, unit)
	}
	return units, nil
}

// layerParams pairs the layers of m, found again by name, with the parameters that hold for them.
func layerParams(m *ir.Model, ts []*Treatment) []passes.LayerParams {
	byName := map[string]ir.Layer{}
	for _, l := range m.Layers() {
		byName[l.Name] = l
	}
	var out []passes.LayerParams
	for _, t := range ts {
		if l, ok := byName[t.Layer.Name]; ok {
			out = append(out, passes.LayerParams{Layer: l, Params: t.Params})
		}
	}
	return out
}

func needs(step *Step) []measure.Need {
	var out []measure.Need
	add := func(p *passes.Params) {
		for _, n := range step.Pass.Needs(p) {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	if step.Pass.Whole {
		add(step.Params)
	}
	for _, t := range step.acting() {
		add(t.Params)
	}
	return out
}

// gates finds gates that make no sense for their metric, and puts them in words.
func (c *compiler) gates() []string {
	rules := []string{}
	for _, g := range c.recipe.Gates {
		m := c.suite.Metric(g.Metric)
		if m != nil {
			if err := gateSpec(g).Check(m); err != nil {
				c.report.Errorf(g.Node.Span, "gate-does-not-fit", "%v", err)
			}
		}
		rules = append(rules, gateSpec(g).Rule(m))
	}
	return rules
}

// untouched notes the layers with a weight matrix that no step picks out, if any step picks at all.
func (c *compiler) untouched(plan *Plan, touched map[string]bool) {
	if len(touched) == 0 {
		return
	}
	var names []string
	for _, l := range plan.Model.Layers() {
		if !touched[l.Name] && l.Type != "norm" {
			names = append(names, l.Name)
		}
	}
	if len(names) > 0 {
		c.report.Notef(plan.Recipe.Root.Get("passes").Span, "layer-untouched", "no step picks %s: %s",
			plural(len(names), "layer"), strings.Join(shorten(names, 8), ", "))
	}
}
