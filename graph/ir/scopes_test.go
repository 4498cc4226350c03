package ir_test

import (
	"slices"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

// branching is a convolution, an If with a linear layer in each branch, of one name and, in one of them, over a weight of
// the main graph, and a convolution behind it.
func branching(t *testing.T) *ir.Model {
	t.Helper()
	b := build.New("branching", 17)
	x := b.Input("x", ir.Float32, "batch", 4)
	b.Input("c", ir.Bool)
	b.Floats("in.weight", []int{4, 4}, make([]float32, 16)...)
	x = b.Op("MatMul", "", []string{x, "in.weight"})
	b.Floats("outer.weight", []int{4, 4}, make([]float32, 16)...)
	branch := func(out, weight string, own bool) *ir.Graph {
		g := &ir.Graph{Name: out, Nodes: []*ir.Node{{Name: "product", Op: "MatMul", Inputs: []string{x, weight}, Outputs: []string{out}}},
			Outputs: []*ir.Value{{Name: out}}}
		if own {
			g.AddTensor(ir.FromFloat32s(weight, []int{4, 4}, make([]float32, 16)))
		}
		return g
	}
	m := b.Model()
	m.Graph.Nodes = append(m.Graph.Nodes, &ir.Node{Name: "choose", Op: "If", Inputs: []string{"c"}, Outputs: []string{"chosen"}, Attrs: []ir.Attr{
		{Name: "then_branch", Kind: ir.AttrGraph, Graph: branch("t", "outer.weight", false)},
		{Name: "else_branch", Kind: ir.AttrGraph, Graph: branch("e", "own.weight", true)}}})
	m.Graph.AddTensor(ir.FromFloat32s("last.weight", []int{4, 2}, make([]float32, 8)))
	m.Graph.Nodes = append(m.Graph.Nodes, &ir.Node{Op: "MatMul", Inputs: []string{"chosen", "last.weight"}, Outputs: []string{"y"}},
		&ir.Node{Op: "MatMul", Inputs: []string{"chosen", "outer.weight"}, Outputs: []string{"z"}})
	m.Graph.Outputs = []*ir.Value{{Name: "y"}, {Name: "z"}}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

// Layers in subgraphs are found, named, and have their place in the whole model.
func TestLayersInSubgraphs(t *testing.T) {
	m := branching(t)
	type line struct {
		name, within, kept string
		roles              []string
		depth              int
		tied               bool
	}
	want := []line{
		{"in", "", "", []string{"first"}, 0, false},
		{"last", "", "", []string{"head", "last"}, 1, false},
		{"outer", "", "", []string{"head", "last"}, 1, true},
		{"product", "choose/then_branch", "", nil, 1, true},
		{"own", "choose/else_branch", "choose/else_branch", nil, 1, false},
	}
	layers := m.Layers()
	if len(layers) != len(want) || len(m.MainLayers()) != 3 {
		t.Fatalf("%d layers, %d in the main graph", len(layers), len(m.MainLayers()))
	}
	for i, w := range want {
		l := layers[i]
		if got := (line{l.Name, l.Within, l.Kept, l.Roles, l.Depth, l.Tied}); l.Index != i || got.name != w.name || got.within != w.within || got.kept != w.kept ||
			!slices.Equal(got.roles, w.roles) || got.depth != w.depth || got.tied != w.tied {
			t.Errorf("layer %d: %+v, want %+v", i, got, w)
		}
	}
	if l := layers[3]; l.Home != m.Graph || l.Graph == m.Graph || !slices.Equal(l.TiedWith, []string{"outer"}) {
		t.Errorf("%+v", l)
	}
}

// A weight that a graph dequantizes in small operators is found behind them.
func TestSpelledDequantization(t *testing.T) {
	b := build.New("spelled", 17)
	x := b.Input("x", ir.Float32, "batch", 4)
	m := b.Model()
	m.Graph.AddTensor(ir.NewTensor("codes", ir.Int8, []int{4, 3}, make([]byte, 12)))
	m.Graph.AddTensor(ir.FromFloat32s("zero", []int{1, 3}, make([]float32, 3)))
	m.Graph.AddTensor(ir.FromFloat32s("scale", []int{1, 3}, make([]float32, 3)))
	m.Graph.Nodes = append(m.Graph.Nodes,
		&ir.Node{Op: "Cast", Inputs: []string{"codes"}, Outputs: []string{"f"}, Attrs: []ir.Attr{ir.IntAttr("to", 1)}},
		&ir.Node{Op: "Sub", Inputs: []string{"f", "zero"}, Outputs: []string{"d"}},
		&ir.Node{Op: "Mul", Inputs: []string{"scale", "d"}, Outputs: []string{"w"}},
		&ir.Node{Name: "product", Op: "MatMul", Inputs: []string{x, "w"}, Outputs: []string{"y"}})
	m.Graph.Outputs = []*ir.Value{{Name: "y"}}
	l, ok := m.Layer("product")
	if !ok || l.Weight.Name != "codes" || l.Bytes != 12+24 || l.InFeatures != 4 {
		t.Errorf("%v %+v", ok, l)
	}
}

// The operators that ONNX Runtime puts in place of several are layers too.
func TestContribLayers(t *testing.T) {
	b := build.New("fused", 17)
	x := b.Input("ids", ir.Int64, "batch", "tokens")
	m := b.Model()
	codes := func(name string, shape ...int) string {
		m.Graph.AddTensor(ir.NewTensor(name, ir.Uint8, shape, make([]byte, shape[0]*shape[1])))
		return name
	}
	scale := b.Floats("scale", nil, 1)
	table := func(name string, rows int) string { return b.Floats(name, []int{rows, 4}, make([]float32, 4*rows)...) }
	ms := func(op, name string, inputs []string, attrs ...ir.Attr) string {
		return b.In("com.microsoft", op, name, inputs, attrs...)
	}
	x = ms("EmbedLayerNormalization", "embed", []string{x, "", table("word", 10), table("position", 6), table("segment", 2), b.Floats("g", []int{4}, 1, 1, 1, 1), b.Floats("b", []int{4}, 0, 0, 0, 0)})
	before := x
	x = ms("Attention", "attention", []string{x, b.Floats("qkv", []int{4, 12}, make([]float32, 48)...), b.Floats("qkv_bias", []int{12}, make([]float32, 12)...)}, ir.IntAttr("num_heads", 2))
	y := ms("MatMulIntegerToFloat", "out", []string{x, codes("out_codes", 4, 4), scale, scale, "", "", b.Floats("out_bias", []int{4}, 0, 0, 0, 0)})
	x = ms("SkipLayerNormalization", "skip", []string{y, before, b.Floats("skip_g", []int{4}, 1, 1, 1, 1)})
	before = x
	x = ms("FusedMatMul", "up", []string{x, b.Floats("up.weight", []int{16, 4}, make([]float32, 64)...)}, ir.IntAttr("transB", 1))
	x = ms("Gelu", "", []string{x})
	x = ms("DynamicQuantizeMatMul", "down", []string{x, codes("down_codes", 16, 4), scale})
	x = ms("SkipLayerNormalization", "skip2", []string{x, before, b.Floats("skip2_g", []int{4}, 1, 1, 1, 1)})
	m.Graph.Outputs = []*ir.Value{{Name: x}}
	want := []struct {
		name, kind, role string
		in, out          int
	}{
		{"embed", "embedding", "embedding", 10, 4},
		{"attention", "linear", "attention_qkv", 4, 12},
		{"out", "linear", "attention_o", 4, 4},
		{"skip", "norm", "norm", 4, 4},
		{"up", "linear", "ffn_up", 4, 16},
		{"down", "linear", "ffn_down", 16, 4},
		{"skip2", "norm", "norm", 4, 4},
	}
	layers := m.Layers()
	if len(layers) != len(want) {
		t.Fatalf("%d layers", len(layers))
	}
	for i, w := range want {
		if l := layers[i]; l.Name != w.name || l.Type != w.kind || l.Role != w.role || l.InFeatures != w.in || l.OutFeatures != w.out {
			t.Errorf("%s: %s %q %dx%d, want %+v", l.Name, l.Type, l.Role, l.InFeatures, l.OutFeatures, w)
		}
	}
	if l := layers[0]; l.Params != 4*(10+6+2) {
		t.Errorf("the embedding has %d parameters", l.Params)
	}
	if l := layers[2]; l.Bias == nil || l.Bytes != 16+4+16 {
		t.Errorf("out: bias %v, %d bytes", l.Bias, l.Bytes)
	}
}
