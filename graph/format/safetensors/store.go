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
	mods := findModules(m)
	if list := problems(m, mods); len(list) > 0 {
		p := list[0]
		if p.Layer != "" {
			return nil, fmt.Errorf("layer %s: %s", p.Layer, p.Message)
		}
		return nil, fmt.Errorf("%s", p.Message)
	}
	d, _ := m.Carried.(*folder)
	if d == nil {
		d = &folder{}
	}
	out := &stored{}
	for _, t := range m.Graph.Tensors() {
		if !mods.used[t.Name] {
			if !t.HasData() {
				return nil, fmt.Errorf("tensor %s is not there: the model is a header", t.Name)
			}
			out.tensors = append(out.tensors, t)
		}
	}
	for _, mod := range mods.list {
		out.tensors = append(out.tensors, mod.stored(d.originals)...)
	}
	var err error
	out.config, err = d.configFor(m, mods)
	return out, err
}

// Cannot lists what of m the format cannot hold.
func Cannot(m *ir.Model) []format.Problem { return problems(m, findModules(m)) }

func problems(m *ir.Model, mods *modules) []format.Problem {
	if m.Format != "safetensors" {
		return []format.Problem{{Message: fmt.Sprintf("the model was read from %s; safetensors holds weights without a graph, so only what came from a safetensors folder goes back into one", m.Format)}}
	}
	out := mods.problems
	if d, _ := m.Carried.(*folder); d != nil && d.opaque && summary(mods) != d.summary {
		out = append(out, format.Problem{Message: "some modules of the model are quantized in a way that pare does not read, so quantization_config cannot be written anew: leave the weights' types as they are"})
	}
	if d, _ := m.Carried.(*folder); d != nil && d.config != nil && len(out) == 0 {
		if _, err := d.setSizes(d.config, m, mods); err != nil {
			out = append(out, format.Problem{Message: "the configuration of the model cannot say its new shapes: " + err.Error()})
		}
	}
	for _, t := range m.Graph.Tensors() {
		if !mods.used[t.Name] && rankOf(t.DType) < 0 {
			out = append(out, format.Problem{Message: fmt.Sprintf("tensor %s is of type %s, which safetensors does not have", t.Name, t.DType)})
		}
	}
	return out
}
