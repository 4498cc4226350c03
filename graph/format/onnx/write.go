package onnx

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/ir"
)

// output is a message being written: pieces that are put together once, when the sizes of all are known.
type output struct {
	pieces []piece
	size   int64
}

// piece is some bytes, or bytes to be fetched at the end.
type piece struct {
	b     []byte
	size  int64
	fetch func() ([]byte, error)
}

func (o *output) bytes(b []byte) {
	o.size += int64(len(b))
	if n := len(o.pieces); n > 0 && o.pieces[n-1].fetch == nil {
		o.pieces[n-1].b = append(o.pieces[n-1].b, b...)
		return
	}
	o.pieces = append(o.pieces, piece{b: slices.Clone(b)})
}

func (o *output) lazy(size int64, fetch func() ([]byte, error)) {
	o.size += size
	o.pieces = append(o.pieces, piece{size: size, fetch: fetch})
}

func (o *output) origin(p *ir.Origin) { o.lazy(p.Size, p.Bytes) }

func (o *output) extra(e ir.Extra) {
	for _, p := range e {
		o.origin(p)
	}
}

func (o *output) int(no protowire.Number, v int64) {
	o.bytes(protowire.AppendVarint(protowire.AppendTag(nil, no, protowire.VarintType), uint64(v)))
}

func (o *output) fixed32(no protowire.Number, v float32) {
	o.bytes(protowire.AppendFixed32(protowire.AppendTag(nil, no, protowire.Fixed32Type), math.Float32bits(v)))
}

// text writes a string field even if it is empty.
func (o *output) text(no protowire.Number, s string) {
	o.bytes(protowire.AppendString(protowire.AppendTag(nil, no, protowire.BytesType), s))
}

// some writes a string field unless it is empty.
func (o *output) some(no protowire.Number, s string) {
	if s != "" {
		o.text(no, s)
	}
}

// given writes a string field that is not empty or that the file had.
func (o *output) given(no protowire.Number, s string, present uint32) {
	if s != "" || present&(1<<no) != 0 {
		o.text(no, s)
	}
}

// head writes the tag and length of a field whose content follows.
func (o *output) head(no protowire.Number, size int64) {
	o.bytes(protowire.AppendVarint(protowire.AppendTag(nil, no, protowire.BytesType), uint64(size)))
}

func (o *output) message(no protowire.Number, m *output) {
	o.head(no, m.size)
	for _, p := range m.pieces {
		if p.fetch == nil {
			o.bytes(p.b)
		} else {
			o.lazy(p.size, p.fetch)
		}
	}
}

// assemble fetches what is still to be fetched and puts all in one piece.
func (o *output) assemble() ([]byte, error) {
	if o.size > maxSize {
		return nil, fmt.Errorf("the model would have %d bytes; an ONNX file, being one protobuf message, has at most %d (2 GiB)", o.size, maxSize)
	}
	b := make([]byte, 0, o.size)
	for _, p := range o.pieces {
		if p.fetch == nil {
			b = append(b, p.b...)
			continue
		}
		got, err := p.fetch()
		if err != nil {
			return nil, err
		}
		if int64(len(got)) != p.size {
			return nil, fmt.Errorf("a part of the model has %d bytes instead of %d", len(got), p.size)
		}
		b = append(b, got...)
	}
	return b, nil
}

// Encode returns the model as the bytes of an ONNX file. A model without weights (ir.Model.Header) is refused.
func Encode(m *ir.Model) ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("no model to write: %w", err)
	}
	if m.IRVersion < oldestIR || len(m.Opsets) == 0 {
		return nil, fmt.Errorf("no model to write: IR version %d, %d operator sets", m.IRVersion, len(m.Opsets))
	}
	g, err := encodeGraph(m.Graph)
	if err != nil {
		return nil, err
	}
	o := &output{}
	o.int(1, irVersion(m))
	o.given(2, m.Producer, m.Present)
	o.given(3, m.ProducerVersion, m.Present)
	o.given(4, m.Domain, m.Present)
	if m.ModelVersion != 0 || m.Present&(1<<5) != 0 {
		o.int(5, m.ModelVersion)
	}
	o.given(6, m.Doc, m.Present)
	o.message(7, g)
	for _, s := range m.Opsets {
		o.message(8, encodeOpset(s))
	}
	for _, kv := range m.Metadata {
		o.message(14, encodeKeyValue(kv))
	}
	o.extra(m.Extra)
	return o.assemble()
}

func encodeOpset(s ir.Opset) *output {
	o := &output{}
	was, ok := again(s.Origin, (*reader).readOpset)
	if ok && was.Domain == s.Domain && was.Version == s.Version {
		o.origin(s.Origin)
		return o
	}
	o.text(1, s.Domain)
	o.int(2, s.Version)
	return o
}

func encodeKeyValue(kv ir.KeyValue) *output {
	o := &output{}
	was, ok := again(kv.Origin, (*reader).keyValue)
	if ok && was.Key == kv.Key && was.Value == kv.Value {
		o.origin(kv.Origin)
		return o
	}
	o.text(1, kv.Key)
	o.text(2, kv.Value)
	return o
}

