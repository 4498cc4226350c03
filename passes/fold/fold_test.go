package fold_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/passes/fold"
	"github.com/pare-ml/pare/passes/passtest"
)

// equal checks that two models compute the same within a tolerance relative to the largest output.
func equal(t *testing.T, a, b *ir.Model, tolerance float64, shape ...int) {
	t.Helper()
	set := passtest.Samples(4, shape...)
	x, _, err := set.Batch([]int{0, 1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	want, got := passtest.Outputs(t, a, x), passtest.Outputs(t, b, x)
	if len(want) != len(got) || len(want) == 0 {
		t.Fatalf("%d outputs, want %d", len(got), len(want))
	}
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(float64(v)))
	}
	for i := range want {
		if d := math.Abs(float64(want[i]) - float64(got[i])); !(d <= tolerance*largest) {
			t.Errorf("output %d is %g, was %g", i, got[i], want[i])
		}
	}
}

func TestResNet(t *testing.T) {
	m := passtest.ResNet()
	r := passtest.Run(t, fold.Pass, m, passtest.Step{})
	equal(t, m, r.Model, 1e-5, 1, 8, 8)
	for _, n := range r.Model.Graph.Nodes {
		if n.Is("BatchNormalization") {
			t.Errorf("%s is still there", n.Name)
		}
	}
	for _, c := range r.Model.Graph.Tensors() {
		if strings.Contains(c.Name, "norm") {
			t.Errorf("tensor %s is still there", c.Name)
		}
	}
	e := r.Effect(t, "stem.conv")
	if e.Did != "batch norm stem.norm folded into it" || e.To.Params != e.From.Params+8 {
		t.Errorf("stem.conv: %+v", e)
	}
	if e := r.Effect(t, "stem.norm"); e.Did != "folded into stem.conv" || !e.To.Gone {
		t.Errorf("stem.norm: %+v", e)
	}
	if e := r.Effect(t, "head"); e.Did != "" || e.Why != "no batch normalization follows that could be folded into it" {
		t.Errorf("head: %+v", e)
	}
}

