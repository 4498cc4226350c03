package ir

import "slices"

// Index is a snapshot of who gives and who takes each value of one graph, for walks that ask often. It does not follow
// later changes of the graph.
type Index struct {
	producers map[string]*Node
	consumers map[string][]*Node
	tensors   map[string]*Tensor
}

// Index makes the snapshot in one walk.
func (g *Graph) Index() *Index {
	x := &Index{
		producers: make(map[string]*Node, len(g.Nodes)),
		consumers: make(map[string][]*Node, len(g.Nodes)),
		tensors:   make(map[string]*Tensor, len(g.tensors)),
	}
	for _, t := range g.tensors {
		x.tensors[t.Name] = t
	}
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			if v != "" {
				x.producers[v] = n
			}
		}
		if t := n.Constant(); t != nil {
			x.tensors[t.Name] = t
		}
		for _, v := range n.Takes() {
			x.consumers[v] = append(x.consumers[v], n)
		}
	}
	return x
}

func (x *Index) Producer(value string) *Node    { return x.producers[value] }
func (x *Index) Consumers(value string) []*Node { return x.consumers[value] }
func (x *Index) Tensor(name string) *Tensor     { return x.tensors[name] }

// Takes lists the values that the node takes, each once: its inputs in order, then what its subgraphs capture. The list is
// for reading only.
func (n *Node) Takes() []string {
	if n.plain() {
		return n.Inputs
	}
	var takes []string
	seen := map[string]bool{"": true}
	add := func(v string) {
		if !seen[v] {
			seen[v] = true
			takes = append(takes, v)
		}
	}
	for _, v := range n.Inputs {
		add(v)
	}
	for i := range n.Attrs {
		if sub := n.Attrs[i].Graph; sub != nil {
			for _, v := range sub.Captured() {
				add(v)
			}
		}
	}
	return takes
}

// plain reports, of most nodes, that their inputs are few, all given and all different, and that they have no subgraph.
func (n *Node) plain() bool {
	if len(n.Inputs) > 8 {
		return false
	}
	for i, v := range n.Inputs {
		if v == "" || slices.Contains(n.Inputs[:i], v) {
			return false
		}
	}
	for i := range n.Attrs {
		if n.Attrs[i].Graph != nil {
			return false
		}
	}
	return true
}

// Captured lists the names that a subgraph takes from the graphs around it, in order of first use.
func (g *Graph) Captured() []string {
	own := map[string]bool{"": true}
	for _, v := range g.Inputs {
		own[v.Name] = true
	}
	for _, t := range g.tensors {
		own[t.Name] = true
	}
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			own[v] = true
		}
	}
	var names []string
	add := func(v string) {
		if !own[v] {
			own[v] = true
			names = append(names, v)
		}
	}
	for _, n := range g.Nodes {
		for _, v := range n.Takes() {
			add(v)
		}
	}
	for _, v := range g.Outputs {
		add(v.Name)
	}
	return names
}
