package quantize_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/passes/fold"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
)

var images = map[string]dataset.Set{"cal": passtest.Samples(64, 1, 8, 8)}

func folded(t *testing.T, m *ir.Model) *ir.Model {
	t.Helper()
	return passtest.Run(t, fold.Pass, m, passtest.Step{}).Model
}

// signalToNoise compares the outputs of two models on samples that calibration has not seen, in dB.
func signalToNoise(t *testing.T, a, b *ir.Model, shape ...int) float64 {
	t.Helper()
	set := passtest.Samples(80, shape...)
	index := make([]int, 16)
	for i := range index {
		index[i] = 64 + i
	}
	x, _, err := set.Batch(index)
	if err != nil {
		t.Fatal(err)
	}
	want, got := passtest.Outputs(t, a, x), passtest.Outputs(t, b, x)
	signal, noise := 0.0, 0.0
	for i := range want {
		d := float64(want[i]) - float64(got[i])
		signal += float64(want[i]) * float64(want[i])
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}

// Every combination runs, stays close to the float model and does what Foresee said.
func TestResNet(t *testing.T) {
	m := folded(t, passtest.ResNet())
	tests := []struct {
		params string
		db     float64
	}{
		{"", 32},
		{"weights: {type: uint8, symmetric: false}", 30},
		{"weights: {granularity: tensor}", 30},
		{"weights: {observer: {kind: percentile, percentile: 99.9}}", 30},
		{"algorithm: mse", 33},
		{"{scheme: W8A16, algorithm: {kind: nearest}}", 32},
		{"{scheme: W8A8, data: cal}", 25},
		{"{scheme: W8A8, data: cal, algorithm: mse, weights: {type: uint8}, activations: {type: uint8, observer: minmax}}", 25},
		{"{data: cal, activations: {symmetric: true, observer: entropy}}", 15},
		{"{data: cal, activations: {observer: {kind: percentile, percentile: 99.99}}}", 25},
		{"{data: cal, weights: {granularity: tensor}, activations: {observer: ema_minmax}, samples: 40, batch: 7}", 22},
	}
	for _, tt := range tests {
		t.Run(tt.params, func(t *testing.T) {
			r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: tt.params, Data: images})
			if db := signalToNoise(t, m, r.Model, 1, 8, 8); db < tt.db {
				t.Errorf("output has %.1f dB, want %g", db, tt.db)
			} else {
				t.Logf("%.1f dB", db)
			}
		})
	}
}

