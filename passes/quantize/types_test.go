package quantize_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/rng"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
)

// words is a small language model, its weights stored as [outputs, inputs] or the other way round.
func words(rows bool) *ir.Model {
	b := build.New("words", 17)
	b.Transformer(build.Transformer{Vocabulary: 48, Width: 64, Hidden: 96, Heads: 4, KVHeads: 2, Blocks: 1, Rotary: true, Rows: rows})
	return b.Model()
}

// ofType returns a model with weights of another type, as files of 16 bits have them.
func ofType(t *testing.T, m *ir.Model, dtype ir.DType) *ir.Model {
	t.Helper()
	m = m.Clone()
	for _, l := range m.Layers() {
		w := floats(t, m, l.Weight.Name)
		b := make([]byte, 2*len(w))
		if dtype == ir.Float16 {
			kernel.Float32ToFloat16(b, w)
		} else {
			kernel.Float32ToBFloat16(b, w)
		}
		m.Graph.SetTensor(ir.NewTensor(l.Weight.Name, dtype, l.Weight.Shape, b))
	}
	return m
}

// layerNoise compares the weights of each layer of two models and returns the least ratio of signal to noise in dB.
func layerNoise(t *testing.T, a, b *ir.Model) float64 {
	t.Helper()
	least := math.Inf(1)
	for _, l := range a.Layers() {
		if l.Type == "norm" {
			continue
		}
		k, ok := b.Layer(l.Name)
		if !ok {
			t.Fatalf("layer %s is gone", l.Name)
		}
		want, err := exec.LayerWeight(a, l)
		if err != nil {
			t.Fatal(err)
		}
		got, err := exec.LayerWeight(b, k)
		if err != nil {
			t.Fatal(err)
		}
		signal, noise := 0.0, 0.0
		for i := range want {
			d := float64(want[i] - got[i])
			signal += float64(want[i]) * float64(want[i])
			noise += d * d
		}
		least = min(least, 10*math.Log10(signal/noise))
	}
	return least
}

// Every type and granularity, in both layouts, for weights of 32 and 16 bits: what is written stands for the weights, as
// near as the type allows, and the layers are the same.
func TestEveryType(t *testing.T) {
	tests := []struct {
		params string
		db     float64
	}{
		{"weights: {type: int8}", 38},
		{"weights: {type: int8, granularity: tensor}", 36},
		{"weights: {type: uint8, granularity: group, group_size: 32, symmetric: false}", 40},
		{"weights: {type: int8, granularity: block, group_size: 32}", 36},
		{"weights: {type: int4, granularity: group, group_size: 32}", 16},
		{"weights: {type: int4, granularity: group, group_size: 16}", 17},
		{"{weights: {type: int4, granularity: group, group_size: 32}, algorithm: mse}", 17},
		{"weights: {type: int4, granularity: channel}", 13},
		{"weights: {type: uint4, granularity: group, group_size: 32, symmetric: false}", 18},
		{"{scheme: W4A16_ASYM, weights: {group_size: 32}}", 18},
		{"{scheme: W4A16, weights: {group_size: 64}, on_indivisible: fallback}", 16},
		{"{scheme: W4A16, weights: {group_size: 40}, on_indivisible: pad}", 15},
		{"weights: {type: int2, granularity: group, group_size: 16}", 2},
		{"weights: {type: uint2, granularity: group, group_size: 16, symmetric: false}", 6},
		{"weights: {type: fp8_e4m3}", 28},
		{"{weights: {type: fp8_e4m3, granularity: tensor}, algorithm: mse}", 28},
		{"weights: {type: fp8_e4m3, granularity: block, group_size: 32}", 28},
		{"weights: {type: fp8_e5m2}", 22},
		{"weights: {type: mxfp4}", 14},
		{"{scheme: MXFP4, algorithm: mse}", 15},
		{"weights: {type: nvfp4}", 16},
		{"{scheme: NVFP4, algorithm: mse}", 17},
		{"weights: {type: float16}", 60},
		{"weights: {type: bfloat16}", 48},
	}
	for _, rows := range []bool{true, false} {
		for _, dtype := range []ir.DType{ir.Float32, ir.BFloat16, ir.Float16} {
			m := words(rows)
			if dtype != ir.Float32 {
				m = ofType(t, m, dtype)
			}
			if rows == (dtype == ir.Float16) {
				continue // one type of 16 bits a layout is enough
			}
			for _, tt := range tests {
				if strings.Contains(tt.params, "float16}") && dtype != ir.Float32 {
					continue
				}
				t.Run(fmt.Sprint(rows, dtype, tt.params), func(t *testing.T) {
					r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: tt.params})
					if db := layerNoise(t, m, r.Model); db < tt.db {
						t.Errorf("%.1f dB, want %g", db, tt.db)
					}
					for _, e := range r.Effects {
						if !strings.HasSuffix(e.Did, " dB)") {
							t.Errorf("%s: did %q", e.Layer, e.Did)
						}
					}
					ranges(t, r.Model)
				})
			}
		}
	}
}

