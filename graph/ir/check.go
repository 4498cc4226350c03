package ir

import (
	"fmt"
	"slices"
)

// Check reports the first thing that makes the model no model: a value given twice, taken before it is given or never,
// an output that nobody gives, a tensor whose type and shape are impossible. Formats call it after reading, the engine
// between passes.
func (m *Model) Check() error {
	if m.Graph == nil {
		return fmt.Errorf("the model has no graph")
	}
	return m.Graph.check(nil)
}

// scope is the names that a subgraph may capture: those of the graphs around it that are given at its place, and by
// what.
type scope struct {
	names map[string]giver
	outer *scope
}

// giver says what gives a value. An initializer may stand among the inputs too, as in old files.
type giver uint8

const (
	byInput giver = iota + 1
	byInitializer
	byNode
)

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] != 0 {
			return true
		}
	}
	return false
}

func (g *Graph) check(outer *scope) error {
	in := &scope{names: make(map[string]giver, len(g.Inputs)+len(g.tensors)+len(g.Nodes)), outer: outer}
	for _, v := range g.Inputs {
		if in.names[v.Name] != 0 {
			return fmt.Errorf("input %q stands twice", v.Name)
		}
		in.names[v.Name] = byInput
	}
	for _, t := range g.tensors {
		if in.names[t.Name] == byInitializer {
			return fmt.Errorf("initializer %q stands twice", t.Name)
		}
		in.names[t.Name] = byInitializer
		if err := t.check(); err != nil {
			return fmt.Errorf("initializer %q: %w", t.Name, err)
		}
	}
	for _, v := range g.Opaque {
		in.names[v] = byInitializer
	}
	for i, n := range g.Nodes {
		if err := n.check(in); err != nil {
			return g.explain(i, err)
		}
	}
	for _, v := range g.Outputs {
		if !in.has(v.Name) {
			return fmt.Errorf("output %q is given by no node", v.Name)
		}
	}
	return nil
}

// missing is a value that is taken where nobody has given it.
type missing struct{ name string }

func (e missing) Error() string { return fmt.Sprintf("takes %q, which nothing gives", e.name) }

// explain adds the node's place and, for a value given too late, by whom.
func (g *Graph) explain(i int, err error) error {
	n := g.Nodes[i]
	if m, ok := err.(missing); ok {
		for j, p := range g.Nodes {
			if !slices.Contains(p.Outputs, m.name) {
				continue
			}
			why := "in a cycle"
			if sorted := (&Graph{Nodes: slices.Clone(g.Nodes)}); sorted.Toposort() == nil {
				why = "out of order; the standard asks that a value is given before it is taken"
			}
			if p == n {
				return fmt.Errorf("%s takes its own output %q", nodePlace(i, n), m.name)
			}
			return fmt.Errorf("%s takes %q before %s gives it: the nodes are %s", nodePlace(i, n), m.name, nodePlace(j, p), why)
		}
	}
	return fmt.Errorf("%s: %w", nodePlace(i, n), err)
}

func (n *Node) check(in *scope) error {
	if n.Op == "" {
		return fmt.Errorf("has no operator")
	}
	for _, v := range n.Inputs {
		if v != "" && !in.has(v) {
			return missing{v}
		}
	}
	for i := range n.Attrs {
		a := &n.Attrs[i]
		if a.Tensor != nil {
			if err := a.Tensor.check(); err != nil {
				return fmt.Errorf("attribute %q: %w", a.Name, err)
			}
		}
		if a.Graph != nil {
			if err := a.Graph.check(in); err != nil {
				return fmt.Errorf("attribute %q: %w", a.Name, err)
			}
		}
	}
	for _, v := range n.Outputs {
		if v == "" {
			continue
		}
		if in.names[v] != 0 {
			return fmt.Errorf("gives %q, which is given already", v)
		}
		in.names[v] = byNode
	}
	return nil
}

func (t *Tensor) check() error {
	if t.DType == String {
		_, err := Elements(t.Shape)
		return err
	}
	_, err := ByteSize(t.DType, t.Shape)
	return err
}
