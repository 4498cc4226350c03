package graph

import (
	"encoding/binary"
	"errors"
	"hash/maphash" //equalbits:ok prints are compared within one process and never leave it
	"slices"
	"sync"
	"unsafe"

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
	find := finderOf(c.model, c.view.layers, c.view.at)
	units, err := step.units(c.model, find)
	if err != nil {
		return refuse(": %v", err)
	}
	step.Units = units
	step.local = len(units) > 0 && step.Pass.Local(find.params(step.acting()))
	step.sweeps = step.sweep(find)
	site := &passes.Site{Step: rs.ID, Model: c.model, Input: c.input, Seed: c.recipe.Seed, Open: c.open.Model, Importance: c.open.Importance}
	into, was := newMerger(step), printOf(c.model.Graph)
	for _, unit := range step.atOnce(find) {
		effects, err := step.Pass.Foresee(site, step.Params, find.params(unit))
		var refused passes.Refused
		if errors.As(err, &refused) {
			return c.refused(step, refused)
		}
		if err != nil {
			return refuse(": %v", err)
		}
		into.merge(effects)
	}
	before := c.view
	if printOf(c.model.Graph) != was {
		if err := c.model.Check(); err != nil {
			return refuse(" leaves a model that does not hold together: %v", err)
		}
		c.view = newView(c.model)
	}
	step.fill(listed{before.layers, before.at}, listed{c.view.layers, c.view.at})
	return true
}

// refused reports problems at the parameters that their layers have.
func (c *compiler) refused(step *Step, list passes.Refused) bool {
	var wrong gatherer
	at := newMerger(step).at
	for _, p := range list {
		if t := at[p.Layer]; t != nil {
			wrong.add(problem(p.Problem, t, step.Step))
		}
	}
	wrong.report(c.report, alsoWrong)
	return false
}

var printSeed = maphash.MakeSeed()

// printOf is a fingerprint of a graph within this process: equal as long as no tensor is replaced, no node comes or goes,
// and none changes what it takes, gives or does. Many steps leave a header as it is, and its layers need not be listed
// again.
func printOf(g *ir.Graph) uint64 {
	var h maphash.Hash
	h.SetSeed(printSeed)
	buffer := make([]byte, 0, 8<<10)
	address := func(p unsafe.Pointer) { buffer = binary.LittleEndian.AppendUint64(buffer, uint64(uintptr(p))) }
	text := func(s string) { buffer = append(append(buffer, s...), 0) }
	flush := func() {
		if len(buffer) > 7<<10 {
			h.Write(buffer)
			buffer = buffer[:0]
		}
	}
	for _, t := range g.Tensors() {
		address(unsafe.Pointer(t))
		flush()
	}
	for _, n := range g.Nodes {
		address(unsafe.Pointer(n))
		text(n.Op)
		for _, v := range n.Inputs {
			text(v)
		}
		buffer = append(buffer, 1)
		for _, v := range n.Outputs {
			text(v)
		}
		buffer = append(buffer, 1)
		for i := range n.Attrs {
			address(unsafe.Pointer(n.Attrs[i].Tensor))
			buffer = binary.LittleEndian.AppendUint64(buffer, uint64(n.Attrs[i].Int))
			if sub := n.Attrs[i].Graph; sub != nil {
				buffer = binary.LittleEndian.AppendUint64(buffer, printOf(sub))
			}
		}
		flush()
	}
	for _, list := range [][]*ir.Value{g.Inputs, g.Outputs} {
		for _, v := range list {
			text(v.Name)
			text(v.Shape.String())
			flush()
		}
	}
	h.Write(buffer)
	return h.Sum64()
}

// atOnce returns the units to treat one after another; all as one where the pass says that they know nothing of each other.
func (s *Step) atOnce(find *finder) [][]*Treatment {
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
	layers []ir.Layer
	at     map[string]int // layer by name
	nodes  []int          // by layer: its node's place when it was listed
	inputs [][]string     // by layer: what its node took then
}

func newFinder(m *ir.Model) *finder {
	layers := m.Layers()
	return finderOf(m, layers, placesOf(layers))
}

// finderOf is newFinder for a model whose layers are known.
func finderOf(m *ir.Model, layers []ir.Layer, at map[string]int) *finder {
	f := &finder{model: m}
	f.list(layers, at)
	return f
}

func (f *finder) list(layers []ir.Layer, at map[string]int) {
	f.layers, f.at = layers, at
	f.nodes, f.inputs = make([]int, len(layers)), make([][]string, len(layers))
	words := make([]string, 0, 4*len(layers))
	next := 0 // layers stand in the order of their nodes
	for i := range layers {
		l := &layers[i]
		for next < len(f.model.Graph.Nodes)-1 && f.model.Graph.Nodes[next] != l.Node {
			next++
		}
		start := len(words)
		words = append(words, l.Node.Inputs...)
		f.nodes[i], f.inputs[i] = next, words[start:]
	}
}

