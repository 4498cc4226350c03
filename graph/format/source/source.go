// Package source opens the files that formats read tensors from.
package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// File is an open regular file. Its bytes are read where they lie, with positioned reads: nothing is mapped, so a file
// that is cut while it is read is an error and never a fault. Methods are safe for concurrent use.
type File struct {
	Path  string
	f     *os.File
	state os.FileInfo
}

var errNotRegular = errors.New("is no regular file")

// Open opens a file that the user named. A folder, pipe or device is refused without waiting for it.
func Open(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	return regular(f, path, err)
}

// OpenBeneath opens a file of a folder by its base name; a link that leads out of the folder is refused.
func OpenBeneath(root *os.Root, name string) (*File, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	return regular(f, filepath.Join(root.Name(), name), err)
}

func regular(f *os.File, path string, err error) (*File, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &File{path, f, info}, nil
}

// Close releases the file.
func (f *File) Close() error { return f.f.Close() }

// Info returns what the system said of the file when it was opened.
func (f *File) Info() os.FileInfo { return f.state }

// Size returns the length of the file in bytes.
func (f *File) Size() int64 { return f.state.Size() }

// ReadAt reads bytes and then looks whether the file is still the one that was opened; if not the error is a
// *format.Changed.
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.f.ReadAt(b, off)
	now, statErr := f.f.Stat()
	switch {
	case statErr != nil:
		return n, errors.Join(err, statErr)
	case now.Size() != f.state.Size() || !now.ModTime().Equal(f.state.ModTime()):
		return n, &format.Changed{Path: f.Path}
	}
	return n, err
}

// All reads the whole file if it has at most limit bytes.
func (f *File) All(limit int64) ([]byte, error) {
	if f.Size() > limit {
		return nil, &format.Damaged{Path: f.Path, Reason: fmt.Sprintf("the file has %d bytes; at most %d are allowed", f.Size(), limit)}
	}
	b := make([]byte, f.Size())
	return b, f.full(b, 0)
}

func (f *File) full(b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) && (err == nil || errors.Is(err, io.EOF)) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Tensor returns a tensor whose bytes stand in the file from start on.
func (f *File) Tensor(name string, dtype ir.DType, shape []int, start int64) *ir.Tensor {
	return ir.RangeTensor(name, dtype, shape, 1, func(dst []byte, off int64) error { return f.full(dst, start+off) })
}
