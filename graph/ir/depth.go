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
