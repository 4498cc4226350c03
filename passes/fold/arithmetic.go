package fold

import (
	"fmt"
	"math"
	"sync"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/parallel"
)

// stats are the tensors of a batch normalization, each with one number for each channel.
type stats struct {
	gamma, beta, mean, variance *ir.Tensor
	epsilon                     float64
}

func (s stats) tensors() []*ir.Tensor { return []*ir.Tensor{s.gamma, s.beta, s.mean, s.variance} }
func (s stats) channels() int         { return s.gamma.Len() }

// statsOf finds the tensors that a BatchNormalization uses, or why they cannot be folded.
func (w *walk) statsOf(n *ir.Node) (s stats, why string) {
	var list [4]*ir.Tensor
	for i := range list {
		t := w.graph.Tensor(n.Input(i + 1))
		switch {
		case t == nil:
			return s, fmt.Sprintf("its input %d is no constant", i+1)
		case t.DType != ir.Float32:
			return s, fmt.Sprintf("tensor %s is %s; folding works on float32", t.Name, t.DType)
		case len(t.Shape) != 1 || i > 0 && t.Len() != list[0].Len():
			return s, fmt.Sprintf("tensor %s has shape %v, not one number for each channel", t.Name, t.Shape)
		}
		list[i] = t
	}
	return stats{list[0], list[1], list[2], list[3], float64(n.Float("epsilon", 1e-5))}, ""
}

// affine is what a batch normalization does to a channel: x·factor, less mean·factor, plus beta.
type affine struct{ factor, mean, beta float64 }

// read loads the statistics. It refuses what is not finite or has no square root.
func (s stats) read(path string) ([]affine, error) {
	var list [4][]float32
	for i, t := range s.tensors() {
		x, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		if bad := countNonFinite(x); bad > 0 {
			return nil, damaged(path, t, "holds %d numbers that are NaN or infinite, of %d", bad, len(x))
		}
		list[i] = x
	}
	out := make([]affine, s.channels())
	for i := range out {
		sum := float64(list[3][i]) + s.epsilon
		if !(sum > 0) {
			return nil, damaged(path, s.variance, "holds the variance %g, which has no square root with epsilon %g", list[3][i], float32(s.epsilon))
		}
		out[i] = affine{float64(list[0][i]) / math.Sqrt(sum), float64(list[2][i]), float64(list[1][i])}
	}
	return out, nil
}

// prepare makes the layer's new tensors. They are computed when first read, and are headers if a source is one.
func (nf *normFold) prepare(path, biasName string) {
	channels := sync.OnceValues(func() ([]affine, error) { return nf.stats.read(path) })
	tensor := func(name string, shape []int, compute func([]affine) ([]float32, error)) *ir.Tensor {
		t := ir.LazyTensor(name, ir.Float32, shape, func() ([]byte, error) {
			a, err := channels()
			if err != nil {
				return nil, err
			}
			x, err := compute(a)
			if err != nil {
				return nil, err
			}
			t := ir.FromFloat32s(name, shape, x)
			if bad := countNonFinite(x); bad > 0 {
				return nil, damaged(path, t, "gets %d numbers that are NaN or infinite when %s is folded into it", bad, called(nf.norm))
			}
			return t.Bytes()
		})
		for _, source := range append(nf.stats.tensors(), nf.weight, nf.bias) {
			if source != nil && !source.HasData() {
				return t.Header()
			}
		}
		return t
	}
	nf.newWeight = tensor(nf.weight.Name, nf.weight.Shape, nf.scaledWeight)
	nf.newBias = tensor(biasName, []int{nf.stats.channels()}, nf.shiftedBias)
}

// scaledWeight returns the layer's weight with each output channel times its factor.
func (nf *normFold) scaledWeight(channels []affine) ([]float32, error) {
	w, err := nf.weight.Float32s()
	if err != nil {
		return nil, err
	}
	axis, inner := nf.layer.OutAxis, 1
	for _, d := range nf.weight.Shape[axis+1:] {
		inner *= d
	}
	out := make([]float32, len(w))
	for i, x := range w {
		out[i] = float32(float64(x) * channels[i/inner%len(channels)].factor)
	}
	return out, nil
}

// shiftedBias returns (bias·share − mean)·factor + beta for each channel.
func (nf *normFold) shiftedBias(channels []affine) ([]float32, error) {
	bias := []float32{0}
	if nf.bias != nil {
		var err error
		if bias, err = nf.bias.Float32s(); err != nil {
			return nil, err
		}
	}
	out := make([]float32, len(channels))
	for i, c := range channels {
		x := float64(float64(bias[i%len(bias)]) * nf.share)
		out[i] = float32(float64((x-c.mean)*c.factor) + c.beta)
	}
	return out, nil
}

// settle computes what folding has put into the model, so that what is wrong with it is found here, and reports
// channels that hardly vary: such a channel is scaled by up to γ/√ε, which a coarse quantization of its layer feels.
func (f *folding) settle(folds []*normFold) error {
	errs := make([]error, len(folds))
	notes := make([]string, len(folds))
	parallel.For(f.site.Workers, len(folds), func(i int) {
		nf := folds[i]
		if !nf.newWeight.HasData() {
			return
		}
		if notes[i], errs[i] = nf.stats.flat(f.site.Model.Path); errs[i] != nil {
			return
		}
		if _, errs[i] = nf.newWeight.Bytes(); errs[i] == nil {
			_, errs[i] = nf.newBias.Bytes()
		}
	})
	for i, nf := range folds {
		if errs[i] != nil {
			return fmt.Errorf("fold %s into %s: %w", called(nf.norm), nf.layer.Name, errs[i])
		}
		if notes[i] != "" {
			f.did[nf.layer.Name] = append(f.did[nf.layer.Name], notes[i])
		}
	}
	return nil
}

// flat describes the channels whose variance lies below epsilon; empty if there are none.
func (s stats) flat(path string) (string, error) {
	channels, err := s.read(path)
	if err != nil {
		return "", err
	}
	variance, err := s.variance.Float32s()
	if err != nil {
		return "", err
	}
	n, growth := 0, 0.0
	for i, c := range channels {
		if float64(variance[i]) < s.epsilon {
			n++
			growth = max(growth, math.Abs(c.factor))
		}
	}
	if n == 0 {
		return "", nil
	}
	return fmt.Sprintf("%s with a variance below epsilon scaled by up to %.3g", counted(n, "channel"), growth), nil
}

func countNonFinite(x []float32) int {
	n := 0
	for _, v := range x {
		if v != v || math.IsInf(float64(v), 0) {
			n++
		}
	}
	return n
}

func damaged(path string, t *ir.Tensor, reason string, args ...any) error {
	return &format.Damaged{Path: path, Where: fmt.Sprintf("tensor %q", t.Name), Reason: fmt.Sprintf(reason, args...)}
}
