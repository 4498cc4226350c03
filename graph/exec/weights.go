package exec

import (
	"context"
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// LayerWeight returns the weight of a layer as float32 in the layout of the tensor that holds it: the tensor's elements,
// or where it holds codes, what its DequantizeLinear makes of them.
func LayerWeight(m *ir.Model, l ir.Layer) ([]float32, error) {
	switch l.Weight.DType {
	case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
		return l.Weight.Float32s()
	}
	for _, n := range m.Graph.Nodes {
		if !n.Is("DequantizeLinear") || n.Input(0) != l.Weight.Name {
			continue
		}
		alone := &ir.Model{Opsets: m.Opsets, Graph: &ir.Graph{Nodes: []*ir.Node{n}, Outputs: []*ir.Value{{Name: n.Output(0)}}}}
		for _, in := range n.Inputs {
			if t := m.Graph.Tensor(in); t != nil {
				alone.Graph.SetTensor(t)
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
		return out[n.Output(0)].Float32s(), nil
	}
	return nil, fmt.Errorf("weight of layer %s is %s, and no DequantizeLinear reads it", l.Name, l.Weight.DType)
}
