package ir

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
	found := false
	on := func(n *Node) bool { return n.Is(moves...) || n.Is("Add") }
	f.forward(l.Node.Output(0), on, func(n *Node, takes string) bool {
		if !n.Is("Mul") {
			return true
		}
		for _, other := range n.Inputs {
			if other != takes && f.reaches(other, func(_ string, p *Node) bool { return p != nil && p.Is("TopK") }) {
				found = true
			}
		}
		return !found
	})
	return found
}
