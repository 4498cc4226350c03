package prune

import (
	"context"
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/passes"
)

// rank gives every single weight of the layers its score.
func rank(ctx context.Context, s *passes.Site, work []*masked) error {
	for _, m := range work {
		var err error
		if m.weights, err = finite(s.Model, m.layer.Weight); err != nil {
			return err
		}
		if m.bytes, err = m.layer.Weight.Bytes(); err != nil {
			return err
		}
		if m.scores, err = elements(ctx, s, m.params, m.layer, m.weights); err != nil {
			return err
		}
		for i, v := range m.weights {
			if v == 0 {
				m.scores[i] = -1 // already gone, so it goes first whatever the criterion
			}
		}
	}
	return nil
}

// elements scores single weights that cannot be ranked by their size alone: not negative, low means unimportant.
func elements(ctx context.Context, s *passes.Site, p *Params, l ir.Layer, w []float32) ([]float64, error) {
	out := make([]float64, len(w))
	switch p.Criterion {
	case "random":
		r := s.Rand(l.Name)
		for i := range out {
			out[i] = r.Float64()
		}
	case "taylor":
		g, err := gradients(ctx, s, p, l)
		if err != nil {
			return nil, err
		}
		copy(out, g)
	default:
		return nil, fmt.Errorf("criterion %s ranks no single weights", p.Criterion)
	}
	return out, nil
}

// gradients returns the measured (g·w)² of a layer's weight, as it was before the step.
func gradients(ctx context.Context, s *passes.Site, p *Params, l ir.Layer) ([]float64, error) {
	r, err := measured(ctx, s, p)
	if err != nil {
		return nil, err
	}
	g := r.Taylor[l.Weight.Name]
	if len(g) != l.Weight.Len() {
		return nil, fmt.Errorf("layer %s: no gradient was measured for its weight %q", l.Name, l.Weight.Name)
	}
	return g, nil
}

func measured(ctx context.Context, s *passes.Site, p *Params) (*measure.Result, error) {
	return s.Measure(ctx, needs(p)[0])
}

// finite returns the elements of a float tensor; one that is no finite number makes the model damaged.
func finite(m *ir.Model, t *ir.Tensor) ([]float32, error) {
	w, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	bad := 0
	for _, v := range w {
		if v-v != 0 {
			bad++
		}
	}
	if bad > 0 {
		return nil, unranked(m.Path, t, bad)
	}
	return w, nil
}

// silent says why a criterion has nothing to say of a layer's outputs, from the model's structure alone.
func silent(p *Params, m *ir.Model, l ir.Layer, norms map[string]ir.Layer) string {
	switch p.Criterion {
	case "bn_scale":
		if _, ok := norms[l.Name]; !ok {
			return "no batch normalization stands behind it; a fold before this step would have taken it away"
		}
	case "apoz":
		if a := measure.After(m.Graph, l); !a.Zeros {
			return "no activation function that gives exact zeros, such as Relu, stands behind it, so apoz says nothing"
		}
	case "magnitude", "l2", "taylor":
		switch l.Weight.DType {
		case ir.Float32, ir.Float16, ir.BFloat16:
		default:
			return fmt.Sprintf("its weight is %s", l.Weight.DType)
		}
	}
	return ""
}

// filterScores scores every output of a layer about which the criterion is not silent, from the layer's own tensors or
// from what was measured of it.
func filterScores(ctx context.Context, s *passes.Site, p *Params, l ir.Layer, norms map[string]ir.Layer) ([]float64, error) {
	switch p.Criterion {
	case "random":
		r := s.Rand(l.Name)
		out := make([]float64, l.Weight.Shape[l.OutAxis])
		for i := range out {
			out[i] = r.Float64()
		}
		return out, nil
	case "bn_scale":
		return absolute(s.Model, norms[l.Name].Weight)
	case "apoz", "mean_activation":
		return activations(ctx, s, p, l)
	case "taylor":
		e, err := gradients(ctx, s, p, l)
		return sums(e, l.Weight.Shape, l.OutAxis), err
	}
	e, err := absolute(s.Model, l.Weight)
	if err != nil || p.Criterion == "magnitude" {
		return sums(e, l.Weight.Shape, l.OutAxis), err
	}
	for i, v := range e {
		e[i] = v * v
	}
	out := sums(e, l.Weight.Shape, l.OutAxis)
	for i, v := range out {
		out[i] = math.Sqrt(v)
	}
	return out, nil
}

func absolute(m *ir.Model, t *ir.Tensor) ([]float64, error) {
	w, err := finite(m, t)
	out := make([]float64, len(w))
	for i, v := range w {
		out[i] = math.Abs(float64(v))
	}
	return out, err
}

func activations(ctx context.Context, s *passes.Site, p *Params, l ir.Layer) ([]float64, error) {
	r, err := measured(ctx, s, p)
	if err != nil {
		return nil, err
	}
	c, ok := r.Channels[l.Name]
	if !ok || p.Criterion == "apoz" && c.APoZ == nil {
		return nil, fmt.Errorf("layer %s: its output was not measured", l.Name)
	}
	if p.Criterion == "mean_activation" {
		return c.Mean, nil
	}
	out := make([]float64, len(c.APoZ))
	for i, z := range c.APoZ {
		out[i] = 1 - z
	}
	return out, nil
}

// sums adds up the elements of each index of an axis, in the order in which they lie in memory.
func sums(e []float64, shape []int, axis int) []float64 {
	inner := product(shape[axis+1:])
	out := make([]float64, shape[axis])
	for i, v := range e {
		out[i/inner%shape[axis]] += v
	}
	return out
}
