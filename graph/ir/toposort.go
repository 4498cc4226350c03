package ir

import "fmt"

// Toposort puts the nodes in an order in which every value is given before it is taken. Nodes already in such an order
// keep it. A cycle is an error that names a node of it.
func (g *Graph) Toposort() error {
	given := make(map[string]int, len(g.Nodes)) // value -> place of the node that gives it
	for i, n := range g.Nodes {
		for _, v := range n.Outputs {
			if v != "" {
				given[v] = i
			}
		}
	}
	waits := make([]int, len(g.Nodes)) // how many givers are still to come
	takers := make([][]int, len(g.Nodes))
	for i, n := range g.Nodes {
		for _, v := range n.Takes() {
			if j, ok := given[v]; ok {
				takers[j] = append(takers[j], i)
				waits[i]++
			}
		}
	}
	var ready intHeap
	for i, w := range waits {
		if w == 0 {
			ready.push(i)
		}
	}
	sorted := make([]*Node, 0, len(g.Nodes))
	for len(ready) > 0 {
		i := ready.pop()
		sorted = append(sorted, g.Nodes[i])
		for _, j := range takers[i] {
			if waits[j]--; waits[j] == 0 {
				ready.push(j)
			}
		}
	}
	if len(sorted) < len(g.Nodes) {
		for i, w := range waits {
			if w > 0 {
				return fmt.Errorf("%s is part of a cycle or waits for one", nodePlace(i, g.Nodes[i]))
			}
		}
	}
	g.Nodes = sorted
	return nil
}

// nodePlace names a node for messages.
func nodePlace(i int, n *Node) string {
	if n.Name == "" {
		return fmt.Sprintf("node %d (%s)", i, n.Op)
	}
	return fmt.Sprintf("node %d (%s %q)", i, n.Op, n.Name)
}

// intHeap is a binary heap with the smallest number on top.
type intHeap []int

func (h *intHeap) push(v int) {
	a := append(*h, v)
	for i := len(a) - 1; i > 0 && a[(i-1)/2] > a[i]; i = (i - 1) / 2 {
		a[i], a[(i-1)/2] = a[(i-1)/2], a[i]
	}
	*h = a
}

func (h *intHeap) pop() int {
	a := *h
	top, last := a[0], len(a)-1
	a[0] = a[last]
	a = a[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && a[child+1] < a[child] {
			child++
		}
		if a[i] <= a[child] {
			break
		}
		a[i], a[child] = a[child], a[i]
		i = child
	}
	*h = a
	return top
}

// Early counts the nodes whose outputs another node of the graph, or a graph within one, takes before they stand.
func (g *Graph) Early() int {
	at := make(map[string]int, len(g.Nodes))
	for i, n := range g.Nodes {
		for _, v := range n.Outputs {
			if v != "" {
				at[v] = i
			}
		}
	}
	early := make(map[int]bool)
	for i, n := range g.Nodes {
		for _, v := range n.Takes() {
			if j, ok := at[v]; ok && j >= i {
				early[j] = true
			}
		}
	}
	return len(early)
}
