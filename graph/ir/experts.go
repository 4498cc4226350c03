package ir

import "slices"

// routers finds linear layers whose outputs a TopK chooses from, and then the feed-forward networks whose outputs are
// weighted by what was chosen.
func (f *finder) routers(ends []end) {
	if !slices.ContainsFunc(f.nodes, picksExperts) {
		return
	}
	on := func(n int32) bool {
		return f.class[n]&(moves|softens|adds|multiplies|negates) != 0 || f.nodes[n].Is("Sigmoid", "Log")
	}
	for i := range f.layers {
		l := &f.layers[i]
		if l.Type != "linear" || ends[i].last || f.has(l, inBlock) {
			continue
		}
		f.forward(f.output(f.at[i]), on, func(n, _ int32) bool {
			if picksExperts(f.nodes[n]) {
				f.add(l, "router")
				return false
			}
			return true
		})
	}
	for _, w := range f.networks {
		if !f.chosen(w.down) {
			continue
		}
		for _, l := range w.layers() {
			f.add(l, "expert")
		}
	}
}

// picksExperts reports whether a node picks experts by the largest of their scores.
func picksExperts(n *Node) bool { return n.Is("TopK") || n.microsoft("MoE", "QMoE") }

// chosen reports whether a layer's output is multiplied by something that a TopK gave.
func (f *finder) chosen(l *Layer) bool {
	weights := f.weights()
	if weights == nil {
		return false
	}
	found := false
	on := func(n int32) bool {
		return f.class[n]&moves != 0 || f.nodes[n].Is("Add") && slices.ContainsFunc(f.in[n], f.isConstant)
	}
	f.forward(f.output(f.at[l.Index]), on, func(n, takes int32) bool {
		found = f.nodes[n].Is("Mul") && slices.ContainsFunc(f.in[n], func(v int32) bool { return v >= 0 && v != takes && weights[v] })
		return !found
	})
	return found
}

// weights tells of each value whether it is computed from what TopKs give alone, as far as arithmetic goes; nil if there
// are none.
func (f *finder) weights() []bool {
	if f.looked {
		return f.topK
	}
	f.looked = true
	if !slices.ContainsFunc(f.nodes, func(n *Node) bool { return n.Is("TopK") }) {
		return nil
	}
	f.topK = make([]bool, len(f.tensors))
	from := func(v int32) bool { return v >= 0 && f.topK[v] }
	for i, node := range f.nodes {
		n := int32(i)
		gives := node.Is("TopK") || !f.mixes(n) && slices.ContainsFunc(f.in[n], from)
		if gives && f.class[n]&(adds|multiplies) != 0 {
			gives = !slices.ContainsFunc(f.in[n], func(v int32) bool { return !from(v) && !f.isConstant(v) })
		}
		for _, v := range f.out[n] {
			if gives && v >= 0 {
				f.topK[v] = true
			}
		}
	}
	return f.topK
}
