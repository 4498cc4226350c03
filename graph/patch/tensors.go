package patch

import "github.com/pare-ml/pare/graph/ir"

// tensorsOf lists all tensors of a model: of each graph the initializers, then those in attributes of its nodes, and of the
// graphs in them, in their order.
func tensorsOf(m *ir.Model) []*ir.Tensor {
	var all []*ir.Tensor
	eachGraph(m.Graph, func(g *ir.Graph) {
		all = append(all, g.Tensors()...)
		for _, n := range g.Nodes {
			for i := range n.Attrs {
				if t := n.Attrs[i].Tensor; t != nil {
					all = append(all, t)
				}
			}
		}
	})
	return all
}

// eachGraph calls do for a graph and those within it, outer ones first.
func eachGraph(g *ir.Graph, do func(*ir.Graph)) {
	for queue := []*ir.Graph{g}; len(queue) > 0; queue = queue[1:] {
		g := queue[0]
		do(g)
		for _, n := range g.Nodes {
			for i := range n.Attrs {
				if sub := n.Attrs[i].Graph; sub != nil {
					queue = append(queue, sub)
				}
			}
		}
	}
}
