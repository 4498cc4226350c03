package graph

import (
	"fmt"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
)

// Opener opens what a recipe names beside the model that goes in, as far as a plan looks into it. A nil function opens
// nothing, and a plan does without.
type Opener struct {
	Model      func(path string) (*ir.Model, error)          // another model, such as a teacher
	Importance func(name string) (*importance.Matrix, error) // the importance matrix of a data set; nil without an error: it is not there
}

// Compile resolves a recipe against a model. It reads the model's header, never a weight: whatever it finds is found
// before anything is run. open gives what the recipe names beside it. The plan is nil if a finding is an error.
func Compile(r *recipe.Recipe, m *ir.Model, s *Suite, open Opener, report *diag.List) *Plan {
	return compile(r, m, s, open, nil, report)
}

// compile is Compile for a recipe of which some steps, named by their ids, have been left out at run.
func compile(r *recipe.Recipe, m *ir.Model, s *Suite, open Opener, leftOut map[string]string, report *diag.List) *Plan {
	if report == nil {
		report = new(diag.List)
	}
	before := report.Count(diag.Error)
	header := m.AsHeader()
	c := &compiler{recipe: r, suite: s, report: report, open: open, leftOut: leftOut, input: header, model: header.Clone()}
	c.view = newView(c.model)
	c.facts = condition.Facts{"model": factsOfLayers(m, c.view.layers), "vars": r.VarFacts()}
	if t := s.Target(r.Target); t != nil {
		c.facts["target"] = t.Facts()
	}
	plan := &Plan{Recipe: r, Model: header, Before: totals(c.view.layers)}
	first := c.view.layers
	for _, rs := range r.Steps {
		if step := c.step(rs); step != nil {
			plan.Steps = append(plan.Steps, step)
		}
	}
	c.gates(plan)
	if report.Count(diag.Error) > before {
		return nil
	}
	c.untouched(plan, first)
	c.measurable(plan)
	c.decidable(plan)
	plan.After = totals(c.view.layers)
	plan.output = c.model
	plan.facts, plan.leftOut, plan.open = c.facts, leftOut, open
	plan.first, plan.final = first, c.view.layers
	c.holdable(plan)
	c.apart(plan)
	c.runsOn(plan)
	if report.Count(diag.Error) > before {
		return nil
	}
	plan.Actions = actions(plan)
	return plan
}

// compiler carries the header model from step to step: each step foresees on it what it will leave to the next.
type compiler struct {
	recipe  *recipe.Recipe
	suite   *Suite
	report  *diag.List
	open    Opener
	leftOut map[string]string // steps left out at run, with the reason
	input   *ir.Model         // as it came in
	model   *ir.Model
	view    *view             // of model
	pruned  map[string]string // by layer, the step that set weights of it to zero
	facts   condition.Facts
}

func (c *compiler) step(rs *recipe.Step) *Step {
	pass := c.suite.Pass(rs.Pass)
	if pass == nil {
		return nil // reported by recipe.Parse
	}
	errors := c.report.Count(diag.Error)
	step := &Step{Step: rs, Pass: pass, stream: c.stream(rs)}
	params, ok := pass.Decode(c.recipe.Decoder(c.facts, c.report), rs.Params)
	if !ok {
		return nil
	}
	step.Params, step.node = params, rs.Params
	if !c.when(step) {
		return nil
	}
	if step.Skipped != "" {
		return step
	}
	step.Found = c.view.layers
	c.choose(step)
	c.selectors(step)
	c.expect(step)
	if !pass.Whole {
		c.parameters(step)
	}
	c.ties(step)
	if c.report.Count(diag.Error) > errors {
		return nil
	}
	step.Needs, step.matrices = needs(step), step.weighs()
	if !c.foresee(step) {
		return nil
	}
	c.siblings(step)
	c.zeros(step)
	return step
}

// stream names the random numbers of a step: its pass, and which of the recipe's steps of that pass it is. Steps left out
// count, so that a condition does not change what others draw.
func (c *compiler) stream(rs *recipe.Step) string {
	n := 0
	for _, other := range c.recipe.Steps {
		if other.Pass == rs.Pass {
			n++
		}
		if other == rs {
			break
		}
	}
	return fmt.Sprintf("%s %d", rs.Pass, n)
}

// when decides whether a step is left out, as far as that is known without running anything.
func (c *compiler) when(step *Step) bool {
	when := step.Step.When
	if why, ok := c.leftOut[step.Step.ID]; ok {
		step.Skipped = why
		return true
	}
	if when == nil {
		return true
	}
	if step.Step.WhenAtRun {
		step.AtRun = oneLine(when.Text)
		return true
	}
	yes, err := when.Bool(c.facts)
	if err != nil {
		c.report.Errorf(when.Node.Span, "condition-fails", "the condition cannot be evaluated: %v", err)
		return false
	}
	if !yes {
		step.Skipped = fmt.Sprintf("%s is false", oneLine(when.Text))
	}
	return true
}

// oneLine writes the text of a condition in one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
