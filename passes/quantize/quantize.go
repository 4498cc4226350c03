// Package quantize is the pass that stores weights, and if asked computes with activations, as 8-bit integer codes.
package quantize

import (
	"context"
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
	Doc: "Changes the numeric type: weights of convolutions and linear layers become 8-bit codes with scales, and so do " +
		"the activations between them if asked.",
	Version: 1,
	Accepts: accepts,
	Order: []passes.Order{
		{After: "fold", Why: "a batch normalization behind a quantized layer cannot be folded into its codes any more"},
		{After: "prune", Why: "quantized weights no longer rank by size"},
		{After: "distill", Why: "training works on float weights; codes have no gradient"},
	},
}, passes.Spec[Params]{
	Fields: fields,
	Check:  checkLayer,
	Needs: func(p *Params) []measure.Need {
		if p.Activations == nil {
			return nil
		}
		return []measure.Need{p.need()}
	},
	Join: join,
	Foresee: func(s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
		return newWork(s, u).do(nil)
	},
	Apart: func([]passes.Treated[Params]) bool { return true }, // units share no weight and, if there are several, no activation
	Local: func(layers []passes.Treated[Params]) bool {
		return !slices.ContainsFunc(layers, func(l passes.Treated[Params]) bool { return l.Params.Activations != nil })
	},
	Run: func(ctx context.Context, s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
		w := newWork(s, u)
		if err := w.load(); err != nil {
			return nil, err
		}
		return w.do(func(n measure.Need) (*measure.Result, error) { return s.Measure(ctx, n) })
	},
})

// join treats all layers at once if activations get codes: layers share them. Else layers that share a weight go
// together and others alone.
func join(m *ir.Model, layers []passes.Treated[Params]) ([][]int, error) {
	all := make([]int, len(layers))
	together := false
	byWeight := map[string]int{}
	var groups [][]int
	for i, l := range layers {
		all[i] = i
		together = together || l.Params.Activations != nil
		at, ok := byWeight[l.Weight.Name]
		if !ok {
			at = len(groups)
			byWeight[l.Weight.Name] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	if together {
		return [][]int{all}, nil
	}
	return groups, nil
}

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
	index := w.graph.Index()
	for _, l := range u.Layers {
		w.layers = append(w.layers, newTarget(index, l))
		w.before[l.Name] = passes.StateOf(l.Layer)
	}
	return w
}

// load reads the weights of the unit.
func (w *work) load() error {
	w.header = false
	errs := make([]error, len(w.layers))
	parallel.For(w.site.Workers, len(w.layers), func(i int) { errs[i] = w.layers[i].load(w.site.Model.Path) })
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("layer %s: %w", w.layers[i].Name, err)
		}
	}
	return nil
}

// do rewrites the model. measured gives the ranges of activations; nil on a header.
func (w *work) do(measured func(measure.Need) (*measure.Result, error)) ([]passes.Effect, error) {
	if err := w.setOpset(); err != nil {
		return nil, err
	}
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
	r := newRewrite(w.graph)
	for _, t := range active {
		r.weight(t)
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

// setOpset raises the opset, or falls back to one scale for each tensor where it cannot be raised.
func (w *work) setOpset() error {
	stuck := lift(w.site.Model)
	if stuck == "" {
		return nil
	}
	if w.site.Model.Opset("") < opsetTensor {
		return fmt.Errorf("%s; quantization needs at least opset %d", stuck, opsetTensor)
	}
	raiseIR(w.site.Model)
	for _, t := range w.layers {
		if t.perAxis {
			t.perAxis = false
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
		grids[v.name] = affine.New(r.Lo, r.Hi, root.settings.Symmetric, codes(root.settings.Type))
	}
	return grids, nil
}

// encode turns weights into codes. A weight that several layers share is treated once, by the parameters of the first.
func (w *work) encode(active []*target, grids map[string]affine.Grid) error {
	if w.header {
		return nil
	}
	first := map[string]*target{}
	floors := map[string][]float64{}
	for _, t := range active {
		f := first[t.Weight.Name]
		if f == nil {
			first[t.Weight.Name], f = t, t
		} else {
			t.perAxis = f.perAxis
			t.notes = append(t.notes, "its weight is that of "+f.Name+" and treated with it")
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
		if f := first[t.Weight.Name]; f != t {
			t.coded = f.coded
		} else {
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
		e.Did = t.describe()
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

// describe says what became of a layer: "int8 per channel (42.1 dB); activations int8 (mse)".
func (t *target) describe() string {
	granularity := ", one scale"
	if t.perAxis {
		granularity = " per channel"
	}
	s := t.Params.Weights.Type + granularity
	if t.coded != nil {
		if db, ok := sqnr(t.coded.signal, t.coded.noise); ok {
			s += fmt.Sprintf(" (%.1f dB)", db)
		} else {
			s += " (exact)"
		}
	}
	if a := t.Params.Activations; a != nil {
		s += fmt.Sprintf("; activations %s (%s)", a.Type, a.Observer.Kind)
	}
	return s
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
