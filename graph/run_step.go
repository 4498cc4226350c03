package graph

import (
	"context"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/graph/patch"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/internal/rng"
	"github.com/pare-ml/pare/passes"
)

// stepRun is one step being run.
type stepRun struct {
	*run
	step    *Step
	base    *patch.Base // the model as the step finds it, or as the unit before left it
	finder  *finder     // of the layers in it
	resumed string      // how far a unit had come that was stopped
	found   int         // units that the store had
}

// step runs one step and tells whether its result was found.
func (w *run) step(ctx context.Context, s *Step) (d *Done, note string, err error) {
	w.log(s.Step.ID, 0, 0, "")
	before := w.model
	x := &stepRun{run: w, step: s}
	x.shared.begin(w.keys, before, w.keys.steps[s].before)
	results, err := x.units(ctx)
	if err != nil {
		return nil, "", err
	}
	real := &Step{Step: s.Step, Pass: s.Pass, Params: s.Params}
	for _, t := range s.Layers {
		c := *t
		real.Layers = append(real.Layers, &c)
	}
	into := newMerger(real)
	for _, r := range results {
		into.merge(r.effects)
	}
	fill(real, before.Layers(), w.model.Layers())
	d = &Done{Step: real, Layers: real.Layers, Did: real.Did, from: before, to: w.model}
	for _, t := range d.Layers {
		if !t.Effect.To.Gone && t.Effect.From.DType != t.Effect.To.DType {
			d.Before = before
		}
	}
	return d, x.note(), w.check(before, d, x.found < len(s.Units))
}

func (x *stepRun) note() string {
	switch n := len(x.step.Units); {
	case x.resumed != "":
		return "resumed at " + x.resumed
	case n > 0 && x.found == n:
		return "cached"
	case x.found > 0:
		return fmt.Sprintf("%d of %s cached", x.found, plural(n, "unit"))
	}
	return ""
}

// check holds a step's result against what must be true after every step. Of what was found it is known.
func (w *run) check(before *ir.Model, d *Done, made bool) error {
	if made {
		if err := w.model.Check(); err != nil {
			return fmt.Errorf("it left a model that does not hold together: %w", err)
		}
	}
	return w.masks.check(before, w.model, d, made)
}

// units runs the step's units, or finds what they gave, and brings the results into the model.
func (x *stepRun) units(ctx context.Context) ([]*treated, error) {
	s := x.step
	list, keys := s.Units, x.keys.steps[s].units
	if s.sweeps {
		list = s.atOnce(newFinder(x.model)) // nothing is asked of the store, which knows units alone
		keys = make([]store.Digest, len(list))
	}
	results := make([]*treated, len(list))
	done := 0
	for _, i := range x.order(len(list)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !s.local || x.base == nil {
			x.base, x.finder = patch.On(x.model), nil
		}
		r, err := x.unit(ctx, list[i], keys[i])
		if err != nil {
			return nil, err
		}
		results[i] = r
		if !s.local {
			if err := x.put(r.patch); err != nil {
				return nil, err
			}
		}
		done++
		x.log(s.Step.ID, done, len(list), "")
	}
	if !s.local {
		return results, nil
	}
	patches := make([]*patch.Patch, len(results))
	for i, r := range results {
		patches[i] = r.patch
	}
	return results, x.put(patches...)
}

// put brings patches into the model, which becomes another one: who has the one before keeps it.
func (x *stepRun) put(list ...*patch.Patch) error {
	m := *x.model
	if err := patch.Apply(&m, list...); err != nil {
		return err
	}
	x.model = &m
	return nil
}

// order is the order in which units run: that of the plan, or any if they are local.
func (x *stepRun) order(n int) []int {
	if x.Shuffle != 0 && x.step.local {
		return rng.New(x.Shuffle, x.step.stream).Perm(n)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// unit runs a unit, or finds what it gave under its key.
func (x *stepRun) unit(ctx context.Context, unit []*Treatment, key store.Digest) (*treated, error) {
	s := x.step
	k := keptTreatment(s, unit)
	v, found, err := keep(ctx, x.Runner, key, k, func() (*treated, error) {
		draft := x.base.Draft()
		site, check := x.site(draft.Model, unit, key)
		for _, n := range s.needs(unit) {
			if _, err := site.Measure(ctx, n); err != nil {
				return nil, fmt.Errorf("measure %s: %w", describe(n), err)
			}
		}
		effects, err := s.Pass.Run(ctx, site, s.params(unit), x.find(draft.Model, unit))
		if err != nil {
			return nil, explain(err)
		}
		if check != nil && check.resumed != "" {
			x.resumed = check.resumed
		}
		return &treated{draft.Patch(), effects}, check.end()
	})
	if err != nil {
		return nil, err
	}
	if found {
		x.found++
	} else if x.Store != nil && !x.Store.ReadOnly() && !key.IsZero() {
		// What was made is let go, and read from the store where it is needed: a model need not fit in memory.
		if again, ok, err := find(x.Runner, key, k); err != nil {
			return nil, err
		} else if ok {
			v = again
		}
	}
	return v, nil
}

// find finds a unit's layers in a draft of the model.
func (x *stepRun) find(draft *ir.Model, unit []*Treatment) []passes.LayerParams {
	if x.finder == nil {
		x.finder = newFinder(x.model)
	}
	list := x.finder.params(unit)
	for i := range list {
		l := &list[i].Layer
		at := x.finder.nodes[x.finder.at[l.Name]]
		if x.model.Graph.Nodes[at] != l.Node {
			return newFinder(draft).params(unit) // it stands within another graph
		}
		l.Node = draft.Graph.Nodes[at]
	}
	return list
}

// site is where a unit works. What the pass did not say that it needs it does not get.
func (x *stepRun) site(m *ir.Model, unit []*Treatment, key store.Digest) (*passes.Site, *checkpoint) {
	s := x.step
	site := &passes.Site{
		Step: s.Step.ID, Model: m, Input: x.input, Workers: x.workers(),
		Progress: func(done, total int, note string) { x.log(s.Step.ID, done, total, note) },
	}
	if s.draws(unit) {
		site.Seed, site.Stream = x.plan.Recipe.Seed, s.stream
	}
	site.Open = func(path string) (*ir.Model, error) {
		if path != s.teacher() {
			return nil, fmt.Errorf("pass %s opens %s, of which its load says nothing", s.Pass.Name, path)
		}
		return x.Open(path)
	}
	site.Data = func(name string) (dataset.Set, error) {
		if !slices.Contains(s.uses(), name) {
			return nil, fmt.Errorf("pass %s reads data %s, which it does not say that it uses", s.Pass.Name, name)
		}
		return x.Data(name)
	}
	site.Importance = func(name string) (*importance.Matrix, error) {
		if !slices.Contains(s.matrices, name) || x.Importance == nil {
			return nil, fmt.Errorf("pass %s looks into the importance matrix %s, of which it does not say so", s.Pass.Name, name)
		}
		return x.Importance(name)
	}
	site.Measure = func(ctx context.Context, n measure.Need) (*measure.Result, error) {
		if !slices.Contains(s.Needs, n) {
			return nil, fmt.Errorf("pass %s asks to measure %s, which it does not say that it needs", s.Pass.Name, describe(n))
		}
		return x.shared.make(ctx, n)
	}
	c := x.checkpoint(key)
	if c != nil {
		site.Checkpoint = c
	}
	return site, c
}
