package arch

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/ir"
)

// model writes the whole stack, from token ids to what the model's class gives.
func (b *builder) model() {
	x := b.embed()
	b.stream = x
	if b.kind == "granite" {
		x = b.times(b.root+b.tokens, x, b.float(1, "embedding_multiplier"))
	} else if b.embedScale { // a root of a whole number: the same bits everywhere
		x = b.times(b.root+b.tokens, x, math.Sqrt(float64(b.hidden)))
	}
	for i := range b.layers {
		if b.err != nil {
			return
		}
		x = b.layer(i, fmt.Sprintf(b.root+b.block, i), x)
	}
	if b.final != "" {
		x = b.norm(b.root+b.final, x, b.hidden)
	}
	b.ends(x)
}

// embed looks tokens up, and positions and segments where they are learned.
func (b *builder) embed() string {
	ids := b.input("input_ids", ir.Int64, "batch", "sequence")
	table := b.root + b.tokens
	if rows := b.byName[table+".weight"].Shape; len(rows) == 2 && rows[0] != b.vocabulary {
		b.fail(damaged("the vocabulary has %d tokens by config.json; %s.weight has %d rows", b.vocabulary, table, rows[0]))
	}
	x := b.op(table, "Gather", []string{b.tensor(table+".weight", b.vocabulary, b.hidden), ids})
	for _, more := range []struct{ module, input string }{{b.positions, "position_ids"}, {b.segments, "token_type_ids"}} {
		if more.module == "" {
			continue
		}
		name := b.root + more.module
		t := b.byName[name+".weight"]
		if t == nil || len(t.Shape) != 2 {
			b.fail(damaged("the tensor %s.weight is missing or no table%s", name, b.because()))
			return x
		}
		at := b.input(more.input, ir.Int64, "batch", "sequence")
		x = b.op(name, "Add", []string{x, b.op(name, "Gather", []string{b.tensor(name+".weight", t.Shape[0], b.hidden), at})})
	}
	if b.embedNorm != "" {
		x = b.norm(b.root+b.embedNorm, x, b.hidden)
	}
	return x
}

// layer writes one block. p is what stands before the names of its layers.
func (b *builder) layer(i int, p, x string) string {
	residual := 1.0
	if b.kind == "granite" {
		residual = b.float(1, "residual_multiplier")
	}
	if b.postNorm {
		x = b.norm(p+b.norm1, b.op(p+b.norm1, "Add", []string{b.attention(i, p, x), x}), b.hidden)
		return b.norm(p+b.norm2, b.op(p+b.norm2, "Add", []string{b.network(p, x), x}), b.hidden)
	}
	n := b.norm(p+b.norm1, x, b.hidden)
	a := b.attention(i, p, n)
	if b.afterAttn != "" && b.has(p+b.afterAttn) {
		a = b.norm(p+b.afterAttn, a, b.hidden)
	}
	if b.parallel && b.flag("use_parallel_residual", true) {
		if b.norm2 != "" {
			n = b.norm(p+b.norm2, x, b.hidden)
		}
		return b.op(p+"sum", "Add", []string{b.op(p+"sum", "Add", []string{b.network(p, n), a}), x})
	}
	x = b.op(p+"attention_sum", "Add", []string{x, b.times(p+"attention_sum", a, residual)})
	m := b.network(p, b.norm(p+b.norm2, x, b.hidden))
	if b.afterFeed != "" && b.has(p+b.afterFeed) {
		m = b.norm(p+b.afterFeed, m, b.hidden)
	}
	return b.op(p+"network_sum", "Add", []string{x, b.times(p+"network_sum", m, residual)})
}

// linear writes a layer over the last axis, whose weight is stored [out, in].
func (b *builder) linear(module, x string, in, out int) string {
	return b.product(module, x, in, out, false)
}

// within is linear for the layers of blocks, which some families store [in, out].
func (b *builder) within(module, x string, in, out int) string {
	return b.product(module, x, in, out, b.conv1D)
}

func (b *builder) product(module, x string, in, out int, straight bool) string {
	var w string
	if straight {
		w = b.tensor(module+".weight", in, out)
	} else {
		w = b.op(module, "Transpose", []string{b.tensor(module+".weight", out, in)}, ir.IntsAttr("perm", 1, 0))
	}
	return b.biased(module, b.op(module, "MatMul", []string{x, w}), module+".bias", out)
}