// ranges reads every tensor in pieces and compares them with the whole.
func ranges(t *testing.T, m *ir.Model) {
	t.Helper()
	for _, c := range m.Graph.Constants() {
		whole, err := c.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		step := c.Align()
		if step == 0 || len(whole) == 0 {
			continue
		}
		got := make([]byte, len(whole))
		for off := (len(whole) - 1) / step * step; off >= 0; off -= step { // from the end
			if err := c.ReadRange(got[off:min(off+step, len(whole))], int64(off)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, whole) {
			t.Errorf("%s: pieces differ from the whole", c.Name)
		}
	}
}

// ggml's types along rows, mixes among them: the weight itself has the type.
func TestBlocks(t *testing.T) {
	b := build.New("wide", 17)
	b.Transformer(build.Transformer{Vocabulary: 32, Width: 256, Hidden: 256, Heads: 4, KVHeads: 1, Blocks: 1, Rotary: true, Rows: true})
	m := b.Model()
	for _, tt := range []struct {
		params string
		db     float64
	}{
		{"weights: {type: q4_0}", 17}, {"weights: {type: q4_1}", 18}, {"weights: {type: q5_0}", 23}, {"weights: {type: q5_1}", 24}, {"weights: {type: q8_0}", 40},
		{"weights: {type: q2_k}", 5}, {"weights: {type: q3_k}", 12}, {"weights: {type: q4_k}", 18}, {"weights: {type: q5_k}", 24}, {"weights: {type: q6_k}", 30},
		{"weights: {type: iq4_nl}", 18}, {"weights: {type: iq4_xs}", 18}, {"weights: {type: ggml_mxfp4}", 14}, {"weights: {type: ggml_nvfp4}", 16},
		{"{weights: {type: q4_0}, algorithm: mse}", 18},
		{"weights: {type: tq2_0}", -3}, {"scheme: Q4_K_M", 18}, {"scheme: Q8_0", 40}, {"scheme: F16", 60},
	} {
		r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: tt.params})
		if db := layerNoise(t, m, r.Model); db < tt.db {
			t.Errorf("%s: %.1f dB, want %g", tt.params, db, tt.db)
		}
		ranges(t, r.Model)
	}
}

