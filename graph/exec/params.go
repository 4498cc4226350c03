package exec

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
)

// Params returns the names of the parameters: the float32 constants of the model, initializers in file order, then
// those of Constant nodes in graph order.
func (p *Program) Params() []string { return slices.Clone(p.params) }

// Trainable returns the parameters that training moves: all that some step reads as a weight, and not only as a setting
// (running statistics, scales of quantization, bounds, exponents, values of padding). Scalars are settings too: they are
// the constants of formulas.
func (p *Program) Trainable() []string {
	weight := make([]bool, len(p.slots))
	for _, st := range p.steps {
		for i, s := range st.in {
			if s >= 0 && p.slots[s].param && st.op.settings>>i&1 == 0 && len(p.slots[s].array.Shape) > 0 {
				weight[s] = true
			}
		}
	}
	return slices.DeleteFunc(p.Params(), func(name string) bool { return !weight[p.index[name]] })
}

// Param returns a parameter, nil if there is none of that name. Writing to its elements changes what the program
// computes, and nothing else; the shape must stay.
func (p *Program) Param(name string) *Array {
	i, ok := p.index[name]
	if !ok || !p.slots[i].param {
		return nil
	}
	return p.slots[i].array
}

// SetParam copies values of the same type and shape into a parameter.
func (p *Program) SetParam(name string, a *Array) error {
	own := p.Param(name)
	if own == nil {
		return fmt.Errorf("%q is not a parameter", name)
	}
	if a.DType != ir.Float32 || !sameShape(own, a) {
		return fmt.Errorf("parameter %q is float32 %v; cannot be set to %s %v", name, own.Shape, a.DType, a.Shape)
	}
	copy(own.Data, a.Data)
	return nil
}

// Store writes the parameters into m, which must be the compiled model or a copy of it. Tensors whose bits are still
// the same are left alone, so that a file keeps what training did not touch.
func (p *Program) Store(m *ir.Model) error {
	for _, name := range p.params {
		a := p.Param(name)
		old := m.Graph.Tensor(name)
		if old == nil {
			return fmt.Errorf("the model has no tensor %q to store a parameter in", name)
		}
		if old.DType != a.DType || !slices.Equal(old.Shape, a.Shape) {
			return fmt.Errorf("tensor %q is %s %v in the model; the parameter is %s %v", name, old.DType, old.Shape, a.DType, a.Shape)
		}
		data, err := old.Bytes()
		if err != nil {
			return err
		}
		if bytes.Equal(data, a.Data) {
			continue
		}
		t := a.ToTensor(name)
		t.Doc = old.Doc
		m.Graph.SetTensor(t)
	}
	return nil
}