// holds tells whether layer i is as it was: its node stands in the graph with the same inputs, and its tensors are the
// same. nodes are those of the graph, or nil.
func (f *finder) holds(i int, nodes func() map[*ir.Node]bool) bool {
	l, all := &f.layers[i], f.model.Graph.Nodes
	there := f.nodes[i] < len(all) && all[f.nodes[i]] == l.Node
	if !there && nodes != nil {
		there = nodes()[l.Node]
	} else if !there {
		there = slices.Contains(all, l.Node)
	}
	return there && slices.Equal(l.Node.Inputs, f.inputs[i]) && f.has(l.Weight) && f.has(l.Bias)
}

func (f *finder) has(t *ir.Tensor) bool {
	return t == nil || f.model.Graph.Tensor(t.Name) == t
}

// params pairs the layers of the model, found again by name, with the parameters that hold for them. A layer that is no
// longer there is left out.
func (f *finder) params(ts []*Treatment) []passes.LayerParams {
	fresh := false
	var nodes func() map[*ir.Node]bool
	if len(ts) > 20 { // else looking through the list is cheaper
		nodes = sync.OnceValue(func() map[*ir.Node]bool {
			set := make(map[*ir.Node]bool, len(f.model.Graph.Nodes))
			for _, n := range f.model.Graph.Nodes {
				set[n] = true
			}
			return set
		})
	}
	out := make([]passes.LayerParams, 0, len(ts))
	for _, t := range ts {
		i, ok := f.at[t.Layer.Name]
		if !fresh && (!ok || !f.holds(i, nodes)) {
			layers := f.model.Layers()
			f.list(layers, placesOf(layers))
			fresh = true
			i, ok = f.at[t.Layer.Name]
		}
		if ok {
			out = append(out, passes.LayerParams{Layer: f.layers[i], Params: t.Params})
		}
	}
	return out
}

func needs(step *Step) []measure.Need { return step.needs(step.acting()) }

// needs lists the measurements that a pass asks for to treat some of a step's layers.
func (step *Step) needs(layers []*Treatment) []measure.Need {
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
	for _, t := range layers {
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

// listed are the layers of a model with their places by name.
type listed struct {
	layers []ir.Layer
	at     map[string]int
}

// state returns the state of a layer, and whether there is such a layer.
func (l listed) state(name string) (passes.State, bool) {
	i, ok := l.at[name]
	if !ok {
		return passes.State{}, false
	}
	return passes.StateOf(l.layers[i]), true
}

// fill is Step.fill for a model whose layers have been listed before and after.
func fill(s *Step, before, after []ir.Layer) {
	s.fill(listed{before, placesOf(before)}, listed{after, placesOf(after)})
}

// fill completes the states of a step's effects from the model before and after it, and adds the layers that changed
// with others, though the step did not pick them.
func (s *Step) fill(before, after listed) {
	picked := make(map[string]bool, len(s.Layers))
	leads := map[string]string{} // a layer that had to follow -> the one it follows
	for _, t := range s.Layers {
		name := t.Layer.Name
		picked[name] = true
		for _, c := range t.Effect.Carried {
			if leads[c] == "" {
				leads[c] = name
			}
		}
		zeros := t.Effect.To.Zeros
		if b, ok := before.state(name); ok {
			b.Zeros = t.Effect.From.Zeros
			t.Effect.From = b
		}
		if a, ok := after.state(name); ok {
			a.Zeros = zeros
			t.Effect.To = a
		} else {
			t.Effect.To = passes.State{Gone: true}
		}
	}
	if len(before.layers) > 0 && len(after.layers) > 0 && &before.layers[0] == &after.layers[0] {
		before.layers = nil // the step changed no layer
	}
	for _, l := range before.layers {
		if picked[l.Name] {
			continue
		}
		b, _ := before.state(l.Name)
		a, stays := after.state(l.Name)
		if stays && a.DType == b.DType && a.Bytes == b.Bytes && slices.Equal(a.Shape, b.Shape) {
			continue
		}
		e := passes.Effect{Layer: l.Name, Did: "follows", From: b, To: a}
		if lead := leads[l.Name]; lead != "" {
			e.Did = "follows " + lead
		}
		e.To.Gone = !stays
		s.Layers = append(s.Layers, &Treatment{Layer: l, Effect: e, at: -1})
	}
	slices.SortStableFunc(s.Layers, func(a, b *Treatment) int { return before.at[a.Layer.Name] - before.at[b.Layer.Name] })
}

// problemAt is where a finding about a whole step points: at its pass.
func problemAt(s *Step) diag.Span { return s.Step.Node.KeySpan(s.Step.Pass) }
