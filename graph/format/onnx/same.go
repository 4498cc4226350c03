package onnx

import (
	"math"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
)

// The functions of this file decide whether an element still says what stands at its Origin: they read that place again
// and compare field by field. Elements of tensors need not be compared: a tensor's bytes cannot be changed, so a tensor
// with the same header and the same Origin holds the same.

// again reads an element a second time from its origin. ok is false if there is none, or none of a file read here.
func again[T any](o *ir.Origin, read func(r *reader, m message) (T, error)) (was T, ok bool) {
	if o == nil {
		return was, false
	}
	src, known := o.File.(source)
	if !known {
		return was, false
	}
	err := src.view(o.Offset, o.Size, func(b []byte) (err error) {
		was, err = read(&reader{src: src}, message{b, o.Offset})
		return err
	})
	return was, err == nil
}

// unchangedModel reads the whole file again. added are entries of metadata that have come to those of the file.
func unchangedModel(m *ir.Model) (added []ir.KeyValue, ok bool) {
	if m.Origin == nil {
		return nil, false
	}
	was, ok := again(m.Origin, func(r *reader, msg message) (*ir.Model, error) { return r.model(msg.b) })
	if !ok || len(m.Metadata) < len(was.Metadata) {
		return nil, false
	}
	n := len(was.Metadata)
	c := *m
	c.Metadata = m.Metadata[:n:n]
	if n == 0 {
		c.Present &^= 1 << 14
	}
	return m.Metadata[n:], sameModel(&c, was)
}

func sameModel(m, was *ir.Model) bool {
	return m.IRVersion == was.IRVersion && m.Producer == was.Producer && m.ProducerVersion == was.ProducerVersion &&
		m.Domain == was.Domain && m.ModelVersion == was.ModelVersion && m.Doc == was.Doc && m.Present == was.Present &&
		slices.EqualFunc(m.Opsets, was.Opsets, func(a, b ir.Opset) bool { return a.Domain == b.Domain && a.Version == b.Version }) &&
		slices.EqualFunc(m.Metadata, was.Metadata, func(a, b ir.KeyValue) bool { return a.Key == b.Key && a.Value == b.Value }) &&
		sameExtra(m.Extra, was.Extra) && sameGraph(m.Graph, was.Graph)
}

func unchangedNode(n *ir.Node) bool {
	was, ok := again(n.Origin, func(r *reader, m message) (*ir.Node, error) { return r.node(m, 1) })
	return ok && sameNode(n, was)
}

func unchangedAttr(a *ir.Attr) bool {
	was, ok := again(a.Origin, func(r *reader, m message) (ir.Attr, error) { return r.attr(m, 1) })
	return ok && sameAttr(a, &was)
}

func unchangedTensor(t *ir.Tensor) bool {
	was, ok := again(t.Origin, (*reader).tensor)
	return ok && sameTensor(t, was)
}

func unchangedValue(v *ir.Value) bool {
	was, ok := again(v.Origin, (*reader).value)
	return ok && sameValue(v, was)
}

func sameNode(n, was *ir.Node) bool {
	return n.Name == was.Name && n.Op == was.Op && n.Domain == was.Domain && n.Doc == was.Doc &&
		slices.Equal(n.Inputs, was.Inputs) && slices.Equal(n.Outputs, was.Outputs) &&
		slices.EqualFunc(n.Attrs, was.Attrs, func(a, b ir.Attr) bool { return sameAttr(&a, &b) }) &&
		sameExtra(n.Extra, was.Extra)
}

func sameAttr(a, was *ir.Attr) bool {
	bits := func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }
	return a.Name == was.Name && a.Kind == was.Kind && a.Int == was.Int && bits(a.Float, was.Float) && a.String == was.String &&
		slices.Equal(a.Ints, was.Ints) && slices.EqualFunc(a.Floats, was.Floats, bits) && slices.Equal(a.Strings, was.Strings) &&
		a.Doc == was.Doc && sameExtra(a.Extra, was.Extra) &&
		(a.Tensor == nil) == (was.Tensor == nil) && (a.Tensor == nil || sameTensor(a.Tensor, was.Tensor)) &&
		(a.Graph == nil) == (was.Graph == nil) && (a.Graph == nil || sameGraph(a.Graph, was.Graph))
}

func sameTensor(t, was *ir.Tensor) bool {
	return t.HasData() && t.SameHeader(was) && t.Origin.Same(was.Origin) && sameExtra(t.Extra, was.Extra)
}

func sameValue(v, was *ir.Value) bool {
	return v.Name == was.Name && v.DType == was.DType && v.Doc == was.Doc && (v.Shape == nil) == (was.Shape == nil) &&
		slices.Equal(v.Shape, was.Shape) && sameExtra(v.Extra, was.Extra)
}

func sameGraph(g, was *ir.Graph) bool {
	nodes := g.Nodes
	if g.Shuffled > 0 && g.Shuffled == len(nodes) && !slices.ContainsFunc(nodes, func(n *ir.Node) bool { return n.Origin == nil }) {
		nodes = byOffset(nodes)
	}
	return g.Name == was.Name && g.Doc == was.Doc && g.Present == was.Present && slices.EqualFunc(nodes, was.Nodes, sameNode) &&
		slices.EqualFunc(g.Tensors(), was.Tensors(), sameTensor) && slices.EqualFunc(g.Inputs, was.Inputs, sameValue) &&
		slices.EqualFunc(g.Outputs, was.Outputs, sameValue) && slices.EqualFunc(g.Values, was.Values, sameValue) &&
		sameExtra(g.Extra, was.Extra)
}

func sameExtra(e, was ir.Extra) bool {
	return slices.EqualFunc(e, was, func(a, b *ir.Origin) bool { return a.Same(b) })
}
