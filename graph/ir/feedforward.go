package ir

// network is a feed-forward network: two or three layers; if gate and up are one, it is the gate.
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
	for i, node := range f.nodes {
		n := int32(i)
		if f.class[n]&multiplies == 0 || !node.Is("Mul") || len(node.Inputs) != 2 || f.isConstant(f.in[n][0]) || f.isConstant(f.in[n][1]) {
			continue
		}
		a := f.trace(f.in[n][0], f.backActivation)
		if a.one() == nil {
			continue
		}
		b := f.trace(f.in[n][1], f.backActivation)
		if b.one() == nil || a.bent == b.bent {
			continue
		}
		if b.bent {
			a, b = b, a
		}
		f.gated(n, a, b)
	}
}

// gated looks at a product n of what two layers, or parts of one, give.
func (f *finder) gated(n int32, a, b sources) {
	gate, up := a.one(), b.one()
	switch {
	case f.has(gate, inBlock) || f.has(up, inBlock):
		return
	case gate == up && !a.apart(b): // the activation itself: x · sigmoid(x)
		return
	case gate != up && (f.dataOf(gate) != f.dataOf(up) || gate.OutFeatures != up.OutFeatures):
		return
	}
	downs := f.consumers(f.output(n), f.joinsHeads)
	if len(downs) != 1 || f.has(downs[0], inBlock) || downs[0] == gate || downs[0] == up {
		return
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

// plainNetworks finds x + down(activation(up(x))). The sum is what sets it apart from two dense layers in a row.
func (f *finder) plainNetworks() {
	for i := range f.layers {
		down := &f.layers[i]
		if down.Type != "linear" || f.has(down, inBlock) {
			continue
		}
		s := f.trace(f.data(down), f.backActivation)
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
	from := f.data(up)
	found, sums := false, 0
	on := func(n int32) bool { return f.class[n]&(moves|adds|multiplies) != 0 || f.nodes[n].Is("Slice") }
	f.forward(f.output(f.at[down.Index]), on, func(n, takes int32) bool {
		if !f.nodes[n].Is("Add") && !sumNorm(f.nodes[n]) {
			return true
		}
		for _, other := range f.in[n][:min(2, len(f.in[n]))] {
			if other >= 0 && other != takes && !f.isConstant(other) && f.reaches(from, other) {
				found = true
			}
		}
		sums++
		return !found && sums < maxChain
	})
	return found
}

// sumNorm reports whether the node adds its first two inputs and normalizes the sum.
func sumNorm(n *Node) bool {
	return n.microsoft("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
}
