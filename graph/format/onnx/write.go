package onnx

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// Bounds of what is written.
const (
	maxInline  = 1_900_000_000 // bytes of a model in one file; a larger one has its weights in a second file
	minBeside  = 1024          // bytes from which a tensor goes there
	beside     = ".data"       // what the second file's name ends in
	besideStep = 4096          // its tensors begin at multiples of this, so that runtimes can map them
)

// Encode returns the model as the bytes of one ONNX file. A model without weights (ir.Model.Header) is refused, and one of
// more than 2 GiB.
func Encode(m *ir.Model) ([]byte, error) {
	o, _, err := encode(m, "")
	if err != nil {
		return nil, err
	}
	if o.size > maxSize {
		return nil, fmt.Errorf("the model would have %d bytes; an ONNX file, being one protobuf message, has at most %d (2 GiB)", o.size, maxSize)
	}
	return o.assemble()
}

// Files returns the files that hold the model, the first of them under the base name that is given: one; or two if the
// model came in with weights in other files or would be larger than 1.9 GB, the second with tensors of 1 KiB and more.
func Files(m *ir.Model, name string) ([]format.File, error) { return files(m, name, maxInline) }

func files(m *ir.Model, name string, most int64) ([]format.File, error) {
	apart := m.Format == "onnx" && len(m.Files) > 0
	if !apart {
		o, _, err := encode(m, "")
		if err != nil {
			return nil, err
		}
		if o.size <= most {
			return []format.File{{Parts: o.parts}}, nil
		}
	}
	o, data, err := encode(m, name+beside)
	if err != nil {
		return nil, err
	}
	if o.size > maxSize {
		return nil, fmt.Errorf("the graph alone, without its weights, would have %d bytes; an ONNX file, being one protobuf message, has at most %d (2 GiB)", o.size, maxSize)
	}
	if len(data) == 0 {
		return []format.File{{Parts: o.parts}}, nil
	}
	return []format.File{{Parts: o.parts}, {Name: name + beside, Parts: data}}, nil
}

// encoder writes one model.
type encoder struct {
	location string // of the file for tensors; empty: they stay in the model
	data     format.File
	places   map[int64][]placed // tensors in that file, by size
}

// placed is a tensor in the other file.
type placed struct {
	t   *ir.Tensor
	off int64
}

// encode writes the model, and if there is a location, large tensors apart.
func encode(m *ir.Model, location string) (o *output, data []format.Part, err error) {
	if err := m.Check(); err != nil {
		return nil, nil, fmt.Errorf("no model to write: %w", err)
	}
	if m.IRVersion < oldestIR || len(m.Opsets) == 0 {
		return nil, nil, fmt.Errorf("no model to write: IR version %d, %d operator sets", m.IRVersion, len(m.Opsets))
	}
	o = &output{}
	if location == "" {
		if added, ok := unchangedModel(m); ok { // a repeated field may stand anywhere in a message
			if err := o.origin(m.Origin); err != nil {
				return nil, nil, err
			}
			for _, kv := range added {
				p, err := encodeKeyValue(kv)
				if err != nil {
					return nil, nil, err
				}
				o.message(14, p)
			}
			return o, nil, nil
		}
	}
	e := &encoder{location: location, places: map[int64][]placed{}}
	g, err := e.graph(m.Graph)
	if err != nil {
		return nil, nil, err
	}
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
		p, err := encodeOpset(s)
		if err != nil {
			return nil, nil, err
		}
		o.message(8, p)
	}
	for _, kv := range m.Metadata {
		p, err := encodeKeyValue(kv)
		if err != nil {
			return nil, nil, err
		}
		o.message(14, p)
	}
	return o, e.data.Parts, o.extra(m.Extra)
}

func encodeOpset(s ir.Opset) (*output, error) {
	o := &output{}
	was, ok := again(s.Origin, (*reader).readOpset)
	if ok && was.Domain == s.Domain && was.Version == s.Version {
		return o, o.origin(s.Origin)
	}
	o.text(1, s.Domain)
	o.int(2, s.Version)
	return o, nil
}

