package ir_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
)

// listing writes a graph as one line for each node: "y=Add(x,w)".
func listing(g *ir.Graph) string {
	var lines []string
	for _, n := range g.Nodes {
		lines = append(lines, fmt.Sprintf("%s=%s(%s)", strings.Join(n.Outputs, ","), n.Op, strings.Join(n.Inputs, ",")))
	}
	return strings.Join(lines, " ")
}

// graphOf reads a listing; inputs and outputs are names separated by commas.
func graphOf(inputs, outputs, nodes string) *ir.Graph {
	g := &ir.Graph{}
	values := func(s string) (list []*ir.Value) {
		for _, name := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) {
			list = append(list, &ir.Value{Name: name})
		}
		return list
	}
	g.Inputs, g.Outputs = values(inputs), values(outputs)
	for _, s := range strings.Fields(nodes) {
		out, call, _ := strings.Cut(s, "=")
		op, in, _ := strings.Cut(strings.TrimSuffix(call, ")"), "(")
		n := &ir.Node{Op: op, Outputs: strings.Split(out, ",")}
		if in != "" {
			n.Inputs = strings.Split(in, ",")
		}
		g.Nodes = append(g.Nodes, n)
	}
	return g
}

// withBranch gives the last node a subgraph that captures a value.
func withBranch(g *ir.Graph, captured string) *ir.Graph {
	sub := graphOf("", "t", "t=Relu("+captured+")")
	n := g.Nodes[len(g.Nodes)-1]
	n.Attrs = append(n.Attrs, ir.GraphAttr("then_branch", sub))
	return g
}

func TestProducersAndConsumers(t *testing.T) {
	g := withBranch(graphOf("x,c", "y", "a=Relu(x) b=Add(a,a) y=If(c)"), "a")
	if n := g.Producer("a"); n != g.Nodes[0] || g.Producer("x") != nil || g.Producer("") != nil {
		t.Error("Producer is wrong")
	}
	for _, got := range [][]*ir.Node{g.Consumers("a"), g.Index().Consumers("a")} {
		if !slices.Equal(got, []*ir.Node{g.Nodes[1], g.Nodes[2]}) {
			t.Errorf("Consumers gives %d nodes", len(got))
		}
	}
	// the graph is looked at anew after a change
	g.InsertAfter(g.Nodes[0], &ir.Node{Op: "Tanh", Inputs: []string{"a"}, Outputs: []string{"d"}})
	if len(g.Consumers("a")) != 3 || g.Producer("d") == nil {
		t.Error("an inserted node is not seen")
	}
	if got := g.ReplaceUses("a", "d"); got != 4 {
		t.Errorf("%d uses were replaced, want 4", got)
	}
	if sub := g.Nodes[3].Attrs[0].Graph; sub.Nodes[0].Inputs[0] != "d" {
		t.Error("the capture was not replaced")
	}
}

func TestReplaceUsesRespectsInnerNames(t *testing.T) {
	g := graphOf("x,c", "y", "a=Relu(x) y=If(c)")
	sub := graphOf("", "a", "a=Tanh(x)") // an a of its own
	g.Nodes[1].Attrs = []ir.Attr{ir.GraphAttr("then_branch", sub)}
	if got := g.ReplaceUses("a", "b"); got != 0 {
		t.Errorf("%d uses were replaced, want 0", got)
	}
}

func TestBypass(t *testing.T) {
	for _, c := range []struct {
		name, graph, outputs, want string
		at                         int
		ok                         bool
	}{
		{"inside", "a=Relu(x) b=Identity(a) y=Tanh(b)", "y", "a=Relu(x) y=Tanh(a)", 1, true},
		{"at the end", "a=Relu(x) b=Tanh(a) y=Identity(a)", "y", "y=Relu(x) b=Tanh(y)", 2, true},
		{"from input to output", "y=Identity(x)", "y", "y=Identity(x)", 0, false},
		{"between outputs", "a=Relu(x) y=Identity(a)", "a,y", "a=Relu(x) y=Identity(a)", 1, false},
	} {
		g := graphOf("x", c.outputs, c.graph)
		n := g.Nodes[c.at]
		if ok := g.Bypass(n, n.Inputs[0]); ok != c.ok || listing(g) != c.want {
			t.Errorf("%s: %v, %s; want %v, %s", c.name, ok, listing(g), c.ok, c.want)
		}
	}
}

