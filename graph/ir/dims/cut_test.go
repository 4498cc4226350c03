package dims_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/graph/ir/dims"
	"github.com/pare-ml/pare/internal/rng"
)

// unsettle gives every float constant but the variances random values, so that no channel looks like another.
func unsettle(m *ir.Model) {
	for _, t := range m.Graph.Constants() {
		if t.DType != ir.Float32 {
			continue
		}
		r := rng.New(1, t.Name)
		data := make([]float32, t.Len())
		for i := range data {
			data[i] = float32(r.Normal() / 2)
			if strings.HasSuffix(t.Name, "var") {
				data[i] = 0.5 + r.Float32()
			}
		}
		m.Graph.SetTensor(ir.FromFloat32s(t.Name, t.Shape, data))
	}
}

func output(t *testing.T, m *ir.Model) []float32 {
	t.Helper()
	p, err := exec.Compile(m, exec.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	shape := []int{3}
	for _, d := range m.Graph.Inputs[0].Shape[1:] {
		shape = append(shape, int(d.Size))
	}
	in := exec.NewArray(ir.Float32, shape...)
	r := rng.New(2)
	for i := range in.Float32s() {
		in.Float32s()[i] = float32(r.Normal())
	}
	out, err := p.Run(context.Background(), map[string]*exec.Array{m.Graph.Inputs[0].Name: in})
	if err != nil {
		t.Fatal(err)
	}
	return out[m.Graph.Outputs[0].Name].Float32s()
}

// weights picks what may be set to zero: all but statistics of batch normalizations.
func weights(name string) bool { return !strings.Contains(name, "running") }

// third picks every third channel of each kind, so that at least one of each stays.
func third(d *dims.Dims) []dims.Channel {
	var out []dims.Channel
	for _, kind := range d.Kinds() {
		for i := 1; i < len(kind); i += 3 {
			out = append(out, kind[i])
		}
	}
	return out
}

var networks = []struct {
	name  string
	opset int64
	model func(b *build.Builder)
}{
	{"residual", 13, func(b *build.Builder) {
		b.ResNet(build.ResNet{Channels: 2, Size: 8, Widths: []int{4, 6}, Blocks: 2, Classes: 3})
	}},
	{"concat", 13, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		p := b.Relu(b.Conv("p", x, build.Conv{In: 2, Out: 3, Kernel: 3, Pad: 1, Bias: true}))
		q := b.Op("Sigmoid", "", []string{b.Conv("q", x, build.Conv{In: 2, Out: 5, Kernel: 1, Bias: true})})
		y := b.Concat(1, p, q, x)
		y = b.Conv("y", b.BatchNorm("n", y, 10), build.Conv{In: 10, Out: 2, Kernel: 1})
		b.Output(y, ir.Float32, "batch", 2, 4, 4)
	}},
	{"dense block", 13, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		p := b.Conv("p", x, build.Conv{In: 2, Out: 4, Kernel: 1})
		q := b.Conv("q", b.Relu(p), build.Conv{In: 4, Out: 4, Kernel: 3, Pad: 1})
		c := b.Concat(1, p, q)
		r := b.Conv("r", b.Relu(c), build.Conv{In: 8, Out: 8, Kernel: 3, Pad: 1})
		y := b.Conv("y", b.Add(r, c), build.Conv{In: 8, Out: 2, Kernel: 1})
		b.Output(y, ir.Float32, "batch", 2, 4, 4)
	}},
	{"depthwise with multiplier, flatten", 13, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		y := b.Conv("p", x, build.Conv{In: 2, Out: 4, Kernel: 1, Bias: true})
		y = b.Conv("d", b.Relu(y), build.Conv{In: 4, Out: 8, Kernel: 3, Pad: 1, Groups: 4, Bias: true})
		y = b.Op("HardSwish", "", []string{b.BatchNorm("n", y, 8)})
		y = b.AveragePool(y, 2, 2, 0)
		y = b.Gemm("fc", b.Flatten(y), 32, 6)
		y = b.Gemm("head", b.Relu(y), 6, 3)
		b.Output(y, ir.Float32, "batch", 3)
	}},
	{"groups", 13, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		y := b.Conv("p", x, build.Conv{In: 2, Out: 12, Kernel: 1})
		y = b.Conv("g", b.Relu(y), build.Conv{In: 12, Out: 8, Kernel: 3, Pad: 1, Groups: 2, Bias: true})
		y = b.Conv("y", b.Relu(y), build.Conv{In: 8, Out: 2, Kernel: 1})
		b.Output(y, ir.Float32, "batch", 2, 4, 4)
	}},
	{"gate, PRelu, constants per channel", 13, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		y := b.Conv("p", x, build.Conv{In: 2, Out: 4, Kernel: 1})
		y = b.Op("PRelu", "", []string{y, b.Weight("slope", 1, 4, 1, 1)})
		y = b.Add(b.Weight("shift", 1, 1, 4, 1, 1), y)
		g := b.Conv("down", b.GlobalAveragePool(y), build.Conv{In: 4, Out: 3, Kernel: 1, Bias: true})
		g = b.Conv("up", b.Relu(g), build.Conv{In: 3, Out: 4, Kernel: 1, Bias: true})
		y = b.Mul(y, b.Op("Sigmoid", "", []string{g}))
		y = b.Conv("y", y, build.Conv{In: 4, Out: 1, Kernel: 1})
		b.Output(y, ir.Float32, "batch", 1, 4, 4)
	}},
	{"split and reshape with written sizes", 13, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		y := b.Conv("p", x, build.Conv{In: 2, Out: 7, Kernel: 1, Bias: true})
		parts := b.Ops("Split", "parts", 2, []string{y, b.Ints("sizes", 3, 4)}, ir.IntAttr("axis", 1))
		u := b.Reshape(b.Relu(parts[0]), -1, 48)
		v := b.Reshape(b.Op("Tanh", "", []string{parts[1]}), 0, 64)
		v = b.Reshape(v, 0, 4, 16)
		v = b.Op("Transpose", "", []string{v}, ir.IntsAttr("perm", 0, 2, 1))
		v = b.Flatten(b.MatMul("v", v, 4, 2))
		y = b.Add(b.MatMul("a", u, 48, 5), b.MatMul("b", v, 32, 5))
		y = b.Add(y, b.Weight("bias", 1, 5))
		y = b.MatMul("head", b.Relu(y), 5, 3)
		b.Output(y, ir.Float32, "batch", 3)
	}},
	{"split as an attribute, equal split, old opset", 12, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		y := b.Conv("p", x, build.Conv{In: 2, Out: 8, Kernel: 1, Bias: true})
		parts := b.Ops("Split", "parts", 2, []string{y}, ir.IntAttr("axis", 1), ir.IntsAttr("split", 2, 6))
		halves := b.Ops("Split", "halves", 2, []string{parts[1]}, ir.IntAttr("axis", 1))
		y = b.Mul(halves[0], b.Op("Sigmoid", "", []string{halves[1]}))
		y = b.Conv("y", b.Concat(1, parts[0], y), build.Conv{In: 5, Out: 2, Kernel: 1})
		b.Output(y, ir.Float32, "batch", 2, 4, 4)
	}},
	{"sizes read from the value", 13, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		y := b.Relu(b.Conv("p", x, build.Conv{In: 2, Out: 4, Kernel: 1, Bias: true}))
		s := b.Op("Shape", "", []string{y})
		n := b.Op("Gather", "", []string{s, b.Tensor(ir.FromInt64s("zero", nil, []int64{0}))})
		n = b.Op("Unsqueeze", "", []string{n, b.Ints("axes", 0)})
		c := b.Op("Gather", "", []string{s, b.Ints("one", 1)})
		flat := b.Reshape(b.GlobalAveragePool(y), 0, -1)
		rows := b.Op("Reshape", "", []string{y, b.Concat(0, n, c, b.Ints("rest", -1))})
		rows = b.Op("ReduceMax", "", []string{rows}, ir.IntsAttr("axes", 2), ir.IntAttr("keepdims", 0))
		y = b.Gemm("head", b.Add(flat, rows), 4, 3)
		b.Output(y, ir.Float32, "batch", 3)
	}},
	{"one shape for two reshapes", 13, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		p := b.Conv("p", x, build.Conv{In: 2, Out: 4, Kernel: 1})
		q := b.Conv("q", x, build.Conv{In: 2, Out: 4, Kernel: 1})
		shape := b.Ints("shape", -1, 64)
		p, q = b.Op("Reshape", "", []string{p, shape}), b.Op("Reshape", "", []string{b.Op("Softmax", "", []string{q}, ir.IntAttr("axis", 1)), shape})
		y := b.Add(b.MatMul("a", p, 64, 3), b.MatMul("b", q, 64, 3))
		b.Output(y, ir.Float32, "batch", 3)
	}},
	{"tied weights", 13, func(b *build.Builder) {
		x := b.Input("x", ir.Float32, "batch", 4)
		y := b.Relu(b.MatMul("in", x, 4, 6))
		w := b.Weight("w", 6, 6, 6)
		y = b.Relu(b.Op("MatMul", "", []string{y, w}))
		y = b.Relu(b.Op("MatMul", "", []string{y, w}))
		y = b.MatMul("out", y, 6, 2)
		b.Output(y, ir.Float32, "batch", 2)
	}},
}

