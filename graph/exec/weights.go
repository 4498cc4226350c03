package exec

import (
	"context"
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/ggml"
)

// LayerWeight returns the weight of a layer as float32 in the layout of the tensor that holds it: the tensor's elements,
// or where it holds codes, what its DequantizeLinear makes of them, or the values of ggml's blocks.
func LayerWeight(m *ir.Model, l ir.Layer) ([]float32, error) {
	switch l.Weight.DType {
	case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
		return l.Weight.Float32s()
	}
	if elements, _ := l.Weight.DType.Block(); elements > 0 {
		return blockValues(l.Weight)
	}
	for _, n := range m.Graph.Nodes {
		if !n.Is("DequantizeLinear") || n.Input(0) != l.Weight.Name {
			continue
		}
		alone := &ir.Model{Opsets: m.Opsets, Graph: &ir.Graph{Nodes: []*ir.Node{n}, Outputs: []*ir.Value{{Name: n.Output(0)}}}}
		if scales := m.Graph.Producer(n.Input(1)); scales != nil && scales.Is("DequantizeLinear") { // codes themselves, of nvfp4
			alone.Graph.Nodes = []*ir.Node{scales, n}
		}
		for _, n := range alone.Graph.Nodes {
			for _, in := range n.Inputs {
				if t := m.Graph.Tensor(in); t != nil {
					alone.Graph.SetTensor(t)
				}
			}
		}
		p, err := Compile(alone, Options{Workers: 1})
		if err != nil {
			return nil, fmt.Errorf("weight of layer %s: %w", l.Name, err)
		}
		out, err := p.Run(context.Background(), nil)
		if err != nil {
			return nil, fmt.Errorf("weight of layer %s: %w", l.Name, err)
		}
		y := out[n.Output(0)]
		if y.DType == ir.Float32 {
			return y.Float32s(), nil
		}
		get, values := readFloat(y), make([]float32, y.Len())
		for i := range values {
			values[i] = float32(get(i))
		}
		return values, nil
	}
	return nil, fmt.Errorf("weight of layer %s is %s, and no DequantizeLinear reads it", l.Name, l.Weight.DType)
}

// blockValues returns the numbers that ggml's blocks hold.
func blockValues(w *ir.Tensor) ([]float32, error) {
	b, err := w.Bytes()
	if err != nil {
		return nil, err
	}
	values := make([]float32, w.Len())
	if len(values) == 0 {
		return values, nil
	}
	if err := ggml.Dequantize(values, ggml.Type(w.DType-ir.BlockBase), b, w.Shape[len(w.Shape)-1]); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", w.Name, err)
	}
	return values, nil
}