func TestToposort(t *testing.T) {
	g := graphOf("x", "y", "y=Add(b,c) c=Relu(a) a=Relu(x) b=Tanh(a)")
	if err := g.Toposort(); err != nil {
		t.Fatal(err)
	}
	if got, want := listing(g), "a=Relu(x) c=Relu(a) b=Tanh(a) y=Add(b,c)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	before := listing(g)
	if err := g.Toposort(); err != nil || listing(g) != before {
		t.Errorf("an ordered graph was changed: %s, %v", listing(g), err)
	}
	// a capture is a use
	g = withBranch(graphOf("x,c", "y", "a=Relu(x) y=If(c)"), "a")
	slices.Reverse(g.Nodes)
	if err := g.Toposort(); err != nil || g.Nodes[0].Op != "Relu" {
		t.Errorf("capture: %s, %v", listing(g), err)
	}
	g = graphOf("x", "y", "a=Add(x,b) b=Relu(a) y=Relu(b)")
	if err := g.Toposort(); err == nil || !strings.Contains(err.Error(), "cycle") {
		t.Errorf("cycle: %v", err)
	}
}

func TestConstants(t *testing.T) {
	g := graphOf("x,w", "y", "c=Constant() y=Add(x,c)")
	g.Nodes[0].Attrs = []ir.Attr{ir.FloatsAttr("value_floats", 1, 2)}
	g.SetTensor(ir.FromFloat32s("w", []int{2}, []float32{5, 6}))
	g.SetTensor(ir.FromFloat32s("v", []int{1}, []float32{7}))
	if w := g.Tensor("c"); w == nil || w.Name != "c" || w.Len() != 2 {
		t.Fatalf("the Constant is not found: %v", w)
	}
	if len(g.Tensors()) != 2 || len(g.Constants()) != 3 {
		t.Errorf("%d initializers, %d constants; want 2, 3", len(g.Tensors()), len(g.Constants()))
	}
	// a constant is replaced where it stands, and the declared shape follows
	g.SetTensor(ir.FromFloat32s("c", []int{3}, []float32{1, 2, 3}))
	g.SetTensor(ir.FromFloat32s("w", []int{4}, make([]float32, 4)))
	if len(g.Tensors()) != 2 || g.Tensor("c").Len() != 3 || len(g.Nodes[0].Attrs) != 1 {
		t.Error("the Constant was not replaced in its node")
	}
	if s := g.Value("w").Shape.String(); s != "[4]" {
		t.Errorf("input w is declared as %s", s)
	}
	if f := g.Feeds(); len(f) != 1 || f[0].Name != "x" {
		t.Errorf("feeds are %v", f)
	}
	g.RemoveTensor("w")
	g.RemoveTensor("c")
	if g.Tensor("w") != nil || g.IsInput("w") || g.Tensor("v") == nil || listing(g) != "y=Add(x,c)" {
		t.Error("removing left something, or took too much")
	}
}

