package exec

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/ggml"
)

// WeightChunk is how many elements of a weight its reader gives at a time at most.
const WeightChunk = 1 << 16

// WeightReader is LayerWeight for weights larger than memory. It returns what gives elements from up to to, at most
// WeightChunk of them; from is a multiple of that. What it gives may be overwritten by the next call. Weights that Ranged is
// false of are read as a whole at once.
func WeightReader(m *ir.Model, l ir.Layer) (func(from, to int) ([]float32, error), error) {
	if d, ok := newDequantized(m, l); ok {
		return d.read, nil
	}
	if !ranged(l.Weight) {
		w, err := LayerWeight(m, l)
		return func(from, to int) ([]float32, error) { return w[from:to], nil }, err
	}
	t := l.Weight
	typ, elements, bytes := storedAs(t.DType)
	n := min(t.Len(), WeightChunk)
	raw, values := make([]byte, ceilDiv(n, elements)*bytes), make([]float32, n)
	return func(from, to int) ([]float32, error) {
		b := raw[:(to-from)/elements*bytes]
		if err := t.ReadPart(b, int64(from/elements*bytes)); err != nil {
			return nil, err
		}
		if err := ggml.Dequantize(values[:to-from], typ, b, to-from); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		return values[:to-from], nil
	}, nil
}

// Ranged tells whether the numbers of a layer's weight can be read some at a time, as many as it has elements: floats, ggml's
// blocks and codes behind which a DequantizeLinear stands, of a tensor that comes in ranges.
func Ranged(m *ir.Model, l ir.Layer) bool {
	if ranged(l.Weight) {
		return true
	}
	_, ok := newDequantized(m, l)
	return ok
}

func ranged(t *ir.Tensor) bool {
	_, elements, _ := storedAs(t.DType)
	return elements > 0 && t.Align() > 0 && t.Len() > 0
}

// storedAs is how ggml numbers a type, and how many elements have how many bytes; none if it is not ggml's.
func storedAs(t ir.DType) (typ ggml.Type, elements, bytes int) {
	switch t {
	case ir.Float32:
		return ggml.F32, 1, 4
	case ir.Float16:
		return ggml.F16, 1, 2
	case ir.BFloat16:
		return ggml.BF16, 1, 2
	}
	if elements, bytes = t.Block(); elements > 0 {
		typ = ggml.Type(t - ir.BlockBase)
	}
	return typ, elements, bytes
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
