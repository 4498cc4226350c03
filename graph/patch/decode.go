package patch

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/record"
)

// deepest is how deep graphs may lie within each other.
const deepest = 32

// Decode reads a patch. tensor gives for the i-th tensor that the record does not hold a copy of its header with bytes;
// it need not read them. A damaged record is an error, and never anything worse.
func Decode(b []byte, tensor func(i int, header *ir.Tensor) (*ir.Tensor, error)) (*Patch, error) {
	d := &decoder{Reader: record.NewReader(b), load: tensor}
	if v := d.Uint(); v != format && d.Err() == nil {
		return nil, fmt.Errorf("the patch is of format %d; this version reads %d", v, format)
	}
	p := &Patch{}
	if base := d.Bytes(); len(base) == len(p.Base) {
		copy(p.Base[:], base)
	} else {
		d.Fail("its base is named by %d bytes", len(base))
	}
	if d.Bool() {
		f := &modelFields{irVersion: d.Int()}
		if texts := d.Texts(); len(texts) == len(f.texts) {
			copy(f.texts[:], texts)
		} else {
			d.Fail("%d texts", len(texts))
		}
		f.modelVersion, f.present, f.extra = d.Int(), d.bits(), d.Bytes()
		p.model = f
	}
	opset := func() ir.Opset { return ir.Opset{Domain: d.Text(), Version: d.Int()} }
	p.opsets = decodeList(d, opset, opset)
	pair := func() ir.KeyValue { return ir.KeyValue{Key: d.Text(), Value: d.Text()} }
	p.metadata = decodeList(d, pair, pair)
	p.graph = d.graph()
	return p, d.End()
}

// decoder reads patches.
type decoder struct {
	*record.Reader
	load  func(i int, header *ir.Tensor) (*ir.Tensor, error)
	count int // of tensors asked for
	depth int
}

func (d *decoder) bits() uint32 {
	v := d.Uint()
	if v > math.MaxUint32 {
		d.Fail("%d is no set of 32 bits", v)
	}
	return uint32(v)
}

func (d *decoder) places() []int {
	var list []int
	for range d.Len(1) {
		list = append(list, d.Small())
	}
	return list
}

func decodeList[T, E any](d *decoder, item func() T, edit func() E) list[T, E] {
	l := list[T, E]{removed: d.places()}
	for range d.Len(1) {
		l.changed = append(l.changed, change[E]{d.Small(), edit()})
		if d.Err() != nil {
			return l
		}
	}
	for range d.Len(1) {
		l.added = append(l.added, addition[T]{d.Small(), item()})
		if d.Err() != nil {
			return l
		}
	}
	if d.Bool() {
		if l.order = d.places(); l.order == nil {
			l.order = []int{}
		}
	}
	return l
}

func (d *decoder) graph() graphEdit {
	var g graphEdit
	if d.depth++; d.depth > deepest {
		d.Fail("graphs lie more than %d deep in each other", deepest)
		return g
	}
	defer func() { d.depth-- }()
	if d.Bool() {
		g.fields = &graphFields{name: d.Text(), doc: d.Text(), opaque: d.Texts(), present: d.bits(), extra: d.Bytes()}
	}
	g.nodes = decodeList(d, d.node, d.nodeEdit)
	g.tensors = decodeList(d, d.tensor, d.tensor)
	for i := range g.values {
		g.values[i] = decodeList(d, d.value, d.value)
	}
	return g
}

func (d *decoder) dtype() ir.DType {
	v := d.Uint()
	if v > math.MaxUint8 {
		d.Fail("%d is no type", v)
	}
	return ir.DType(v)
}

func (d *decoder) value() value {
	v := value{Value: ir.Value{Name: d.Text(), DType: d.dtype()}}
	known := d.Bool()
	if known {
		v.Shape = ir.Shape{}
	}
	for range d.Len(2) {
		v.Shape = append(v.Shape, ir.Dim{Size: d.Int(), Name: d.Text()})
	}
	v.Doc, v.extra = d.Text(), d.Bytes()
	return v
}

func (d *decoder) tensor() tensor {
	h := &ir.Tensor{Name: d.Text(), DType: d.dtype(), Shape: d.Ints(), Doc: d.Text()}
	h.Extra = ir.NewExtra(d.Bytes())
	from := int(d.Int())
	if from >= 0 || d.Err() != nil {
		return tensor{h, from}
	}
	var t *ir.Tensor
	if d.Bool() {
		t = ir.NewTensor(h.Name, h.DType, h.Shape, d.Bytes())
	} else if d.Err() == nil {
		var err error
		if t, err = d.load(d.count, h); err != nil {
			d.Fail("tensor %q: %v", h.Name, err)
		}
		d.count++
	}
	if t == nil {
		return tensor{h, -1}
	}
	t.Doc, t.Extra = h.Doc, h.Extra
	return tensor{t, -1}
}

func (d *decoder) node() node {
	var n node
	texts := d.Texts()
	if len(texts) != 4 {
		d.Fail("a node has %d texts", len(texts))
		return n
	}
	n.name, n.op, n.domain, n.doc = texts[0], texts[1], texts[2], texts[3]
	n.inputs, n.outputs, n.attrs, n.extra = d.Texts(), d.Texts(), d.attrs(), d.Bytes()
	return n
}

func (d *decoder) nodeEdit() nodeEdit {
	var n nodeEdit
	for _, to := range []**string{&n.name, &n.op, &n.domain, &n.doc} {
		if d.Bool() {
			s := d.Text()
			*to = &s
		}
	}
	for _, to := range []**names{&n.inputs, &n.outputs} {
		if d.Bool() {
			*to = &names{whole: d.Bool(), list: d.Texts(), at: d.places()}
		}
	}
	if d.Bool() {
		list := d.attrs()
		n.attrs = &list
	}
	if d.Bool() {
		b := d.Bytes()
		n.extra = &b
	}
	return n
}

func (d *decoder) attrs() []attr {
	var list []attr
	for range d.Len(1) {
		a := attr{keep: int(d.Int())}
		if a.keep < 0 {
			a.new = d.attr()
			a.extra = d.Bytes()
			if d.Bool() {
				t := d.tensor()
				a.tensor = &t
			}
		}
		if d.Bool() {
			g := d.graph()
			a.graph = &g
		}
		list = append(list, a)
		if d.Err() != nil {
			return list
		}
	}
	return list
}

func (d *decoder) attr() ir.Attr {
	a := ir.Attr{Name: d.Text()}
	if kind := d.Uint(); kind <= math.MaxUint8 {
		a.Kind = ir.AttrKind(kind)
	} else {
		d.Fail("%d is no kind of attribute", kind)
	}
	a.Int, a.Float, a.String = d.Int(), math.Float32frombits(d.bits()), d.Text()
	for range d.Len(1) {
		a.Ints = append(a.Ints, d.Int())
	}
	for range d.Len(1) {
		a.Floats = append(a.Floats, math.Float32frombits(d.bits()))
	}
	a.Strings, a.Doc = d.Texts(), d.Text()
	return a
}
