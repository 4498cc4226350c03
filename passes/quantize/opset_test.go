package quantize_test

import (
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
)

// A model of opset 9 whose operators mean something else in 13 is rewritten with the same function.
func TestOpsetIsRaised(t *testing.T) {
	b := build.New("old", 9)
	x := b.Input("x", ir.Float32, "batch", 2, 6, 6)
	y := b.Op("Pad", "", []string{x}, ir.IntsAttr("pads", 0, 0, 1, 1, 0, 0, 1, 1), ir.FloatAttr("value", 0.5))
	y = b.Op("Slice", "", []string{y}, ir.IntsAttr("axes", 2, 3), ir.IntsAttr("starts", 0, 1), ir.IntsAttr("ends", 7, 8))
	y = b.Clip(b.Conv("conv", y, build.Conv{In: 2, Out: 4, Kernel: 3, Bias: true}), 0, 6)
	y = b.Op("Dropout", "", []string{y}, ir.FloatAttr("ratio", 0.3))
	halves := b.Ops("Split", "", 2, []string{y}, ir.IntAttr("axis", 1), ir.IntsAttr("split", 1, 3))
	y = b.Op("ReduceSum", "", []string{halves[1]}, ir.IntsAttr("axes", 2), ir.IntAttr("keepdims", 1))
	y = b.Op("Squeeze", "", []string{y}, ir.IntsAttr("axes", 2))
	y = b.Op("Unsqueeze", "", []string{y}, ir.IntsAttr("axes", 1))
	y = b.Flatten(y)
	y = b.Gemm("fc", y, 15, 3)
	b.Output(b.Op("Softmax", "", []string{y}), ir.Float32, "batch", 3)
	m := b.Model()
	m.IRVersion = 3
	for _, c := range m.Graph.Tensors() { // as files of that time do
		m.Graph.Inputs = append(m.Graph.Inputs, &ir.Value{Name: c.Name, DType: c.DType, Shape: ir.ShapeOf(c.Shape...)})
	}
	passtest.Shake(m)
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{})
	if v := r.Model.Opset(""); v != 13 || r.Model.IRVersion != 8 {
		t.Errorf("opset %d, IR version %d", v, r.Model.IRVersion)
	}
	if n := len(r.Model.Graph.Inputs); n != 1 {
		t.Errorf("%d inputs: tensors among them are no constants from IR version 4 on", n)
	}
	if db := signalToNoise(t, m, r.Model, 2, 6, 6); db < 30 {
		t.Errorf("%.1f dB", db)
	}
	set := map[string]dataset.Set{"cal": passtest.Samples(64, 2, 6, 6)}
	r = passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "{scheme: W8A8, data: cal}", Data: set})
	if db := signalToNoise(t, m, r.Model, 2, 6, 6); db < 25 {
		t.Errorf("with activations %.1f dB", db)
	}
}

// What cannot be raised gets one scale from opset 10 on, and is refused below.
func TestOpsetStays(t *testing.T) {
	model := func(opset int64) *ir.Model {
		b := build.New("stuck", opset)
		x := b.Input("x", ir.Float32, "batch", 1, 4, 4)
		y := b.Conv("conv", x, build.Conv{In: 1, Out: 2, Kernel: 1})
		b.Output(b.Op("Hardmax", "", []string{y}), ir.Float32, "batch", 2, 4, 4)
		return b.Model()
	}
	r := passtest.Run(t, quantize.Pass, model(11), passtest.Step{})
	e := r.Effect(t, "conv")
	if want := "one scale for the whole weight: the graph cannot be raised from opset 11 to 13: Hardmax changed in between"; e.Why != want {
		t.Errorf("why %q, want %q", e.Why, want)
	}
	if !strings.HasPrefix(e.Did, "int8, one scale (") || r.Model.Opset("") != 11 {
		t.Errorf("did %q at opset %d", e.Did, r.Model.Opset(""))
	}
	_, err := passtest.Try(t, quantize.Pass, model(9), passtest.Step{})
	if err == nil || !strings.Contains(err.Error(), "the graph cannot be raised from opset 9 to 13: Hardmax changed in between; quantization needs at least opset 10") {
		t.Errorf("error %v", err)
	}
}