// Codes of weights larger than a band, by a slow form of the same rules.
func TestBands(t *testing.T) {
	const out, in, group = 150, 1536, 64
	r := rng.New(1, "bands")
	w := make([]float32, out*in)
	for i := range w {
		w[i] = float32(r.Normal())
	}
	b := build.New("bands", 17)
	x := b.Input("x", ir.Float32, "batch", in)
	b.Output(b.Op("Gemm", "fc", []string{x, b.Tensor(ir.FromFloat32s("fc.weight", []int{out, in}, w))}, ir.IntAttr("transB", 1)), ir.Float32, "batch", out)
	for _, rows := range []bool{true, false} {
		m := b.Model().Clone()
		if !rows {
			turned := make([]float32, len(w))
			for o := range out {
				for i := range in {
					turned[i*out+o] = w[o*in+i]
				}
			}
			m.Graph.SetTensor(ir.FromFloat32s("fc.weight", []int{in, out}, turned))
			m.Graph.Nodes[0].RemoveAttr("transB")
		}
		q := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "weights: {type: int4, granularity: group, group_size: 64}"}).Model
		codes, err := q.Graph.Tensor("fc.weight_quantized").Bytes()
		if err != nil {
			t.Fatal(err)
		}
		scales := floats(t, q, "fc.weight_scale")
		for o := range out {
			for g := range in / group {
				most := 0.0
				for i := range group {
					most = max(most, math.Abs(float64(w[o*in+g*group+i])))
				}
				k, at := o*in/group+g, func(i int) int { return o*in + g*group + i }
				if !rows {
					k, at = g*out+o, func(i int) int { return (g*group+i)*out + o }
				}
				if scale := float32(most / 7); scales[k] != scale {
					t.Fatalf("%v: scale %d of output %d is %g, want %g", rows, g, o, scales[k], scale)
				}
				for i := range group {
					want := byte(int8(math.RoundToEven(float64(w[o*in+g*group+i]/scales[k])))) & 15
					if got := codes[at(i)/2] >> (4 * (at(i) % 2)) & 15; got != want {
						t.Fatalf("%v: output %d input %d has the code %d, want %d", rows, o, g*group+i, got, want)
					}
				}
			}
		}
		ranges(t, q)
		for _, params := range []string{"", "weights: {granularity: tensor}", "{weights: {granularity: tensor}, algorithm: mse}", "weights: {observer: percentile}", "scheme: NVFP4", "weights: {type: fp8_e4m3, granularity: block, group_size: 128}"} {
			q := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: params}).Model
			ranges(t, q)
			if db := layerNoise(t, m, q); db < 14 {
				t.Errorf("%v %q: %.1f dB", rows, params, db)
			}
		}
	}
}

