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
		if t.InHeader() {
			return t
		}
		return t.Header()
	})
}

// AsHeader is Header for who only reads it: a model that is a header already, as a manifest's, is returned as it is.
func (m *Model) AsHeader() *Model {
	if m.Graph.isHeader() {
		return m
	}
	return m.Header()
}

// InHeader reports whether Model.Header leaves a tensor its bytes.
func (t *Tensor) InHeader() bool {
	switch t.DType {
	case Int8, Uint8, Int16, Uint16, Int32, Uint32, Int64, Uint64, Bool:
		return t.Size() <= smallTensor
	}
	return false
}

func (g *Graph) isHeader() bool {
	if g == nil {
		return true
	}
	for _, t := range g.tensors {
		if t.HasData() && !t.InHeader() {
			return false
		}
	}
	for _, n := range g.Nodes {
		for i := range n.Attrs {
			a := &n.Attrs[i]
			if t := a.Tensor; t != nil && t.HasData() && !t.InHeader() || !a.Graph.isHeader() {
				return false
			}
		}
	}
	return true
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
	c.Nodes = copyNodes(g.Nodes, tensor)
	c.Inputs, c.Outputs, c.Values = copyValues(g.Inputs), copyValues(g.Outputs), copyValues(g.Values)
	c.tensors = make([]*Tensor, len(g.tensors))
	for i, t := range g.tensors {
		c.tensors[i] = tensor(t)
	}
	return &c
}

// Clone returns a copy of the node; tensors are shared.
func (n *Node) Clone() *Node {
	return copyNodes([]*Node{n}, func(t *Tensor) *Tensor { return t })[0]
}

// copyNodes copies nodes into memory that they share, piece by piece: a large graph is copied at the speed of memory.
// Lists are cut so that appending to one makes it anew.
func copyNodes(nodes []*Node, tensor func(*Tensor) *Tensor) []*Node {
	words, attrs := 0, 0
	for _, n := range nodes {
		words += len(n.Inputs) + len(n.Outputs)
		attrs += len(n.Attrs)
	}
	var (
		out      = make([]*Node, len(nodes))
		slab     = make([]Node, len(nodes))
		allWords = make([]string, 0, words)
		allAttrs = make([]Attr, 0, attrs)
	)
	for i, n := range nodes {
		c := &slab[i]
		*c = *n
		c.Inputs, allWords = cut(allWords, n.Inputs)
		c.Outputs, allWords = cut(allWords, n.Outputs)
		c.Attrs, allAttrs = cut(allAttrs, n.Attrs)
		for j := range c.Attrs {
			a := &c.Attrs[j]
			a.Ints, a.Floats, a.Strings = slices.Clone(a.Ints), slices.Clone(a.Floats), slices.Clone(a.Strings)
			if a.Tensor != nil {
				a.Tensor = tensor(a.Tensor)
			}
			a.Graph = a.Graph.copy(tensor)
		}
		out[i] = c
	}
	return out
}

// cut appends list to all, which has room for it, and returns that part of all with the whole. Nil stays nil.
func cut[T any](all, list []T) (part, whole []T) {
	if list == nil {
		return nil, all
	}
	start := len(all)
	all = append(all, list...)
	return all[start:len(all):len(all)], all
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
