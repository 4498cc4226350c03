package graph

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/record"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
)

// keyVersion is part of every key. It is raised when the engine itself (executor, kernels, what keys are made of) would
// give other bytes for equal actions.
const keyVersion = 1

// Digest tells the digest of a file that a recipe names; the zero Digest if it is not known.
type Digest func(path string) (store.Digest, error)

// keys are the names of all that a plan's actions make. A key is the digest of a record of everything that decides a
// result: what is done, with which parameters, and the keys of what it is done to, down to the digests of files. It
// holds no path but that of an importance matrix, no step's id or place, no number of workers and nothing of how the recipe is written. The zero key is
// that of something unknown: nothing is found or kept under it.
type keys struct {
	plan   *Plan
	digest Digest
	input  store.Digest // the model that comes in
	data   map[string]store.Digest
	steps  map[*Step]*stepKeys
	final  store.Digest // the model that goes out
}

// stepKeys are the keys of one step.
type stepKeys struct {
	before store.Digest // the model as the step finds it
	after  store.Digest
	units  []store.Digest // of its Units
}

// keyRecord is what a key is the digest of.
type keyRecord struct {
	record.Writer
	known bool
}

// keyOf begins a record.
func keyOf(kind string) *keyRecord {
	k := &keyRecord{known: true}
	k.Text("pare")
	k.Uint(keyVersion)
	k.Text(kind)
	return k
}

// of writes the keys of what goes in.
func (k *keyRecord) of(list ...store.Digest) {
	k.Len(len(list))
	for _, d := range list {
		k.known = k.known && !d.IsZero()
		k.Bytes(d.Hash[:])
		k.Int(d.Size)
	}
}

func (k *keyRecord) sum() store.Digest {
	if !k.known {
		return store.Digest{}
	}
	return store.Sum(k.Record())
}

// keys computes the keys of a plan. It reads no weight: digests of files are all that is asked for.
func (p *Plan) keys(digest Digest) (*keys, error) {
	k := &keys{plan: p, digest: digest, data: map[string]store.Digest{}, steps: map[*Step]*stepKeys{}}
	if digest == nil {
		k.digest = func(string) (store.Digest, error) { return store.Digest{}, nil }
	}
	var err error
	if k.input, err = k.model(p.Recipe.Model.Path, p.Model); err != nil {
		return nil, err
	}
	for i := range p.Recipe.Data {
		d := &p.Recipe.Data[i]
		if k.data[d.Name], err = k.set(d); err != nil {
			return nil, err
		}
	}
	structures, err := p.structures()
	if err != nil {
		return nil, err
	}
	w := walk{keys: k, state: k.input, base: k.input, touched: map[string][]store.Digest{}}
	for _, s := range p.Steps {
		if s.Skipped != "" {
			continue
		}
		if k.steps[s], err = w.step(s, structures[s]); err != nil {
			return nil, err
		}
	}
	k.final = w.state
	return k, nil
}

// model is the key of a model: of the file that the recipe names, and of those beside it.
func (k *keys) model(name string, m *ir.Model) (store.Digest, error) {
	r := keyOf("model")
	r.Text(m.Format)
	d, err := k.digest(name)
	if err != nil {
		return store.Digest{}, err
	}
	r.of(d)
	folder := path.Dir(name)
	if m.Path != "" && filepath.Base(m.Path) != path.Base(name) {
		folder = name // the recipe names the folder of the model
	}
	r.Len(len(m.Files))
	for _, file := range m.Files {
		if d, err = k.digest(path.Join(folder, file)); err != nil {
			return store.Digest{}, err
		}
		r.Text(file) // the model names it, not the recipe
		r.of(d)
	}
	return r.sum(), nil
}

// set is the key of a data set.
func (k *keys) set(d *recipe.Data) (store.Digest, error) {
	r := keyOf("data")
	for _, file := range []string{d.Path, d.Images, d.Labels} {
		r.Bool(file != "")
		if file == "" {
			continue
		}
		sum, err := k.digest(file)
		if err != nil {
			return store.Digest{}, fmt.Errorf("data %s: %w", d.Name, err)
		}
		r.of(sum)
	}
	if d.Importance != "" {
		sum, err := k.digest(d.Importance)
		if err != nil {
			return store.Digest{}, fmt.Errorf("data %s: %w", d.Name, err)
		}
		r.of(sum)
		r.Text(d.Importance) // GGUF files tell the name
	}
	r.Int(int64(d.Skip))
	r.Int(int64(d.Samples))
	for _, list := range [][]float64{d.Mean, d.Std} {
		r.Len(len(list))
		for _, v := range list {
			r.Float(v)
		}
	}
	return r.sum(), nil
}

// measured is the key of a measurement of the model in a state.
func (k *keys) measured(state store.Digest, n measure.Need) store.Digest {
	r := keyOf("measure")
	r.Uint(measure.Version)
	r.Text(n.Kind)
	r.Int(int64(n.Samples))
	r.Int(int64(n.Batch))
	r.Text(n.Observer.Kind)
	r.Float(n.Percentile)
	r.Bool(n.Symmetric)
	r.Int(int64(n.Bits))
	r.of(state, k.data[n.Data])
	return r.sum()
}

