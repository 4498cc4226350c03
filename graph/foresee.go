package graph

import (
	"hash/maphash" //equalbits:ok prints are compared within one process and never leave it
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
)

// foresee groups the step's layers into units and lets the pass do to the header model what it will do to the model.
func (c *compiler) foresee(step *Step) bool {
	rs := step.Step
	refuse := func(format string, args ...any) bool {
		c.report.Errorf(rs.Node.Head(), "pass-refuses", "step %s"+format, append([]any{rs.ID}, args...)...)
		return false
	}
	find := finderOf(c.model, c.view.layers)
	units, err := step.units(c.model, find)
	if err != nil {
		return refuse(": %v", err)
	}
	step.Units = units
	site := &passes.Site{Step: rs.ID, Model: c.model, Input: c.input, Seed: c.recipe.Seed, Open: c.open}
	into, was := newMerger(step), printOf(c.model.Graph)
	for _, unit := range step.foreseen(find) {
		effects, err := step.Pass.Foresee(site, step.Params, find.params(unit))
		if err != nil {
			return refuse(": %v", err)
		}
		into.merge(effects)
	}
	before := c.view.layers
	if printOf(c.model.Graph) != was {
		if err := c.model.Check(); err != nil {
			return refuse(" leaves a model that does not hold together: %v", err)
		}
		c.view = newView(c.model)
	}
	fill(step, before, c.view.layers)
	return true
}

func states(layers []ir.Layer) map[string]passes.State {
	m := make(map[string]passes.State, len(layers))
	for _, l := range layers {
		m[l.Name] = passes.StateOf(l)
	}
	return m
}

var printSeed = maphash.MakeSeed()

// printOf is a fingerprint of a graph within this process: equal as long as no tensor is replaced, no node comes or goes,
// and none changes what it takes, gives or does. Many steps leave a header as it is, and its layers need not be listed
// again.
func printOf(g *ir.Graph) uint64 {
	var h maphash.Hash
	h.SetSeed(printSeed)
	for _, t := range g.Tensors() {
		maphash.WriteComparable(&h, t)
	}
	for _, n := range g.Nodes {
		maphash.WriteComparable(&h, n)
		h.WriteString(n.Op)
		for _, list := range [][]string{n.Inputs, n.Outputs} {
			for _, v := range list {
				h.WriteString(v)
				h.WriteByte(0)
			}
			h.WriteByte(1)
		}
		for _, a := range n.Attrs {
			maphash.WriteComparable(&h, a.Tensor)
			maphash.WriteComparable(&h, a.Int)
		}
	}
	for _, list := range [][]*ir.Value{g.Inputs, g.Outputs} {
		for _, v := range list {
			h.WriteString(v.Name)
			h.WriteString(v.Shape.String())
		}
	}
	return h.Sum64()
}

// foreseen returns the units to foresee one after another; at once where the pass says that they know nothing of each
// other.
func (s *Step) foreseen(find *finder) [][]*Treatment {
	if len(s.Units) < 2 {
		return s.Units
	}
	all := slices.Concat(s.Units...)
	if !s.Pass.Apart(find.params(all)) {
		return s.Units
	}
	return [][]*Treatment{all}
}