// The structure that runtimes fuse: weights and biases behind a DequantizeLinear alone, one pair behind each activation,
// Relu in front of its pair, pooling and reshaping with the scale of their input, the output of the model left alone.
func TestStructure(t *testing.T) {
	b := build.New("small", 17)
	x := b.Input("x", ir.Float32, "batch", 1, 8, 8)
	y := b.Relu(b.Conv("c1", x, build.Conv{In: 1, Out: 2, Kernel: 3, Pad: 1, Bias: true}))
	p := b.MaxPool(y, 2, 2, 0)
	z := b.Conv("c2", p, build.Conv{In: 2, Out: 2, Kernel: 1})
	s := b.Relu(b.Add(z, p))
	f := b.Flatten(b.GlobalAveragePool(s))
	b.Output(b.Gemm("fc", f, 2, 3), ir.Float32, "batch", 3)
	r := passtest.Run(t, quantize.Pass, b.Model(), passtest.Step{Params: "{scheme: W8A8, data: cal}", Data: images})
	want := `opset  17, ir 8
QuantizeLinear x_QuantizeLinear(x, x_scale, x_zero_point) -> x_QuantizeLinear_Output
DequantizeLinear x_DequantizeLinear(x_QuantizeLinear_Output, x_scale, x_zero_point) -> x_DequantizeLinear_Output
DequantizeLinear c1.weight_DequantizeLinear(c1.weight_quantized, c1.weight_scale, c1.weight_zero_point) -> c1.weight_DequantizeLinear_Output axis=0
DequantizeLinear c1.bias_DequantizeLinear(c1.bias_quantized, c1.bias_quantized_scale) -> c1.bias_DequantizeLinear_Output axis=0
Conv c1(x_DequantizeLinear_Output, c1.weight_DequantizeLinear_Output, c1.bias_DequantizeLinear_Output) -> c1_out
Relu Relu_0(c1_out) -> Relu_0_out
QuantizeLinear Relu_0_out_QuantizeLinear(Relu_0_out, Relu_0_out_scale, Relu_0_out_zero_point) -> Relu_0_out_QuantizeLinear_Output
DequantizeLinear Relu_0_out_DequantizeLinear(Relu_0_out_QuantizeLinear_Output, Relu_0_out_scale, Relu_0_out_zero_point) -> Relu_0_out_DequantizeLinear_Output
MaxPool MaxPool_0(Relu_0_out_DequantizeLinear_Output) -> MaxPool_0_out
QuantizeLinear MaxPool_0_out_QuantizeLinear(MaxPool_0_out, Relu_0_out_scale, Relu_0_out_zero_point) -> MaxPool_0_out_QuantizeLinear_Output
DequantizeLinear MaxPool_0_out_DequantizeLinear(MaxPool_0_out_QuantizeLinear_Output, Relu_0_out_scale, Relu_0_out_zero_point) -> MaxPool_0_out_DequantizeLinear_Output
DequantizeLinear c2.weight_DequantizeLinear(c2.weight_quantized, c2.weight_scale, c2.weight_zero_point) -> c2.weight_DequantizeLinear_Output axis=0
Conv c2(MaxPool_0_out_DequantizeLinear_Output, c2.weight_DequantizeLinear_Output) -> c2_out
QuantizeLinear c2_out_QuantizeLinear(c2_out, c2_out_scale, c2_out_zero_point) -> c2_out_QuantizeLinear_Output
DequantizeLinear c2_out_DequantizeLinear(c2_out_QuantizeLinear_Output, c2_out_scale, c2_out_zero_point) -> c2_out_DequantizeLinear_Output
Add Add_0(c2_out_DequantizeLinear_Output, MaxPool_0_out_DequantizeLinear_Output) -> Add_0_out
Relu Relu_1(Add_0_out) -> Relu_1_out
QuantizeLinear Relu_1_out_QuantizeLinear(Relu_1_out, Relu_1_out_scale, Relu_1_out_zero_point) -> Relu_1_out_QuantizeLinear_Output
DequantizeLinear Relu_1_out_DequantizeLinear(Relu_1_out_QuantizeLinear_Output, Relu_1_out_scale, Relu_1_out_zero_point) -> Relu_1_out_DequantizeLinear_Output
GlobalAveragePool GlobalAveragePool_0(Relu_1_out_DequantizeLinear_Output) -> GlobalAveragePool_0_out
QuantizeLinear GlobalAveragePool_0_out_QuantizeLinear(GlobalAveragePool_0_out, GlobalAveragePool_0_out_scale, GlobalAveragePool_0_out_zero_point) -> GlobalAveragePool_0_out_QuantizeLinear_Output
DequantizeLinear GlobalAveragePool_0_out_DequantizeLinear(GlobalAveragePool_0_out_QuantizeLinear_Output, GlobalAveragePool_0_out_scale, GlobalAveragePool_0_out_zero_point) -> GlobalAveragePool_0_out_DequantizeLinear_Output
Flatten Flatten_0(GlobalAveragePool_0_out_DequantizeLinear_Output) -> Flatten_0_out axis=1
QuantizeLinear Flatten_0_out_QuantizeLinear(Flatten_0_out, GlobalAveragePool_0_out_scale, GlobalAveragePool_0_out_zero_point) -> Flatten_0_out_QuantizeLinear_Output
DequantizeLinear Flatten_0_out_DequantizeLinear(Flatten_0_out_QuantizeLinear_Output, GlobalAveragePool_0_out_scale, GlobalAveragePool_0_out_zero_point) -> Flatten_0_out_DequantizeLinear_Output
DequantizeLinear fc.weight_DequantizeLinear(fc.weight_quantized, fc.weight_scale, fc.weight_zero_point) -> fc.weight_DequantizeLinear_Output axis=0
DequantizeLinear fc.bias_DequantizeLinear(fc.bias_quantized, fc.bias_quantized_scale) -> fc.bias_DequantizeLinear_Output axis=0
Gemm fc(Flatten_0_out_DequantizeLinear_Output, fc.weight_DequantizeLinear_Output, fc.bias_DequantizeLinear_Output) -> fc_out transB=1
c1.weight_quantized int8 [2 1 3 3]
c1.weight_scale float32 [2]
c1.weight_zero_point int8 [2]
c2.weight_quantized int8 [2 2 1 1]
c2.weight_scale float32 [2]
c2.weight_zero_point int8 [2]
fc.weight_quantized int8 [3 2]
fc.weight_scale float32 [3]
fc.weight_zero_point int8 [3]
c1.bias_quantized int32 [2]
c1.bias_quantized_scale float32 [2]
fc.bias_quantized int32 [3]
fc.bias_quantized_scale float32 [3]
x_scale float32 []
x_zero_point uint8 []
Relu_0_out_scale float32 []
Relu_0_out_zero_point uint8 []
c2_out_scale float32 []
c2_out_zero_point uint8 []
Relu_1_out_scale float32 []
Relu_1_out_zero_point uint8 []
GlobalAveragePool_0_out_scale float32 []
GlobalAveragePool_0_out_zero_point uint8 []
output fc_out float32
`
	if got := passtest.Text(r.Model); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if z := ints(t, r.Model, "Relu_0_out_zero_point")[0]; z != 0 {
		t.Errorf("zero point after a Relu is %d, want 0: all codes for what is there", z)
	}
	e := r.Effect(t, "fc")
	if !strings.HasPrefix(e.Did, "int8 per channel (") || !strings.HasSuffix(e.Did, " dB); activations uint8 (mse)") {
		t.Errorf("did %q", e.Did)
	}
	if want := "its output stays float32, being an output of the model"; e.Why != want {
		t.Errorf("why %q, want %q", e.Why, want)
	}
	// 6 codes, 3 scales, 3 zero points; 3 int32 codes of the bias and 3 scales
	if e.To.DType != ir.Int8 || e.To.Bytes != 6+12+3+12+12 {
		t.Errorf("fc becomes %+v", e.To)
	}
}

