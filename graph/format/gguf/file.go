package gguf

import (
	"io"

	"github.com/pare-ml/pare/graph/ir"
)

// File is what stands in front of the data of a GGUF file, whatever the file holds: a model, an importance matrix.
type File struct {
	Meta    Metadata
	Tensors []Stored // in file order
}

// Stored is a tensor of a file: its bytes are those from Offset on.
type Stored struct {
	Name   string
	DType  ir.DType
	Shape  []int // outermost first
	Offset int64
	Size   int64
}

// IsFile tells whether a file that begins so is one in this format.
func IsFile(head []byte) bool { return len(head) >= len(magic) && string(head[:len(magic)]) == magic }

// ReadFile reads what stands in front of the data of a file of that size. Offsets and sizes are inside the file. The error of
// a file that cannot be read is a *format.Damaged with its path.
func ReadFile(r io.ReaderAt, size int64, path string) (*File, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, faulty(path, err)
	}
	f := &File{Meta: h.meta}
	for _, t := range h.tensors {
		f.Tensors = append(f.Tensors, Stored{t.name, t.dtype, t.shape, h.data + t.offset, t.size})
	}
	return f, nil
}
