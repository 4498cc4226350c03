package passes

import (
	"context"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Pass is a pass as the engine, the docs and the linter use it: its record, and its behaviour with the type of its
// parameters hidden. It is immutable and safe for concurrent use.
type Pass struct {
	Info

	fresh   func() *Params
	check   func(x *Params, l ir.Layer) []Problem
	needs   func(x *Params) []measure.Need
	uses    func(x *Params) []string
	weighs  func(x *Params) string
	load    func(x *Params) Load
	draws   func(x *Params) bool
	apart   func(layers []LayerParams) bool
	local   func(layers []LayerParams) bool
	streams func(layers []LayerParams) bool
	join    func(m *ir.Model, layers []LayerParams) ([][]int, error)
	foresee func(s *Site, step *Params, layers []LayerParams) ([]Effect, error)
	run     func(ctx context.Context, s *Site, step *Params, layers []LayerParams) ([]Effect, error)
}

// Params are decoded parameters of a pass: of a step, or of one layer after overrides. They are made by Pass.Decode and
// not changed afterwards.
type Params struct {
	value  any // *P of the pass that decoded them
	object schema.Object
}

// Canonical returns the parameters, defaults included, as bytes that are equal for equal settings: part of cache keys.
func (x *Params) Canonical() []byte { return x.object.Canonical() }

// Effective returns the parameters, defaults included, as nested maps: what the effective recipe prints.
func (x *Params) Effective() map[string]any { return x.object.Effective() }

// Settings returns the parameters, defaults included, in the order of their records.
func (x *Params) Settings() []schema.Setting { return x.object.Settings() }

// LayerParams is a layer with the parameters that hold for it.
type LayerParams struct {
	ir.Layer
	Params *Params
}

// Define makes a pass from its record and its behaviour. It panics if Fields or Run is missing: that is a slip in the
// program, not in a recipe.
func Define[P any](info Info, spec Spec[P]) *Pass {
	if spec.Fields == nil || spec.Run == nil {
		panic("pass " + info.Name + " lacks Fields or Run")
	}
	p := &Pass{Info: info}
	p.fresh = func() *Params {
		v := new(P)
		return &Params{value: v, object: spec.Fields(v)}
	}
	own := func(x *Params) *P {
		v, ok := x.value.(*P)
		if !ok {
			panic("parameters of another pass given to " + info.Name)
		}
		return v
	}
	treat := func(layers []LayerParams) []Treated[P] {
		out := make([]Treated[P], len(layers))
		for i, l := range layers {
			out[i] = Treated[P]{Layer: l.Layer, Params: own(l.Params)}
		}
		return out
	}
	p.check = func(x *Params, l ir.Layer) []Problem {
		if spec.Check == nil {
			return nil
		}
		return spec.Check(own(x), l)
	}
	p.needs = func(x *Params) []measure.Need {
		if spec.Needs == nil {
			return nil
		}
		return spec.Needs(own(x))
	}
	p.uses = func(x *Params) []string {
		if spec.Uses == nil {
			return nil
		}
		return spec.Uses(own(x))
	}
	p.weighs = func(x *Params) string {
		if spec.Weighs == nil {
			return ""
		}
		return spec.Weighs(own(x))
	}
	p.load = func(x *Params) Load {
		if spec.Load == nil {
			return Load{}
		}
		return spec.Load(own(x))
	}
	p.draws = func(x *Params) bool { return spec.Draws != nil && spec.Draws(own(x)) }
	p.apart = func(layers []LayerParams) bool { return spec.Apart != nil && spec.Apart(treat(layers)) }
	p.local = func(layers []LayerParams) bool { return spec.Local != nil && !info.Whole && spec.Local(treat(layers)) }
	p.streams = func(layers []LayerParams) bool {
		return p.local(layers) && spec.Streams != nil && spec.Streams(treat(layers))
	}
	p.join = func(m *ir.Model, layers []LayerParams) ([][]int, error) {
		if spec.Join == nil {
			return standardJoin(info.Whole, len(layers)), nil
		}
		groups, err := spec.Join(m, treat(layers))
		if err != nil {
			return nil, err
		}
		return orderGroups(info.Name, groups, layers)
	}
	p.foresee = func(s *Site, step *Params, layers []LayerParams) ([]Effect, error) {
		if spec.Foresee == nil {
			return unchanged(layers), nil
		}
		return spec.Foresee(s, Unit[P]{Params: own(step), Layers: treat(layers)})
	}
	p.run = func(ctx context.Context, s *Site, step *Params, layers []LayerParams) ([]Effect, error) {
		return spec.Run(ctx, s, Unit[P]{Params: own(step), Layers: treat(layers)})
	}
	return p
}

// Fields returns the parameters that the pass takes, bound to fresh variables: for docs, lint and schemas.
func (p *Pass) Fields() schema.Object { return p.fresh().object }

// Decode reads the parameters of a step or of one layer from the mapping n, which may be nil. It reports what is wrong
// with the text and returns whether it was free of errors; the parameters are usable either way.
func (p *Pass) Decode(d *schema.Decoder, n *syntax.Node) (*Params, bool) {
	x := p.fresh()
	ok := d.Decode(n, x.object)
	return x, ok
}

// Takes tells whether the pass can act on a layer, and if not, why.
func (p *Pass) Takes(l ir.Layer) (ok bool, why string) {
	if l.Within != "" && !p.Subgraphs {
		return false, fmt.Sprintf("it stands in a subgraph (%s), and %s treats the main graph", l.Within, p.Name)
	}
	if p.Accepts == nil {
		return true, ""
	}
	return p.Accepts(l)
}

// Check finds parameters that cannot work on a layer, from its header alone.
func (p *Pass) Check(x *Params, l ir.Layer) []Problem { return p.check(x, l) }

// Needs lists the measurements to make on the model before the pass runs with the step's parameters x.
func (p *Pass) Needs(x *Params) []measure.Need { return p.needs(x) }

// Uses lists the data sets that the pass itself reads.
func (p *Pass) Uses(x *Params) []string { return p.uses(x) }

// Weighs names the data set whose importance matrix the pass looks into; empty: none.
func (p *Pass) Weighs(x *Params) string { return p.weighs(x) }

// Load tells how often the pass runs the model by itself.
func (p *Pass) Load(x *Params) Load { return p.load(x) }

// Draws tells whether Run draws random numbers.
func (p *Pass) Draws(x *Params) bool { return p.draws(x) }

// Apart tells whether Foresee and Run may be given these layers, which are of several units, at once.
func (p *Pass) Apart(layers []LayerParams) bool { return p.apart(layers) }

// Local tells whether Run treats these layers, all that a step treats, unit by unit and each unit by itself.
func (p *Pass) Local(layers []LayerParams) bool { return p.local(layers) }

// Streams tells whether what these layers become is computed when it is written, about as fast as a store could give it
// back.
func (p *Pass) Streams(layers []LayerParams) bool { return p.streams(layers) }

// Join groups the layers, given by index, that must be treated together. Every layer is in exactly one group; indexes
// rise within a group, and groups stand in the order of their first layers.
func (p *Pass) Join(m *ir.Model, layers []LayerParams) ([][]int, error) { return p.join(m, layers) }

// Foresee does to s.Model, a model without weights, what Run will do to its structure, shapes and types.
func (p *Pass) Foresee(s *Site, step *Params, layers []LayerParams) ([]Effect, error) {
	return p.foresee(s, step, layers)
}

// Run treats one group of layers of s.Model.
func (p *Pass) Run(ctx context.Context, s *Site, step *Params, layers []LayerParams) ([]Effect, error) {
	return p.run(ctx, s, step, layers)
}

// standardJoin is what holds for a pass that says nothing of its own: a whole pass takes all layers at once, another
// each alone.
func standardJoin(whole bool, n int) [][]int {
	if whole {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return [][]int{all}
	}
	groups := make([][]int, n)
	for i := range groups {
		groups[i] = []int{i}
	}
	return groups
}

// orderGroups brings what a pass's Join returned into the order that Join promises and checks that every layer is in
// exactly one group.
func orderGroups(pass string, groups [][]int, layers []LayerParams) ([][]int, error) {
	seen := make([]bool, len(layers))
	var out [][]int
	for _, g := range groups {
		if len(g) == 0 {
			continue
		}
		g = slices.Clone(g)
		slices.Sort(g)
		for _, i := range g {
			if i < 0 || i >= len(layers) {
				return nil, fmt.Errorf("%s groups layer %d of %d", pass, i, len(layers))
			}
			if seen[i] {
				return nil, fmt.Errorf("%s puts layer %s into two groups", pass, layers[i].Name)
			}
			seen[i] = true
		}
		out = append(out, g)
	}
	if i := slices.Index(seen, false); i >= 0 {
		return nil, fmt.Errorf("%s puts layer %s into no group", pass, layers[i].Name)
	}
	slices.SortFunc(out, func(a, b []int) int { return a[0] - b[0] })
	return out, nil
}

// unchanged are the effects of a pass that changes no shape and no type.
func unchanged(layers []LayerParams) []Effect {
	out := make([]Effect, len(layers))
	for i, l := range layers {
		s := StateOf(l.Layer)
		out[i] = Effect{Layer: l.Name, From: s, To: s}
	}
	return out
}

// StateOf returns the state of a layer as its header tells it. Zeros stays 0: counting them needs the weights.
func StateOf(l ir.Layer) State {
	s := State{Params: l.Params, Bytes: l.Bytes}
	if l.Weight != nil {
		s.DType, s.Shape = l.Weight.DType, slices.Clone(l.Weight.Shape)
	}
	return s
}
