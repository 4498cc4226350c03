package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// message is the content of a protobuf message and where it stands in the file.
type message struct {
	b   []byte
	off int64
}

// field is one field of a message. For a field of bytes, val is its content; for a number, num is its bits.
type field struct {
	no   protowire.Number
	typ  protowire.Type
	val  message
	num  uint64
	off  int64 // of the tag
	size int64 // of tag and value
}

// fault is damage under construction: the way from the damaged element up to the model is filled in as the error goes up.
type fault struct {
	way    []string // innermost first
	off    int64
	reason string
}

func (f *fault) Error() string { return f.reason }

// damaged makes a fault at an offset of the file.
func damaged(off int64, text string, args ...any) error {
	return &fault{off: off, reason: fmt.Sprintf(text, args...)}
}

// in says in which element a fault lies. Other errors pass.
func in(err error, text string, args ...any) error {
	var f *fault
	if errors.As(err, &f) {
		f.way = append(f.way, fmt.Sprintf(text, args...))
	}
	return err
}

// toDamaged turns a fault into the error that the user sees.
func toDamaged(path string, err error) error {
	var f *fault
	if !errors.As(err, &f) {
		return err
	}
	way := slices.Clone(f.way)
	slices.Reverse(way)
	if n := len(way); n > 8 {
		way = append(append(way[:4:4], "…"), way[n-3:]...)
	}
	where := fmt.Sprintf("offset %d", f.off)
	if len(way) > 0 {
		where = strings.Join(way, ".") + ", " + where
	}
	return &format.Damaged{Path: path, Where: where, Reason: f.reason}
}

// each calls fn for every field of a message in order.
func (m message) each(fn func(f field) error) error {
	b, off := m.b, m.off
	for len(b) > 0 {
		f, err := next(b, off)
		if err != nil {
			return err
		}
		if err := fn(f); err != nil {
			return err
		}
		b = b[f.size:]
		off += f.size
	}
	return nil
}

// next reads the first field of b, which stands at off.
func next(b []byte, off int64) (field, error) {
	no, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return field{}, damaged(off, "the tag of a field is cut off or no tag")
	}
	f := field{no: no, typ: typ, off: off}
	rest := b[n:]
	w := 0
	switch typ {
	case protowire.VarintType:
		f.num, w = protowire.ConsumeVarint(rest)
	case protowire.Fixed32Type:
		var v uint32
		v, w = protowire.ConsumeFixed32(rest)
		f.num = uint64(v)
	case protowire.Fixed64Type:
		f.num, w = protowire.ConsumeFixed64(rest)
	case protowire.BytesType:
		size, k := protowire.ConsumeVarint(rest)
		if k < 0 {
			return f, damaged(off, "the length of field %d is cut off", no)
		}
		if size > uint64(len(rest)-k) {
			return f, damaged(off, "field %d should have %d bytes; only %d are left", no, size, len(rest)-k)
		}
		w = k + int(size)
		f.val = message{rest[k:w:w], off + int64(n+k)}
	default:
		return f, damaged(off, "field %d is a group, which ONNX does not use", no)
	}
	if w < 0 {
		return f, damaged(off, "the value of field %d is cut off or too long", no)
	}
	f.size = int64(n + w)
	return f, nil
}

// need checks the wire type of a known field.
func (f field) need(typ protowire.Type, name string) error {
	if f.typ != typ {
		return damaged(f.off, "%s (field %d) has wire type %d; it must be %d", name, f.no, f.typ, typ)
	}
	return nil
}

// text reads a string.
func (f field) text(to *string, name string) error {
	if err := f.need(protowire.BytesType, name); err != nil {
		return err
	}
	*to = string(f.val.b)
	return nil
}

// int reads a number.
func (f field) int(to *int64, name string) error {
	if err := f.need(protowire.VarintType, name); err != nil {
		return err
	}
	*to = int64(f.num)
	return nil
}

// ints reads an element of a repeated number, or a packed run of them.
func (f field) ints(to []int64, name string) ([]int64, error) {
	if f.typ == protowire.VarintType {
		return append(to, int64(f.num)), nil
	}
	if err := f.need(protowire.BytesType, name); err != nil {
		return nil, err
	}
	for b := f.val.b; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, damaged(f.val.off+int64(len(f.val.b)-len(b)), "a number of %s is cut off or too long", name)
		}
		to = append(to, int64(v))
		b = b[n:]
	}
	return to, nil
}

// countVarints counts the numbers of a packed run.
func countVarints(b []byte) (int, bool) {
	n := 0
	for len(b) > 0 {
		w := 0
		for w < len(b) && b[w] >= 0x80 {
			w++
		}
		if w >= len(b) || w >= 10 {
			return 0, false
		}
		n++
		b = b[w+1:]
	}
	return n, true
}

// extra keeps a field as it stands; neighbours become one span.
func (r *reader) extra(e ir.Extra, f field) ir.Extra {
	if n := len(e); n > 0 && e[n-1].Offset+e[n-1].Size == f.off {
		e[n-1].Size += f.size
		return e
	}
	return append(e, &ir.Origin{File: r.src, Offset: f.off, Size: f.size})
}
