package onnx

import (
	"bytes"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
)

// Whatever is read without complaint can be written, the written file says the same, and writing it again changes
// nothing; its layers, shapes and elements can be asked for without harm.
func FuzzDecode(f *testing.F) {
	f.Add(odd())
	f.Add(bigModel()[:2000])
	f.Add(model(nested(3)...))
	f.Add(model(tensor("w", 4, 4), input("x", 4), node("Add", "x w", "y"), outputOf("y")))
	f.Add(model(tensor("w", 9, 1, 1, 3, 3), input("x", 1, 1, 8, 8), node("Conv", "x w", "y"), outputOf("y")))
	for _, d := range damagedFiles {
		f.Add(d.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		once, err := Encode(m)
		if err != nil {
			t.Fatalf("was read but cannot be written: %v", err)
		}
		n, err := Decode(once)
		if err != nil {
			t.Fatalf("was written but cannot be read: %v", err)
		}
		twice, err := Encode(n)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("written again it differs: %v", err)
		}
		if !sameModels(m, n) {
			t.Fatal("written and read it says something else")
		}
		for _, w := range m.Graph.Constants() {
			if _, err := w.Bytes(); err != nil {
				t.Fatalf("tensor %q: %v", w.Name, err)
			}
		}
		m.Layers()
		m.Work(nil)
		ir.Infer(m, nil)
		ir.Infer(m.Header(), nil)
	})
}

// sameModels compares what can be compared without origins.
func sameModels(a, b *ir.Model) bool {
	x, err1 := Encode(stripped(a))
	y, err2 := Encode(stripped(b))
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// stripped is a copy without origins, so that it is written from its fields alone.
func stripped(m *ir.Model) *ir.Model {
	c := m.Clone()
	stripGraph(c.Graph)
	for i := range c.Opsets {
		c.Opsets[i].Origin = nil
	}
	for i := range c.Metadata {
		c.Metadata[i].Origin = nil
	}
	return c
}

func stripGraph(g *ir.Graph) {
	tensor := func(t *ir.Tensor) *ir.Tensor {
		c := *t
		c.Origin = nil
		return &c
	}
	for _, t := range g.Tensors() {
		g.SetTensor(tensor(t))
	}
	for _, list := range [][]*ir.Value{g.Inputs, g.Outputs, g.Values} {
		for _, v := range list {
			v.Origin = nil
		}
	}
	for _, n := range g.Nodes {
		n.Origin = nil
		for i := range n.Attrs {
			a := &n.Attrs[i]
			a.Origin = nil
			if a.Tensor != nil {
				a.Tensor = tensor(a.Tensor)
			}
			if a.Graph != nil {
				stripGraph(a.Graph)
			}
		}
	}
}
