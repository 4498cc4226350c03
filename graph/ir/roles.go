package ir

// setDepths counts for each layer the layers on the longest way to it. The graph is in topological order.
func (x *Index) setDepths(g *Graph, layers []Layer) {
	of := layersByNode(layers)
	passed := make(map[string]int, len(g.Nodes)) // value -> layers on the longest way to it, its own included
	for _, n := range g.Nodes {
		d := 0
		for _, v := range n.Takes() {
			d = max(d, passed[v])
		}
		if l := of[n]; l != nil {
			l.Depth = d
			d++
		}
		for _, v := range n.Outputs {
			passed[v] = d
		}
	}
}

// setRoles gives each layer the first of LayerRoles that fits.
func (x *Index) setRoles(g *Graph, layers []Layer) {
	of := layersByNode(layers)
	mixes := func(n *Node) bool { // does it mix features, as opposed to scaling them?
		l := of[n]
		return l != nil && (l.Type == "conv" || l.Type == "linear" || l.Type == "recurrent")
	}

	before := make(map[string]bool, len(g.Nodes)) // values that come from a conv, linear, embedding or recurrent layer
	pooled := make(map[string]bool)               // values without spatial extent: from a global pooling
	first, onPooled := map[*Node]bool{}, map[*Node]bool{}
	for _, n := range g.Nodes {
		any := false
		for _, v := range n.Takes() {
			any = any || before[v]
		}
		l := of[n]
		first[n] = l != nil && !any
		onPooled[n] = pooled[n.Input(0)]
		keeps := n.Is("Identity", "Dropout", "Relu", "Clip", "HardSwish", "Sigmoid", "HardSigmoid", "QuantizeLinear", "DequantizeLinear", "Mul", "Conv")
		for _, v := range n.Outputs {
			before[v] = any || mixes(n) || l != nil && l.Type == "embedding"
			pooled[v] = n.Is("GlobalAveragePool", "GlobalMaxPool") || keeps && onPooled[n]
		}
	}

	after := make(map[string]bool, len(g.Nodes)) // values that reach a conv, linear or recurrent layer
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		any := false
		for _, v := range n.Outputs {
			any = any || after[v]
		}
		if l := of[n]; l != nil {
			l.Role = l.role(!any, first[n], onPooled[n])
		}
		if any || mixes(n) {
			for _, v := range n.Takes() {
				after[v] = true
			}
		}
	}
}

func (l *Layer) role(last, first, onPooled bool) string {
	pointwise := l.Type == "conv" && l.Groups == 1
	for _, k := range l.Kernel {
		pointwise = pointwise && k == 1
	}
	switch {
	case last && (l.Type == "linear" || pointwise && onPooled):
		return "head"
	case last && l.Type != "norm":
		return "last"
	case first && l.Type != "norm":
		return "first"
	case l.Type == "conv" && l.Groups > 1 && l.Groups == l.InFeatures:
		return "depthwise"
	case pointwise:
		return "pointwise"
	}
	return ""
}

func layersByNode(layers []Layer) map[*Node]*Layer {
	of := make(map[*Node]*Layer, len(layers))
	for i := range layers {
		of[layers[i].Node] = &layers[i]
	}
	return of
}