func ints(t *testing.T, m *ir.Model, name string) []int64 {
	t.Helper()
	v, err := m.Graph.Tensor(name).Int64s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func floats(t *testing.T, m *ir.Model, name string) []float32 {
	t.Helper()
	v, err := m.Graph.Tensor(name).Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// linear is one Gemm with weight rows as given: [out][in].
func linear(rows ...[]float32) *ir.Model {
	b := build.New("linear", 17)
	x := b.Input("x", ir.Float32, "batch", len(rows[0]))
	b.Output(b.Op("Gemm", "fc", []string{x, b.Floats("fc.weight", []int{len(rows), len(rows[0])}, slices.Concat(rows...)...)},
		ir.IntAttr("transB", 1)), ir.Float32, "batch", len(rows))
	return b.Model()
}

func TestWeightsByHand(t *testing.T) {
	rows := [][]float32{{2.54, -1.27, 0.01, 0}, {0, 0, 0, 0}, {3, 3, 3, 3}, {-1, 0.5, 0.25, 0}}
	tests := []struct {
		params string
		codes  []int64
		scales []float32
		zeros  []int64
	}{
		{"", []int64{127, -64, 0, 0, 0, 0, 0, 0, 64, 64, 64, 64, -127, 64, 32, 0},
			[]float32{0.02, 1, 3.0 / 64, 1.0 / 127}, []int64{0, 0, 0, 0}},
		{"weights: {granularity: tensor}", []int64{108, -54, 0, 0, 0, 0, 0, 0, 127, 127, 127, 127, -42, 21, 11, 0},
			[]float32{3.0 / 127}, []int64{0}},
		{"weights: {type: uint8}", []int64{255, 64, 128, 128, 128, 128, 128, 128, 192, 192, 192, 192, 1, 192, 160, 128},
			[]float32{0.02, 1, 3.0 / 64, 1.0 / 127}, []int64{128, 128, 128, 128}},
		// ranges -1.27..2.54, 0..0, 0..3, -1..0.5; steps of 1/255 of each, 1/128 of the constant
		{"weights: {type: uint8, symmetric: false}", []int64{255, 0, 86, 85, 0, 0, 0, 0, 128, 128, 128, 128, 0, 255, 212, 170},
			[]float32{3.81 / 255, 1, 3.0 / 128, 1.5 / 255}, []int64{85, 0, 0, 170}},
	}
	for _, tt := range tests {
		r := passtest.Run(t, quantize.Pass, linear(rows...), passtest.Step{Params: tt.params})
		codes, scales, zeros := ints(t, r.Model, "fc.weight_quantized"), floats(t, r.Model, "fc.weight_scale"), ints(t, r.Model, "fc.weight_zero_point")
		if !slices.Equal(codes, tt.codes) {
			t.Errorf("%q: codes %v, want %v", tt.params, codes, tt.codes)
		}
		if !slices.EqualFunc(scales, tt.scales, func(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-6*float64(b) }) {
			t.Errorf("%q: scales %v, want %v", tt.params, scales, tt.scales)
		}
		if !slices.Equal(zeros, tt.zeros) {
			t.Errorf("%q: zero points %v, want %v", tt.params, zeros, tt.zeros)
		}
		e := r.Effect(t, "fc")
		if e.From.Zeros != 6 || tt.params == "" && e.To.Zeros != 7 {
			t.Errorf("%q: zeros from %d to %d", tt.params, e.From.Zeros, e.To.Zeros)
		}
	}
}

// Trust F3: shapes at the edge.
func TestOddShapes(t *testing.T) {
	for _, rows := range [][][]float32{{{5}}, {{1}, {-2}, {0}}, {{1, 2, 3, 4, 5, 6, 7}}, {{1e-40, -1e-45}}, {{3e38, -3e38}}} {
		for _, params := range []string{"", "weights: {granularity: tensor, symmetric: false}", "algorithm: mse", "weights: {observer: percentile}"} {
			m := linear(rows...)
			r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: params})
			for _, s := range floats(t, r.Model, "fc.weight_scale") {
				if !(s > 0) || math.IsInf(float64(s), 0) {
					t.Errorf("%v %q: scale %g", rows, params, s)
				}
			}
		}
	}
	b := build.New("empty", 17)
	x := b.Input("x", ir.Float32, "batch", 0)
	b.Output(b.Op("MatMul", "fc", []string{x, b.Floats("fc.weight", []int{0, 3})}), ir.Float32, "batch", 3)
	r := passtest.Run(t, quantize.Pass, b.Model(), passtest.Step{})
	if got := floats(t, r.Model, "fc.weight_scale"); !slices.Equal(got, []float32{1, 1, 1}) {
		t.Errorf("scales of an empty weight are %v", got)
	}
}