func TestCutEqualsZeroed(t *testing.T) {
	for _, c := range networks {
		t.Run(c.name, func(t *testing.T) {
			b := build.New("m", c.opset)
			c.model(b)
			m := b.Model()
			unsettle(m)
			zeroed, header := m.Clone(), m.Header()
			d := analyze(t, m)
			gone := third(d)
			if len(gone) == 0 {
				t.Fatal("nothing to cut")
			}
			before := params(m)
			if _, err := d.Cut(gone); err != nil {
				t.Fatal(err)
			}
			if err := m.Check(); err != nil {
				t.Fatal(err)
			}
			if params(m) >= before {
				t.Errorf("%d parameters after the cut, %d before", params(m), before)
			}
			if err := analyze(t, zeroed).Zero(gone, weights); err != nil {
				t.Fatal(err)
			}
			got, want := output(t, m), output(t, zeroed)
			for i := range want {
				if diff := math.Abs(float64(got[i] - want[i])); diff > 1e-5*(1+math.Abs(float64(want[i]))) {
					t.Fatalf("output %d is %v; the model with zeros gives %v", i, got[i], want[i])
				}
			}
			if _, err := analyze(t, header).Cut(gone); err != nil {
				t.Fatal(err)
			}
			for _, x := range m.Graph.Tensors() {
				h := header.Graph.Tensor(x.Name)
				if h == nil || !x.SameHeader(h) {
					t.Errorf("%s has shape %v; the header says %v", x.Name, x.Shape, h)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	b := build.New("m", 13)
	networks[0].model(b)
	m := b.Model()
	d := analyze(t, m)
	channels, _ := d.Axis("head.weight", 0)
	why, fixed := d.Fixed(channels[0])
	if !fixed || why != `the model's output "logits" shows them` {
		t.Errorf("fixed %v: %s", fixed, why)
	}
	if _, err := d.Cut(channels[:1]); err == nil {
		t.Error("a row of the head was cut")
	}
	channels, _ = d.Axis("stem.conv.weight", 0)
	if _, err := d.Cut(channels); err == nil || !strings.Contains(err.Error(), "nothing would be left of axis 0") {
		t.Errorf("all filters: %v", err)
	}
	if got := m.Graph.Tensor("stem.conv.weight").Shape[0]; got != 4 {
		t.Errorf("after a refusal the stem has %d filters", got)
	}
	if _, why := d.Axis("stem.conv.weight", 2); why == "" {
		t.Error("a kernel has no reason for not being cut")
	}
}

func analyze(t *testing.T, m *ir.Model) *dims.Dims {
	t.Helper()
	d, err := dims.Analyze(m)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func params(m *ir.Model) int {
	n := 0
	for _, t := range m.Graph.Tensors() {
		n += t.Len()
	}
	return n
}
