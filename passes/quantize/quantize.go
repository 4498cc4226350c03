// Package quantize is the pass that changes the numeric type of weights, and if asked of the activations between layers:
// to codes of integers or small floats with scales, to 16-bit floats, or to ggml's blocks.
//
// Weights alone are computed when they are written, a few bands at a time (coding.go, store.go); weights under activations
// with ranges from samples are computed at once, because biases follow from their scales (weights.go).
package quantize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/affine"
	"github.com/pare-ml/pare/internal/parallel"
	"github.com/pare-ml/pare/passes"
)

// Pass is the record of quantize.
var Pass = passes.Define(passes.Info{
	Name: "quantize",
	Doc: "Changes the numeric type: weights of convolutions, linear layers and embeddings become codes of 8, 4 or 2 bits with " +
		"scales, 16-bit floats or ggml's blocks, and the activations between them 8-bit codes if asked.",
	Version:   4,
	Subgraphs: true,
	Accepts:   accepts,
	Order: []passes.Order{
		{After: "fold", Why: "a batch normalization behind a quantized layer cannot be folded into its codes any more"},
		{After: "prune", Why: "quantized weights no longer rank by size"},
		{After: "distill", Why: "training works on float weights; codes have no gradient"},
	},
}, passes.Spec[Params]{
	Fields: fields,
	Check:  checkLayer,
	Needs: func(p *Params) []measure.Need {
		if !p.static() {
			return nil
		}
		return []measure.Need{p.need()}
	},
	Weighs: func(p *Params) string { return p.Importance },
	Join:   join,
	Foresee: func(s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
		w := newWork(s, u)
		if err := w.settle(); err != nil {
			return nil, err
		}
		return w.do(nil)
	},
	Apart: func([]passes.Treated[Params]) bool { return true }, // units share no weight and, if there are several, no activation
	Local: func(layers []passes.Treated[Params]) bool {
		return !slices.ContainsFunc(layers, func(l passes.Treated[Params]) bool { return l.Params.static() })
	},
	Streams: func(layers []passes.Treated[Params]) bool {
		return !slices.ContainsFunc(layers, func(l passes.Treated[Params]) bool {
			return l.Params.static() || l.Params.Algorithm == "mse" || l.Params.weightObserver().Kind != "minmax"
		})
	},
	Run: func(ctx context.Context, s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
		w := newWork(s, u)
		if err := w.settle(); err != nil {
			return nil, err
		}
		if err := w.load(); err != nil {
			return nil, err
		}
		return w.do(func(n measure.Need) (*measure.Result, error) { return s.Measure(ctx, n) })
	},
})

// join treats all layers at once if activations get codes with ranges from samples: layers share them. Else layers that share a weight go
// together and others alone.
func join(m *ir.Model, layers []passes.Treated[Params]) ([][]int, error) {
	all := make([]int, len(layers))
	together := false
	byWeight := map[weightKey]int{}
	var groups [][]int
	for i, l := range layers {
		all[i] = i
		together = together || l.Params.static()
		at, ok := byWeight[keyOf(&l.Layer)]
		if !ok {
			at = len(groups)
			byWeight[keyOf(&l.Layer)] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	if together {
		return [][]int{all}, nil
	}
	return groups, nil
}

// weightKey names a weight: two graphs may have one of the same name each.
type weightKey struct{ within, name string }

func keyOf(l *ir.Layer) weightKey { return weightKey{l.Kept, l.Weight.Name} }

// work is one application of the pass to a unit of layers.
type work struct {
	site   *passes.Site
	graph  *ir.Graph
	layers []*target
	before map[string]passes.State
	header bool // the model has no weights
}

func newWork(s *passes.Site, u passes.Unit[Params]) *work {
	w := &work{site: s, graph: s.Model.Graph, before: map[string]passes.State{}, header: true}
	indexes := map[*ir.Graph]*ir.Index{}
	given := w.mixed(u)
	for _, l := range u.Layers {
		g := w.graph
		if l.Within != "" {
			g = l.Graph
		}
		if indexes[g] == nil {
			indexes[g] = g.Index()
		}
		w.layers = append(w.layers, newTarget(indexes[g], l, given[mixOf(l.Params)][l.Name]))
		w.before[l.Name] = passes.StateOf(l.Layer)
	}
	w.share()
	return w
}

// mixed asks the mixes of the unit's layers which types they give.
func (w *work) mixed(u passes.Unit[Params]) map[chosenMix]map[string]assigned {
	out := map[chosenMix]map[string]assigned{}
	var layers []ir.Layer
	for _, l := range u.Layers {
		m := mixOf(l.Params)
		if m.mix == nil || out[m] != nil {
			continue
		}
		if layers == nil {
			layers = w.site.Model.Layers()
		}
		out[m] = m.assign(layers, m.weighed)
	}
	return out
}

// share lets layers of one weight be stored in one form, that of the first.
func (w *work) share() {
	first := map[weightKey]*target{}
	for _, t := range w.layers {
		f := first[keyOf(&t.Layer)]
		switch {
		case t.left != "" || t.trouble != nil:
		case f == nil:
			first[keyOf(&t.Layer)] = t
		default:
			t.form, t.shares = f.form, f
			t.notes = append(t.notes, "its weight is that of "+f.Name+" and treated with it")
			f.eager = f.eager && t.eager
		}
	}
	for _, t := range w.layers {
		if t.shares != nil {
			t.eager = t.shares.eager
		}
	}
}

// load reads the weights of the unit that must be known at once, and plans the computation of the others.
func (w *work) load() error {
	w.header = false
	if err := w.weighed(); err != nil {
		return err
	}
	errs := make([]error, len(w.layers))
	parallel.For(w.site.Workers, len(w.layers), func(i int) { errs[i] = w.layers[i].load(w.site.Model.Path, w.site.Workers) })
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("layer %s: %w", w.layers[i].Name, err)
		}
	}
	return nil
}

