package quantize_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
)

// Trust E4, and what types do not have: each refused with what would do, before anything is run. Parameters are those of a
// model whose rows have 64 and 96 weights.
func TestRefusedParams(t *testing.T) {
	for _, tt := range []struct{ params, want string }{
		{"weights: {type: int0}", `unknown type "int0"`},
		{"weights: {type: int17}", `unknown type "int17"`},
		{"weights: {type: int3}", `unknown type "int3"`},
		{"weights: {type: nf4}", `unknown type "nf4"`},
		{"weights: {type: 4}", "type is the number 4"},
		{`weights: {type: "4"}`, `unknown type "4"`},
		{"weights: {granularity: group, group_size: 0}", "group_size is 0; it must lie between 1 and"},
		{"weights: {granularity: group, group_size: -4}", "group_size is -4; it must lie between 1 and"},
		{"weights: {granularity: group, group_size: 4.5}", "group_size is 4.5; it must be a whole number"},
		{"weights: {granularity: group, group_size: 2147483648}", "group_size is 2147483648; it must"},
		{`weights: {granularity: group, group_size: "64"}`, `group_size is the text "64"`},
		{"weights: {type: int4, granularity: group, group_size: 7}", "groups of 7 do not divide rows of 64; 64, 32, 16 would, or on_indivisible: fallback"},
		{"weights: {type: int4, granularity: group, group_size: 64}", "groups of 64 do not divide rows of 96; 96, 48, 32, 16 would"},
		{"weights: {type: q4_k}", "q4_k has blocks of 256, which do not divide rows of 64; q5_0 would do"},
		{"{weights: {type: q6_k}, on_indivisible: pad}", "pad does not help; q8_0 would do"},
		{"weights: {type: mxfp4, granularity: channel}", "mxfp4 has a scale for each group of 32; granularity channel cannot be [type-does-not-fit]"},
		{"weights: {type: nvfp4, group_size: 32}", "groups of nvfp4 have 16 weights, not 32 [type-does-not-fit]"},
		{"weights: {type: fp8_e4m3, symmetric: false}", "its ranges are symmetric [type-does-not-fit]"},
		{"weights: {type: q8_0, group_size: 32}", "group_size has no effect: blocks of q8_0 hold their own scales [parameter-unused]"},
		{"weights: {type: float16, granularity: tensor}", "granularity has no effect: float16 has no codes and no scales [parameter-unused]"},
		{"weights: {type: int8, group_size: 64}", "group_size has no effect: granularity is channel [parameter-unused]"},
		{"{weights: {type: q8_0}, activations: {type: int8}, data: cal}", "write activations: none [type-does-not-fit]"},
		{"{weights: {type: bfloat16}, algorithm: mse}", "algorithm has no effect: bfloat16 has no scales to search [parameter-unused]"},
		{"scheme: W4A16", "scheme W4A16 leaves group_size at its default, which matters more than any algorithm; write weights: {group_size: 128}, or what is meant [hidden-default]"},
		{"weights: {type: int4}", "weights of int4 leave granularity at its default, one scale a channel, which is coarse for 4 bits; write granularity: group with a group_size, or granularity: channel [hidden-default]"},
		{"{scheme: W8A8, activations: {type: uint8, dynamic: true}}", "no format that pare writes says that activations become uint8 as the model runs"},
		{"{scheme: FP8}", "the ranges of activations come from samples; name a data set"},
	} {
		_, err := passtest.Try(t, quantize.Pass, words(true), passtest.Step{Params: tt.params, Data: images})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.params, err, tt.want)
		}
	}
}

// What a layer cannot have is said of the layer.
func TestRefusedLayers(t *testing.T) {
	for _, tt := range []struct {
		m            *ir.Model
		params, want string
	}{
		{words(false), "weights: {type: q8_0}", "blocks of q8_0 run along inputs, which must be the weight's last axis"},
		{folded(t, passtest.ResNet()), "weights: {type: q8_0}", "q8_0 stores rows of matrices, and the layer is a convolution"},
		{folded(t, passtest.ResNet()), "{weights: {type: int8}, activations: {type: int8, dynamic: true}}", "no runtime takes the ranges of a convolution's input as it runs"},
		{ofType(t, words(true), ir.BFloat16), "{scheme: W8A8, data: cal}", "ranges of activations are measured in float32, and this model computes in bfloat16"},
	} {
		_, err := passtest.Try(t, quantize.Pass, tt.m, passtest.Step{Params: tt.params, Data: images})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.params, err, tt.want)
		}
	}
}

