package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/ir"
)

// node reads a NodeProto of a graph at some depth. The node is never nil.
func (r *reader) node(msg message, depth int) (*ir.Node, error) {
	n := &ir.Node{Origin: r.origin(msg)}
	err := msg.each(func(f field) error {
		switch f.no {
		case 1, 2:
			var s string
			if err := f.text(&s, "input or output"); err != nil {
				return err
			}
			if err := r.count(f.off, 1); err != nil {
				return err
			}
			if f.no == 1 {
				n.Inputs = append(n.Inputs, s)
			} else {
				n.Outputs = append(n.Outputs, s)
			}
			return nil
		case 3:
			return f.text(&n.Name, "name")
		case 4:
			return f.text(&n.Op, "op_type")
		case 5:
			if err := f.need(protowire.BytesType, "attribute"); err != nil {
				return err
			}
			if err := r.element(f.off); err != nil {
				return err
			}
			a, err := r.attr(f.val, depth)
			if err != nil {
				return in(err, "attribute[%d]%s", len(n.Attrs), quoted(a.Name))
			}
			n.Attrs = append(n.Attrs, a)
			return nil
		case 6:
			return f.text(&n.Doc, "doc_string")
		case 7:
			return f.text(&n.Domain, "domain")
		}
		n.Extra = r.extra(n.Extra, f)
		return nil
	})
	if err == nil && n.Op == "" {
		err = damaged(msg.off, "the node has no operator")
	}
	return n, err
}

// valueField is the field of an AttributeProto that holds the value of each kind.
var valueField = map[ir.AttrKind]protowire.Number{
	ir.AttrFloat: 2, ir.AttrInt: 3, ir.AttrString: 4, ir.AttrTensor: 5, ir.AttrGraph: 6, ir.AttrFloats: 7, ir.AttrInts: 8,
	ir.AttrStrings: 9,
}

// attr reads an AttributeProto: first its name and kind, then the one field that holds the value; all others are kept.
func (r *reader) attr(msg message, depth int) (ir.Attr, error) {
	a := ir.Attr{Origin: r.origin(msg)}
	kind, guess, reference := int64(0), ir.AttrKind(0), ""
	err := msg.each(func(f field) error {
		switch f.no {
		case 1:
			return f.text(&a.Name, "name")
		case 20:
			return f.int(&kind, "type")
		case 21:
			return f.text(&reference, "ref_attr_name")
		}
		if f.no >= 2 && f.no <= 9 && guess == 0 {
			guess = ir.AttrKind(f.no - 1)
		}
		return nil
	})
	if err != nil {
		return a, err
	}
	switch a.Kind = ir.AttrOther; {
	case reference != "":
	case kind == 0 && guess != 0: // files of IR version 3 may leave the type out
		a.Kind = guess
	case kind >= 1 && kind <= 8:
		a.Kind = ir.AttrKind(kind)
	}
	seen := false
	err = msg.each(func(f field) error {
		if f.no == 1 || f.no == 20 && a.Kind != ir.AttrOther {
			return nil
		}
		if f.no == 13 && a.Kind != ir.AttrOther {
			return f.text(&a.Doc, "doc_string")
		}
		if a.Kind == ir.AttrOther || f.no != valueField[a.Kind] {
			a.Extra = r.extra(a.Extra, f)
			return nil
		}
		if seen && (a.Kind == ir.AttrTensor || a.Kind == ir.AttrGraph) {
			return damaged(f.off, "the value stands twice")
		}
		seen = true
		return r.attrValue(&a, f, depth)
	})
	switch {
	case err != nil:
	case a.Kind == ir.AttrTensor && a.Tensor == nil:
		err = damaged(msg.off, "the attribute says that it is a tensor and holds none")
	case a.Kind == ir.AttrGraph && a.Graph == nil:
		err = damaged(msg.off, "the attribute says that it is a graph and holds none")
	}
	return a, err
}

func (r *reader) attrValue(a *ir.Attr, f field, depth int) (err error) {
	switch a.Kind {
	case ir.AttrFloat:
		if err := f.need(protowire.Fixed32Type, "f"); err != nil {
			return err
		}
		a.Float = math.Float32frombits(uint32(f.num))
	case ir.AttrInt:
		return f.int(&a.Int, "i")
	case ir.AttrString:
		return f.text(&a.String, "s")
	case ir.AttrInts:
		a.Ints, err = f.ints(a.Ints, "ints")
		return err
	case ir.AttrStrings:
		var s string
		err := f.text(&s, "strings")
		a.Strings = append(a.Strings, s)
		return err
	case ir.AttrFloats:
		if f.typ == protowire.Fixed32Type {
			a.Floats = append(a.Floats, math.Float32frombits(uint32(f.num)))
			return nil
		}
		if err := f.need(protowire.BytesType, "floats"); err != nil {
			return err
		}
		if len(f.val.b)%4 != 0 {
			return damaged(f.off, "floats has %d bytes, which is no multiple of 4", len(f.val.b))
		}
		for b := f.val.b; len(b) > 0; b = b[4:] {
			v, _ := protowire.ConsumeFixed32(b)
			a.Floats = append(a.Floats, math.Float32frombits(v))
		}
	case ir.AttrTensor:
		if err := f.need(protowire.BytesType, "t"); err != nil {
			return err
		}
		a.Tensor, err = r.tensor(f.val)
		return in(err, "t")
	case ir.AttrGraph:
		if err := f.need(protowire.BytesType, "g"); err != nil {
			return err
		}
		a.Graph, err = r.graph(f.val, depth+1)
		return in(err, "g")
	}
	return nil
}
