package ir

import "slices"

// routers finds linear layers whose outputs a TopK chooses from, and then the feed-forward networks whose outputs are
// weighted by what was chosen.
func (f *finder) routers(ends []end) {
	on := func(n *Node) bool {
		return n.Is(moves...) || n.Is("Softmax", "Sigmoid", "Add", "Mul", "Div", "Sub", "Log", "Neg")
	}
	for i := range f.layers {
		l := &f.layers[i]
		if l.Type != "linear" || ends[i].last || f.has(l, inBlock) {
			continue
		}
		f.forward(l.Node.Output(0), on, func(n *Node, _ string) bool {
			if n.Is("TopK") || n.microsoft("MoE", "QMoE") {
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

// chosen reports whether a layer's output is multiplied by something that a TopK gave.
func (f *finder) chosen(l *Layer) bool {
	weights := f.weights()
	if len(weights) == 0 {
		return false
	}
	found := false
	on := func(n *Node) bool {
		return n.Is(moves...) || n.Is("Add") && slices.ContainsFunc(n.Inputs, func(v string) bool { return f.Tensor(v) != nil })
	}
	f.forward(l.Node.Output(0), on, func(n *Node, takes string) bool {
		found = n.Is("Mul") && slices.ContainsFunc(n.Inputs, func(v string) bool { return v != takes && weights[v] })
		return !found
	})
	return found
}

// weights returns the values that are computed from what TopKs give alone, as far as arithmetic goes.
func (f *finder) weights() map[string]bool {
	if f.topK != nil {
		return f.topK
	}
	f.topK = map[string]bool{}
	for _, n := range f.graph.Nodes {
		from := func(v string) bool { return f.topK[v] }
		gives := n.Is("TopK") || !f.mixes(n) && slices.ContainsFunc(n.Inputs, from)
		if gives && n.Is("Add", "Sub", "Mul", "Div") {
			gives = !slices.ContainsFunc(n.Inputs, func(v string) bool { return !from(v) && f.Tensor(v) == nil })
		}
		if gives {
			for _, v := range n.Outputs {
				f.topK[v] = true
			}
		}
	}
	return f.topK
}
