package ir

import "strconv"

// graphScope is a graph of a model, the main one or one in a node's attribute, on the way to its layers.
type graphScope struct {
	*Index
	way      string      // as in Layer.Within
	parent   *graphScope // nil: the main graph
	at       int         // the node of parent that it stands in
	children map[int][]*graphScope
	from, to int // its layers

	mixes map[int]bool // nodes in whose subgraphs features are mixed

	// What is known of the graphs around it, once their roles are set.
	before bool // a layer stands before it
	after  bool // or behind it
	passed int  // layers on the longest way to it
}

// scopes lists the graph and all within it, outer ones first.
func (g *Graph) scopes() []*graphScope {
	list := []*graphScope{{Index: g.Index()}}
	for i := 0; i < len(list); i++ {
		s := list[i]
		for n, node := range s.nodes {
			for k := range node.Attrs {
				a := &node.Attrs[k]
				if a.Graph == nil {
					continue
				}
				name := node.Name
				if name == "" {
					name = node.Op + "_" + strconv.Itoa(n)
				}
				c := &graphScope{Index: a.Graph.Index(), way: name + "/" + a.Name, parent: s, at: n}
				if s.way != "" {
					c.way = s.way + "/" + c.way
				}
				c.outer = s.Index
				if s.children == nil {
					s.children = map[int][]*graphScope{}
				}
				s.children[n] = append(s.children[n], c)
				list = append(list, c)
			}
		}
	}
	return list
}

// mixing tells whether a layer mixes features, as opposed to scaling or looking them up.
func (l *Layer) mixing() bool {
	return l.Type == "conv" || l.Type == "linear" || l.Type == "recurrent"
}

// tellMixing tells the graph around this one, whose own subgraphs have told it, whether features are mixed in it.
func (s *graphScope) tellMixing(layers []Layer) {
	if s.parent == nil {
		return
	}
	any := len(s.mixes) > 0
	for i := s.from; i < s.to && !any; i++ {
		any = layers[i].mixing()
	}
	if any {
		if s.parent.mixes == nil {
			s.parent.mixes = map[int]bool{}
		}
		s.parent.mixes[s.at] = true
	}
}
