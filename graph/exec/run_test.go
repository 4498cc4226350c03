package exec

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

func compile(t *testing.T, m *ir.Model, o Options) *Program {
	t.Helper()
	p, err := Compile(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func run(t *testing.T, p *Program, in map[string]*Array) map[string]*Array {
	t.Helper()
	out, err := p.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// doubler is y = relu(x + x)·2 over [batch, 2].
func doubler() *ir.Model {
	b := build.New("doubler", 17)
	x := b.Input("x", ir.Float32, "batch", 2)
	s := b.Op("Add", "sum", []string{x, x})
	r := b.Op("Relu", "relu", []string{s})
	b.Op("Mul", "y", []string{r, b.Floats("two", nil, 2)})
	b.Output("y_out", ir.Float32, "batch", 2)
	return b.Model()
}

func TestRunGivesOutputsAndTaps(t *testing.T) {
	p := compile(t, doubler(), Options{Taps: []string{"sum_out", "x", "two"}})
	for _, n := range []int{1, 3, 0} {
		x := NewArray(ir.Float32, n, 2)
		for i := range x.Float32s() {
			x.Float32s()[i] = float32(i) - 1
		}
		out := run(t, p, map[string]*Array{"x": x})
		if len(out) != 4 {
			t.Fatalf("%d results", len(out))
		}
		for i, v := range x.Float32s() {
			if sum := out["sum_out"].Float32s()[i]; sum != 2*v {
				t.Errorf("tap is %v for %v: overwritten by a later step?", sum, v)
			}
			if y := out["y_out"].Float32s()[i]; y != max(0, 4*v) {
				t.Errorf("output is %v for %v", y, v)
			}
		}
		if n > 0 {
			out["x"].Float32s()[0], out["two"].Float32s()[0] = 99, 99
			if x.Float32s()[0] == 99 || p.Param("two").Float32s()[0] == 99 {
				t.Error("results share memory with inputs or parameters")
			}
		}
	}
}

func TestRunRefusesInputs(t *testing.T) {
	p := compile(t, doubler(), Options{})
	for _, c := range []struct {
		in   map[string]*Array
		want string
	}{
		{nil, `input "x" is missing`},
		{map[string]*Array{"X": NewArray(ir.Float32, 1, 2)}, `input "x" is missing; "X", which was given, is not an input of the model`},
		{map[string]*Array{"x": NewArray(ir.Int64, 1, 2)}, `input "x" is int64; the model takes float32`},
		{map[string]*Array{"x": NewArray(ir.Float32, 1, 3)}, `input "x" has shape [1 3]; the model takes [batch 2]`},
		{map[string]*Array{"x": NewArray(ir.Float32, 2)}, `input "x" has shape [2]; the model takes [batch 2]`},
		{map[string]*Array{"x": {DType: ir.Float32, Shape: []int{1, 2}, Data: make([]byte, 7)}}, `input "x" has 7 bytes, which do not fit float32 [1 2]`},
		{map[string]*Array{"x": {DType: ir.Float32, Shape: []int{1 << 62, 2}}}, `input "x" has 0 bytes, which do not fit float32 [4611686018427387904 2]`},
	} {
		if _, err := p.Run(context.Background(), c.in); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Run(ctx, map[string]*Array{"x": NewArray(ir.Float32, 1, 2)}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run gives %v", err)
	}
}

// node makes a model of one node on inputs of the given types and shapes.
func node(op string, opset int64, attrs []ir.Attr, inputs ...*Array) (*ir.Model, map[string]*Array) {
	b := build.New("node", opset)
	in := map[string]*Array{}
	var names []string
	for i, a := range inputs {
		dims := make([]any, len(a.Shape))
		for d, n := range a.Shape {
			dims[d] = n
		}
		names = append(names, b.Input("in"+string(rune('0'+i)), a.DType, dims...))
		in[names[i]] = a
	}
	b.Output(b.Op(op, "n", names, attrs...), ir.Undefined)
	return b.Model(), in
}

func TestUnsupportedNamesOperators(t *testing.T) {
	b := build.New("odd", 17)
	x := b.Input("x", ir.Float32, 1, 2)
	y := b.Op("NonZero", "places", []string{x})
	y = b.Op("NonZero", "again", []string{y})
	m := b.Model()
	m.Graph.Nodes = append(m.Graph.Nodes, &ir.Node{Name: "mine", Domain: "com.foo", Op: "Bar", Inputs: []string{y}, Outputs: []string{"z"}})
	m.Graph.Outputs = []*ir.Value{{Name: "z"}}
	_, err := Compile(m, Options{})
	const want = "operator NonZero (node places) is not one that pare can run; " +
		"operator com.foo.Bar (node mine) is not one that pare can run; lint, plan and passes that need no data still work on this model"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	var u *Unsupported
	if !errors.As(err, &u) || len(u.Ops) != 2 || u.Ops[1].Domain != "com.foo" {
		t.Errorf("not an Unsupported of two: %v", err)
	}
	m.Graph.Outputs = []*ir.Value{{Name: "x"}} // nobody needs them
	if _, err := Compile(m, Options{}); err != nil {
		t.Errorf("operators that no output needs are refused: %v", err)
	}
}

// TestDamagedNodes: no attribute, shape or type may end in anything but an error that names the node.
func TestDamagedNodes(t *testing.T) {
	f := func(shape ...int) *Array { return NewArray(ir.Float32, shape...) }
	n := func(v ...int64) *Array { return FromInts(v, len(v)) }
	image := f(1, 2, 4, 4)
	for _, c := range []struct {
		op     string
		inputs []*Array
		attrs  []ir.Attr
		want   string // part of the message
	}{
		{"Conv", []*Array{image, f(2, 2, 3, 3)}, []ir.Attr{ir.IntsAttr("strides", 0, 1)}, "strides has an entry of 0"},
		{"Conv", []*Array{image, f(2, 2, 3, 3)}, []ir.Attr{ir.IntsAttr("strides", 1)}, "strides has 1 entries; 2 are needed"},
		{"Conv", []*Array{image, f(2, 2, 3, 3)}, []ir.Attr{ir.IntAttr("group", 3)}, "do not fit with 3 groups"},
		{"Conv", []*Array{image, f(2, 2, 3, 3)}, []ir.Attr{ir.IntAttr("group", -1)}, "size -1 is out of range"},
		{"Conv", []*Array{image, f(2, 2, 3, 3)}, []ir.Attr{ir.IntsAttr("pads", -1, 0, 0, 0)}, "negative pads"},
		{"Conv", []*Array{image, f(2, 2, 3, 3)}, []ir.Attr{ir.IntsAttr("pads", 1<<62, 0, 0, 0)}, "out of range"},
		{"Conv", []*Array{image, f(2, 2, 3, 3)}, []ir.Attr{ir.IntsAttr("pads", 1<<28, 0, 0, 1<<20)}, "more memory"},
		{"Conv", []*Array{f(1, 2), f(2, 2)}, nil, "do not fit"},
		{"MaxPool", []*Array{image}, nil, "kernel [] does not fit"},
		{"MaxPool", []*Array{image}, []ir.Attr{ir.IntsAttr("kernel_shape", 0, 1)}, "the kernel is [0 1]"},
		{"MaxPool", []*Array{image}, []ir.Attr{ir.IntsAttr("kernel_shape", 1, 1), ir.IntsAttr("pads", 2, 2, 2, 2)}, "a window lies outside the image"},
		{"Gemm", []*Array{f(2, 3), f(2, 3)}, nil, "3 columns meet 2 rows"},
		{"MatMul", []*Array{f(), f(2)}, nil, "a product of shapes"},
		{"Add", []*Array{f(2, 3), f(4)}, nil, "cannot be broadcast together"},
		{"Add", []*Array{f(2), n(1, 2)}, nil, "inputs are float32 and int64"},
		{"Reshape", []*Array{f(2, 3), n(4, -1)}, nil, "does not divide"},
		{"Reshape", []*Array{f(2, 3), n(-1, -1)}, nil, "out of range"},
		{"Reshape", []*Array{f(2, 3), n(1<<31, 1<<31, 1<<31)}, nil, "too large"},
		{"Reshape", []*Array{f(2, 3), n(2, 3, 0)}, nil, "copies dimension 2"},
		{"Transpose", []*Array{f(2, 3)}, []ir.Attr{ir.IntsAttr("perm", 0, 0)}, "twice"},
		{"Transpose", []*Array{f(2, 3)}, []ir.Attr{ir.IntsAttr("perm", 0, 2)}, "axis is 2"},
		{"Concat", []*Array{f(2, 3), f(3, 2)}, []ir.Attr{ir.IntAttr("axis", 0)}, "beside"},
		{"Split", []*Array{f(2), n(1, 2)}, nil, "split lists 2 parts for 1 outputs"},
		{"Slice", []*Array{f(2), n(0), n(1), n(0), n(0)}, nil, "a step of 0"},
		{"Slice", []*Array{f(2), n(0, 1), n(1)}, nil, "2, 1, 0 and 0 entries"},
		{"Gather", []*Array{f(2), n(5)}, nil, "index 5 of a dimension of 2"},
		{"Expand", []*Array{f(1), n(1<<40, 1<<40)}, nil, "out of range"},
		{"Expand", []*Array{f(1), n(1<<30, 1<<30)}, nil, "too large"},
		{"Expand", []*Array{f(1), n(1 << 32)}, nil, "more memory"},
		{"Tile", []*Array{f(2), n(1 << 38)}, nil, "more memory"},
		{"ConstantOfShape", []*Array{n(-1)}, nil, "size -1 is out of range"},
		{"Range", []*Array{f(), FromFloats([]float32{1e30}), f()}, nil, "delta is 0"},
		{"Pad", []*Array{f(2), n(1)}, nil, "1 pads for 1 dimensions"},
		{"Pad", []*Array{f(2), n(-3, 0)}, nil, "leave nothing"},
		{"Pad", []*Array{f(0), n(1, 0)}, []ir.Attr{ir.StringAttr("mode", "edge")}, "nothing to copy"},
		{"Squeeze", []*Array{f(2, 1), n(0)}, nil, "dimension 0 of [2 1] is not 1"},
		{"Unsqueeze", []*Array{f(2), n(0, 0)}, nil, "listed twice"},
		{"Softmax", []*Array{f(2)}, []ir.Attr{ir.IntAttr("axis", 4)}, "axis is 4"},
		{"ReduceMean", []*Array{f(2)}, []ir.Attr{ir.IntsAttr("axes", 0, -1)}, "listed twice"},
		{"BatchNormalization", []*Array{image, f(3), f(2), f(2), f(2)}, nil, "3 elements for 2 channels"},
		{"QuantizeLinear", []*Array{image, f(3), NewArray(ir.Int8, 3)}, nil, "scales of shape [3]"},
		{"DequantizeLinear", []*Array{f(2), f()}, nil, "its input is float32"},
		{"Cast", []*Array{f(2)}, []ir.Attr{ir.IntAttr("to", 99)}, "a cast from float32"},
		{"DepthToSpace", []*Array{image}, []ir.Attr{ir.IntAttr("blocksize", 3)}, "blocks of 3"},
		{"Mod", []*Array{f(2), f(3)}, nil, "cannot be broadcast"},
	} {
		m, in := node(c.op, 17, c.attrs, c.inputs...)
		p, err := Compile(m, Options{})
		if err == nil {
			_, err = p.Run(context.Background(), in)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.op) || strings.Contains(err.Error(), "internal") {
			t.Errorf("%s: %v; want %q", c.op, err, c.want)
		}
		if p != nil && p.pool.live != 0 {
			t.Errorf("%s: %d bytes are not given back after the error", c.op, p.pool.live)
		}
	}
}

func TestCompileComputesConstants(t *testing.T) {
	b := build.New("shapes", 17)
	x := b.Input("x", ir.Float32, 2, 6)
	s := b.Op("Concat", "shape", []string{b.Ints("rows", 3), b.Ints("columns", -1)}, ir.IntAttr("axis", 0))
	b.Op("Reshape", "y", []string{x, s})
	b.Output("y_out", ir.Float32)
	p := compile(t, b.Model(), Options{})
	if len(p.steps) != 1 {
		t.Errorf("%d steps are left; the shape is a constant", len(p.steps))
	}
	if y := run(t, p, map[string]*Array{"x": NewArray(ir.Float32, 2, 6)})["y_out"]; !slices.Equal(y.Shape, []int{3, 4}) {
		t.Errorf("shape %v", y.Shape)
	}
}

// TestCompileLeavesLargeConstants: what would not fit the budget is computed by the run, which has its own limit.
func TestCompileLeavesLargeConstants(t *testing.T) {
	b := build.New("large", 17)
	b.Op("ConstantOfShape", "y", []string{b.Ints("shape", 1<<20, 1<<10)})
	b.Output("y_out", ir.Float32)
	p := compile(t, b.Model(), Options{Memory: 1 << 20})
	if _, err := p.Run(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "more memory than it may use") {
		t.Errorf("got %v", err)
	}
}

func TestMemoryIsUsedAgain(t *testing.T) {
	p := compile(t, residualOf(12, []int{4, 8}, 1), Options{})
	x, labels := images(1, 4, 12)
	in := map[string]*Array{"image": x}
	optim := &SGD{LearningRate: 0.01}
	step := func() {
		if _, err := trainingStep(p, in, labels, optim, TrainNorm); err != nil {
			t.Fatal(err)
		}
		run(t, p, in)
	}
	step()
	spare, peak := p.pool.spare, p.pool.peak
	for range 3 {
		step()
	}
	if p.pool.live != 0 {
		t.Errorf("%d bytes are never given back", p.pool.live)
	}
	// Gradients and results belong to the caller and are made anew; nothing else may be.
	if p.pool.peak != peak || p.pool.spare > spare+spare/4 {
		t.Errorf("spare memory went from %d to %d, the peak from %d to %d", spare, p.pool.spare, peak, p.pool.peak)
	}
}