// llama.cpp's mixes on a model whose rows all blocks divide, 22 blocks of it with 4 heads to a head of keys.
func TestMixes(t *testing.T) {
	b := build.New("mix", 17)
	b.Fill = func(_ string, shape []int, _ int) []float32 { n, _ := ir.Elements(shape); return make([]float32, n) }
	b.Transformer(build.Transformer{Vocabulary: 8, Width: 256, Hidden: 256, Heads: 8, KVHeads: 2, Blocks: 22, Rows: true})
	m := b.Model().Header()
	more := "0 1 4 7 10 13 16 19 20 21"
	for _, tt := range []struct{ scheme, kind, want string }{
		{"Q4_K_M", "self_attn.v_proj", "q6_k at " + more + ", else q4_k"},
		{"Q4_K_M", "mlp.down_proj", "q6_k at " + more + ", else q4_k"},
		{"Q4_K_M", "self_attn.o_proj", "else q4_k"},
		{"Q4_K_S", "self_attn.v_proj", "q5_k at 0 1 2 3, else q4_k"},
		{"Q4_K_S", "mlp.down_proj", "q5_k at 0 1, else q4_k"},
		{"Q5_K_M", "mlp.down_proj", "q6_k at " + more + ", else q5_k"},
		{"Q3_K_M", "self_attn.v_proj", "q5_k at 0 1, else q4_k"},
		{"Q3_K_M", "mlp.down_proj", "q5_k at 0, else q4_k"},
		{"Q3_K_M", "self_attn.o_proj", "else q4_k"},
		{"Q3_K_M", "self_attn.q_proj", "else q3_k"},
		{"Q3_K_L", "self_attn.o_proj", "else q5_k"},
		{"Q2_K", "self_attn.v_proj", "else q4_k"},
		{"Q2_K", "mlp.down_proj", "else q3_k"},
		{"Q2_K", "mlp.up_proj", "else q2_k"},
		{"IQ4_XS", "self_attn.v_proj", "else q5_k"},
		{"IQ4_XS", "mlp.down_proj", "q5_k at 0 1, else iq4_xs"},
		{"Q4_0", "mlp.down_proj", "else q4_0"},
		{"Q4_0, importance: m", "mlp.down_proj", "q4_1 at 0 1, else q4_0"},
		{"Q5_0, importance: m", "mlp.down_proj", "q5_1 at 0 1, else q5_0"},
		{"IQ4_XS, importance: m", "self_attn.v_proj", "else q5_k"},
		{"IQ4_XS, importance: m", "mlp.down_proj", "else iq4_xs"},
		{"Q4_K_S, importance: m", "mlp.down_proj", "q5_k at 0 1, else q4_k"},
		{"Q2_K_S, importance: m", "self_attn.v_proj", "else q4_k"},
		{"Q2_K_S, importance: m", "self_attn.o_proj", "else q2_k"},
		{"Q2_K_S, importance: m", "mlp.down_proj", "q4_k at 0 1, else q2_k"},
		{"TQ1_0", "self_attn.v_proj", "else tq1_0"},
		{"TQ2_0", "mlp.down_proj", "else tq2_0"},
		{"Q8_0", "self_attn.v_proj", "else q8_0"},
		{"BF16", "self_attn.v_proj", "else bfloat16"},
	} {
		types := mixed(t, m, tt.scheme)
		if got := summary(types, tt.kind); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.scheme, tt.kind, got, tt.want)
		}
		head, tokens := "q6_k", strings.TrimPrefix(summary(types, "mlp.up_proj"), "else ")
		switch tt.scheme {
		case "Q8_0":
			head = "q8_0"
		case "TQ1_0", "TQ2_0":
			tokens = "q4_k"
		case "BF16":
			head = "bfloat16"
		}
		if types["lm_head"] != head || types["model.embed_tokens"] != tokens {
			t.Errorf("%s: lm_head %s, embed_tokens %s", tt.scheme, types["lm_head"], types["model.embed_tokens"])
		}
	}
}

// mixed returns the type of each layer under a scheme.
func mixed(t *testing.T, m *ir.Model, scheme string) map[string]string {
	t.Helper()
	m = m.Clone()
	n, err := passtest.Parse("{scheme: " + scheme + "}")
	if err != nil {
		t.Fatal(err)
	}
	x, err := passtest.Decode(quantize.Pass, n)
	if err != nil {
		t.Fatal(err)
	}
	foresee(t, m, x)
	out := map[string]string{}
	for _, l := range m.Layers() {
		out[l.Name] = l.Weight.DType.String()
	}
	return out
}

// foresee treats every layer of a header that the pass takes.
func foresee(t *testing.T, m *ir.Model, x *passes.Params) {
	t.Helper()
	var layers []passes.LayerParams
	for _, l := range m.Layers() {
		if ok, _ := quantize.Pass.Takes(l); ok {
			layers = append(layers, passes.LayerParams{Layer: l, Params: x})
		}
	}
	if _, err := quantize.Pass.Foresee(&passes.Site{Model: m}, x, layers); err != nil {
		t.Fatal(err)
	}
}

// summary says the types of one kind of layer over the blocks: those that differ from the commonest, with the blocks' numbers.
func summary(types map[string]string, kind string) string {
	var list []string
	count := map[string]int{}
	for i := 0; ; i++ {
		v, ok := types[fmt.Sprintf("model.layers.%d.%s", i, kind)]
		if !ok {
			break
		}
		list = append(list, v)
		count[v]++
	}
	rest := list[len(list)/2+4] // a block that no rule picks
	out := ""
	for i, v := range list {
		if v == rest {
			continue
		}
		if out == "" {
			out = v + " at"
		}
		out += fmt.Sprintf(" %d", i)
	}
	if out != "" {
		out += ", "
	}
	return out + "else " + rest
}
