package ir

import "slices"

// isAttention reports whether a node is a whole attention that takes query, key and value as inputs 0, 1 and 2.
func isAttention(n *Node) bool {
	return n.Is("Attention") || n.microsoft("MultiHeadAttention", "GroupQueryAttention", "DecoderMaskedMultiHeadAttention",
		"PackedMultiHeadAttention", "SparseAttention", "PagedAttention")
}

// attentions finds the layers around each attention: softmax(q·kᵀ)·v, spelled out or as one node.
func (f *finder) attentions() {
	for i, node := range f.nodes {
		n := int32(i)
		switch {
		case isAttention(node):
			f.attention(f.input(n, 0), f.input(n, 1), f.input(n, 2), f.output(n))
		case node.microsoft("Attention", "QAttention"): // owns the weight of q, k and v
			if l := f.layerAt(n); l != nil {
				f.add(l, "attention_qkv")
			}
			f.projection(f.output(n))
		case f.isProduct(n):
			if scores := f.scores(f.input(n, 0)); scores >= 0 {
				f.attention(f.input(scores, 0), f.input(scores, 1), f.input(n, 1), f.output(n))
			}
		}
	}
}

// isProduct reports whether a node multiplies two values that are both computed.
func (f *finder) isProduct(n int32) bool {
	return (f.nodes[n].Is("MatMul") || f.nodes[n].microsoft("FusedMatMul")) && f.layerAt(n) == nil
}

// scores returns the product q·kᵀ if value holds the probabilities that a softmax made of it, else -1.
func (f *finder) scores(value int32) int32 {
	softmax := f.find(value, func(n int32) bool { return f.class[n]&softens != 0 }, func(n int32) (lo, hi int) {
		switch c := f.class[n]; {
		case c&moves != 0, f.nodes[n].Is("Mul", "Slice"):
			return 0, min(1, f.inputs(n))
		case c&chooses != 0:
			return min(1, f.inputs(n)), f.inputs(n)
		}
		return 0, 0
	})
	if softmax < 0 || f.input(softmax, 0) < 0 {
		return -1
	}
	return f.find(f.input(softmax, 0), f.isProduct, func(n int32) (lo, hi int) {
		switch c := f.class[n]; {
		case c&moves != 0, f.nodes[n].Is("Tanh"): // some models bound the scores
			return 0, min(1, f.inputs(n))
		case c&(adds|multiplies|chooses|joins|limits) != 0:
			return 0, f.inputs(n)
		}
		return 0, 0
	})
}

// attention gives roles to the layers that feed an attention and to those that take its output. k is the side of the
// first product that is transposed: softmax runs over the keys, which are its last axis.
func (f *finder) attention(q, k, v, out int32) {
	sq, sk, sv := f.trace(q, f.back), f.trace(k, f.back), f.trace(v, f.back)
	for _, s := range []sources{sq, sk, sv} {
		if len(s.layers) >= maxSources {
			return
		}
	}
	lq, lk, lv := sq.one(), sk.one(), sv.one()
	packed := k < 0 && v < 0
	switch {
	case lq != nil && (packed || lq == lk && lq == lv && sq.apart(sv)):
		f.add(lq, "attention_qkv")
	case lk != nil && lk == lv && sk.apart(sv):
		f.add(lk, "attention_kv")
		f.addOne(lq, "attention_q")
	case lk == nil && lv != nil && slices.Contains(sk.layers, lv): // keys with a part of their own, as in latent attention
		f.add(lv, "attention_kv")
		f.addOne(lq, "attention_q")
		f.addAll(sk, "attention")
	case lq != nil && (lq == lk || lq == lv) || lk != nil && lk == lv:
		for _, s := range []sources{sq, sk, sv} { // one layer in several parts at once
			f.addAll(s, "attention")
		}
	default:
		f.addOne(lq, "attention_q")
		f.addOne(lk, "attention_k")
		f.addOne(lv, "attention_v")
		if lq == nil {
			f.addAll(sq, "attention")
		}
	}
	f.group(lq, lk, lv)
	if lq != nil || lk != nil || lv != nil {
		f.projection(out)
	}
}

func (f *finder) addOne(l *Layer, role string) {
	if l != nil {
		f.add(l, role)
	}
}

func (f *finder) addAll(s sources, role string) {
	for _, l := range s.layers {
		f.add(l, role)
	}
}

// projection gives the role of o to the layers that read what an attention gives.
func (f *finder) projection(value int32) {
	for _, l := range f.consumers(value, f.joinsHeads) {
		if !f.has(l, inBlock) {
			f.add(l, "attention_o")
		}
	}
}

// joinsHeads accepts nodes between an attention and its output projection.
func (f *finder) joinsHeads(n int32) bool {
	l := f.layerAt(n)
	return f.class[n]&(moves|joins) != 0 || f.nodes[n].Is("Mul", "Slice") || l != nil && l.Type == "norm"
}