func encodeKeyValue(kv ir.KeyValue) (*output, error) {
	o := &output{}
	was, ok := again(kv.Origin, (*reader).keyValue)
	if ok && was.Key == kv.Key && was.Value == kv.Value {
		return o, o.origin(kv.Origin)
	}
	o.text(1, kv.Key)
	o.text(2, kv.Value)
	return o, nil
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

func (e *encoder) graph(g *ir.Graph) (*output, error) {
	o := &output{}
	for i, n := range g.Nodes {
		p, err := e.node(n)
		if err != nil {
			return nil, fmt.Errorf("node %d (%s %q): %w", i, n.Op, n.Name, err)
		}
		o.message(1, p)
	}
	o.given(2, g.Name, g.Present)
	for _, t := range g.Tensors() {
		p, err := e.tensor(t)
		if err != nil {
			return nil, err
		}
		o.message(5, p)
	}
	o.given(10, g.Doc, g.Present)
	for i, list := range [][]*ir.Value{g.Inputs, g.Outputs, g.Values} {
		for _, v := range list {
			p, err := encodeValue(v)
			if err != nil {
				return nil, err
			}
			o.message(protowire.Number(11+i), p)
		}
	}
	return o, o.extra(g.Extra)
}

func (e *encoder) node(n *ir.Node) (*output, error) {
	o := &output{}
	if (e.location == "" || !holds(n)) && unchangedNode(n) {
		return o, o.origin(n.Origin)
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
		p, err := e.attr(&attrs[i])
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", attrs[i].Name, err)
		}
		o.message(5, p)
	}
	o.some(6, n.Doc)
	o.some(7, n.Domain)
	return o, o.extra(n.Extra)
}

func (e *encoder) attr(a *ir.Attr) (*output, error) {
	o := &output{}
	if (e.location == "" || a.Graph == nil && a.Tensor == nil) && unchangedAttr(a) {
		return o, o.origin(a.Origin)
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
		p, err := e.tensor(a.Tensor)
		if err != nil {
			return nil, err
		}
		o.message(5, p)
	case ir.AttrGraph:
		if a.Graph == nil {
			return nil, fmt.Errorf("has no graph")
		}
		p, err := e.graph(a.Graph)
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
		return o, o.extra(a.Extra)
	default:
		return nil, fmt.Errorf("has no kind")
	}
	o.some(13, a.Doc)
	o.int(20, int64(a.Kind))
	return o, o.extra(a.Extra)
}

func (e *encoder) tensor(t *ir.Tensor) (*output, error) {
	o := &output{}
	if !t.HasData() {
		return nil, fmt.Errorf("tensor %q has no bytes: it is a header", t.Name)
	}
	apart := e.location != "" && t.DType != ir.String && t.Size() >= minBeside
	if !apart && unchangedTensor(t) {
		return o, o.origin(t.Origin)
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
	if t.DType != ir.String && !apart {
		o.head(9, t.Size())
		o.tensor(t)
	}
	o.some(12, t.Doc)
	if apart {
		keys := [][2]string{{"location", e.location}, {"offset", strconv.FormatInt(e.place(t), 10)}, {"length", strconv.FormatInt(t.Size(), 10)}}
		for _, kv := range keys {
			p := &output{}
			p.text(1, kv[0])
			p.text(2, kv[1])
			o.message(13, p)
		}
		o.int(14, 1)
	}
	return o, o.extra(t.Extra)
}

// holds tells whether a node has tensors or graphs in its attributes.
func holds(n *ir.Node) bool {
	return slices.ContainsFunc(n.Attrs, func(a ir.Attr) bool { return a.Tensor != nil || a.Graph != nil })
}

// place puts a tensor's elements into the other file, once if several tensors share them, and returns where they begin.
func (e *encoder) place(t *ir.Tensor) int64 {
	for _, p := range e.places[t.Size()] {
		if p.t.SharesBytes(t) {
			return p.off
		}
	}
	off := e.data.Size()
	if over := off % besideStep; over > 0 {
		e.data.Parts = append(e.data.Parts, format.Part{Bytes: make([]byte, besideStep-over)})
		off += besideStep - over
	}
	e.data.Parts = append(e.data.Parts, format.Part{Tensor: t})
	e.places[t.Size()] = append(e.places[t.Size()], placed{t, off})
	return off
}

// byOffset lists nodes in the order in which their file had them.
func byOffset(nodes []*ir.Node) []*ir.Node {
	list := slices.Clone(nodes)
	slices.SortStableFunc(list, func(a, b *ir.Node) int { return cmp.Compare(a.Origin.Offset, b.Origin.Offset) })
	return list
}

func encodeValue(v *ir.Value) (*output, error) {
	o := &output{}
	if unchangedValue(v) {
		return o, o.origin(v.Origin)
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
	return o, o.extra(v.Extra)
}
