package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
)

// Runner runs plans. Its fields are set once, before the first run.
type Runner struct {
	Suite   *Suite
	Workers int // goroutines; below 1: one for each processor

	Open func(path string) (*ir.Model, error)            // a model that the recipe names
	Data func(name string) (dataset.Set, error)          // a data set of the recipe
	Log  func(step string, done, total int, note string) // progress; may be nil
	Seal Seal                                            // what else is written, and who is asked before it is published

	times []evaluate.Time // of the steps run last
}

// Done is what a step did.
type Done struct {
	Step   *Step
	Layers []*Treatment // as in the plan, with what really happened
	Did    string       // to the model as a whole; may be empty
	Before *ir.Model    // as the step found it, if the step changed the type of a weight
	Gates  []StepGate   // of the step, decided
}

// transform runs the plan's steps on input, which is left as it is, and returns the model they make. A step whose
// condition turns out to be false is left out, and the rest is planned anew without it: the plan returned is the one
// that was carried out.
func (r *Runner) transform(ctx context.Context, p *Plan, input *ir.Model) (*Plan, *ir.Model, []*Done, error) {
	var (
		m      = input.Clone()
		done   []*Done
		kept   = zeros{}
		shared = measurements{runner: r}
		judge  = judge{runner: r, plan: p, input: input, base: map[string]*evaluate.Predictions{}}
	)
	r.times = nil
	for i := range p.Steps {
		s := p.Steps[i]
		if s.Skipped != "" {
			continue
		}
		stop := clock(s.Step.ID, &r.times)
		if s.AtRun != "" {
			yes, why, err := judge.runs(ctx, s, m)
			if err != nil {
				return nil, nil, nil, fmt.Errorf("step %s: when: %w", s.Step.ID, err)
			}
			if !yes {
				if p, err = r.without(p, s, why); err != nil {
					return nil, nil, nil, err
				}
				judge.plan = p
				stop()
				continue
			}
		}
		d, err := r.step(ctx, p, i, m, input, &shared)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("step %s: %w", s.Step.ID, err)
		}
		stop()
		if err := m.Check(); err != nil {
			return nil, nil, nil, fmt.Errorf("step %s left a model that does not hold together: %w", s.Step.ID, err)
		}
		if err := kept.check(m, d); err != nil {
			return nil, nil, nil, fmt.Errorf("step %s: %w", s.Step.ID, err)
		}
		if d.Gates, err = judge.gates(ctx, s, m); err != nil {
			return nil, nil, nil, err
		}
		done = append(done, d)
	}
	return p, m, done, nil
}

// without plans a recipe anew of which a step is left out, because its condition is false at run.
func (r *Runner) without(p *Plan, s *Step, why string) (*Plan, error) {
	leftOut := map[string]string{s.Step.ID: why}
	for id, text := range p.leftOut {
		leftOut[id] = text
	}
	var report diag.List
	next := compile(p.Recipe, p.Model, r.Suite, r.Open, leftOut, &report)
	if next == nil {
		report.Sort()
		for _, d := range report {
			if d.Severity == diag.Error {
				return nil, fmt.Errorf("with step %s left out (%s) the rest cannot run: %s: %s", s.Step.ID, why, d.Span, d.Message)
			}
		}
	}
	return next, nil
}

// step runs one step's units, in the plan's order, on m.
func (r *Runner) step(ctx context.Context, p *Plan, i int, m, input *ir.Model, shared *measurements) (*Done, error) {
	s := p.Steps[i]
	r.log(s.Step.ID, 0, 0, "")
	shared.begin(m)
	site := &passes.Site{
		Step: s.Step.ID, Model: m, Input: input, Workers: r.Workers, Seed: p.Recipe.Seed, Stream: s.stream,
		Open: r.Open, Data: r.Data, Measure: shared.make,
		Progress: func(done, total int, note string) { r.log(s.Step.ID, done, total, note) },
	}
	before, found := m.Layers(), m.Clone()
	real := &Step{Step: s.Step, Pass: s.Pass, Params: s.Params}
	for _, t := range s.Layers {
		c := *t
		real.Layers = append(real.Layers, &c)
	}
	for _, need := range s.Needs {
		if _, err := shared.make(ctx, need); err != nil {
			return nil, fmt.Errorf("measure %s: %w", describe(need), err)
		}
	}
	find, into := newFinder(m), newMerger(real)
	for j, unit := range s.Units {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		effects, err := s.Pass.Run(ctx, site, s.Params, find.params(unit))
		if err != nil {
			return nil, explain(err)
		}
		into.merge(effects)
		r.log(s.Step.ID, j+1, len(s.Units), "")
	}
	fill(real, before, m.Layers())
	d := &Done{Step: real, Layers: real.Layers, Did: real.Did}
	for _, t := range d.Layers {
		if !t.Effect.To.Gone && t.Effect.From.DType != t.Effect.To.DType {
			d.Before = found
		}
	}
	return d, nil
}

func (r *Runner) log(step string, done, total int, note string) {
	if r.Log != nil {
		r.Log(step, done, total, note)
	}
}

// explain adds what a user can do about operators that the executor lacks.
func explain(err error) error {
	var u *exec.Unsupported
	if errors.As(err, &u) {
		return fmt.Errorf("%w; passes that need no data still work on this model", err)
	}
	return err
}

// measurements makes each measurement once for each state of the model.
type measurements struct {
	runner *Runner
	model  *ir.Model // the state that the measurements are of
	needs  []measure.Need
	got    []*measure.Result
}

// begin says that a new step looks at m, which the steps before it may have changed. The copy keeps measurements true
// to the step's input while its units change the model.
func (c *measurements) begin(m *ir.Model) {
	if c.model == nil || !same(c.model, m) {
		c.model, c.needs, c.got = m.Clone(), nil, nil
	}
}

// same tells whether two models hold the same tensors and nodes: passes replace tensors, they never change one.
func same(a, b *ir.Model) bool {
	if !slices.Equal(a.Graph.Tensors(), b.Graph.Tensors()) || len(a.Graph.Nodes) != len(b.Graph.Nodes) {
		return false
	}
	for i, n := range a.Graph.Nodes {
		if n.Op != b.Graph.Nodes[i].Op || !slices.Equal(n.Inputs, b.Graph.Nodes[i].Inputs) || !slices.Equal(n.Outputs, b.Graph.Nodes[i].Outputs) {
			return false
		}
	}
	return true
}

func (c *measurements) make(ctx context.Context, need measure.Need) (*measure.Result, error) {
	if i := slices.Index(c.needs, need); i >= 0 {
		return c.got[i], nil
	}
	set, err := c.runner.Data(need.Data)
	if err != nil {
		return nil, err
	}
	res, err := measure.Make(ctx, c.model, set, need, c.runner.Workers)
	if err != nil {
		return nil, explain(err)
	}
	c.needs, c.got = append(c.needs, need), append(c.got, res)
	return res, nil
}