// biased adds a bias if there is one.
func (b *builder) biased(module, x, bias string, out int) string {
	if b.byName[bias] == nil {
		return x
	}
	return b.op(module, "Add", []string{x, b.tensor(bias, out)})
}

// norm writes a normalization over the last axis.
func (b *builder) norm(module, x string, width int) string {
	attrs := []ir.Attr{ir.IntAttr("axis", -1), ir.FloatAttr("epsilon", float32(b.epsilon))}
	weight, bias := module+".weight", module+".bias"
	if b.byName[weight] == nil && b.byName[module+".gamma"] != nil { // as TensorFlow called them
		weight, bias = module+".gamma", module+".beta"
	}
	w := b.tensor(weight, width)
	if b.oneMore {
		w = b.op(module, "Add", []string{w, b.scalar(1)})
	}
	if !b.layerNorm {
		return b.op(module, "RMSNormalization", []string{x, w}, attrs...)
	}
	in := []string{x, w}
	if b.byName[bias] != nil {
		in = append(in, b.tensor(bias, width))
	}
	return b.op(module, "LayerNormalization", in, attrs...)
}

// ends writes what comes behind the last block: the head of a language model, the pooled first token of an encoder.
func (b *builder) ends(x string) {
	pooled := b.pooler != "" && b.has(b.root+b.pooler)
	switch {
	case b.has(b.head), b.headDense != "" && b.has(b.headDense), b.hasHead() && b.headDense == "":
		b.logits(x)
	case pooled:
	default:
		b.output("last_hidden_state", b.op("last_hidden_state", "Identity", []string{x}), "batch", "sequence", b.hidden)
	}
	if pooled {
		p := b.root + b.pooler
		first := b.op(p, "Gather", []string{x, b.int(0)}, ir.IntAttr("axis", 1))
		y := b.op(p, "Tanh", []string{b.linear(p, first, b.hidden, b.hidden)})
		pooledOut := b.output("pooler_output", y, "batch", b.hidden)
		for _, c := range b.onPooled {
			if t := b.byName[c+".weight"]; t != nil && len(t.Shape) == 2 {
				b.output(c, b.linear(c, pooledOut, b.hidden, t.Shape[0]), "batch", t.Shape[0])
			}
		}
	}
}

// logits writes the head of a language model. Where the head has no weight of its own, it is the table of tokens.
func (b *builder) logits(x string) {
	if b.headDense != "" && b.has(b.headDense) {
		x = b.norm(b.headNorm, b.activate(b.headDense, b.linear(b.headDense, x, b.hidden, b.hidden)), b.hidden)
	}
	var y string
	table := b.root + b.tokens + ".weight"
	switch own := b.byName[b.head+".weight"]; {
	case own != nil:
		if b.flag("tie_word_embeddings", b.tied) && len(own.Shape) == 2 && (own.Shape[0] != b.vocabulary || own.Shape[1] != b.hidden) {
			b.fail(damaged("tie_word_embeddings is true, but %s.weight has shape %v and %s %v", b.head, own.Shape, table, b.byName[table].Shape))
		}
		y = b.linear(b.head, x, b.hidden, b.vocabulary)
	case !b.flag("tie_word_embeddings", true):
		b.fail(damaged("tie_word_embeddings is false and the tensor %s.weight is missing", b.head))
		return
	default:
		w := b.op(b.head, "Transpose", []string{table}, ir.IntsAttr("perm", 1, 0))
		y = b.op(b.head, "MatMul", []string{x, w})
		b.g.Nodes[len(b.g.Nodes)-1].Name = b.value(b.head) // which is the layer's name: it has no weight of its own
	}
	if b.headBias != "" {
		y = b.biased(b.head, y, b.headBias, b.vocabulary)
	}
	if b.kind == "granite" {
		if scale := b.float(1, "logits_scaling"); scale != 1 && scale != 0 {
			y = b.op(b.head, "Div", []string{y, b.scalar(scale)})
		}
	}
	if limit := b.float(0, "final_logit_softcapping"); limit > 0 {
		y = b.op(b.head, "Div", []string{y, b.scalar(limit)})
		y = b.times(b.head, b.op(b.head, "Tanh", []string{y}), limit)
	}
	b.output("logits", y, "batch", "sequence", b.vocabulary)
}
