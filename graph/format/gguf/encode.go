package gguf

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// Encode returns a file with this metadata and these tensors, in their order. The alignment is that of the metadata, 32
// if they give none; every tensor is padded to it, the last one too, as llama.cpp does.
func encode(meta Metadata, tensors []*ir.Tensor) (format.File, error) {
	align := int64(usualAlign)
	if v, ok := meta.Int(alignKey); ok {
		align = v
	}
	b := append([]byte(magic), 3, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(tensors)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(meta)))
	for _, kv := range meta {
		b = appendText(b, kv.Key)
		b = binary.LittleEndian.AppendUint32(b, uint32(kv.Kind))
		b = append(b, kv.Raw...)
	}
	var off int64
	for _, t := range tensors {
		n, ok := numberOf(t.DType)
		switch {
		case !ok:
			return format.File{}, fmt.Errorf("tensor %q is of type %s, which GGUF does not have", t.Name, t.DType)
		case len(t.Name) > maxName:
			return format.File{}, fmt.Errorf("tensor %q: its name has %d bytes; loaders take at most %d", t.Name, len(t.Name), maxName)
		case len(t.Shape) > maxDims:
			return format.File{}, fmt.Errorf("tensor %q has %d dimensions; GGUF holds at most %d", t.Name, len(t.Shape), maxDims)
		}
		b = appendText(b, t.Name)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Shape)))
		for _, d := range slices.Backward(t.Shape) {
			b = binary.LittleEndian.AppendUint64(b, uint64(d))
		}
		b = binary.LittleEndian.AppendUint32(b, n)
		b = binary.LittleEndian.AppendUint64(b, uint64(off))
		if off, ok = padded(off, t.Size(), align); !ok {
			return format.File{}, fmt.Errorf("tensor %q: the sizes add up to more than a file can have", t.Name)
		}
	}
	b = append(b, make([]byte, gap(int64(len(b)), align))...)
	f := format.File{Parts: []format.Part{{Bytes: b}}}
	for _, t := range tensors {
		f.Parts = append(f.Parts, format.Part{Tensor: t})
		if n := gap(t.Size(), align); n > 0 {
			f.Parts = append(f.Parts, format.Part{Bytes: make([]byte, n)})
		}
	}
	return f, nil
}

// gap returns how many bytes are missing to a multiple of align.
func gap(size, align int64) int64 { return (align - size%align) % align }

func appendText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}