// do rewrites the model. measured gives the ranges of activations; nil on a header.
func (w *work) do(measured func(measure.Need) (*measure.Result, error)) ([]passes.Effect, error) {
	var active []*target
	for _, t := range w.layers {
		if t.left == "" {
			active = append(active, t)
		}
	}
	c := choose(w.graph, active)
	values := c.ordered()
	grids, err := activationGrids(values, measured)
	if err != nil {
		return nil, err
	}
	if err := w.encode(active, grids); err != nil {
		return nil, err
	}
	r := newRewrite(w.graph, namesOf(w.graph))
	for _, t := range active {
		r.of(t).weight(t, w.site.Model)
		r.dynamic(t)
		if t.Params.mix != nil {
			t.Node.SetAttr(ir.StringAttr(ir.MixAttr, t.Params.mix.name))
		}
		if t.matrix != nil {
			t.Node.SetAttr(ir.StringsAttr(ir.ImportanceAttr, t.matrix.Origin().Words()...))
		}
	}
	for _, t := range active {
		ok, why := t.biasFits(w.graph)
		if why != "" {
			t.notes = append(t.notes, why)
		}
		if ok {
			if err := r.bias(t, grids[t.Node.Input(t.dataInput)].Scale); err != nil {
				return nil, err
			}
		}
	}
	for _, v := range values {
		r.activation(v, grids)
	}
	r.finish()
	return w.effects(c), nil
}

// settle refuses layers that cannot be treated as asked, and raises the opset.
func (w *work) settle() error {
	for _, t := range w.layers {
		if t.trouble != nil {
			return t.trouble
		}
	}
	if err := w.weigh(); err != nil {
		return err
	}
	return w.setOpset()
}

// setOpset raises the opset as far as the forms of weights and activations need, or falls back to one scale for each tensor
// where it cannot be raised.
func (w *work) setOpset() error {
	need, axes := int64(0), false
	for _, t := range w.layers {
		if t.left != "" {
			continue
		}
		need = max(need, t.opset())
		if dtype, _ := scaleDType(t.Weight); t.opset() > 0 && dtype != ir.Float32 {
			need = max(need, opsetHalf)
		}
		axes = axes || t.perAxis()
		if t.Params.static() {
			need = max(need, opsetAxis, typeNamed(t.Params.Activations.Type).opset)
		}
	}
	if need == 0 {
		return nil
	}
	stuck := lift(w.site.Model, max(need, opsetAxis))
	if stuck == "" {
		return nil
	}
	if need > opsetAxis {
		return errors.New(stuck)
	}
	if w.site.Model.Opset("") < opsetTensor {
		return fmt.Errorf("%s; quantization needs at least opset %d", stuck, opsetTensor)
	}
	raiseIR(w.site.Model)
	for _, t := range w.layers {
		if t.left == "" && t.perAxis() {
			t.granularity = "tensor"
			t.notes = append(t.notes, "one scale for the whole weight: "+stuck)
		}
	}
	return nil
}

// activationGrids turns the ranges of values into grids, by the name of the value. Without measurements it is empty.
func activationGrids(values []*value, measured func(measure.Need) (*measure.Result, error)) (map[string]affine.Grid, error) {
	grids := map[string]affine.Grid{}
	if measured == nil {
		return grids, nil
	}
	for _, v := range values {
		root := v.root()
		result, err := measured(root.need)
		if err != nil {
			return nil, err
		}
		r, ok := result.Ranges[root.name]
		if !ok {
			return nil, fmt.Errorf("value %q has no range: it did not flow as float32 when the model ran on data %s", root.name, root.need.Data)
		}
		grids[v.name] = gridOfRange(r.Lo, r.Hi, root.settings)
	}
	return grids, nil
}

// gridOfRange is the grid of a value between layers. Of 8-bit floats it is a scale alone.
func gridOfRange(lo, hi float64, a *Activations) affine.Grid {
	if t := typeNamed(a.Type); t.kind == float8 {
		return affine.Grid{Scale: affine.Float32.Round(max(-lo, hi)/t.most, int32(t.most))}
	}
	return affine.New(lo, hi, a.Symmetric, typeNamed(a.Type).span)
}

