package ir

// attentionNodes are whole attentions that take query, key and value as inputs 0, 1 and 2.
func isAttention(n *Node) bool {
	return n.Is("Attention") || n.microsoft("MultiHeadAttention", "GroupQueryAttention", "DecoderMaskedMultiHeadAttention",
		"PackedMultiHeadAttention", "SparseAttention", "PagedAttention")
}

// attentions finds the layers around each attention: softmax(q·kᵀ)·v, spelled out or as one node.
func (f *finder) attentions() {
	for _, n := range f.graph.Nodes {
		switch {
		case isAttention(n):
			f.attention(n.Input(0), n.Input(1), n.Input(2), n.Output(0))
		case n.microsoft("Attention", "QAttention"): // owns the weight of q, k and v
			if l := f.of[n]; l != nil {
				f.add(l, "attention_qkv")
			}
			f.output(n.Output(0))
		case n.Is("MatMul") && f.of[n] == nil:
			if scores := f.scores(n.Input(0)); scores != nil {
				f.attention(scores.Input(0), scores.Input(1), n.Input(1), n.Output(0))
			}
		}
	}
}

// scores returns the product q·kᵀ if value holds the probabilities that a softmax made of it, else nil.
func (f *finder) scores(value string) *Node {
	softmax := f.find(value, func(n *Node) bool { return n.Is("Softmax") }, func(n *Node) []string {
		switch {
		case n.Is(moves...), n.Is("Mul", "Slice"):
			return n.Inputs[:min(1, len(n.Inputs))]
		case n.Is("Where"):
			return n.Inputs[min(1, len(n.Inputs)):]
		}
		return nil
	})
	if softmax == nil {
		return nil
	}
	return f.find(softmax.Input(0), func(n *Node) bool { return n.Is("MatMul") && f.of[n] == nil }, func(n *Node) []string {
		switch {
		case n.Is(moves...), n.Is("Tanh"): // some models bound the scores
			return n.Inputs[:min(1, len(n.Inputs))]
		case n.Is("Add", "Sub", "Mul", "Div", "Where", "Concat", "Max", "Min"):
			return n.Inputs
		}
		return nil
	})
}

// find looks back from a value, breadth first, for a node; on names the inputs to follow.
func (f *finder) find(value string, is func(*Node) bool, on func(*Node) []string) *Node {
	seen := map[string]bool{"": true, value: true}
	work := []string{value}
	for nodes := 0; len(work) > 0 && nodes < maxWalk; nodes++ {
		n := f.Producer(work[0])
		work = work[1:]
		if n == nil {
			continue
		}
		if is(n) {
			return n
		}
		for _, in := range on(n) {
			if !seen[in] {
				seen[in] = true
				work = append(work, in)
			}
		}
	}
	return nil
}

// attention gives roles to the layers that feed an attention and to those that take its output. k is the side of the
// first product that is transposed: softmax runs over the keys, which are its last axis.
func (f *finder) attention(q, k, v, out string) {
	sq, sk, sv := f.trace(q, f.back), f.trace(k, f.back), f.trace(v, f.back)
	for _, s := range []sources{sq, sk, sv} {
		if len(s.layers) > maxSources-1 {
			return
		}
	}
	lq, lk, lv := sq.one(), sk.one(), sv.one()
	packed := k == "" && v == ""
	switch {
	case lq != nil && (packed || lq == lk && lq == lv && sq.apart(sv)):
		f.add(lq, "attention_qkv")
	case lk != nil && lk == lv && sk.apart(sv):
		f.add(lk, "attention_kv")
		f.addOne(lq, "attention_q")
	case lk == nil && lv != nil && contains(sk, lv): // keys with a part of their own, as in latent attention
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
		f.output(out)
	}
}

func contains(s sources, l *Layer) bool {
	for _, o := range s.layers {
		if o == l {
			return true
		}
	}
	return false
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

// output gives the role of o to the layers that read what an attention gives.
func (f *finder) output(value string) {
	for _, l := range f.consumers(value, f.joinsHeads) {
		if !f.has(l, inBlock) {
			f.add(l, "attention_o")
		}
	}
}

// joinsHeads accepts nodes between an attention and its output projection.
func (f *finder) joinsHeads(n *Node) bool {
	l := f.of[n]
	return n.Is(moves...) || n.Is("Mul", "Concat", "Slice") || l != nil && l.Type == "norm"
}
