package ir

// network is a feed-forward network: two or three layers, or two if gate and up are one.
type network struct{ gate, up, down *Layer }

func (w network) layers() []*Layer {
	var out []*Layer
	for _, l := range []*Layer{w.gate, w.up, w.down} {
		if l != nil {
			out = append(out, l)
		}
	}
	return out
}

// gatedNetworks finds down(activation(gate(x)) · up(x)): a product of two layers of one input, or of two parts of one
// layer, of which one side alone goes through an activation function.
func (f *finder) gatedNetworks() {
	for _, n := range f.graph.Nodes {
		if !n.Is("Mul") || len(n.Inputs) != 2 || f.Tensor(n.Inputs[0]) != nil || f.Tensor(n.Inputs[1]) != nil {
			continue
		}
		a, b := f.trace(n.Inputs[0], f.backActivation), f.trace(n.Inputs[1], f.backActivation)
		if a.one() == nil || b.one() == nil || a.bent == b.bent {
			continue
		}
		if b.bent {
			a, b = b, a
		}
		gate, up := a.one(), b.one()
		switch {
		case f.has(gate, inBlock) || f.has(up, inBlock):
			continue
		case gate == up && !a.apart(b): // the activation itself: x · sigmoid(x)
			continue
		case gate != up && (f.dataOf(gate) != f.dataOf(up) || gate.OutFeatures != up.OutFeatures):
			continue
		}
		downs := f.consumers(n.Output(0), f.joinsHeads)
		if len(downs) != 1 || f.has(downs[0], inBlock) || downs[0] == gate || downs[0] == up {
			continue
		}
		w := network{gate: gate, up: up, down: downs[0]}
		if gate == up {
			w.up = nil
			f.add(gate, "ffn_gate_up")
		} else {
			f.add(gate, "ffn_gate")
			f.add(up, "ffn_up")
			f.group(gate, up)
		}
		f.add(w.down, "ffn_down")
		f.networks = append(f.networks, w)
	}
}

// plainNetworks finds x + down(activation(up(x))). The sum is what sets it apart from two dense layers in a row.
func (f *finder) plainNetworks() {
	for i := range f.layers {
		down := &f.layers[i]
		if down.Type != "linear" || f.has(down, inBlock) {
			continue
		}
		s := f.trace(down.Node.Input(f.dataInput(down)), f.backActivation)
		up := s.one()
		if up == nil || up == down || !s.bent || up.InFeatures != down.OutFeatures || f.has(up, inBlock) {
			continue
		}
		if f.addsTo(down, up) || f.chosen(down) {
			f.add(up, "ffn_up")
			f.add(down, "ffn_down")
			f.networks = append(f.networks, network{up: up, down: down})
		}
	}
}

// addsTo reports whether what down gives is added to what up was computed from, possibly with other things added first.
func (f *finder) addsTo(down, up *Layer) bool {
	from := up.Node.Input(f.dataInput(up))
	found := false
	on := func(n *Node) bool { return n.Is(moves...) || n.Is("Slice", "Add", "Mul") || sumNorm(n) }
	f.forward(down.Node.Output(0), on, func(n *Node, takes string) bool {
		if !n.Is("Add") && !sumNorm(n) {
			return true
		}
		for _, other := range n.Inputs[:min(2, len(n.Inputs))] {
			if other != takes && f.Tensor(other) == nil && f.reaches(from, func(v string, _ *Node) bool { return v == other }) {
				found = true
			}
		}
		return !found
	})
	return found
}

// sumNorm reports whether the node adds its first two inputs and normalizes the sum.
func sumNorm(n *Node) bool {
	return n.microsoft("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
}
