package safetensors

import (
	"fmt"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// stored is what a model's weights become in files.
type stored struct {
	tensors []*ir.Tensor
	config  []byte // nil: as it was
}

// store turns a model into the tensors to write.
func store(m *ir.Model) (*stored, error) {
	if problems := Cannot(m); len(problems) > 0 {
		p := problems[0]
		if p.Layer != "" {
			return nil, fmt.Errorf("layer %s: %s", p.Layer, p.Message)
		}
		return nil, fmt.Errorf("%s", p.Message)
	}
	return &stored{tensors: m.Graph.Tensors()}, nil
}

// Cannot lists what of m the format cannot hold.
func Cannot(m *ir.Model) []format.Problem {
	if m.Format != "safetensors" {
		return []format.Problem{{Message: fmt.Sprintf("the model was read from %s; safetensors holds weights without a graph, so only what came from a safetensors folder goes back into one", m.Format)}}
	}
	var out []format.Problem
	for _, t := range m.Graph.Tensors() {
		if rankOf(t.DType) < 0 {
			out = append(out, format.Problem{Message: fmt.Sprintf("tensor %s is of type %s, which safetensors does not have", t.Name, t.DType)})
		}
	}
	return out
}
