package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// output is a message being written: bytes, and between them what is read when the file is written.
type output struct {
	parts []format.Part
	size  int64
}

func (o *output) bytes(b []byte) {
	o.size += int64(len(b))
	if n := len(o.parts); n > 0 && o.parts[n-1].Tensor == nil {
		o.parts[n-1].Bytes = append(o.parts[n-1].Bytes, b...)
		return
	}
	o.parts = append(o.parts, format.Part{Bytes: append(make([]byte, 0, 2*len(b)), b...)})
}

func (o *output) tensor(t *ir.Tensor) {
	o.size += t.Size()
	o.parts = append(o.parts, format.Part{Tensor: t})
}

// origin writes an element as it stands in its file; large ones are read when they are written.
func (o *output) origin(p *ir.Origin) error {
	if p.Size > smallData {
		o.tensor(spanOf(p))
		return nil
	}
	b, err := p.Bytes()
	if err != nil {
		return err
	}
	o.bytes(b)
	return nil
}

// spanOf is a part of a file as a tensor of its bytes.
func spanOf(p *ir.Origin) *ir.Tensor {
	return ir.RangeTensor("", ir.Uint8, []int{int(p.Size)}, 1, func(dst []byte, off int64) error {
		_, err := p.File.ReadAt(dst, p.Offset+off)
		return err
	})
}

func (o *output) extra(e ir.Extra) error {
	for _, p := range e {
		if err := o.origin(p); err != nil {
			return err
		}
	}
	return nil
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

// message writes a field that is a message.
func (o *output) message(no protowire.Number, m *output) {
	o.head(no, m.size)
	for _, p := range m.parts {
		if p.Tensor == nil {
			o.bytes(p.Bytes)
		} else {
			o.tensor(p.Tensor)
		}
	}
}

// assemble reads what is still to be read and puts all in one piece.
func (o *output) assemble() ([]byte, error) {
	b := make([]byte, 0, o.size)
	for _, p := range o.parts {
		if p.Tensor == nil {
			b = append(b, p.Bytes...)
			continue
		}
		got, err := p.Tensor.Bytes()
		if err != nil {
			return nil, err
		}
		b = append(b, got...)
	}
	if int64(len(b)) != o.size {
		return nil, fmt.Errorf("the model has %d bytes instead of %d", len(b), o.size)
	}
	return b, nil
}
