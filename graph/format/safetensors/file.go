package safetensors

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// file is an open file of tensors. Its bytes are read where they lie, with positioned reads: nothing is mapped, so a file
// that is cut while it is read is an error and never a fault. Methods are safe for concurrent use.
type file struct {
	f     *os.File
	path  string
	state os.FileInfo
}

var errNotRegular = errors.New("is no regular file")

// openFile opens a file that the user named.
func openFile(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	return regular(f, path, err)
}

// openBeneath opens a file of a folder by its base name; a link that leads out of the folder is refused.
func openBeneath(root *os.Root, name string) (*file, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	return regular(f, filepath.Join(root.Name(), name), err)
}

func regular(f *os.File, path string, err error) (*file, error) {
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
	return &file{f, path, info}, nil
}

// ReadAt reads bytes and then looks whether the file is still the one that was opened.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.f.ReadAt(b, off)
	now, statErr := f.f.Stat()
	switch {
	case statErr != nil:
		return n, errors.Join(err, statErr)
	case now.Size() != f.state.Size() || !now.ModTime().Equal(f.state.ModTime()):
		return n, &format.Changed{Path: f.path}
	}
	return n, err
}

// all reads the whole file if it has at most limit bytes.
func (f *file) all(limit int64) ([]byte, error) {
	if f.state.Size() > limit {
		return nil, &format.Damaged{Path: f.path, Reason: tooLong(f.state.Size(), limit)}
	}
	b := make([]byte, f.state.Size())
	return b, readFull(f, b, 0)
}

// tensor makes a tensor of an entry of the file's header.
func (f *file) tensor(h *header, e *entry) *ir.Tensor {
	start, size := h.start+e.begin, e.end-e.begin
	return ir.RangeTensor(e.name, e.dtype, e.shape, 1, func(dst []byte, off int64) error {
		if off < 0 || int64(len(dst)) > size-off {
			return io.ErrUnexpectedEOF
		}
		return readFull(f, dst, start+off)
	})
}
