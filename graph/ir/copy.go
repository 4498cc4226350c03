package ir

import "slices"

// smallTensor is the size in bytes up to which Header keeps integer tensors: shapes, axes and pads decide what follows.
const smallTensor = 1024

// Clone returns a copy whose structure is its own; tensors, being immutable, are shared.
func (m *Model) Clone() *Model {
	return m.copy(func(t *Tensor) *Tensor { return t })
}

// Header returns a copy whose tensors have no bytes, but for integer tensors of at most 1 KiB, which shape inference
// needs. Plans work on it: nothing done to it can read a weight.
func (m *Model) Header() *Model {
	return m.copy(func(t *Tensor) *Tensor {
		switch t.DType {
		case Int8, Uint8, Int16, Uint16, Int32, Uint32, Int64, Uint64, Bool:
			if t.Size() <= smallTensor {
				return t
			}
		}
		return t.Header()
	})
}

func (m *Model) copy(tensor func(*Tensor) *Tensor) *Model {
	c := *m
	c.Graph = m.Graph.copy(tensor)
	c.Opsets = slices.Clone(m.Opsets)
	c.Metadata = slices.Clone(m.Metadata)
	return &c
}

// Clone returns a copy whose structure is its own; tensors are shared.
func (g *Graph) Clone() *Graph { return g.copy(func(t *Tensor) *Tensor { return t }) }

func (g *Graph) copy(tensor func(*Tensor) *Tensor) *Graph {
	if g == nil {
		return nil
	}
	c := *g
	c.index = nil
	c.Nodes = make([]*Node, len(g.Nodes))
	for i, n := range g.Nodes {
		c.Nodes[i] = n.copy(tensor)
	}
	c.Inputs, c.Outputs, c.Values = copyValues(g.Inputs), copyValues(g.Outputs), copyValues(g.Values)
	c.tensors = make([]*Tensor, len(g.tensors))
	for i, t := range g.tensors {
		c.tensors[i] = tensor(t)
	}
	return &c
}

// Clone returns a copy of the node; tensors are shared.
func (n *Node) Clone() *Node { return n.copy(func(t *Tensor) *Tensor { return t }) }

func (n *Node) copy(tensor func(*Tensor) *Tensor) *Node {
	c := *n
	c.Inputs, c.Outputs = slices.Clone(n.Inputs), slices.Clone(n.Outputs)
	c.Attrs = slices.Clone(n.Attrs)
	for i := range c.Attrs {
		a := &c.Attrs[i]
		a.Ints, a.Floats, a.Strings = slices.Clone(a.Ints), slices.Clone(a.Floats), slices.Clone(a.Strings)
		if a.Tensor != nil {
			a.Tensor = tensor(a.Tensor)
		}
		a.Graph = a.Graph.copy(tensor)
	}
	return &c
}

func copyValues(list []*Value) []*Value {
	c := make([]*Value, len(list))
	for i, v := range list {
		w := *v
		w.Shape = slices.Clone(v.Shape)
		c[i] = &w
	}
	return c
}

// Opset returns the version of an operator domain, 0 if the model does not name it. "" and "ai.onnx" are one domain.
func (m *Model) Opset(domain string) int64 {
	if domain == "ai.onnx" {
		domain = ""
	}
	for _, o := range m.Opsets {
		if o.Domain == domain || domain == "" && o.Domain == "ai.onnx" {
			return o.Version
		}
	}
	return 0
}

// SetOpset sets the version of a domain, which is added if the model does not name it.
func (m *Model) SetOpset(domain string, version int64) {
	if domain == "ai.onnx" {
		domain = ""
	}
	for i, o := range m.Opsets {
		if o.Domain == domain || domain == "" && o.Domain == "ai.onnx" {
			m.Opsets[i].Version = version
			return
		}
	}
	m.Opsets = append(m.Opsets, Opset{Domain: domain, Version: version})
}