// units asks the pass which layers it must treat together; m is the model as the step finds it.
func (s *Step) units(m *ir.Model, find *finder) ([][]*Treatment, error) {
	acting := s.acting()
	groups, err := s.Pass.Join(m, find.params(acting))
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

// finder finds the layers of a model again while passes change it. It lists the model's layers anew only where a change
// can concern the layer asked for.
type finder struct {
	model  *ir.Model
	layers map[string]found
}

// found is a layer with what it was when it was listed.
type found struct {
	ir.Layer
	inputs []string
}

func newFinder(m *ir.Model) *finder { return finderOf(m, m.Layers()) }

// finderOf is newFinder for a model whose layers are known.
func finderOf(m *ir.Model, layers []ir.Layer) *finder {
	f := &finder{model: m}
	f.list(layers)
	return f
}

func (f *finder) list(layers []ir.Layer) {
	f.layers = make(map[string]found, len(layers))
	for _, l := range layers {
		f.layers[l.Name] = found{l, slices.Clone(l.Node.Inputs)}
	}
}

// holds tells whether a layer is as it was: its node stands in the graph with the same inputs, and its tensors are the
// same. nodes are those of the graph, or nil.
func (f *finder) holds(l found, nodes map[*ir.Node]bool) bool {
	there := nodes[l.Node]
	if nodes == nil {
		there = slices.Contains(f.model.Graph.Nodes, l.Node)
	}
	return there && slices.Equal(l.Node.Inputs, l.inputs) && f.has(l.Weight) && f.has(l.Bias)
}

func (f *finder) has(t *ir.Tensor) bool {
	return t == nil || f.model.Graph.Tensor(t.Name) == t
}

// params pairs the layers of the model, found again by name, with the parameters that hold for them. A layer that is no
// longer there is left out.
func (f *finder) params(ts []*Treatment) []passes.LayerParams {
	fresh := false
	var nodes map[*ir.Node]bool
	if len(ts) > 20 { // else looking through the list is cheaper
		nodes = make(map[*ir.Node]bool, len(f.model.Graph.Nodes))
		for _, n := range f.model.Graph.Nodes {
			nodes[n] = true
		}
	}
	out := make([]passes.LayerParams, 0, len(ts))
	for _, t := range ts {
		l, ok := f.layers[t.Layer.Name]
		if !fresh && (!ok || !f.holds(l, nodes)) {
			f.list(f.model.Layers())
			fresh = true
			l, ok = f.layers[t.Layer.Name]
		}
		if ok {
			out = append(out, passes.LayerParams{Layer: l.Layer, Params: t.Params})
		}
	}
	return out
}

func needs(step *Step) []measure.Need {
	var out []measure.Need
	asked := map[*passes.Params]bool{}
	add := func(p *passes.Params) {
		if asked[p] {
			return
		}
		asked[p] = true
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

// merger puts what a pass says of layers into a step's treatments.
type merger struct {
	step *Step
	at   map[string]*Treatment
}

func newMerger(s *Step) *merger {
	m := &merger{step: s, at: make(map[string]*Treatment, len(s.Layers))}
	for _, t := range s.Layers {
		m.at[t.Layer.Name] = t
	}
	return m
}

// merge takes effects in; a layer that the pass had to carry along without being asked to treat it gets a line of its
// own. An effect without a layer speaks of the model as a whole.
func (m *merger) merge(effects []passes.Effect) {
	for _, e := range effects {
		if e.Layer == "" {
			m.step.Did = e.Did
			continue
		}
		t := m.at[e.Layer]
		if t == nil {
			t = &Treatment{Layer: ir.Layer{Name: e.Layer}}
			m.at[e.Layer] = t
			m.step.Layers = append(m.step.Layers, t)
		}
		t.Effect = e
	}
}

// fill completes the states of a step's effects from the model before and after it, and adds the layers that changed
// with others, though the step did not pick them.
func fill(s *Step, before, after []ir.Layer) {
	was := states(before)
	is := was
	if len(before) != len(after) || len(before) > 0 && &before[0] != &after[0] {
		is = states(after)
	}
	listed := map[string]bool{}
	leads := map[string]string{} // a layer that had to follow -> the one it follows
	for _, t := range s.Layers {
		name := t.Layer.Name
		listed[name] = true
		for _, c := range t.Effect.Carried {
			if leads[c] == "" {
				leads[c] = name
			}
		}
		zeros := t.Effect.To.Zeros
		if b, ok := was[name]; ok {
			b.Zeros = t.Effect.From.Zeros
			t.Effect.From = b
		}
		if a, ok := is[name]; ok {
			a.Zeros = zeros
			t.Effect.To = a
		} else {
			t.Effect.To = passes.State{Gone: true}
		}
	}
	for _, l := range before {
		b, a := was[l.Name], is[l.Name]
		_, stays := is[l.Name]
		if listed[l.Name] || stays && a.DType == b.DType && a.Bytes == b.Bytes && slices.Equal(a.Shape, b.Shape) {
			continue
		}
		e := passes.Effect{Layer: l.Name, Did: "follows", From: b, To: a}
		if lead := leads[l.Name]; lead != "" {
			e.Did = "follows " + lead
		}
		e.To.Gone = !stays
		s.Layers = append(s.Layers, &Treatment{Layer: l, Effect: e, at: -1})
	}
	place := make(map[string]int, len(before))
	for i, l := range before {
		place[l.Name] = i
	}
	slices.SortStableFunc(s.Layers, func(a, b *Treatment) int { return place[a.Layer.Name] - place[b.Layer.Name] })
}

// problemAt is where a finding about a whole step points: at its pass.
func problemAt(s *Step) diag.Span { return s.Step.Node.KeySpan(s.Step.Pass) }
