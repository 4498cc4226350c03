package quantize_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
)

// A MatMulNBits holds the numbers that a DequantizeLinear would give, and needs no opset of its own.
func TestMatMulNBits(t *testing.T) {
	b := build.New("products", 13)
	x := b.Input("x", ir.Float32, "batch", 72)
	x = b.MatMul("up", x, 72, 40)
	b.Output(b.Gemm("down", b.Relu(x), 40, 8), ir.Float32, "batch", 8)
	for _, weights := range []string{
		"type: int4, granularity: group, group_size: 16",
		"type: uint4, granularity: group, group_size: 32",
		"type: uint4, granularity: group, group_size: 32, symmetric: false",
		"type: int4, granularity: group, group_size: 64, symmetric: false",
		"type: int8, granularity: group, group_size: 16",
		"type: uint2, granularity: group, group_size: 16, symmetric: false",
	} {
		step := func(form string) (ir.Layer, *passtest.Result) {
			r := passtest.Run(t, quantize.Pass, b.Model(), passtest.Step{Params: "{weights: {" + weights + form + "}, on_indivisible: pad}"})
			l, ok := r.Model.Layer("up")
			if !ok {
				t.Fatalf("%s%s: layer up is gone", weights, form)
			}
			return l, r
		}
		plain, r := step("")
		want, err := exec.LayerWeight(r.Model, plain)
		if err != nil {
			t.Fatal(err)
		}
		packed, r := step(", form: matmul_nbits")
		got, err := exec.LayerWeight(r.Model, packed)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: other numbers, %v", weights, err)
		}
		if n := packed.Node; n.Op != "MatMulNBits" || n.Domain != "com.microsoft" || r.Model.Opset("com.microsoft") != 1 || packed.InFeatures != 72 || packed.OutFeatures != 40 {
			t.Errorf("%s: %+v", weights, n)
		}
		if e := r.Effect(t, "down"); !strings.Contains(e.Why, "MatMulNBits stands for MatMul alone, and this is Gemm") {
			t.Errorf("%s: down %q", weights, e.Why)
		}
	}
}