// encode turns weights that are needed at once into codes. A weight that several layers share is treated once, by the parameters of the first.
func (w *work) encode(active []*target, grids map[string]affine.Grid) error {
	if w.header {
		return nil
	}
	floors := map[string][]float64{}
	for _, t := range active {
		if !t.eager {
			continue
		}
		floor, err := w.biasFloor(t, grids)
		if err != nil {
			return err
		}
		if floors[t.Weight.Name] == nil {
			floors[t.Weight.Name] = floor
		}
		for i, v := range floor {
			floors[t.Weight.Name][i] = max(floors[t.Weight.Name][i], v)
		}
	}
	for _, t := range active {
		switch {
		case t.shares != nil:
			t.coded, t.coding, t.converted = t.shares.coded, t.shares.coding, t.shares.converted
		case t.eager:
			t.coded = encode(t.clean, t.groups(), t.Params, floors[t.Weight.Name], w.site.Workers)
		}
	}
	return nil
}

// biasFloor returns what encode must know of a layer's bias; nil if it gets no codes.
func (w *work) biasFloor(t *target, grids map[string]affine.Grid) ([]float64, error) {
	if ok, _ := t.biasFits(w.graph); !ok {
		return nil, nil
	}
	b := w.graph.Tensor(t.Node.Input(2))
	bias, err := b.Float32s()
	if err != nil {
		return nil, err
	}
	if n, _ := nonFinite(bias); n > 0 {
		return nil, damaged(w.site.Model.Path, b, fmt.Sprintf("%d of its %d numbers are NaN or infinite", n, len(bias)))
	}
	return biasFloor(bias, grids[t.Node.Input(t.dataInput)].Scale, t.groups().count), nil
}

// effects reports what each layer became.
func (w *work) effects(c *choice) []passes.Effect {
	after := map[*ir.Node]ir.Layer{}
	for _, l := range w.site.Model.Layers() {
		after[l.Node] = l
	}
	var out []passes.Effect
	for _, t := range w.layers {
		e := passes.Effect{Layer: t.Name, From: w.before[t.Name], To: passes.StateOf(after[t.Node])}
		if t.left != "" {
			e.Why = t.left
			out = append(out, e)
			continue
		}
		if t.coded != nil {
			e.From.Zeros, e.To.Zeros = countZeros(t.clean), t.coded.zeros
		}
		e.Did = t.did()
		e.Finish = t.finish()
		notes := slices.Clone(t.notes)
		if other := c.disputed[t.Name]; other != "" {
			notes = append(notes, "shares an activation with "+other+", whose parameters hold for it")
		}
		if why := c.open[t.Name]; why != "" {
			notes = append(notes, why)
		}
		e.Why = strings.Join(notes, "; ")
		out = append(out, e)
	}
	return out
}

// did says what became of a layer: "int8 per channel (42.1 dB); activations uint8 (mse)".
func (t *target) did() string {
	s := t.form.describe()
	if t.importance != nil {
		s += " by importance"
	}
	if t.coded != nil {
		s += " (" + decibels(t.coded.signal, t.coded.noise) + ")"
	}
	switch a := t.Params.Activations; {
	case a == nil || t.Type == "embedding":
	case a.Dynamic:
		s += fmt.Sprintf("; activations %s, dynamic", a.Type)
	default:
		s += fmt.Sprintf("; activations %s (%s)", a.Type, a.Observer.Kind)
	}
	return s
}

// finish returns what completes the effect when the weight has been written; nil if it is complete.
func (t *target) finish() func(e *passes.Effect) {
	var total func() (tally, bool)
	switch {
	case t.coding != nil:
		total = t.coding.total
	case t.converted != nil:
		total = t.converted.total
	default:
		return nil
	}
	words, weight := t.form.describe(), source{t: t.Weight}
	return func(e *passes.Effect) {
		sum, ok := total()
		if !ok {
			return // the weight is not in what was written
		}
		e.From.Zeros, e.To.Zeros = sum.zeros, sum.codedZeros
		if t.coding == nil {
			e.To.Zeros = sum.zerosNow()
		}
		r := sum.rounding
		r.Zeros = int64(e.To.Zeros)
		e.Rounding = &r
		if sum.nonFinite > 0 {
			note := weight.found(sum.nonFinite) + " and were taken for zero"
			e.Why = strings.TrimSuffix(note+"; "+e.Why, "; ")
		}
		e.Did = words + " (" + decibels(sum.rounding.Signal, sum.rounding.Noise) + ")" + strings.TrimPrefix(e.Did, words)
	}
}

func countZeros(w []float32) int {
	n := 0
	for _, v := range w {
		if v == 0 {
			n++
		}
	}
	return n
}

func damaged(path string, t *ir.Tensor, reason string) error {
	return &format.Damaged{Path: path, Where: fmt.Sprintf("tensor %q", t.Name), Reason: reason}
}
