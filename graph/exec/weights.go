package exec

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// LayerWeight returns the values of a layer's weight as the layer computes with them: the stored numbers of a float
// weight, and of a quantized one what its DequantizeLinear makes of the codes, (q - zero_point) * scale. The layout is
// that of the stored tensor. The result may be shared; it must not be changed.
func LayerWeight(m *ir.Model, l ir.Layer) ([]float32, error) {
	w := l.Weight
	switch w.DType {
	case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
		return w.Float32s()
	case ir.Int8, ir.Uint8:
	default:
		return nil, fmt.Errorf("%s: weights of type %s cannot be looked at yet", w.Name, w.DType)
	}
	for _, n := range m.Graph.Consumers(w.Name) {
		if n.Is("DequantizeLinear") && n.Input(0) == w.Name {
			return dequantized(m, n, w)
		}
	}
	return nil, fmt.Errorf("%s holds %s codes, but no DequantizeLinear says what they mean", w.Name, w.DType)
}

// dequantized follows ONNX DequantizeLinear, per tensor or per axis.
func dequantized(m *ir.Model, n *ir.Node, w *ir.Tensor) ([]float32, error) {
	codes, err := w.Int64s()
	if err != nil {
		return nil, err
	}
	scale, err := constantFloats(m, n.Input(1))
	if err != nil {
		return nil, err
	}
	zero := make([]int64, len(scale))
	if name := n.Input(2); name != "" {
		t := m.Graph.Tensor(name)
		if t == nil {
			return nil, fmt.Errorf("%s: zero_point %s is not a constant", n.Name, name)
		}
		if zero, err = t.Int64s(); err != nil {
			return nil, err
		}
	}
	axis, inner := 0, len(codes)
	if len(scale) > 1 {
		axis = int(n.Int("axis", 1))
		if axis < 0 {
			axis += len(w.Shape)
		}
		if axis < 0 || axis >= len(w.Shape) || w.Shape[axis] != len(scale) {
			return nil, fmt.Errorf("%s: %d scales do not fit axis %d of shape %v", n.Name, len(scale), axis, w.Shape)
		}
		inner = 1
		for _, d := range w.Shape[axis+1:] {
			inner *= d
		}
	}
	if len(zero) != len(scale) || len(scale) == 0 {
		return nil, fmt.Errorf("%s: %d scales and %d zero points", n.Name, len(scale), len(zero))
	}
	out := make([]float32, len(codes))
	for i, q := range codes {
		c := i / max(1, inner) % len(scale)
		out[i] = float32(q-zero[c]) * scale[c]
	}
	return out, nil
}

func constantFloats(m *ir.Model, name string) ([]float32, error) {
	t := m.Graph.Tensor(name)
	if t == nil {
		return nil, fmt.Errorf("scale %s is not a constant", name)
	}
	return t.Float32s()
}
