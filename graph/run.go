package graph

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/recipe/diag"
)

// Runner runs plans. Its fields are set once, before the first run.
type Runner struct {
	Suite   *Suite
	Workers int   // goroutines; below 1: one for each processor
	Memory  int64 // bytes that the build may hold at most; what waits to be written, and by how many goroutines, follows. 0: as much as there is

	Open       func(path string) (*ir.Model, error)            // a model that the recipe names
	Data       func(name string) (dataset.Set, error)          // a data set of the recipe
	Importance func(name string) (*importance.Matrix, error)   // one that holds an importance matrix
	Log        func(step string, done, total int, note string) // progress; may be nil
	Seal       Seal                                            // what else is written, and who is asked before it is published

	// Store keeps what actions made; nil: nothing is kept. Digest names the files that go in; nil: nothing is found either.
	Store  *store.Store
	Digest Digest

	Files store.FS // under what is published; nil: the real one

	// Shuffle, unless 0, is the seed of another order of actions that do not wait for each other. The result is the same.
	Shuffle uint64

	times []evaluate.Time       // of the steps run last
	lost  map[store.Digest]bool // results that turned out to be damaged
}

// Done is what a step did.
type Done struct {
	Step   *Step
	Layers []*Treatment // as in the plan, with what really happened
	Did    string       // to the model as a whole; may be empty
	Before *ir.Model    // as the step found it, if the step changed the type of a weight
	Gates  []StepGate   // of the step, decided

	from, to *ir.Model // as the step found it and left it
}

// run is one run of a plan's steps.
type run struct {
	*Runner
	plan   *Plan
	keys   *keys
	input  *ir.Model
	model  *ir.Model // as it stands
	masks  *masks
	shared measurements
	judge  judge
}

// transform runs the plan's steps on input, which is left as it is, and returns the model they make. A step whose
// condition turns out to be false is left out, and the rest is planned anew without it: the plan returned is the one
// that was carried out.
func (r *Runner) transform(ctx context.Context, p *Plan, input *ir.Model) (*Plan, *ir.Model, []*Done, error) {
	w, done, err := r.run(ctx, p, input)
	if err != nil {
		return nil, nil, nil, err
	}
	return w.plan, w.model, done, nil
}

func (r *Runner) run(ctx context.Context, p *Plan, input *ir.Model) (*run, []*Done, error) {
	digest := r.Digest
	if p.Sweeps() {
		digest = nil
	}
	k, err := p.keys(digest)
	if err != nil {
		return nil, nil, err
	}
	w := &run{Runner: r, plan: p, keys: k, input: input, model: input.Clone(), masks: newMasks(), shared: measurements{runner: r},
		judge: judge{runner: r, plan: p, keys: k, input: input, base: map[string]*evaluate.Predictions{}}}
	r.times = nil
	var done []*Done
	for i := range p.Steps {
		if w.plan.Steps[i].Skipped != "" {
			continue
		}
		d, err := w.next(ctx, i)
		if err != nil {
			return nil, nil, err
		}
		if d != nil {
			done = append(done, d)
		}
	}
	return w, done, nil
}

// next runs step i; nil if it turns out to be left out.
func (w *run) next(ctx context.Context, i int) (*Done, error) {
	s := w.plan.Steps[i]
	timed := clock(s.Step.ID, &w.times)
	state := w.keys.steps[s]
	if s.AtRun != "" {
		yes, why, err := w.judge.runs(ctx, s, w.model, state.before)
		if err != nil {
			return nil, fmt.Errorf("step %s: when: %w", s.Step.ID, err)
		}
		if !yes {
			if w.plan, err = w.without(w.plan, s, why); err != nil {
				return nil, err
			}
			if w.keys, err = w.plan.keys(w.Digest); err != nil {
				return nil, err
			}
			w.judge.plan, w.judge.keys = w.plan, w.keys
			timed("")
			return nil, nil
		}
	}
	d, note, err := w.step(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("step %s: %w", s.Step.ID, err)
	}
	timed(note)
	d.Gates, err = w.judge.gates(ctx, s, w.model, state.after)
	return d, err
}

// without plans a recipe anew of which a step is left out, because its condition is false at run.
func (r *Runner) without(p *Plan, s *Step, why string) (*Plan, error) {
	leftOut := map[string]string{s.Step.ID: why}
	for id, text := range p.leftOut {
		leftOut[id] = text
	}
	var report diag.List
	next := compile(p.Recipe, p.Model, r.Suite, Opener{r.Open, r.Importance}, leftOut, &report)
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

// workers is how many goroutines compute.
func (r *Runner) workers() int {
	if r.Workers < 1 {
		return runtime.GOMAXPROCS(0)
	}
	return r.Workers
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