// The structure of each form.
func TestForms(t *testing.T) {
	model := func(dtype ir.DType) *ir.Model {
		b := build.New("forms", 17)
		x := b.Input("x", ir.Float32, "batch", 64)
		w := b.Op("Transpose", "", []string{b.Weight("fc.weight", 64, 32, 64)}, ir.IntsAttr("perm", 1, 0))
		b.Output(b.Op("MatMul", "fc", []string{x, w}), ir.Float32, "batch", 32)
		if m := b.Model(); dtype == ir.Float32 {
			return m
		} else {
			return ofType(t, m, dtype)
		}
	}
	for params, want := range map[string]string{
		"weights: {type: int4, granularity: group, group_size: 32}": `opset  21, ir 10
DequantizeLinear fc.weight_DequantizeLinear(fc.weight_quantized, fc.weight_scale) -> fc.weight_DequantizeLinear_Output axis=1 block_size=32
fc.weight_quantized int4 [32 64]
fc.weight_scale bfloat16 [32 2]
`,
		"weights: {type: uint4, granularity: group, group_size: 64, symmetric: false}": `opset  21, ir 10
DequantizeLinear fc.weight_DequantizeLinear(fc.weight_quantized, fc.weight_scale, fc.weight_zero_point) -> fc.weight_DequantizeLinear_Output axis=1 block_size=64
fc.weight_quantized uint4 [32 64]
fc.weight_scale bfloat16 [32 1]
fc.weight_zero_point uint4 [32 1]
`,
		"scheme: FP8_DYNAMIC": `opset  19, ir 9
DequantizeLinear fc.weight_DequantizeLinear(fc.weight_quantized, fc.weight_scale) -> fc.weight_DequantizeLinear_Output axis=0
fc.weight_quantized fp8_e4m3 [32 64]
fc.weight_scale bfloat16 [32]
`,
		"weights: {type: fp8_e4m3, granularity: block, group_size: 16}": `opset  21, ir 10
DequantizeLinear fc.weight_DequantizeLinear(fc.weight_quantized, fc.weight_scale) -> fc.weight_DequantizeLinear_Output axis=1 block_size=16
fc.weight_quantized fp8_e4m3 [32 64]
fc.weight_scale bfloat16 [32 4]
`,
		"scheme: MXFP4": `opset  24, ir 12
DequantizeLinear fc.weight_DequantizeLinear(fc.weight_quantized, fc.weight_scale) -> fc.weight_DequantizeLinear_Output axis=1 block_size=32 output_dtype=16
fc.weight_quantized fp4_e2m1 [32 64]
fc.weight_scale fp8_e8m0 [32 2]
`,
		"scheme: NVFP4": `opset  23, ir 11
DequantizeLinear fc.weight_scale_DequantizeLinear(fc.weight_scale, fc.weight_global_scale) -> fc.weight_scale_DequantizeLinear_Output
DequantizeLinear fc.weight_DequantizeLinear(fc.weight_quantized, fc.weight_scale_DequantizeLinear_Output) -> fc.weight_DequantizeLinear_Output axis=1 block_size=16 output_dtype=16
fc.weight_quantized fp4_e2m1 [32 64]
fc.weight_scale fp8_e4m3 [32 4]
fc.weight_global_scale float32 []
`,
	} {
		r := passtest.Run(t, quantize.Pass, model(ir.BFloat16), passtest.Step{Params: params})
		var got []string
		for _, line := range strings.SplitAfter(passtest.Text(r.Model), "\n") {
			if !strings.HasPrefix(line, "Transpose") && !strings.HasPrefix(line, "MatMul") && !strings.HasPrefix(line, "output") {
				got = append(got, line)
			}
		}
		if text := strings.Join(got, ""); text != want {
			t.Errorf("%s: got\n%swant\n%s", params, text, want)
		}
		l, _ := r.Model.Layer("fc")
		if scheme := r.Model.Graph.Index().WeightScheme(&l); scheme.Granularity == "" || scheme.Type() == "fp4_e2m1" {
			t.Errorf("%s: scheme %+v", params, scheme)
		}
		if wants := "fp8_e4m3,dynamic,token"; strings.Contains(params, "DYNAMIC") && l.Node.Str(ir.ActivationsAttr, "") != wants {
			t.Errorf("%s: activations %q", params, l.Node.Str(ir.ActivationsAttr, ""))
		}
	}
	r := passtest.Run(t, quantize.Pass, model(ir.Float32), passtest.Step{Params: "weights: {type: bfloat16}"})
	if text := passtest.Text(r.Model); !strings.Contains(text, "Cast fc.weight_Cast(fc.weight) -> fc.weight_Cast_Output to=1\n") || !strings.Contains(text, "fc.weight bfloat16 [32 64]\n") {
		t.Errorf("bfloat16:\n%s", text)
	}
}

// A table that embeds tokens and scores them is stored once.
func TestTied(t *testing.T) {
	b := build.New("tied", 17)
	b.Transformer(build.Transformer{Vocabulary: 48, Width: 64, Hidden: 96, Heads: 4, Blocks: 1, Rotary: true, Rows: true, Tied: true})
	r := passtest.Run(t, quantize.Pass, b.Model(), passtest.Step{Params: "weights: {type: int4, granularity: group, group_size: 32}"})
	count := 0
	for _, c := range r.Model.Graph.Tensors() {
		if strings.HasPrefix(c.Name, "model.embed_tokens") {
			count++
		}
	}
	if count != 2 {
		t.Errorf("the table is %d tensors, want codes and scales", count)
	}
	if e := r.Effect(t, "/lm_head/MatMul"); !strings.Contains(e.Why, "its weight is that of model.embed_tokens") {
		t.Errorf("%+v", e)
	}
}