// Trust F1: never a NaN in a code.
func TestNonFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	m := linear([]float32{1, nan}, []float32{inf, 2})
	_, err := passtest.Try(t, quantize.Pass, m, passtest.Step{})
	var d *format.Damaged
	if !errors.As(err, &d) {
		t.Fatalf("error %v, want a *format.Damaged", err)
	}
	want := `write: tensor "fc.weight_quantized": tensor "fc.weight": 2 of its 4 numbers are NaN or infinite; on_nonfinite: zero takes them for zero, keep leaves the layer as it is`
	if err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "on_nonfinite: zero"})
	if got := ints(t, r.Model, "fc.weight_quantized"); !slices.Equal(got, []int64{64, 0, 0, 64}) {
		t.Errorf("codes %v", got)
	}
	if e := r.Effect(t, "fc"); e.Why != "2 of its 4 numbers are NaN or infinite and were taken for zero" {
		t.Errorf("why %q", e.Why)
	}
	r = passtest.Run(t, quantize.Pass, linear([]float32{1, 2}), passtest.Step{Params: "on_nonfinite: keep"})
	if e := r.Effect(t, "fc"); e.To.DType != ir.Int8 {
		t.Errorf("a finite weight is kept: %+v", e)
	}
}

// Inside the range no weight moves by more than half a step, and zeros stay zeros, whatever the settings.
func TestErrorBound(t *testing.T) {
	m := folded(t, passtest.ResNet())
	for _, l := range m.Layers() { // prune a third
		if l.Type == "conv" {
			w := slices.Clone(floats(t, m, l.Weight.Name))
			for i := range w {
				if i%3 == 0 {
					w[i] = 0
				}
			}
			m.Graph.SetTensor(ir.FromFloat32s(l.Weight.Name, l.Weight.Shape, w))
		}
	}
	for _, params := range []string{"", "weights: {type: uint8, symmetric: false}", "weights: {granularity: tensor}",
		"weights: {symmetric: false, granularity: tensor}", "algorithm: mse"} {
		r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: params})
		for _, l := range m.Layers() {
			w := floats(t, m, l.Weight.Name)
			q, s, z := ints(t, r.Model, l.Weight.Name+"_quantized"), floats(t, r.Model, l.Weight.Name+"_scale"), ints(t, r.Model, l.Weight.Name+"_zero_point")
			inner := len(w) / len(s)
			for i := range w {
				c := i / inner
				back := float32(q[i]-z[c]) * s[c]
				if w[i] == 0 && back != 0 {
					t.Fatalf("%q: zero of %s becomes %g", params, l.Name, back)
				}
				if e := math.Abs(float64(w[i] - back)); params != "algorithm: mse" && e > 0.5001*float64(s[c]) {
					t.Fatalf("%q: %s[%d] is off by %g steps", params, l.Name, i, e/float64(s[c]))
				}
			}
			if e := r.Effect(t, l.Name); e.To.Zeros < e.From.Zeros {
				t.Errorf("%q: %s has %d zeros, had %d", params, l.Name, e.To.Zeros, e.From.Zeros)
			}
		}
	}
}

