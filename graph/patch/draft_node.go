package patch

import (
	"math"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
)

// newNode writes a node out.
func (d *Draft) newNode(n *ir.Node) node {
	e := node{name: n.Name, op: n.Op, domain: n.Domain, doc: n.Doc, inputs: slices.Clone(n.Inputs), outputs: slices.Clone(n.Outputs),
		extra: extraBytes(n.Extra)}
	for i := range n.Attrs {
		e.attrs = append(e.attrs, d.newAttr(&n.Attrs[i]))
	}
	return e
}

func (d *Draft) newAttr(a *ir.Attr) attr {
	e := attr{keep: -1, new: *a, extra: extraBytes(a.Extra)}
	e.new.Extra, e.new.Origin, e.new.Tensor, e.new.Graph = nil, nil, nil, nil
	if a.Tensor != nil {
		t := d.tensor(a.Tensor)
		e.tensor = &t
	}
	if a.Graph != nil {
		g := d.graph(nil, a.Graph)
		e.graph = &g
	}
	return e
}

// node compares a node with what it was.
func (d *Draft) node(was, is *ir.Node) (nodeEdit, bool) {
	var e nodeEdit
	if d.sameNode(was, is) {
		return e, false
	}
	different := false
	text := func(a, b string) *string {
		if a == b {
			return nil
		}
		different = true
		return &b
	}
	e.name, e.op, e.domain, e.doc = text(was.Name, is.Name), text(was.Op, is.Op), text(was.Domain, is.Domain), text(was.Doc, is.Doc)
	e.inputs, e.outputs = diffNames(was.Inputs, is.Inputs), diffNames(was.Outputs, is.Outputs)
	if !slices.Equal(was.Extra, is.Extra) {
		b := extraBytes(is.Extra)
		e.extra = &b
	}
	e.attrs = d.attrs(was.Attrs, is.Attrs)
	return e, different || e.inputs != nil || e.outputs != nil || e.extra != nil || e.attrs != nil
}

// sameNode tells of most nodes that nothing happened to them, without taking memory.
func (d *Draft) sameNode(was, is *ir.Node) bool {
	if was.Name != is.Name || was.Op != is.Op || was.Domain != is.Domain || was.Doc != is.Doc || len(was.Attrs) != len(is.Attrs) ||
		!slices.Equal(was.Inputs, is.Inputs) || !slices.Equal(was.Outputs, is.Outputs) || !slices.Equal(was.Extra, is.Extra) {
		return false
	}
	for i := range is.Attrs {
		if was.Attrs[i].Graph != nil || is.Attrs[i].Graph != nil || !sameAttr(&was.Attrs[i], &is.Attrs[i]) {
			return false
		}
	}
	return true
}

func diffNames(was, is []string) *names {
	if slices.Equal(was, is) {
		return nil
	}
	if len(was) != len(is) {
		return &names{whole: true, list: slices.Clone(is)}
	}
	e := &names{}
	for i, name := range is {
		if was[i] != name {
			e.at, e.list = append(e.at, i), append(e.list, name)
		}
	}
	return e
}

// attrs compares the attributes of a node with what they were; nil if nothing changed.
func (d *Draft) attrs(was, is []ir.Attr) *[]attr {
	different := len(was) != len(is)
	list := make([]attr, len(is))
	used := make([]bool, len(was))
	for i := range is {
		a := &is[i]
		at := i
		if i >= len(was) || was[i].Name != a.Name {
			at = slices.IndexFunc(was, func(w ir.Attr) bool { return w.Name == a.Name })
		}
		if at < 0 || used[at] || !sameAttr(&was[at], a) || (was[at].Graph == nil) != (a.Graph == nil) {
			list[i], different = d.newAttr(a), true
			continue
		}
		list[i] = attr{keep: at}
		used[at] = true
		different = different || at != i
		if a.Graph == nil {
			continue
		}
		p := d.graphs[a.Graph]
		if p == nil || p.base != was[at].Graph {
			list[i], different = d.newAttr(a), true
			continue
		}
		if g := d.graph(p, a.Graph); !g.isEmpty() {
			list[i].graph, different = &g, true
		}
	}
	if !different {
		return nil
	}
	return &list
}

// sameAttr compares attributes, but for the graphs in them.
func sameAttr(a, b *ir.Attr) bool {
	bits := func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }
	return a.Name == b.Name && a.Kind == b.Kind && a.Int == b.Int && bits(a.Float, b.Float) && a.String == b.String && a.Doc == b.Doc &&
		slices.Equal(a.Ints, b.Ints) && slices.EqualFunc(a.Floats, b.Floats, bits) && slices.Equal(a.Strings, b.Strings) &&
		a.Tensor == b.Tensor && slices.Equal(a.Extra, b.Extra)
}
