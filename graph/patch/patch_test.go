package patch_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/patch"
	"github.com/pare-ml/pare/passes/passtest"
)

// onFile is a model as it is read from a file, so that its elements know their own bytes there.
func onFile(t testing.TB) *ir.Model {
	t.Helper()
	m := passtest.ResNet()
	m.Metadata = []ir.KeyValue{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}, {Key: "a", Value: "3"}}
	m.Graph.Nodes[0].SetAttr(ir.GraphAttr("body", &ir.Graph{Name: "within",
		Nodes:  []*ir.Node{{Op: "Constant", Outputs: []string{"c"}, Attrs: []ir.Attr{ir.TensorAttr("value", ir.FromInt64s("", []int{2}, []int64{1, 2}))}}},
		Values: []*ir.Value{{Name: "c", DType: ir.Int64, Shape: ir.ShapeOf(2)}}, Outputs: []*ir.Value{{Name: "c"}}}))
	data, err := onnx.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "m.onnx")
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
	m, closeFile, err := onnx.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeFile() })
	return m
}

// stored writes a patch and reads it back.
func stored(t testing.TB, p *patch.Patch) *patch.Patch {
	t.Helper()
	b, tensors, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	q, err := patch.Decode(b, func(i int, h *ir.Tensor) (*ir.Tensor, error) {
		data, err := tensors[i].Bytes()
		return ir.NewTensor(h.Name, h.DType, h.Shape, data), err
	})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func encode(t testing.TB, m *ir.Model) []byte {
	t.Helper()
	b, err := onnx.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var changes = []struct {
	name string
	do   func(m *ir.Model)
}{
	{"nothing", func(*ir.Model) {}},
	{"a weight", func(m *ir.Model) { m.Graph.SetTensor(zero(m, "head.weight")) }},
	{"a weight under another name", func(m *ir.Model) {
		w := m.Graph.Tensor("head.weight")
		m.Graph.RemoveTensor(w.Name)
		m.Graph.AddTensor(w.WithName("moved"))
		m.Graph.ReplaceUses("head.weight", "moved")
	}},
	{"a weight that goes to the end", func(m *ir.Model) {
		w := m.Graph.Tensor("stem.conv.weight")
		m.Graph.RemoveTensor(w.Name)
		m.Graph.AddTensor(w)
	}},
	{"a node that goes", func(m *ir.Model) {
		for _, n := range m.Graph.Nodes {
			if n.Is("Relu") {
				m.Graph.Bypass(n, n.Input(0))
				return
			}
		}
	}},
	{"nodes that come", func(m *ir.Model) {
		g := m.Graph
		for i, at := range []int{0, 3, len(g.Nodes) - 1} {
			n := g.Nodes[at]
			out := g.FreshName("inserted")
			g.InsertBefore(n, &ir.Node{Name: out, Op: "Identity", Inputs: []string{n.Input(0)}, Outputs: []string{out},
				Attrs: []ir.Attr{ir.IntAttr("axis", int64(i)), ir.TensorAttr("t", ir.FromFloat32s("t", []int{600}, make([]float32, 600)))}})
			n.Inputs[0] = out
		}
	}},
	{"attributes", func(m *ir.Model) {
		for _, n := range m.Graph.Nodes {
			if n.Is("Conv") {
				n.SetAttr(ir.StringAttr("auto_pad", "NOTSET"))
				n.RemoveAttr("dilations")
				n.Attrs[0].Doc = "said"
			}
		}
	}},
	{"a graph within", func(m *ir.Model) {
		g := m.Graph.Nodes[0].Attr("body").Graph
		g.Nodes[0].Name = "named"
		g.Nodes = append(g.Nodes, &ir.Node{Op: "Identity", Inputs: []string{"c"}, Outputs: []string{"d"}})
		g.Outputs[0].Name = "d"
	}},
	{"a graph within that goes and comes", func(m *ir.Model) {
		a := *m.Graph.Nodes[0].Attr("body")
		m.Graph.Nodes[0].RemoveAttr("body")
		a.Graph.Name = "elsewhere"
		m.Graph.Nodes[1].SetAttr(a)
	}},
	{"another order", func(m *ir.Model) {
		// Every node of a chain has to stay behind the one before it, but constants may stand anywhere before their use.
		g := m.Graph
		g.InsertBefore(g.Nodes[0], &ir.Node{Op: "Constant", Outputs: []string{"k"}, Attrs: []ir.Attr{ir.IntAttr("value_int", 1)}})
		for i, n := range g.Nodes {
			if n.Is("Relu") && i+1 < len(g.Nodes) {
				g.Nodes[i], g.Nodes[0] = g.Nodes[0], g.Nodes[i]
				g.Nodes[i], g.Nodes[0] = g.Nodes[0], g.Nodes[i]
			}
		}
		g.Values = append(g.Values, &ir.Value{Name: "k", DType: ir.Int64, Shape: ir.Shape{}})
		g.Values = append(g.Values[1:], g.Values[:min(1, len(g.Values))]...)
	}},
	{"what is said around it", func(m *ir.Model) {
		m.SetOpset("", m.Opset("")+1)
		m.SetOpset("com.example", 3)
		m.Metadata = append(m.Metadata[1:], ir.KeyValue{Key: "c", Value: "4"})
		m.Metadata[1].Value = "5"
		m.Producer, m.IRVersion, m.Doc = "pare", 9, "text"
		m.Graph.Name, m.Graph.Doc = "other", "more"
		m.Graph.Outputs[0].Doc = "last"
	}},
	{"a graph in the place of the graph", func(m *ir.Model) { m.Graph = m.Graph.Clone() }},
}

func zero(m *ir.Model, name string) *ir.Tensor {
	t := m.Graph.Tensor(name)
	return ir.FromFloat32s(name, t.Shape, make([]float32, t.Len()))
}

// A stored patch makes of a model what the change itself made, to the byte.
func TestPatch(t *testing.T) {
	for _, c := range changes {
		m := onFile(t)
		before := encode(t, m)
		d := patch.On(m).Draft()
		c.do(d.Model)
		want := encode(t, d.Model)
		p := d.Patch()
		if (c.name == "nothing") != p.IsEmpty() {
			t.Errorf("%s: empty is %v", c.name, p.IsEmpty())
		}
		for what, p := range map[string]*patch.Patch{"made": p, "stored": stored(t, p)} {
			got := m.Clone()
			if err := patch.Apply(got, p); err != nil {
				t.Errorf("%s, %s: %v", c.name, what, err)
				continue
			}
			if patch.Structure(got, true) != patch.Structure(d.Model, true) {
				t.Errorf("%s, %s: another structure:\n%s\nwant\n%s", c.name, what, passtest.Text(got), passtest.Text(d.Model))
			}
			// Elements that say the same may be written with the bytes that they had or from their fields: read back they are equal.
			if b := encode(t, got); !bytes.Equal(b, want) {
				x, err := onnx.Decode(b)
				if err != nil {
					t.Fatal(err)
				}
				y, err := onnx.Decode(want)
				if err != nil {
					t.Fatal(err)
				}
				if patch.Structure(x, true) != patch.Structure(y, true) || len(b) != len(want) {
					t.Errorf("%s, %s: written as other bytes", c.name, what)
				}
			}
		}
		if !bytes.Equal(encode(t, m), before) {
			t.Errorf("%s: the model itself has changed", c.name)
		}
	}
}

// What a patch takes over from the model is not in it.
func TestSmall(t *testing.T) {
	for name, most := range map[string]int{"nothing": 100, "a weight under another name": 500, "a weight that goes to the end": 300, "a node that goes": 500} {
		for _, c := range changes {
			if c.name != name {
				continue
			}
			d := patch.On(onFile(t)).Draft()
			c.do(d.Model)
			b, tensors, err := d.Patch().Encode()
			if err != nil || len(b) > most || len(tensors) > 0 {
				t.Errorf("%s: %d bytes and %d tensors, %v", name, len(b), len(tensors), err)
			}
		}
	}
}

// Patches of one state go together, whatever their order, if they touch different things or do the same to one.
func TestTogether(t *testing.T) {
	m := onFile(t)
	base := patch.On(m)
	draft := func(do func(*ir.Model)) *patch.Patch {
		d := base.Draft()
		do(d.Model)
		return stored(t, d.Patch())
	}
	lift := func(m *ir.Model) {
		m.SetOpset("", 20)
		m.Graph.Nodes[1].SetAttr(ir.IntAttr("lifted", 1))
		m.Graph.AddTensor(ir.FromInt64s("shared", []int{1}, []int64{7}))
	}
	a := draft(func(m *ir.Model) { lift(m); m.Graph.SetTensor(zero(m, "head.weight")) })
	b := draft(func(m *ir.Model) { lift(m); m.Graph.SetTensor(zero(m, "stem.conv.weight")) })
	x, y := m.Clone(), m.Clone()
	if err := patch.Apply(x, a, b); err != nil {
		t.Fatal(err)
	}
	if err := patch.Apply(y, b, a); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, x), encode(t, y)) {
		t.Error("the order of patches matters")
	}
	for name, c := range map[string]func(*ir.Model){
		"two patches change tensor": func(m *ir.Model) {
			m.Graph.SetTensor(ir.FromFloat32s("head.weight", []int{1}, []float32{1}))
		},
		"set the opset": func(m *ir.Model) { m.SetOpset("", 21) },
		"attributes":    func(m *ir.Model) { m.Graph.Nodes[1].SetAttr(ir.IntAttr("lifted", 2)) },
		"under one name": func(m *ir.Model) {
			m.Graph.AddTensor(ir.FromInt64s("shared", []int{1}, []int64{8}))
		},
	} {
		z := m.Clone()
		if err := patch.Apply(z, a, draft(c)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(encode(t, z), encode(t, m)) {
			t.Errorf("%s: the model has changed", name)
		}
	}
	other := m.Clone()
	other.Graph.Nodes[0].Name += "x"
	if err := patch.Apply(other, a); err == nil {
		t.Error("a patch of another state was applied")
	}
}

// A field that is new in the model must find its way into patches: this list is what they know. Model.Origin and
// Graph.Shuffled tell what a file had, Model.Family what it calls itself, which no pass changes.
func TestFields(t *testing.T) {
	for _, c := range []struct {
		value any
		want  int
	}{{ir.Model{}, 19}, {ir.Graph{}, 12}, {ir.Node{}, 9}, {ir.Attr{}, 13}, {ir.Value{}, 6}, {ir.Opset{}, 3}, {ir.KeyValue{}, 3}, {ir.Tensor{}, 10}} {
		if got := reflect.TypeOf(c.value).NumField(); got != c.want {
			t.Errorf("%T has %d fields; patches know %d: make them and Structure hold the new one, or say here that it is none of theirs", c.value, got, c.want)
		}
	}
}

// What stands in a store is not trusted: damage is an error, not a panic.
func FuzzDecode(f *testing.F) {
	m := onFile(f)
	for _, c := range changes {
		d := patch.On(m).Draft()
		c.do(d.Model)
		b, _, err := d.Patch().Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	base := patch.Structure(m, false)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := patch.Decode(b, func(_ int, h *ir.Tensor) (*ir.Tensor, error) {
			return ir.NewTensor(h.Name, h.DType, h.Shape, nil), nil
		})
		if err != nil {
			return
		}
		p.Base = base
		if patch.Apply(m.Clone(), p) == nil {
			p.Encode()
		}
	})
}
