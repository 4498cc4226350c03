package arch

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/ir"
)

// attention writes the attention of block i, from its input to its output projection.
func (b *builder) attention(i int, p, x string) string {
	queries, keys := b.heads*b.headDim, b.kvHeads*b.headDim
	var q, k, v string
	if b.qkv != "" && b.has(p+b.qkv) {
		q, k, v = b.fused(p+b.qkv, x, queries, keys)
	} else {
		q = b.within(p+b.q, x, b.hidden, queries)
		k = b.within(p+b.k, x, b.hidden, keys)
		v = b.within(p+b.v, x, b.hidden, keys)
	}
	if b.qNorm != "" && b.has(p+b.qNorm) {
		q, k = b.normHeads(p+b.qNorm, q, b.heads), b.normHeads(p+b.kNorm, k, b.kvHeads)
	}
	if !b.learned && b.rotated(i) {
		q, k = b.turn(p+"rotary_q", q, b.heads, i), b.turn(p+"rotary_k", k, b.kvHeads, i)
	}
	in := []string{q, k, v}
	attrs := []ir.Attr{ir.IntAttr("q_num_heads", int64(b.heads)), ir.IntAttr("kv_num_heads", int64(b.kvHeads))}
	if !b.bothWays {
		attrs = append(attrs, ir.IntAttr("is_causal", 1))
	}
	if scale := b.scoreScale(); scale > 0 {
		attrs = append(attrs, ir.FloatAttr("scale", float32(scale)))
	}
	if limit := b.float(0, "attn_logit_softcapping"); limit > 0 {
		attrs = append(attrs, ir.FloatAttr("softcap", float32(limit)))
	}
	if b.windowed(i) {
		in = append(in, b.input("window_mask", ir.Bool, "sequence", "sequence"))
	}
	return b.within(p+b.o, b.op(p+"attention", "Attention", in, attrs...), queries, b.hidden)
}

// scoreScale is what scores are multiplied by where it is not one through the root of a head's width; else 0.
func (b *builder) scoreScale() float64 {
	if s := b.float(0, "attention_multiplier"); s > 0 { // Granite
		return s
	}
	if s := b.float(0, "query_pre_attn_scalar"); s > 0 { // Gemma
		return 1 / math.Sqrt(s)
	}
	return 0
}

// fused writes one layer that gives q, k and v, and cuts its output.
func (b *builder) fused(module, x string, queries, keys int) (q, k, v string) {
	y := b.within(module, x, b.hidden, queries+2*keys)
	if b.perHead || b.kind == "gpt_bigcode" && b.kvHeads > 1 {
		y = b.op(module, "Reshape", []string{y, b.ints(0, 0, int64(b.heads), int64(3*b.headDim))})
		out := b.ops(module, "Split", 3, []string{y}, ir.IntAttr("axis", -1), ir.IntAttr("num_outputs", 3))
		flat := b.ints(0, 0, int64(queries))
		for i := range out {
			out[i] = b.op(module, "Reshape", []string{out[i], flat})
		}
		return out[0], out[1], out[2]
	}
	out := b.ops(module, "Split", 3, []string{y, b.ints(int64(queries), int64(keys), int64(keys))}, ir.IntAttr("axis", -1))
	return out[0], out[1], out[2]
}

// normHeads writes a norm over each head, or over all of them where its weight is as wide.
func (b *builder) normHeads(module, x string, heads int) string {
	if t := b.byName[module+".weight"]; t != nil && len(t.Shape) == 1 && t.Shape[0] == heads*b.headDim && heads > 1 {
		return b.norm(module, x, heads*b.headDim)
	}
	y := b.op(module, "Reshape", []string{x, b.ints(0, 0, int64(heads), int64(b.headDim))})
	return b.op(module, "Reshape", []string{b.norm(module, y, b.headDim), b.ints(0, 0, int64(heads*b.headDim))})
}

// turn writes rotary positions. Their cosines and sines are inputs of the model: base, scaling and window of their
// frequencies change no shape and no weight.
func (b *builder) turn(name, x string, heads, i int) string {
	part := b.rotary
	if part == 0 {
		part = 1
	}
	part = b.float(part, "partial_rotary_factor", "rotary_pct")
	if !(part > 0 && part <= 1) {
		b.fail(damaged("partial_rotary_factor is %v; it must lie between 0 and 1", part))
		return x
	}
	width := max(2, int(float64(b.headDim)*part)/2*2)
	of := ""
	if b.windowed(i) && b.Get("rope_local_base_freq") != nil { // Gemma 3: windows have frequencies of their own
		of = "_local"
	}
	attrs := []ir.Attr{ir.IntAttr("num_heads", int64(heads))}
	if b.interleaved {
		attrs = append(attrs, ir.IntAttr("interleaved", 1))
	}
	if width != b.headDim {
		attrs = append(attrs, ir.IntAttr("rotary_embedding_dim", int64(width)))
	}
	table := func(what string) string {
		return b.input(fmt.Sprintf("rotary_%s%s", what, of), b.dtype(), "batch", "sequence", width/2)
	}
	return b.op(name, "RotaryEmbedding", []string{x, table("cos"), table("sin")}, attrs...)
}