// A weight of two layers is stored once; a weight on the left of a MatMul has its outputs along rows; one behind a
// Transpose keeps its layout.
func TestUnusualWeights(t *testing.T) {
	b := build.New("tied", 17)
	x := b.Input("x", ir.Float32, "batch", 4)
	y := b.MatMul("up", x, 4, 4)
	y = b.Relu(y)
	y = b.Op("MatMul", "again", []string{y, "up.weight"})
	w := b.Op("Transpose", "", []string{b.Weight("t.weight", 4, 3, 4)}, ir.IntsAttr("perm", 1, 0))
	b.Output(b.Op("MatMul", "t", []string{y, w}), ir.Float32, "batch", 3)
	m := b.Model()
	set := map[string]dataset.Set{"cal": passtest.Samples(64, 4)}
	for _, params := range []string{"", "{scheme: W8A8, data: cal}"} {
		r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: params, Data: set})
		if db := signalToNoise(t, m, r.Model, 4); db < 25 {
			t.Errorf("%q: %.1f dB", params, db)
		}
		for name, want := range map[string]int{"up.weight_scale": 4, "t.weight_scale": 3} {
			if got := r.Model.Graph.Tensor(name); got == nil || got.Len() != want {
				t.Errorf("%q: %s is %v", params, name, got)
			}
		}
		names := 0
		for _, c := range r.Model.Graph.Tensors() {
			if strings.HasSuffix(c.Name, "_quantized") {
				names++
			}
		}
		if names != 2 {
			t.Errorf("%q: %d stored weights, want 2", params, names)
		}
	}
	b = build.New("left", 17)
	x = b.Input("x", ir.Float32, 4, 5)
	b.Output(b.Op("MatMul", "l", []string{b.Weight("l.weight", 4, 3, 4), x}), ir.Float32, 3, 5)
	m = b.Model()
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{})
	if got := r.Model.Graph.Tensor("l.weight_scale"); got.Len() != 3 {
		t.Errorf("%d scales for a weight of 3 rows", got.Len())
	}
}

// Weights in Constant nodes, as many exporters write them.
func TestConstantNodes(t *testing.T) {
	b := build.New("constants", 17)
	x := b.Input("x", ir.Float32, "batch", 2)
	w := b.Op("Constant", "w", nil, ir.TensorAttr("value", ir.FromFloat32s("", []int{2, 2}, []float32{1, 2, 3, 4})))
	c := b.Op("Constant", "c", nil, ir.FloatsAttr("value_floats", 0.5, 0.25))
	b.Output(b.Op("Gemm", "fc", []string{x, w, c}), ir.Float32, "batch", 2)
	r := passtest.Run(t, quantize.Pass, b.Model(), passtest.Step{Params: "{scheme: W8A8, data: cal}",
		Data: map[string]dataset.Set{"cal": passtest.Samples(64, 2)}})
	for _, n := range r.Model.Graph.Nodes {
		if n.Is("Constant") {
			t.Errorf("%s is still there", n.Name)
		}
	}
	if got := r.Model.Graph.Tensor("w_out_quantized"); got == nil {
		t.Error("the weight has no codes")
	}
}

// Groups need opset 21: axes of reductions become inputs on the way, and Split says how many parts it has.
func TestOpsetForGroups(t *testing.T) {
	b := build.New("reduce", 17)
	x := b.Input("x", ir.Float32, "batch", 4, 32)
	y := b.Op("ReduceMean", "", []string{b.MatMul("fc", x, 32, 16)}, ir.IntsAttr("axes", 1), ir.IntAttr("keepdims", 0))
	halves := b.Ops("Split", "", 2, []string{y}, ir.IntAttr("axis", -1))
	b.Output(b.Add(halves[0], halves[1]), ir.Float32, "batch", 8)
	m := b.Model()
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "weights: {type: int4, granularity: group, group_size: 16}"})
	if v := r.Model.Opset(""); v != 21 || r.Model.IRVersion != 10 {
		t.Errorf("opset %d, IR version %d", v, r.Model.IRVersion)
	}
	text := passtest.Text(r.Model)
	if !strings.Contains(text, "_axes") || !strings.Contains(text, "num_outputs=2") {
		t.Errorf("not rewritten:\n%s", text)
	}
	if db := signalToNoise(t, m, r.Model, 4, 32); db < 12 {
		t.Errorf("%.1f dB", db)
	}
	_, err := passtest.Try(t, quantize.Pass, stuckBelow21(), passtest.Step{Params: "weights: {type: int4, granularity: group, group_size: 16}"})
	if want := "the graph cannot be raised from opset 18 to 21: GroupNormalization changed in between"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// stuckBelow21 has an operator whose parameters mean something else from opset 21 on.
func stuckBelow21() *ir.Model {
	b := build.New("stuck", 18)
	x := b.Input("x", ir.Float32, "batch", 16, 16)
	y := b.MatMul("fc", x, 16, 16)
	b.Output(b.Op("GroupNormalization", "", []string{y, b.Floats("s", []int{2}, 1, 1), b.Floats("b", []int{2}, 0, 0)}, ir.IntAttr("num_groups", 2)), ir.Float32, "batch", 16, 16)
	return b.Model()
}