// F10: a bias far beyond the weights widens their scale; the bias of a dead filter keeps its digits.
func TestBias(t *testing.T) {
	b := build.New("bias", 17)
	x := b.Input("x", ir.Float32, "batch", 2)
	w := b.Floats("fc.weight", []int{3, 2}, 0, 0, 1e-9, 2e-9, 1, -1)
	b.Output(b.Op("Gemm", "fc", []string{x, w, b.Floats("fc.bias", []int{3}, 0.7, 100, 0.3)}, ir.IntAttr("transB", 1)), ir.Float32, "batch", 3)
	m := b.Model()
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "{scheme: W8A8, data: flat}",
		Data: map[string]dataset.Set{"flat": passtest.Samples(50, 2)}})
	codes, scales := ints(t, r.Model, "fc.bias_quantized"), floats(t, r.Model, "fc.bias_quantized_scale")
	for i, want := range []float64{0.7, 100, 0.3} {
		got := float64(codes[i]) * float64(scales[i])
		if math.Abs(got-want) > min(1e-3*want, 0.5001*float64(scales[i])) {
			t.Errorf("bias %d becomes %g, want %g", i, got, want)
		}
		if codes[i] > 1<<30+1<<24 || codes[i] < -(1<<30) {
			t.Errorf("bias %d has the code %d", i, codes[i])
		}
	}
	if got := ints(t, r.Model, "fc.weight_quantized")[:2]; got[0] != 0 || got[1] != 0 {
		t.Errorf("a dead filter has the codes %v", got)
	}
}

// A layer left out by an override stays float and keeps its float input.
func TestOverrides(t *testing.T) {
	m := folded(t, passtest.ResNet())
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "{scheme: W8A8, data: cal}", Data: images,
		Overrides: []passtest.Override{
			{Layers: []string{"stem.conv"}, Set: "activations: none"},
			{Layers: []string{"stage1.block1.conv2"}, Set: "activations: {type: int8}"},
		}})
	for _, n := range r.Model.Graph.Nodes {
		if n.Name == "stem.conv" && n.Inputs[0] != "image" {
			t.Errorf("stem.conv takes %s", n.Inputs[0])
		}
	}
	if r.Model.Graph.Tensor("stem.conv.bias") == nil {
		t.Error("the bias of a layer whose activations stay float has got codes")
	}
	if e := r.Effect(t, "stem.conv"); strings.Contains(e.Did, "activations") {
		t.Errorf("stem.conv: %q", e.Did)
	}
	if e := r.Effect(t, "stage1.block1.conv2"); e.Why != "shares an activation with stage1.block1.conv1, whose parameters hold for it" {
		t.Errorf("stage1.block1.conv2: %q", e.Why)
	}
}