func TestFreshName(t *testing.T) {
	g := withBranch(graphOf("x,c", "y", "a=Relu(x) y=If(c)"), "a")
	g.Nodes[0].Name = "n"
	for base, want := range map[string]string{"x": "x_1", "n": "n_1", "t": "t_1", "new": "new", "": "_1"} {
		if got := g.FreshName(base); got != want {
			t.Errorf("FreshName(%q) is %q, want %q", base, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, inputs, outputs, graph, want string }{
		{"fine", "x", "y", "a=Relu(x) y=Add(a,x)", ""},
		{"optional input left out", "x", "y", "y=Clip(x,,x)", ""},
		{"missing", "x", "y", "y=Add(x,z)", `node 0 (Add): takes "z", which nothing gives`},
		{"order", "x", "y", "y=Relu(a) a=Relu(x)", "the nodes are out of order"},
		{"cycle", "x", "y", "y=Relu(a) a=Relu(y)", "the nodes are in a cycle"},
		{"own output", "x", "y", "y=Relu(y)", `takes its own output "y"`},
		{"twice", "x", "y", "y=Relu(x) y=Tanh(x)", `gives "y", which is given already`},
		{"gives an input", "x", "x", "x=Relu(x)", `gives "x", which is given already`},
		{"no such output", "x", "y", "a=Relu(x)", `output "y" is given by no node`},
	} {
		err := (&ir.Model{Graph: graphOf(c.inputs, c.outputs, c.graph)}).Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := (&ir.Model{}).Check(); err == nil {
		t.Error("a model without a graph passes")
	}
	m := &ir.Model{Graph: graphOf("", "", "")}
	m.Graph.SetTensor(ir.NewTensor("w", ir.Float32, []int{1 << 30, 1 << 30, 1 << 30}, nil))
	if err := m.Check(); err == nil || !strings.Contains(err.Error(), "too many elements") {
		t.Errorf("impossible shape: %v", err)
	}
}

func TestCloneAndHeader(t *testing.T) {
	m := resnet()
	m.Graph.SetTensor(ir.FromInt64s("shape", []int{2}, []int64{0, -1}))
	c := m.Clone()
	c.Graph.Nodes[0].Inputs[0] = "other"
	c.Graph.Nodes[0].Attrs[0].Ints[0] = 99
	c.Graph.Inputs[0].Shape[0].Name = "other"
	c.Graph.SetTensor(ir.FromFloat32s("head.bias", []int{3}, []float32{1, 2, 3}))
	c.Graph.RemoveTensor("shape")
	if n := m.Graph.Nodes[0]; n.Inputs[0] != "image" || n.Attrs[0].Ints[0] != 3 || m.Graph.Inputs[0].Shape[0].Name != "batch" ||
		m.Graph.Tensor("shape") == nil {
		t.Error("a change of the clone reached the model")
	}
	if b, _ := m.Graph.Tensor("head.bias").Float32s(); b[0] != 0 {
		t.Error("a tensor of the clone reached the model")
	}
	if c.Graph.Tensor("head.weight") != m.Graph.Tensor("head.weight") {
		t.Error("tensors are not shared")
	}

	h := m.Header()
	if _, err := h.Graph.Tensor("head.weight").Bytes(); err == nil || !strings.Contains(err.Error(), "header") {
		t.Errorf("a header gives bytes: %v", err)
	}
	if v, err := h.Graph.Tensor("shape").Int64s(); err != nil || v[1] != -1 {
		t.Errorf("a header lost a shape: %v, %v", v, err)
	}
	if got, want := table(h.Layers()), table(m.Layers()); got != want {
		t.Errorf("layers of the header:\n%swant\n%s", got, want)
	}
}

func TestRefreshValues(t *testing.T) {
	m := resnet()
	m.Graph.Values = []*ir.Value{
		{Name: "stem.conv_out", DType: ir.Float32, Shape: ir.ShapeOf(7, 99, 8, 8)}, {Name: "gone", Shape: ir.ShapeOf(1)},
	}
	m.Graph.Outputs[0].Shape = nil
	if err := m.RefreshValues(); err != nil {
		t.Fatal(err)
	}
	if len(m.Graph.Values) != 1 || m.Graph.Values[0].Shape.String() != "[batch 4 8 8]" || m.Graph.Outputs[0].Shape.String() != "[batch 3]" {
		t.Errorf("values are %v, outputs %v", m.Graph.Values[0].Shape, m.Graph.Outputs[0].Shape)
	}
}
