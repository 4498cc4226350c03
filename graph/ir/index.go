package ir

import "slices"

// Index is a snapshot of who gives and who takes each value of one graph, for walks that ask often. It does not follow
// later changes of the graph.
type Index struct {
	ids     map[string]int32 // numbers of values
	nodes   []*Node
	tensors []*Tensor // by value; nil if it is no constant
	giver   []int32   // by value: the node that gives it, or -1
	takers  [][]int32 // by value: the nodes that take it, in graph order, each once
	in      [][]int32 // by node: its inputs, -1 where one is left out
	out     [][]int32 // by node: its outputs, likewise

	graph  *Graph
	inputs map[string]bool // of graph; nil until asked for
	outer  *Index          // of the graph around a subgraph; nil: the main graph, or a graph looked at alone
}

// definer returns the index of the graph that defines a value: this one or one around it.
func (x *Index) definer(value string) *Index {
	for y := x; y.outer != nil; y = y.outer {
		if id := y.id(value); id >= 0 && (y.tensors[id] != nil || y.giver[id] >= 0) || y.isInput(value) {
			return y
		}
		x = y.outer
	}
	return x
}

func (x *Index) isInput(value string) bool {
	if x.inputs == nil {
		x.inputs = make(map[string]bool, len(x.graph.Inputs))
		for _, v := range x.graph.Inputs {
			x.inputs[v.Name] = true
		}
	}
	return x.inputs[value]
}

// seen returns the constant of that name in this graph or in one around it.
func (x *Index) seen(name string) *Tensor { return x.definer(name).Tensor(name) }

// Index makes the snapshot in one walk.
func (g *Graph) Index() *Index {
	edges, gives := 0, 0
	for _, n := range g.Nodes {
		edges += len(n.Inputs) + len(n.Outputs)
		gives += len(n.Outputs)
	}
	values := len(g.tensors) + len(g.Inputs) + gives // of a sound graph; an unsound one may take more
	x := &Index{
		ids:     make(map[string]int32, values),
		graph:   g,
		nodes:   g.Nodes,
		tensors: make([]*Tensor, 0, values),
		giver:   make([]int32, 0, values),
		in:      make([][]int32, len(g.Nodes)),
		out:     make([][]int32, len(g.Nodes)),
	}
	for _, t := range g.tensors {
		x.tensors[x.number(t.Name)] = t
	}
	numbers := make([]int32, 0, edges) // of all nodes, one after another
	list := func(names []string) []int32 {
		start := len(numbers)
		for _, v := range names {
			if v == "" {
				numbers = append(numbers, -1)
			} else {
				numbers = append(numbers, x.number(v))
			}
		}
		return numbers[start:len(numbers):len(numbers)]
	}
	takes := make([][]int32, len(g.Nodes)) // by node: the values it takes
	for i, n := range g.Nodes {
		x.in[i], x.out[i] = list(n.Inputs), list(n.Outputs)
		for _, v := range x.out[i] {
			if v >= 0 {
				x.giver[v] = int32(i)
			}
		}
		if t := n.Constant(); t != nil {
			x.tensors[x.number(t.Name)] = t
		}
		if takes[i] = x.in[i]; !n.plain() {
			takes[i] = list(n.Takes())
		}
	}
	x.takers = turn(takes, len(x.tensors))
	return x
}

// turn lists for each of n values the nodes that take it, from what each node takes.
func turn(takes [][]int32, n int) [][]int32 {
	ends := make([]int32, n+1)
	for _, list := range takes {
		for _, v := range list {
			if v >= 0 {
				ends[v+1]++
			}
		}
	}
	for v := range n {
		ends[v+1] += ends[v]
	}
	all := make([]int32, ends[n])
	takers := make([][]int32, n)
	for v := range takers {
		takers[v] = all[ends[v]:ends[v]:ends[v+1]]
	}
	for i, list := range takes {
		for _, v := range list {
			if v >= 0 {
				takers[v] = append(takers[v], int32(i))
			}
		}
	}
	return takers
}

// number returns the number of a value, a new one if it has none yet.
func (x *Index) number(value string) int32 {
	id, ok := x.ids[value]
	if !ok {
		id = int32(len(x.tensors))
		x.ids[value] = id
		x.tensors = append(x.tensors, nil)
		x.giver = append(x.giver, -1)
	}
	return id
}

// id returns the number of a value, -1 if the graph does not have it.
func (x *Index) id(value string) int32 {
	if id, ok := x.ids[value]; ok && value != "" {
		return id
	}
	return -1
}

// Producer returns the node that gives a value, nil for inputs and initializers.
func (x *Index) Producer(value string) *Node { return x.producer(x.id(value)) }

func (x *Index) producer(id int32) *Node {
	if id < 0 || x.giver[id] < 0 {
		return nil
	}
	return x.nodes[x.giver[id]]
}

// Consumers returns the nodes that take a value, in graph order, each once; those whose subgraphs capture it among them.
func (x *Index) Consumers(value string) []*Node {
	id := x.id(value)
	if id < 0 {
		return nil
	}
	var out []*Node
	for _, n := range x.takers[id] {
		out = append(out, x.nodes[n])
	}
	return out
}

// Tensor returns the constant of that name, nil if the name is no constant.
func (x *Index) Tensor(name string) *Tensor { return x.tensor(x.id(name)) }

func (x *Index) tensor(id int32) *Tensor {
	if id < 0 {
		return nil
	}
	return x.tensors[id]
}

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
