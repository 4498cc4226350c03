package evaluate

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/parallel"
)

// LayerRounding is how well a layer's weight was kept.
type LayerRounding struct {
	Layer    string
	Compared bool // false: its shape changed, it is gone, or its codes cannot be read
	measure.Rounding
}

// Weights compares the weights of the model with those of the baseline, layer by layer in the order of the baseline, once.
func (in *Input) Weights() ([]LayerRounding, error) {
	s := in.Model
	if s.weights == nil || s.against != in.Baseline {
		list, err := RoundWeights(in.Baseline.Model, s.Model, s.Rounding, s.Workers)
		if err != nil {
			return nil, err
		}
		s.weights, s.against = list, in.Baseline
	}
	return s.weights, nil
}

// RoundWeights compares the weights of two models, layer by layer in the order of before, as the nodes see them: stored
// codes are dequantized first. Layers are found by name; normalizations are left out. What is known of a layer already is
// taken as it is, and so is that a model's weights are its own; all others are read, on several workers.
func RoundWeights(before, after *ir.Model, known map[string]measure.Rounding, workers int) ([]LayerRounding, error) {
	in := map[string]ir.Layer{}
	for _, l := range after.Layers() {
		in[l.Name] = l
	}
	var out []LayerRounding
	var layers []ir.Layer
	for _, l := range before.Layers() {
		if l.Type != "norm" {
			layers = append(layers, l)
			out = append(out, LayerRounding{Layer: l.Name})
		}
	}
	Index(before, layers)
	Index(after, after.Layers())
	errs := make([]error, len(layers))
	parallel.For(workers, len(layers), func(i int) {
		l, r := layers[i], &out[i]
		m, ok := in[l.Name]
		if !ok || m.Type != l.Type || !sameMatrix(l, m) || !exec.HasLayerWeight(before, l) || !exec.HasLayerWeight(after, m) {
			return
		}
		r.Compared = true
		if k, ok := known[l.Name]; ok {
			r.Rounding = k
		} else if l.Weight.SharesBytes(m.Weight) {
			r.Rounding = measure.Rounding{Count: int64(l.Weight.Len()), Signal: 1, Energy: 1}
		} else {
			r.Rounding, errs[i] = roundLayer(before, l, after, m)
		}
	})
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", layers[i].Name, err)
		}
	}
	return out, nil
}

// roundLayer reads the weights of a layer in two models: a few elements at a time where both come in ranges.
func roundLayer(before *ir.Model, was ir.Layer, after *ir.Model, is ir.Layer) (r measure.Rounding, err error) {
	y, err := exec.WeightReader(before, was)
	if err != nil {
		return r, err
	}
	yhat, err := exec.WeightReader(after, is)
	if err != nil {
		return r, err
	}
	n := was.Weight.Len()
	diff := make([]float32, min(n, exec.WeightChunk))
	for from := 0; from < n; from += exec.WeightChunk {
		to := min(n, from+exec.WeightChunk)
		a, err := y(from, to)
		if err != nil {
			return r, err
		}
		b, err := yhat(from, to)
		if err != nil {
			return r, err
		}
		r.Add(measure.RoundingOf(a, b, diff[:to-from]))
	}
	return r, nil
}

// Index lets the graphs of a model's layers index their tensors, which they do when they are first asked for one, so that
// weights can be read on several goroutines.
func Index(m *ir.Model, layers []ir.Layer) {
	m.Graph.IsInitializer("")
	for _, l := range layers {
		for _, g := range []*ir.Graph{l.Graph, l.Home} {
			if g != nil {
				g.IsInitializer("")
			}
		}
	}
}

// Zeros counts the elements of a layer's weight that stand for zero. Goroutines beside it need Index first.
func Zeros(m *ir.Model, l ir.Layer) (int, error) {
	count := map[ir.DType]func([]byte) (int, bool){
		ir.Float32: kernel.SpecialFloat32s, ir.Float16: kernel.SpecialFloat16s, ir.BFloat16: kernel.SpecialBFloat16s}[l.Weight.DType]
	if count == nil && !exec.HasLayerWeight(m, l) {
		return 0, nil
	}
	if count == nil {
		return codedZeros(m, l)
	}
	t, size := l.Weight, int64(l.Weight.DType.Bits()/8)
	step := max(int64(exec.WeightChunk)*size/int64(max(t.Align(), 1)), 1) * int64(max(t.Align(), 1))
	if t.Align() == 0 {
		step = t.Size()
	}
	zeros := 0
	b := make([]byte, min(step, t.Size()))
	for off := int64(0); off < t.Size(); off += step {
		b = b[:min(step, t.Size()-off)]
		if err := t.ReadRange(b, off); err != nil {
			return 0, err
		}
		n, _ := count(b)
		zeros += n
	}
	return zeros, nil
}

// codedZeros is Zeros for a weight that is not stored as floats.
func codedZeros(m *ir.Model, l ir.Layer) (zeros int, err error) {
	if !exec.Ranged(m, l) { // as many elements as there are codes, or fewer: some are packed with padding
		w, err := exec.LayerWeight(m, l)
		return zerosOf(w), err
	}
	read, err := exec.WeightReader(m, l)
	if err != nil {
		return 0, err
	}
	n := l.Weight.Len()
	for from := 0; from < n; from += exec.WeightChunk {
		w, err := read(from, min(n, from+exec.WeightChunk))
		if err != nil {
			return 0, err
		}
		zeros += zerosOf(w)
	}
	return zeros, nil
}

func zerosOf(w []float32) (n int) {
	for _, v := range w {
		if v == 0 {
			n++
		}
	}
	return n
}

// sameMatrix tells whether two layers' weights have numbers in the same places. Those of a MatMulNBits stand for a matrix of
// inputs by outputs.
func sameMatrix(l, m ir.Layer) bool {
	if m.Node.Op == "MatMulNBits" && l.Node.Op != m.Node.Op {
		return slices.Equal(l.Weight.Shape, []int{m.InFeatures, m.OutFeatures})
	}
	return slices.Equal(m.Weight.Shape, l.Weight.Shape)
}
