package patch

import (
	"bytes"
	"crypto/sha256"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/record"
)

// format is raised when records are written in another way.
const format = 1

// inline is the size in bytes up to which a tensor's elements stand in the record itself.
const inline = 1024

// Encode returns the patch as a record, and the tensors whose elements are too large for it, in the order in which Decode
// asks for them. The elements of small tensors are read.
func (p *Patch) Encode() ([]byte, []*ir.Tensor, error) {
	e := &encoder{}
	e.Uint(format)
	e.Bytes(p.Base[:])
	e.Bool(p.model != nil)
	if f := p.model; f != nil {
		e.Int(f.irVersion)
		e.Texts(f.texts[:])
		e.Int(f.modelVersion)
		e.Uint(uint64(f.present))
		e.Bytes(f.extra)
	}
	opset := func(o *ir.Opset) { e.Text(o.Domain); e.Int(o.Version) }
	encodeList(e, &p.opsets, opset, opset)
	pair := func(kv *ir.KeyValue) { e.Text(kv.Key); e.Text(kv.Value) }
	encodeList(e, &p.metadata, pair, pair)
	e.graph(&p.graph)
	return e.Record(), e.tensors, e.err
}

// encoder writes patches.
type encoder struct {
	record.Writer
	tensors []*ir.Tensor
	whole   bool // put digests of elements in place of tensors, to compare
	err     error
}

func (e *encoder) places(list []int) {
	e.Len(len(list))
	for _, v := range list {
		e.Uint(uint64(v))
	}
}

func encodeList[T, E any](e *encoder, l *list[T, E], item func(*T), edit func(*E)) {
	e.places(l.removed)
	e.Len(len(l.changed))
	for i := range l.changed {
		e.Uint(uint64(l.changed[i].at))
		edit(&l.changed[i].to)
	}
	e.Len(len(l.added))
	for i := range l.added {
		e.Uint(uint64(l.added[i].before))
		item(&l.added[i].item)
	}
	e.Bool(l.order != nil)
	if l.order != nil {
		e.places(l.order)
	}
}

func (e *encoder) graph(g *graphEdit) {
	e.Bool(g.fields != nil)
	if g.fields != nil {
		e.graphFields(g.fields)
	}
	encodeList(e, &g.nodes, e.node, e.nodeEdit)
	encodeList(e, &g.tensors, e.tensor, e.tensor)
	for i := range g.values {
		encodeList(e, &g.values[i], e.value, e.value)
	}
}

func (e *encoder) graphFields(f *graphFields) {
	e.Text(f.name)
	e.Text(f.doc)
	e.Texts(f.opaque)
	e.Uint(uint64(f.present))
	e.Bytes(f.extra)
}

func graphFieldsBytes(f *graphFields) []byte {
	e := &encoder{}
	e.graphFields(f)
	return e.Record()
}

func (e *encoder) value(v *value) {
	writeValue(&e.Writer, &v.Value)
	e.Bytes(v.extra)
}

func sameBytes(a, b *ir.Value) bool {
	x, y := newValue(a), newValue(b)
	v, w := &encoder{}, &encoder{}
	v.value(&x)
	w.value(&y)
	return bytes.Equal(v.Record(), w.Record())
}

func (e *encoder) tensor(t *tensor) {
	writeHeader(&e.Writer, t.t)
	e.Bytes(extraBytes(t.t.Extra))
	e.Int(int64(t.from))
	if t.from >= 0 {
		return
	}
	switch size := t.t.Size(); {
	case e.whole:
		b, err := t.t.Bytes()
		e.keep(err)
		sum := sha256.Sum256(b)
		e.Bytes(sum[:])
	case t.t.DType == ir.String || size <= inline:
		b, err := t.t.Bytes()
		e.keep(err)
		e.Bool(true)
		e.Bytes(b)
	default:
		e.Bool(false)
		e.tensors = append(e.tensors, t.t)
	}
}

func (e *encoder) keep(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *encoder) node(n *node) {
	e.Texts([]string{n.name, n.op, n.domain, n.doc})
	e.Texts(n.inputs)
	e.Texts(n.outputs)
	e.attrs(n.attrs)
	e.Bytes(n.extra)
}

func (e *encoder) nodeEdit(n *nodeEdit) {
	for _, s := range []*string{n.name, n.op, n.domain, n.doc} {
		e.Bool(s != nil)
		if s != nil {
			e.Text(*s)
		}
	}
	for _, l := range []*names{n.inputs, n.outputs} {
		e.Bool(l != nil)
		if l != nil {
			e.Bool(l.whole)
			e.Texts(l.list)
			e.places(l.at)
		}
	}
	e.Bool(n.attrs != nil)
	if n.attrs != nil {
		e.attrs(*n.attrs)
	}
	e.Bool(n.extra != nil)
	if n.extra != nil {
		e.Bytes(*n.extra)
	}
}

func (e *encoder) attrs(list []attr) {
	e.Len(len(list))
	for i := range list {
		a := &list[i]
		e.Int(int64(a.keep))
		if a.keep < 0 {
			writeAttr(&e.Writer, &a.new)
			e.Bytes(a.extra)
			e.Bool(a.tensor != nil)
			if a.tensor != nil {
				e.tensor(a.tensor)
			}
		}
		e.Bool(a.graph != nil)
		if a.graph != nil {
			e.graph(a.graph)
		}
	}
}

// attrsBytes is a form in which lists of attributes can be compared.
func attrsBytes(list []attr) []byte {
	e := &encoder{whole: true}
	e.attrs(list)
	return e.Record()
}