// Layers named one by one: no operator between float layers gets codes.
func TestFewLayers(t *testing.T) {
	m := folded(t, passtest.ResNet())
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "{scheme: W8A8, data: cal}", Data: images, Layers: []string{"stage1.block1.conv1"}})
	var pairs []string
	for _, n := range r.Model.Graph.Nodes {
		if n.Is("QuantizeLinear") {
			pairs = append(pairs, n.Inputs[0])
		}
	}
	if want := []string{"Relu_0_out", "Relu_1_out"}; !slices.Equal(pairs, want) {
		t.Errorf("values with codes: %v, want %v", pairs, want)
	}
	for _, n := range r.Model.Graph.Nodes {
		if n.Is("Add") && slices.Contains(n.Inputs, "Relu_0_out_DequantizeLinear_Output") {
			t.Error("an Add beside the layer takes its input through codes")
		}
	}
	if db := signalToNoise(t, m, r.Model, 1, 8, 8); db < 30 {
		t.Errorf("%.1f dB", db)
	}
}

func TestRefused(t *testing.T) {
	m := folded(t, passtest.ResNet())
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{})
	tests := []struct {
		m     *ir.Model
		layer string
		want  string
	}{
		{r.Model, "head", "layer head: its weight is int8 already"},
		{passtest.ResNet(), "stem.norm", "layer stem.norm: it is a normalization, which has no matrix; fold puts it into the layer before it"},
	}
	for _, tt := range tests {
		_, err := passtest.Try(t, quantize.Pass, tt.m, passtest.Step{Layers: []string{tt.layer}})
		if err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}

func TestParams(t *testing.T) {
	tests := []struct{ params, want string }{
		{"activations: {type: uint8}", "the ranges of activations come from samples; name a data set: `data: calibration`; those of linear layers can also be taken as the model runs: activations: {dynamic: true} [missing-data]"},
		{"scheme: W8A8", "the ranges of activations come from samples; name a data set: `data: calibration`; those of linear layers can also be taken as the model runs: activations: {dynamic: true} [missing-data]"},
		{"{algorithm: mse, weights: {observer: percentile}}", "algorithm mse searches the range itself; observer percentile of the weights chooses another [observer-conflict]"},
		{"{data: cal, weights: {type: uint8}, activations: {type: int8}}", "runtimes have no integer kernel for int8 activations with uint8 weights and will compute in float; use int8 weights, or uint8 for both [slow-type-pair]"},
	}
	for _, tt := range tests {
		_, err := passtest.Try(t, quantize.Pass, passtest.ResNet(), passtest.Step{Params: tt.params, Data: images})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %q", tt.params, err, tt.want)
		}
	}
}

// A preset shows in the effective parameters as what it stands for.
func TestScheme(t *testing.T) {
	for text, want := range map[string]string{
		"{scheme: W8A8, data: cal}":                    "type:uint8",
		"{scheme: W8A8, data: cal, activations: none}": "none",
		"{scheme: W8A16}":                              "none",
	} {
		n, err := passtest.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		x, err := passtest.Decode(quantize.Pass, n)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(strings.TrimSpace(strings.Trim(sprint(x.Effective()["activations"]), "map[]")), " ", ","); !strings.Contains(got, want) {
			t.Errorf("%s: activations are %s, want %s", text, got, want)
		}
	}
}

func sprint(v any) string { return fmt.Sprint(v) }

// Logits in front of a Softmax stay float; a batch norm that nobody folded is said.
func TestFloatEnds(t *testing.T) {
	b := build.New("ends", 17)
	x := b.Input("x", ir.Float32, "batch", 1, 8, 8)
	y := b.Relu(b.BatchNorm("norm", b.Conv("conv", x, build.Conv{In: 1, Out: 2, Kernel: 3}), 2))
	y = b.Gemm("fc", b.Flatten(b.GlobalAveragePool(y)), 2, 3)
	b.Output(b.Softmax(y), ir.Float32, "batch", 3)
	r := passtest.Run(t, quantize.Pass, b.Model(), passtest.Step{Params: "{scheme: W8A8, data: cal}", Data: images})
	var pairs []string
	for _, n := range r.Model.Graph.Nodes {
		if n.Is("QuantizeLinear") {
			pairs = append(pairs, n.Inputs[0])
		}
	}
	if want := []string{"x", "conv_out", "Flatten_0_out"}; !slices.Equal(pairs, want) {
		t.Errorf("values with codes: %v, want %v", pairs, want)
	}
	for layer, want := range map[string]string{
		"fc":   "its output stays float32: nothing behind it computes with codes",
		"conv": "a batch normalization stands behind it and stays; fold would take it in",
	} {
		if got := r.Effect(t, layer).Why; got != want {
			t.Errorf("%s: why %q, want %q", layer, got, want)
		}
	}
}