// Trust F2, F7: groups of zeros and of one value are exact; scales of 16 bits are never zero or infinite.
func TestEdges(t *testing.T) {
	rows := [][]float32{make([]float32, 32), slices.Repeat([]float32{3}, 32), slices.Repeat([]float32{0, -0.375}, 16), slices.Repeat([]float32{1e-7, 3e-8}, 16), slices.Repeat([]float32{60000, -1}, 16)}
	for _, params := range []string{"weights: {type: int4, granularity: group, group_size: 32}", "weights: {type: uint4, granularity: group, group_size: 16, symmetric: false}",
		"weights: {type: int2, granularity: group, group_size: 16}", "weights: {type: fp8_e4m3}", "scheme: MXFP4", "scheme: NVFP4", "weights: {type: q4_0}", "weights: {type: q8_0}"} {
		for _, dtype := range []ir.DType{ir.Float32, ir.Float16} {
			m := linear(rows...)
			if dtype != ir.Float32 {
				m = ofType(t, m, dtype)
			}
			r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: params})
			l, _ := r.Model.Layer("fc")
			got, err := exec.LayerWeight(r.Model, l)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range got {
				exact := i < 32 || i < 96 && (strings.Contains(params, "int") || strings.Contains(params, "MX"))
				if v-v != 0 || exact && v != rows[i/32][i%32] {
					t.Errorf("%s of %s: element %d of row %d is %g, was %g", params, dtype, i%32, i/32, v, rows[i/32][i%32])
					break
				}
			}
		}
	}
}

// 8-bit floats on both sides, with ranges from samples.
func TestFloatActivations(t *testing.T) {
	m := folded(t, passtest.ResNet())
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "{scheme: FP8, data: cal}", Data: images})
	if db := signalToNoise(t, m, r.Model, 1, 8, 8); db < 18 {
		t.Errorf("%.1f dB", db)
	}
	if v := r.Model.Opset(""); v != 19 {
		t.Errorf("opset %d", v)
	}
	for _, e := range r.Effects {
		if !strings.Contains(e.Did, "fp8_e4m3, one scale (") || !strings.HasSuffix(e.Did, "; activations fp8_e4m3 (mse)") {
			t.Errorf("%s: %s", e.Layer, e.Did)
		}
	}
}

// BenchmarkCodes computes codes and scales of a weight of 4 million numbers, on one core.
func BenchmarkCodes(b *testing.B) {
	w := make([]float32, 4096*1024)
	r := rng.New(1, "bench")
	for i := range w {
		w[i] = float32(r.Normal())
	}
	net := build.New("bench", 17)
	x := net.Input("x", ir.Float32, "batch", 4096)
	net.Output(net.Op("Gemm", "fc", []string{x, net.Tensor(ir.FromFloat32s("fc.weight", []int{1024, 4096}, w))}, ir.IntAttr("transB", 1)), ir.Float32, "batch", 1024)
	for _, params := range []string{"weights: {type: int8}", "scheme: W4A16", "weights: {type: fp8_e4m3}", "scheme: MXFP4", "scheme: NVFP4"} {
		b.Run(params, func(b *testing.B) {
			b.SetBytes(int64(4 * len(w)))
			for b.Loop() {
				m := net.Model().Clone()
				n, err := passtest.Parse(params)
				if err != nil {
					b.Fatal(err)
				}
				p, ok := quantize.Pass.Decode(&schema.Decoder{Report: new(diag.List)}, n)
				if !ok {
					b.Fatal("parameters")
				}
				layers := []passes.LayerParams{{Layer: m.Layers()[0], Params: p}}
				if _, err := quantize.Pass.Run(context.Background(), &passes.Site{Model: m, Workers: 1}, p, layers); err != nil {
					b.Fatal(err)
				}
				for _, c := range m.Graph.Constants() {
					if _, err := c.Bytes(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
