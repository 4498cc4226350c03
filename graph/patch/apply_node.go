package patch

import (
	"bytes"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/record"
)

// node makes a node.
func (a *applier) node(e *node) (*ir.Node, error) {
	n := &ir.Node{Name: e.name, Op: e.op, Domain: e.domain, Doc: e.doc, Inputs: slices.Clone(e.inputs), Outputs: slices.Clone(e.outputs),
		Extra: ir.NewExtra(e.extra)}
	for i := range e.attrs {
		at, err := a.attr(&e.attrs[i])
		if err != nil {
			return nil, err
		}
		n.Attrs = append(n.Attrs, at)
	}
	return n, nil
}

// attr makes an attribute that is new.
func (a *applier) attr(e *attr) (ir.Attr, error) {
	if e.keep >= 0 {
		return ir.Attr{}, conflict("a new node keeps an attribute")
	}
	at := e.new
	at.Extra = ir.NewExtra(e.extra)
	if e.tensor != nil {
		t, err := a.tensor(e.tensor)
		if err != nil {
			return ir.Attr{}, err
		}
		at.Tensor = t
	}
	if e.graph != nil {
		at.Graph = &ir.Graph{}
		o := a.open(&ir.Graph{}, at.Graph)
		if err := o.apply(e.graph); err != nil {
			return ir.Attr{}, err
		}
		o.close()
	}
	return at, nil
}

// changeNode brings a difference into a node, field by field.
func (o *openGraph) changeNode(at int, cur **ir.Node, e *nodeEdit) error {
	was, n := o.was.Nodes[at], *cur
	for _, f := range []struct {
		to       *string
		cur      *string
		was      string
		whatever string
	}{{e.name, &n.Name, was.Name, "name"}, {e.op, &n.Op, was.Op, "operator"}, {e.domain, &n.Domain, was.Domain, "domain"}, {e.doc, &n.Doc, was.Doc, "text"}} {
		if f.to == nil {
			continue
		}
		if *f.cur != f.was && *f.cur != *f.to {
			return conflict("two patches change the %s of node %q", f.whatever, was.Name)
		}
		*f.cur = *f.to
	}
	var err error
	if n.Inputs, err = e.inputs.put(was.Inputs, n.Inputs); err != nil {
		return err
	}
	if n.Outputs, err = e.outputs.put(was.Outputs, n.Outputs); err != nil {
		return err
	}
	if e.extra != nil {
		n.Extra = mergeExtra(n.Extra, *e.extra)
	}
	if e.attrs == nil {
		return nil
	}
	if first := o.attrs[at]; first != nil {
		if sameKept(*first, *e.attrs) {
			return o.putGraphs(was, n, *e.attrs)
		}
		if !bytes.Equal(attrsBytes(*first), attrsBytes(*e.attrs)) {
			return conflict("two patches change the attributes of node %q", was.Name)
		}
		return nil
	}
	o.attrs[at] = e.attrs
	return o.putAttrs(was, n, *e.attrs)
}

func (o *openGraph) putAttrs(was, n *ir.Node, list []attr) error {
	old := n.Attrs
	n.Attrs = make([]ir.Attr, 0, len(list))
	for i := range list {
		e := &list[i]
		if e.keep < 0 {
			at, err := o.a.attr(e)
			if err != nil {
				return err
			}
			n.Attrs = append(n.Attrs, at)
			continue
		}
		if e.keep >= len(old) {
			return conflict("node %q keeps attribute %d of %d", was.Name, e.keep, len(old))
		}
		at := old[e.keep]
		if e.graph != nil {
			if at.Graph == nil {
				return conflict("attribute %q of node %q has no graph", at.Name, was.Name)
			}
			if slices.ContainsFunc(n.Attrs, func(b ir.Attr) bool { return b.Graph == at.Graph }) {
				return conflict("node %q keeps one graph twice", was.Name)
			}
			if err := o.inside(was.Attrs[e.keep].Graph, at.Graph).apply(e.graph); err != nil {
				return err
			}
		}
		n.Attrs = append(n.Attrs, at)
	}
	return nil
}

// inside returns the graph within this one that patches are being brought into.
func (o *openGraph) inside(was, g *ir.Graph) *openGraph {
	if i := slices.IndexFunc(o.within, func(sub *openGraph) bool { return sub.graph == g }); i >= 0 {
		return o.within[i]
	}
	sub := o.a.open(was, g)
	o.within = append(o.within, sub)
	return sub
}

// sameKept tells that two patches keep the same attributes of a node, and at most change the graphs in them.
func sameKept(a, b []attr) bool {
	return slices.EqualFunc(a, b, func(a, b attr) bool { return a.keep >= 0 && a.keep == b.keep })
}

// putGraphs brings what a further patch changes in the graphs of attributes into a node that keeps the same attributes.
func (o *openGraph) putGraphs(was, n *ir.Node, list []attr) error {
	for i := range list {
		e := &list[i]
		if e.graph == nil {
			continue
		}
		if n.Attrs[i].Graph == nil {
			return conflict("attribute %q of node %q has no graph", n.Attrs[i].Name, was.Name)
		}
		if err := o.inside(was.Attrs[e.keep].Graph, n.Attrs[i].Graph).apply(e.graph); err != nil {
			return err
		}
	}
	return nil
}

// put changes a list of names.
func (e *names) put(was, cur []string) ([]string, error) {
	switch {
	case e == nil:
		return cur, nil
	case e.whole:
		if !slices.Equal(cur, was) && !slices.Equal(cur, e.list) {
			return nil, conflict("two patches change a node's names")
		}
		return slices.Clone(e.list), nil
	case len(cur) != len(was) || len(e.at) != len(e.list):
		return nil, conflict("two patches change a node's names")
	}
	for i, at := range e.at {
		if at < 0 || at >= len(cur) {
			return nil, conflict("name %d of %d of a node changes", at, len(cur))
		}
		if cur[at] != was[at] && cur[at] != e.list[i] {
			return nil, conflict("two patches change name %q of a node", was[at])
		}
		cur[at] = e.list[i]
	}
	return cur, nil
}

// sameNodes tells of two nodes whether they give a value of one name, and whether they are equal.
func sameNodes(a, b *ir.Node) (named, equal bool) {
	if len(a.Outputs) == 0 || len(b.Outputs) == 0 || a.Outputs[0] != b.Outputs[0] {
		return false, false
	}
	if a.Name != b.Name || a.Op != b.Op || a.Domain != b.Domain || a.Doc != b.Doc || !slices.Equal(a.Inputs, b.Inputs) || !slices.Equal(a.Outputs, b.Outputs) ||
		len(a.Attrs) != len(b.Attrs) || a.Extra.Size() > 0 || b.Extra.Size() > 0 {
		return true, false
	}
	for i := range a.Attrs {
		x, y := &a.Attrs[i], &b.Attrs[i]
		if x.Graph != nil || y.Graph != nil || (x.Tensor == nil) != (y.Tensor == nil) {
			return true, false
		}
		if x.Tensor != nil {
			if _, equal := sameTensors(x.Tensor, y.Tensor); !equal {
				return true, false
			}
		}
		v, w := &record.Writer{}, &record.Writer{}
		writeAttr(v, x)
		writeAttr(w, y)
		if !bytes.Equal(v.Record(), w.Record()) {
			return true, false
		}
	}
	return true, true
}