// predicted is the key of what a model in a state says of a data set. format is that of the file that it was read back
// from; nil for a model that came in or stands between steps. What else is in the file, such as its metadata, does not
// bear on what the model says.
func (k *keys) predicted(state store.Digest, format string, version int, data string) store.Digest {
	r := keyOf("predict")
	r.Uint(evaluate.PredictVersion)
	r.Text(format)
	r.Int(int64(version))
	r.of(state, k.data[data])
	return r.sum()
}

// walk goes through the steps of a plan.
type walk struct {
	*keys
	state store.Digest // the model as it stands

	// base is the model as the last unit left it that is not local, or as it came in; touched are the keys of the local
	// units since then, by what they touched.
	base    store.Digest
	touched map[string][]store.Digest
}

func (w *walk) step(s *Step, structure [32]byte) (*stepKeys, error) {
	out := &stepKeys{before: w.state, units: make([]store.Digest, len(s.Units))}
	for i, unit := range s.Units {
		r := keyOf("treat")
		r.Text(s.Pass.Name)
		r.Int(int64(s.Pass.Version))
		draws := s.draws(unit)
		r.Bool(draws)
		if draws {
			r.Uint(w.plan.Recipe.Seed)
			r.Text(s.stream)
		}
		r.Bytes(s.params(unit).Canonical())
		r.Len(len(unit))
		for _, t := range unit {
			r.Text(t.Layer.Name)
			r.Bytes(t.Params.Canonical())
		}
		if err := w.given(r, s, unit, out.before); err != nil {
			return nil, err
		}
		r.Bool(s.local)
		if s.local {
			r.Bytes(structure[:])
			r.of(w.base)
			r.of(w.earlier(unit)...)
			out.units[i] = r.sum()
			continue
		}
		r.of(w.state)
		out.units[i] = r.sum()
		w.state, w.base = out.units[i], out.units[i]
		clear(w.touched)
	}
	if s.local && len(s.Units) > 0 {
		r := keyOf("state")
		r.of(w.state)
		r.of(out.units...)
		w.state = r.sum()
		w.touch(s, out.units)
	}
	out.after = w.state
	return out, nil
}

// given writes what a unit gets beside the model: measurements of the model as the step finds it, data, other models.
func (w *walk) given(r *keyRecord, s *Step, unit []*Treatment, before store.Digest) error {
	needs := s.needs(unit)
	r.Len(len(needs))
	for _, n := range needs {
		r.of(w.measured(before, n))
	}
	data := append(s.uses(), s.matrices...)
	r.Len(len(data))
	for _, name := range data {
		r.of(w.data[name])
	}
	teacher := s.teacher()
	r.Bool(teacher != "")
	if teacher == "" {
		return nil
	}
	d := store.Digest{}
	if w.plan.open.Model != nil {
		m, err := w.plan.open.Model(teacher)
		if err != nil {
			return fmt.Errorf("%s: %w", teacher, err)
		}
		if d, err = w.model(teacher, m); err != nil {
			return err
		}
	}
	r.of(d)
	return nil
}

// weighs lists the data sets whose importance matrices the pass looks into.
func (s *Step) weighs() []string {
	var names []string
	add := func(x *passes.Params) {
		if name := s.Pass.Weighs(x); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(s.Params)
	for _, t := range s.acting() {
		add(t.Params)
	}
	return names
}

// uses lists the data sets that the pass reads itself.
func (s *Step) uses() []string {
	data := slices.Clone(s.Pass.Uses(s.Params))
	for _, t := range s.acting() {
		for _, name := range s.Pass.Uses(t.Params) {
			if !slices.Contains(data, name) {
				data = append(data, name)
			}
		}
	}
	return data
}

// params are the parameters that a unit takes for the step's own.
func (s *Step) params(unit []*Treatment) *passes.Params {
	if s.local {
		return unit[0].Params
	}
	return s.Params
}

// draws tells whether a unit draws random numbers.
func (s *Step) draws(unit []*Treatment) bool {
	return s.Pass.Draws(s.params(unit)) || slices.ContainsFunc(unit, func(t *Treatment) bool { return s.Pass.Draws(t.Params) })
}

// teacher is the path of the other model that a step asks, if it asks one.
func (s *Step) teacher() string {
	if t := s.Pass.Load(s.Params).Teacher; t != "input" {
		return t
	}
	return ""
}

// touches lists what a treatment bears on: its layer, and the tensors that it may share with others.
func (t *Treatment) touches() []string {
	names := []string{"layer " + t.Layer.Name}
	for _, x := range []*ir.Tensor{t.Layer.Weight, t.Layer.Bias} {
		if x != nil {
			names = append(names, "tensor "+x.Name)
		}
	}
	return names
}

// earlier lists the local units that touched what a unit touches, in the order of the plan.
func (w *walk) earlier(unit []*Treatment) []store.Digest {
	var out []store.Digest
	for _, t := range unit {
		for _, name := range t.touches() {
			for _, d := range w.touched[name] {
				if !slices.Contains(out, d) {
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// touch notes what the units of a local step touched: their layers, and layers that changed with them.
func (w *walk) touch(s *Step, units []store.Digest) {
	treated := map[*Treatment]bool{}
	for i, unit := range s.Units {
		for _, t := range unit {
			treated[t] = true
			for _, name := range t.touches() {
				w.touched[name] = append(w.touched[name], units[i])
			}
		}
	}
	for _, t := range s.Layers {
		if !treated[t] && t.Params == nil && t.Effect.Did != "" { // it follows, and nothing says which
			for _, name := range t.touches() {
				w.touched[name] = append(w.touched[name], units...)
			}
		}
	}
}