// W·γ/√(σ²+ε) and β + (b−μ)·γ/√(σ²+ε), by hand: variance 3 and epsilon 1 give a root of 2.
func TestByHand(t *testing.T) {
	b := build.New("hand", 17)
	x := b.Input("x", ir.Float32, "batch", 1, 1, 1)
	y := b.Op("Conv", "conv", []string{x, b.Floats("conv.weight", []int{2, 1, 1, 1}, 3, 5), b.Floats("conv.bias", []int{2}, 1, 2)})
	y = b.Op("BatchNormalization", "norm", []string{y, b.Floats("g", []int{2}, 4, 6), b.Floats("b", []int{2}, 10, 20),
		b.Floats("m", []int{2}, 2, 3), b.Floats("v", []int{2}, 3, 3)}, ir.FloatAttr("epsilon", 1))
	b.Output(b.Relu(y), ir.Float32, "batch", 2, 1, 1)
	r := passtest.Run(t, fold.Pass, b.Model(), passtest.Step{})
	want := `opset  17, ir 8
Conv conv(x, conv.weight, conv.bias) -> norm_out
Relu Relu_0(norm_out) -> Relu_0_out
conv.weight float32 [2 1 1 1]
conv.bias float32 [2]
output Relu_0_out float32
`
	if got := passtest.Text(r.Model); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for name, want := range map[string][2]float32{"conv.weight": {6, 15}, "conv.bias": {8, 17}} {
		if got := floats(t, r.Model, name); got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func floats(t *testing.T, m *ir.Model, name string) []float32 {
	t.Helper()
	x, err := m.Graph.Tensor(name).Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Gemm with beta and either orientation, MatMul with and without the Add of a bias, a transposed and a grouped
// convolution: every layer form that folding treats.
func TestLayerForms(t *testing.T) {
	tests := []struct {
		name  string
		shape []int
		add   func(b *build.Builder, x string) string // returns the value to normalize, with 6 channels
	}{
		{"gemm transposed", []int{4}, func(b *build.Builder, x string) string { return b.Gemm("fc", x, 4, 6) }},
		{"gemm plain, beta, one bias for all", []int{4}, func(b *build.Builder, x string) string {
			return b.Op("Gemm", "fc", []string{x, b.Weight("fc.weight", 4, 4, 6), b.Floats("fc.bias", nil, 0.5)}, ir.FloatAttr("beta", 3), ir.FloatAttr("alpha", 0.5))
		}},
		{"gemm without bias", []int{4}, func(b *build.Builder, x string) string {
			return b.Op("Gemm", "fc", []string{x, b.Weight("fc.weight", 4, 4, 6)})
		}},
		{"matmul", []int{4}, func(b *build.Builder, x string) string { return b.MatMul("fc", x, 4, 6) }},
		{"matmul and add", []int{4}, func(b *build.Builder, x string) string {
			return b.Add(b.Floats("fc.bias", []int{6}, 1, 2, 3, 4, 5, 6), b.MatMul("fc", x, 4, 6))
		}},
		{"grouped", []int{4, 5, 5}, func(b *build.Builder, x string) string {
			return b.Conv("conv", x, build.Conv{In: 4, Out: 6, Kernel: 3, Groups: 2, Bias: true})
		}},
		{"conv whose bias another takes too", []int{4, 5, 5}, func(b *build.Builder, x string) string {
			b.Floats("shared", []int{6}, 1, 2, 3, 4, 5, 6)
			y := b.Op("Conv", "conv", []string{x, b.Weight("conv.weight", 36, 6, 4, 3, 3), "shared"})
			b.Output(b.Op("Sqrt", "root", []string{"shared"}), ir.Float32, 6)
			return y
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := build.New("form", 17)
			dims := []any{"batch"}
			for _, d := range tt.shape {
				dims = append(dims, d)
			}
			x := b.Input("x", ir.Float32, dims...)
			b.Output("norm_out", ir.Float32, "batch", 6)
			b.BatchNorm("norm", tt.add(b, x), 6)
			m := b.Model()
			passtest.Shake(m)
			r := passtest.Run(t, fold.Pass, m, passtest.Step{})
			for _, n := range r.Model.Graph.Nodes {
				if n.Is("BatchNormalization") {
					t.Errorf("not folded: %+v", r.Effect(t, "norm"))
				}
			}
			equal(t, m, r.Model, 1e-5, tt.shape...)
		})
	}
}

// Why a batch normalization stays.
func TestNotFolded(t *testing.T) {
	tests := []struct {
		name  string
		layer []string // of the step; empty: all
		add   func(b *build.Builder, x string) string
		why   string
	}{
		{"behind an activation", nil, func(b *build.Builder, x string) string {
			return b.Relu(b.Conv("conv", x, build.Conv{In: 2, Out: 6, Kernel: 1}))
		}, "its input comes from Relu Relu_0, not from a convolution or linear layer"},
		{"output used twice", nil, func(b *build.Builder, x string) string {
			y := b.Conv("conv", x, build.Conv{In: 2, Out: 6, Kernel: 1})
			b.Output(b.Relu(y), ir.Float32, "batch", 6, 4, 4)
			return y
		}, "what Conv conv before it gives is used elsewhere too"},
		{"an output of the model", nil, func(b *build.Builder, x string) string {
			y := b.Conv("conv", x, build.Conv{In: 2, Out: 6, Kernel: 1})
			b.Output(y, ir.Float32, "batch", 6, 4, 4)
			return y
		}, "what Conv conv before it gives is an output of the model"},
		{"shared weight", nil, func(b *build.Builder, x string) string {
			y := b.Conv("conv", x, build.Conv{In: 2, Out: 6, Kernel: 1})
			b.Output(b.Op("Conv", "twin", []string{x, "conv.weight"}), ir.Float32, "batch", 6, 4, 4)
			return y
		}, "the weight of conv is shared with another node"},
		{"layer not asked for", []string{"norm"}, func(b *build.Builder, x string) string {
			return b.Conv("conv", x, build.Conv{In: 2, Out: 6, Kernel: 1})
		}, "layer conv before it is not among the layers of this step"},
		{"the model's input", nil, func(b *build.Builder, x string) string { return x }, "its input is an input of the model"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := build.New("not", 17)
			x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
			y := tt.add(b, x)
			channels := 6
			if y == x {
				channels = 2
			}
			b.Output(b.BatchNorm("norm", y, channels), ir.Float32, "batch", channels, 4, 4)
			m := b.Model()
			r := passtest.Run(t, fold.Pass, m, passtest.Step{Layers: tt.layer})
			if e := r.Effect(t, "norm"); e.Why != tt.why || e.Did != "" {
				t.Errorf("did %q, why %q; want why %q", e.Did, e.Why, tt.why)
			}
			equal(t, m, r.Model, 0, 2, 4, 4)
		})
	}
}

// A variance of nearly zero scales a channel up; the report says by how much. One that is not a number or negative is an
// error that names the tensor.
func TestVariance(t *testing.T) {
	model := func(v ...float32) *ir.Model {
		b := build.New("variance", 17)
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		b.Output(b.BatchNorm("norm", b.Conv("conv", x, build.Conv{In: 2, Out: 3, Kernel: 1}), 3), ir.Float32, "batch", 3, 4, 4)
		m := b.Model()
		m.Graph.SetTensor(ir.FromFloat32s("norm.running_var", []int{3}, v))
		return m
	}
	r := passtest.Run(t, fold.Pass, model(1, 0, 1e-9), passtest.Step{})
	want := "batch norm norm folded into it; 2 channels with a variance below epsilon scaled by up to 316"
	if got := r.Effect(t, "conv").Did; got != want {
		t.Errorf("did %q, want %q", got, want)
	}
	nan := float32(math.NaN())
	for _, tt := range []struct {
		variance []float32
		want     string
	}{
		{[]float32{1, nan, nan}, `tensor "norm.running_var": holds 2 numbers that are NaN or infinite, of 3`},
		{[]float32{1, -1, 1}, `tensor "norm.running_var": holds the variance -1, which has no square root with epsilon 1e-05`},
	} {
		_, err := passtest.Try(t, fold.Pass, model(tt.variance...), passtest.Step{})
		var d *format.Damaged
		if !errors.As(err, &d) || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("error %v, want a *format.Damaged with %q", err, tt.want)
		}
	}
}

func TestWhat(t *testing.T) {
	b := build.New("what", 17)
	x := b.Input("x", ir.Float32, "batch", 2)
	y := b.Op("Identity", "id", []string{x})
	c := b.Op("Constant", "c", nil, ir.FloatsAttr("value_floats", 1, 2))
	d := b.Mul(c, b.Floats("two", nil, 2))
	y = b.Op("Dropout", "drop", []string{b.Add(y, d)})
	b.Relu(x) // dead
	b.Floats("unused", []int{3}, 1, 2, 3)
	b.Output(b.Op("Identity", "last", []string{y}), ir.Float32, "batch", 2)
	m := b.Model()
	tests := []struct{ params, text, note string }{
		{"", `opset  17, ir 8
Add Add_0(x, Mul_0_out) -> last_out
Mul_0_out float32 [2]
output last_out float32
`, "2 Identity nodes and 1 Dropout node removed; 1 Constant node turned into tensors; " +
			"1 node folded into constants; 1 node removed that no output needs; 3 tensors removed that no node takes (24 B)"},
		{"what: [identity]", `opset  17, ir 8
Constant c() -> c_out
Mul Mul_0(c_out, two) -> Mul_0_out
Add Add_0(x, Mul_0_out) -> last_out
Relu Relu_0(x) -> Relu_0_out
two float32 []
unused float32 [3]
output last_out float32
`, "2 Identity nodes and 1 Dropout node removed"},
	}
	for _, tt := range tests {
		r := passtest.Run(t, fold.Pass, m, passtest.Step{Params: tt.params})
		if got := passtest.Text(r.Model); got != tt.text {
			t.Errorf("%q: got\n%swant\n%s", tt.params, got, tt.text)
		}
		if got := r.Effect(t, "").Did; got != tt.note {
			t.Errorf("%q: note %q, want %q", tt.params, got, tt.note)
		}
		equal(t, m, r.Model, 0, 2)
	}
}

// Names of inputs and outputs belong to the caller: an Identity between them stays.
func TestIdentityBetweenEnds(t *testing.T) {
	b := build.New("ends", 17)
	x := b.Input("x", ir.Float32, "batch", 2)
	b.Output(b.Op("Identity", "id", []string{x}), ir.Float32, "batch", 2)
	r := passtest.Run(t, fold.Pass, b.Model(), passtest.Step{})
	if len(r.Model.Graph.Nodes) != 1 || r.Effect(t, "").Did != "1 identity node kept for the name of an output" {
		t.Errorf("%d nodes, %+v", len(r.Model.Graph.Nodes), r.Effects)
	}
}

// A transposed weight keeps its name, and so its layer; what follows from shapes alone is computed on the header.
func TestConstantsKeepLayerNames(t *testing.T) {
	b := build.New("keep", 17)
	x := b.Input("x", ir.Float32, 3, 4)
	w := b.Op("Transpose", "t", []string{b.Weight("fc.weight", 4, 5, 4)}, ir.IntsAttr("perm", 1, 0))
	y := b.Op("MatMul", "mm", []string{x, w})
	shape := b.Op("Shape", "s", []string{x})
	first := b.Op("Gather", "g", []string{shape, b.Tensor(ir.FromInt64s("zero", []int{1}, []int64{0}))})
	shape = b.Concat(0, first, b.Ints("rest", -1))
	b.Output(b.Op("Reshape", "r", []string{y, shape}), ir.Float32, 3, 5)
	m := b.Model()
	r := passtest.Run(t, fold.Pass, m, passtest.Step{})
	want := `opset  17, ir 8
MatMul mm(x, fc.weight) -> mm_out
Reshape r(mm_out, Concat_0_out) -> r_out
fc.weight float32 [4 5]
Concat_0_out int64 [2]
output r_out float32
`
	if got := passtest.Text(r.Model); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	x3, _, err := passtest.Samples(3, 4).Batch([]int{0, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	before, after := passtest.Outputs(t, m, x3), passtest.Outputs(t, r.Model, x3)
	for i := range before {
		if before[i] != after[i] {
			t.Errorf("output %d is %g, was %g", i, after[i], before[i])
		}
	}
}

// Results over the budget are left where they are, at plan time and at run time alike.
func TestBudget(t *testing.T) {
	b := build.New("budget", 17)
	x := b.Input("x", ir.Float32, 1, 1)
	big := b.Op("Expand", "huge", []string{b.Floats("one", []int{1, 1}, 1), b.Ints("shape", 1<<20, 1<<20)})
	b.Output(b.Add(x, big), ir.Float32, 1<<20, 1<<20)
	r := passtest.Run(t, fold.Pass, b.Model(), passtest.Step{})
	if got, want := r.Effect(t, "").Did, "1 constant node left with results over the budget of 67.1 MB"; got != want {
		t.Errorf("note %q, want %q", got, want)
	}
}

// A quantized weight is not turned back into floats.
func TestDequantizeStays(t *testing.T) {
	b := build.New("dq", 17)
	x := b.Input("x", ir.Float32, "batch", 2)
	b.Tensor(ir.NewTensor("w_quantized", ir.Int8, []int{2, 2}, []byte{1, 2, 3, 4}))
	w := b.Op("DequantizeLinear", "dq", []string{"w_quantized", b.Floats("s", nil, 0.5)})
	b.Output(b.Op("MatMul", "mm", []string{x, w}), ir.Float32, "batch", 2)
	m := b.Model()
	r := passtest.Run(t, fold.Pass, m, passtest.Step{})
	if got, want := passtest.Text(r.Model), passtest.Text(m); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestParams(t *testing.T) {
	_, err := passtest.Try(t, fold.Pass, passtest.ResNet(), passtest.Step{Params: "what: [batchnorm]"})
	if err == nil || !strings.Contains(err.Error(), "batch_norm") {
		t.Errorf("error %v does not offer batch_norm", err)
	}
}
