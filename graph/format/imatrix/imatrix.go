// Package imatrix reads importance matrices as llama-imatrix writes them: GGUF files, and the binary form (.dat) of before
// 2025. Only what stands in front of the numbers is read at once; the numbers of an entry are read when they are asked for.
//
// A GGUF file has for each weight the sums of squares of what its columns took (NAME.in_sum2), and how many rows those sums
// are over (NAME.counts), expert by expert; the importance is their ratio, and 1 throughout for an expert that took nothing.
// The binary form has sums that are to be divided by the number of calls. Both are computed in float32, as llama-quantize
// does.
package imatrix

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/gguf"
	"github.com/pare-ml/pare/internal/importance"
)

// Open reads the matrix of a file of that size. r is read as long as the matrix is used; path is what the file is called in
// messages and in what is made with it. The error of a file that cannot be read is a *format.Damaged.
func Open(r io.ReaderAt, size int64, path string) (*importance.Matrix, error) {
	head := make([]byte, min(size, 4))
	if err := readFull(r, head, 0); err != nil {
		return nil, err
	}
	f := &file{r: r, size: size, path: path}
	m, err := &importance.Matrix{}, error(nil)
	if gguf.IsFile(head) {
		m, err = f.gguf()
	} else {
		m, err = f.legacy()
	}
	if err != nil {
		return nil, err
	}
	m.File = path
	slices.SortFunc(m.Entries, func(a, b importance.Entry) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(m.Entries); i++ {
		if m.Entries[i].Name == m.Entries[i-1].Name {
			return nil, f.damaged(entryWord(m.Entries[i].Name), "the name stands twice")
		}
	}
	return m, nil
}

// IsMatrix tells whether a GGUF file says of itself that it is an importance matrix.
func IsMatrix(f *gguf.File) bool {
	kind, _ := f.Meta.Text("general.type")
	return kind == "imatrix"
}

// file is one being read.
type file struct {
	r    io.ReaderAt
	size int64
	path string
}

func (f *file) damaged(where, format_ string, args ...any) error {
	return &format.Damaged{Path: f.path, Where: where, Reason: fmt.Sprintf(format_, args...)}
}

func entryWord(name string) string { return fmt.Sprintf("entry %q", name) }

// floats reads n numbers from an offset. They are known to be in the file.
func (f *file) floats(offset int64, n int) ([]float32, error) {
	b := make([]byte, 4*n)
	if err := readFull(f.r, b, offset); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24)
	}
	return out, nil
}

// checked returns values that are an importance: finite and not negative.
func (f *file) checked(name string, values []float32) ([]float32, error) {
	for i, v := range values {
		if !(v >= 0 && v-v == 0) {
			return nil, f.damaged(entryWord(name), "the importance at place %d is %v; it must be finite and not negative", i, v)
		}
	}
	return values, nil
}

func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	switch {
	case n == len(b) && (err == nil || errors.Is(err, io.EOF)):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}
