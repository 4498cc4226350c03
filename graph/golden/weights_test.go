package golden

import (
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
)

// weightsCases are codes and scales of weights in every type, also those that ONNX cannot hold.
func weightsCases() (cases []testCase) {
	for _, params := range []string{
		"{type: int8, granularity: block, group_size: 32}",
		"{type: uint8, granularity: group, group_size: 32, symmetric: false}",
		"{type: int4, granularity: group, group_size: 32}",
		"{type: uint4, granularity: group, group_size: 16, symmetric: false}",
		"{type: int2, granularity: group, group_size: 16}",
		"{type: uint2, granularity: group, group_size: 16, symmetric: false}",
		"{type: fp8_e4m3}", "{type: fp8_e5m2, granularity: tensor}", "{type: mxfp4}", "{type: nvfp4}", "{type: float16}", "{type: bfloat16}",
		"{type: q4_0}", "{type: q4_1}", "{type: q5_0}", "{type: q5_1}", "{type: q8_0}",
		"{type: q2_k}", "{type: q3_k}", "{type: q4_k}", "{type: q5_k}", "{type: q6_k}",
		"{type: iq4_nl}", "{type: iq4_xs}", "{type: tq1_0}", "{type: tq2_0}", "{type: ggml_mxfp4}", "{type: ggml_nvfp4}",
	} {
		cases = append(cases, testCase{name: "weights " + params, compute: weightsIn("weights: " + params)})
	}
	for _, params := range []string{
		"{weights: {type: int4, granularity: group, group_size: 32}, algorithm: mse}", "{scheme: NVFP4, algorithm: mse}",
		"{weights: {type: q4_0}, algorithm: mse}",
	} {
		cases = append(cases, testCase{name: "weights " + params, compute: weightsIn(params)})
	}
	return cases
}

// weightsIn quantizes a layer of 24 rows of 256, as the kit for passes does: with 1 worker and with 3.
func weightsIn(params string) func(*testing.T, how) result {
	return func(t *testing.T, _ how) result {
		b := build.New("layer", 25)
		b.Output(b.Gemm("layer", b.Input("x", ir.Float32, "batch", 256), 256, 24), ir.Float32, "batch", 24)
		r := passtest.Run(t, quantize.Pass, b.Model(), passtest.Step{Params: params})
		return result{"": ofModel(t, r.Model)}
	}
}