// irVersion is the model's, but 4 at least if an initializer is not listed as an input, which version 3 asks for.
func irVersion(m *ir.Model) int64 {
	if m.IRVersion >= 4 {
		return m.IRVersion
	}
	inputs := make(map[string]bool, len(m.Graph.Inputs))
	for _, v := range m.Graph.Inputs {
		inputs[v.Name] = true
	}
	for _, t := range m.Graph.Tensors() {
		if !inputs[t.Name] {
			return 4
		}
	}
	return m.IRVersion
}

func encodeGraph(g *ir.Graph) (*output, error) {
	o := &output{}
	for i, n := range g.Nodes {
		p, err := encodeNode(n)
		if err != nil {
			return nil, fmt.Errorf("node %d (%s %q): %w", i, n.Op, n.Name, err)
		}
		o.message(1, p)
	}
	o.given(2, g.Name, g.Present)
	for _, t := range g.Tensors() {
		p, err := encodeTensor(t)
		if err != nil {
			return nil, err
		}
		o.message(5, p)
	}
	o.given(10, g.Doc, g.Present)
	for i, list := range [][]*ir.Value{g.Inputs, g.Outputs, g.Values} {
		for _, v := range list {
			o.message(protowire.Number(11+i), encodeValue(v))
		}
	}
	o.extra(g.Extra)
	return o, nil
}

func encodeNode(n *ir.Node) (*output, error) {
	o := &output{}
	if unchangedNode(n) {
		o.origin(n.Origin)
		return o, nil
	}
	for _, v := range n.Inputs {
		o.text(1, v)
	}
	for _, v := range n.Outputs {
		o.text(2, v)
	}
	o.some(3, n.Name)
	o.text(4, n.Op)
	attrs := written(n)
	for i := range attrs {
		p, err := encodeAttr(&attrs[i])
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", attrs[i].Name, err)
		}
		o.message(5, p)
	}
	o.some(6, n.Doc)
	o.some(7, n.Domain)
	o.extra(n.Extra)
	return o, nil
}

func encodeAttr(a *ir.Attr) (*output, error) {
	o := &output{}
	if unchangedAttr(a) {
		o.origin(a.Origin)
		return o, nil
	}
	o.some(1, a.Name)
	switch a.Kind {
	case ir.AttrFloat:
		o.fixed32(2, a.Float)
	case ir.AttrInt:
		o.int(3, a.Int)
	case ir.AttrString:
		o.text(4, a.String)
	case ir.AttrTensor:
		if a.Tensor == nil {
			return nil, fmt.Errorf("has no tensor")
		}
		p, err := encodeTensor(a.Tensor)
		if err != nil {
			return nil, err
		}
		o.message(5, p)
	case ir.AttrGraph:
		if a.Graph == nil {
			return nil, fmt.Errorf("has no graph")
		}
		p, err := encodeGraph(a.Graph)
		if err != nil {
			return nil, err
		}
		o.message(6, p)
	case ir.AttrFloats:
		for _, v := range a.Floats {
			o.fixed32(7, v)
		}
	case ir.AttrInts:
		for _, v := range a.Ints {
			o.int(8, v)
		}
	case ir.AttrStrings:
		for _, v := range a.Strings {
			o.text(9, v)
		}
	case ir.AttrOther:
		o.extra(a.Extra)
		return o, nil
	default:
		return nil, fmt.Errorf("has no kind")
	}
	o.some(13, a.Doc)
	o.int(20, int64(a.Kind))
	o.extra(a.Extra)
	return o, nil
}

func encodeTensor(t *ir.Tensor) (*output, error) {
	o := &output{}
	if !t.HasData() {
		return nil, fmt.Errorf("tensor %q has no bytes: it is a header", t.Name)
	}
	if unchangedTensor(t) {
		o.origin(t.Origin)
		return o, nil
	}
	for _, d := range t.Shape {
		o.int(1, int64(d))
	}
	o.int(2, int64(t.DType))
	if t.DType == ir.String {
		list, err := t.Strings()
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			o.text(6, s)
		}
	}
	o.some(8, t.Name)
	if t.DType != ir.String {
		o.head(9, t.Size())
		o.lazy(t.Size(), t.Bytes)
	}
	o.some(12, t.Doc)
	o.extra(t.Extra)
	return o, nil
}

func encodeValue(v *ir.Value) *output {
	o := &output{}
	if unchangedValue(v) {
		o.origin(v.Origin)
		return o
	}
	o.some(1, v.Name)
	if v.DType != ir.Undefined || v.Shape != nil {
		tensor := &output{}
		if v.DType != ir.Undefined {
			tensor.int(1, int64(v.DType))
		}
		if v.Shape != nil {
			shape := &output{}
			for _, d := range v.Shape {
				dim := &output{}
				if d.Known() {
					dim.int(1, d.Size)
				} else {
					dim.some(2, d.Name)
				}
				shape.message(1, dim)
			}
			tensor.message(2, shape)
		}
		typ := &output{}
		typ.message(1, tensor)
		o.message(2, typ)
	}
	o.some(3, v.Doc)
	o.extra(v.Extra)
	return o
}
