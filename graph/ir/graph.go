package ir

import (
	"slices"
	"strconv"
)

// Tensor returns the constant of that name: an initializer, or the value of a Constant node; nil if the name is no
// constant. Who asks for many at once takes an Index.
func (g *Graph) Tensor(name string) *Tensor {
	if name == "" {
		return nil
	}
	if i, ok := g.initializer(name); ok {
		return g.tensors[i]
	}
	if n := g.Producer(name); n != nil {
		return n.Constant()
	}
	return nil
}

// Tensors lists the initializers in file order. Constant nodes are not among them: see Constants.
func (g *Graph) Tensors() []*Tensor { return slices.Clone(g.tensors) }

// Constants lists all constants: the initializers in file order, then the values of Constant nodes in graph order.
func (g *Graph) Constants() []*Tensor {
	list := g.Tensors()
	for _, n := range g.Nodes {
		if t := n.Constant(); t != nil {
			list = append(list, t)
		}
	}
	return list
}

// SetTensors puts a list in place of the graph's initializers. What the graph says of values stays as it is.
func (g *Graph) SetTensors(list []*Tensor) { g.tensors, g.index = list, nil }

// SetTensor puts t in place of the constant of its name, where that one stands: in the list of initializers or in a
// Constant node. A new name becomes the last initializer. What the graph says of the value's type and shape follows.
func (g *Graph) SetTensor(t *Tensor) {
	for _, list := range [][]*Value{g.Inputs, g.Outputs, g.Values} {
		for _, v := range list {
			if v.Name == t.Name {
				v.DType, v.Shape = t.DType, ShapeOf(t.Shape...)
			}
		}
	}
	if i, ok := g.initializer(t.Name); ok {
		g.tensors[i] = t
		return
	}
	if n := g.Producer(t.Name); n != nil && n.Is("Constant") {
		for _, name := range constantAttrs {
			n.RemoveAttr(name)
		}
		n.SetAttr(TensorAttr("value", t))
		return
	}
	g.index[t.Name] = len(g.tensors)
	g.tensors = append(g.tensors, t)
}

// RemoveTensor removes the constant of that name: an initializer, with the input that old files list for it, or a
// Constant node.
func (g *Graph) RemoveTensor(name string) {
	i, ok := g.initializer(name)
	if !ok {
		if n := g.Producer(name); n != nil && n.Is("Constant") {
			g.RemoveNode(n)
		}
		return
	}
	g.tensors = slices.Delete(g.tensors, i, i+1)
	g.index = nil
	g.Inputs = slices.DeleteFunc(g.Inputs, func(v *Value) bool { return v.Name == name })
}

// initializer finds a tensor's place and makes the index if there is none.
func (g *Graph) initializer(name string) (int, bool) {
	if g.index == nil {
		g.index = make(map[string]int, len(g.tensors))
		for i, t := range g.tensors {
			g.index[t.Name] = i
		}
	}
	i, ok := g.index[name]
	return i, ok
}

// IsInitializer reports whether an initializer has that name.
func (g *Graph) IsInitializer(name string) bool {
	_, ok := g.initializer(name)
	return ok
}

// Feeds lists the inputs that a caller must give: those that are no initializers.
func (g *Graph) Feeds() []*Value {
	var feeds []*Value
	for _, v := range g.Inputs {
		if _, ok := g.initializer(v.Name); !ok {
			feeds = append(feeds, v)
		}
	}
	return feeds
}

// Value returns what the graph declares of a value: an input, an output or an entry of Values; nil if it says nothing.
func (g *Graph) Value(name string) *Value {
	for _, list := range [][]*Value{g.Inputs, g.Outputs, g.Values} {
		for _, v := range list {
			if v.Name == name {
				return v
			}
		}
	}
	return nil
}

// IsInput reports whether the graph lists name as an input.
func (g *Graph) IsInput(name string) bool { return named(g.Inputs, name) }

// IsOutput reports whether name is an output of the graph.
func (g *Graph) IsOutput(name string) bool { return named(g.Outputs, name) }

func named(list []*Value, name string) bool {
	return slices.ContainsFunc(list, func(v *Value) bool { return v.Name == name })
}

// Producer returns the node that gives the value, nil for inputs and initializers. It looks through all nodes.
func (g *Graph) Producer(value string) *Node {
	if value == "" {
		return nil
	}
	for _, n := range g.Nodes {
		if slices.Contains(n.Outputs, value) {
			return n
		}
	}
	return nil
}

// Consumers returns the nodes that take the value, in graph order, each once; a node whose subgraphs capture the value
// is one of them. It looks through all nodes.
func (g *Graph) Consumers(value string) []*Node {
	if value == "" {
		return nil
	}
	var users []*Node
	for _, n := range g.Nodes {
		if n.uses(value) {
			users = append(users, n)
		}
	}
	return users
}

func (n *Node) uses(value string) bool {
	if slices.Contains(n.Inputs, value) {
		return true
	}
	for i := range n.Attrs {
		if sub := n.Attrs[i].Graph; sub != nil && sub.captures(value) {
			return true
		}
	}
	return false
}

// captures reports whether the subgraph takes the value from outside.
func (g *Graph) captures(value string) bool {
	if g.defines(value) {
		return false
	}
	if g.IsOutput(value) {
		return true
	}
	return slices.ContainsFunc(g.Nodes, func(n *Node) bool { return n.uses(value) })
}

func (g *Graph) defines(value string) bool {
	_, ok := g.initializer(value)
	return ok || g.IsInput(value) || g.Producer(value) != nil
}

// ReplaceUses makes every node that takes old, captures of subgraphs included, take replacement instead, and returns how
// many uses there were. The graph's outputs keep their names: they belong to the model's caller.
func (g *Graph) ReplaceUses(old, replacement string) int {
	count := 0
	for _, n := range g.Nodes {
		count += n.replaceUses(old, replacement)
	}
	return count
}

// ReplaceUsesBy is ReplaceUses for nodes that are known to be all that take old.
func (g *Graph) ReplaceUsesBy(users []*Node, old, replacement string) int {
	count := 0
	for _, n := range users {
		count += n.replaceUses(old, replacement)
	}
	return count
}

func (n *Node) replaceUses(old, replacement string) int {
	count := 0
	for i, in := range n.Inputs {
		if in == old {
			n.Inputs[i] = replacement
			count++
		}
	}
	for i := range n.Attrs {
		sub := n.Attrs[i].Graph
		if sub == nil || sub.defines(old) {
			continue
		}
		count += sub.ReplaceUses(old, replacement)
		for _, v := range sub.Outputs {
			if v.Name == old {
				v.Name = replacement
				count++
			}
		}
	}
	return count
}

// Bypass removes a node whose first output shall be its input in from now on (an Identity, a Dropout). Where that output
// is an output of the graph, the producer of in takes over the name; if nothing inside the graph produces in, or in is an
// output of the graph itself, the node has to stay and Bypass returns false.
func (g *Graph) Bypass(n *Node, in string) bool {
	out := n.Output(0)
	if !g.IsOutput(out) {
		g.RemoveNode(n)
		g.ReplaceUses(out, in)
		return true
	}
	p := g.Producer(in)
	if p == nil || g.IsOutput(in) {
		return false
	}
	g.RemoveNode(n)
	p.Outputs[slices.Index(p.Outputs, in)] = out
	g.ReplaceUses(in, out)
	g.Values = slices.DeleteFunc(g.Values, func(v *Value) bool { return v.Name == in })
	return true
}

// RemoveNode takes the node out of the graph, and what the graph says of its outputs; uses of them stay.
func (g *Graph) RemoveNode(n *Node) {
	i := slices.Index(g.Nodes, n)
	if i < 0 {
		return
	}
	g.Nodes = slices.Delete(g.Nodes, i, i+1)
	g.Values = slices.DeleteFunc(g.Values, func(v *Value) bool { return slices.Contains(n.Outputs, v.Name) })
}

// InsertBefore puts nodes in front of at; at the end if at is nil or not in the graph.
func (g *Graph) InsertBefore(at *Node, nodes ...*Node) {
	i := slices.Index(g.Nodes, at)
	if i < 0 {
		i = len(g.Nodes)
	}
	g.Nodes = slices.Insert(g.Nodes, i, nodes...)
}

// InsertAfter puts nodes behind at; at the front if at is nil or not in the graph.
func (g *Graph) InsertAfter(at *Node, nodes ...*Node) {
	g.Nodes = slices.Insert(g.Nodes, slices.Index(g.Nodes, at)+1, nodes...)
}

// FreshName returns base, or base_1, base_2 …, whichever names no value, tensor or node yet, subgraphs included.
func (g *Graph) FreshName(base string) string {
	taken := map[string]bool{}
	g.collectNames(taken)
	name := base
	for i := 1; taken[name] || name == ""; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	return name
}

func (g *Graph) collectNames(names map[string]bool) {
	for _, list := range [][]*Value{g.Inputs, g.Outputs, g.Values} {
		for _, v := range list {
			names[v.Name] = true
		}
	}
	for _, t := range g.tensors {
		names[t.Name] = true
	}
	for _, n := range g.Nodes {
		names[n.Name] = true
		for _, v := range n.Inputs {
			names[v] = true
		}
		for _, v := range n.Outputs {
			names[v] = true
		}
		for i := range n.Attrs {
			if sub := n.Attrs[i].Graph; sub != nil {
				sub.collectNames(names)
			}
		}
	}
}

// AddTensor appends an initializer whose name the graph does not have yet: the quick way for who builds a graph.
func (g *Graph) AddTensor(t *Tensor) {
	if g.index != nil {
		g.index[t.Name] = len(g.tensors)
	}
	g.tensors = append(g.tensors, t)
}
