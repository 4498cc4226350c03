package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// externals holds the files beside a model in which tensors lie (ONNX "external data"). They are opened beneath the
// model's folder: no way out of it, no symbolic link on the way, regular files with one name only (after onnx's
// docs/ExternalDataSecurity.md, and stricter: a second hard link may belong to a file elsewhere).
type externals struct {
	path string // of the model; empty: there is no folder

	root  *os.Root
	files map[string]*externalFile
}

// externalFile is one open file and the ranges in use.
type externalFile struct {
	path   string
	mu     sync.RWMutex
	f      *os.File // nil once closed
	state  os.FileInfo
	ranges []byteRange
	known  map[byteRange]*ir.Tensor // the first tensor of each range; its name in the key is empty
}

type byteRange struct {
	off, size int64
	tensor    string
}

// externalTensor makes a tensor over a range of another file. In a second reading of a part of the model (r.external is
// nil) it has no bytes.
func (r *reader) externalTensor(msg message, name string, dtype ir.DType, shape []int, size int64, c *contents) (*ir.Tensor, error) {
	if r.external == nil {
		return (&ir.Tensor{Name: name, DType: dtype, Shape: shape}), nil
	}
	if dtype == ir.String {
		return nil, damaged(msg.off, "strings cannot stand in another file")
	}
	location, off, err := c.place(size)
	if err != nil {
		return nil, damaged(msg.off, "%v", err)
	}
	f, err := r.external.open(location)
	var wrong *placeError
	if errors.As(err, &wrong) {
		return nil, damaged(msg.off, "external data %q: %s", location, wrong.reason)
	} else if err != nil {
		return nil, err
	}
	if off > f.state.Size() || size > f.state.Size()-off {
		return nil, damaged(msg.off, "external data %q: bytes %d to %d are wanted of a file of %d", location, off, off+size, f.state.Size())
	}
	if size > 0 {
		f.ranges = append(f.ranges, byteRange{off, size, name})
	}
	if first := f.known[byteRange{off: off, size: size}]; first != nil && first.DType == dtype {
		if t, err := first.WithName(name).WithShape(shape); err == nil {
			return t, nil // two names for one tensor
		}
	}
	t := ir.RangeTensor(name, dtype, shape, 1, func(dst []byte, from int64) error { return f.read(dst, off+from) })
	if f.known == nil {
		f.known = map[byteRange]*ir.Tensor{}
	}
	f.known[byteRange{off: off, size: size}] = t
	return t, nil
}

// place reads the keys of external_data and checks the length against the size that type and shape ask for.
func (c *contents) place(size int64) (location string, off int64, err error) {
	for _, k := range c.order {
		switch k {
		case "location", "offset", "length", "checksum":
		default:
			return "", 0, fmt.Errorf("external data has the key %q; known are location, offset, length and checksum", k)
		}
	}
	location, ok := c.extern["location"]
	if !ok {
		return "", 0, errors.New("external data has no location")
	}
	number := func(key string, def int64) (int64, error) {
		s, ok := c.extern[key]
		if !ok {
			return def, nil
		}
		n, err := strconv.ParseUint(s, 10, 63)
		if err != nil || s[0] == '+' {
			return 0, fmt.Errorf("external data has %s %q; it must be a number from 0 to %d", key, s, int64(math.MaxInt64))
		}
		return int64(n), nil
	}
	if off, err = number("offset", 0); err != nil {
		return "", 0, err
	}
	length, err := number("length", size)
	if err != nil {
		return "", 0, err
	}
	if length != size {
		return "", 0, fmt.Errorf("external data has length %d; type and shape ask for %d", length, size)
	}
	if off > math.MaxInt64-size {
		return "", 0, fmt.Errorf("external data ends beyond any file: offset %d, length %d", off, size)
	}
	return location, off, nil
}

// placeError is a location that is refused.
type placeError struct{ reason string }

func (e *placeError) Error() string { return e.reason }

// open opens a file beneath the model's folder, once.
func (x *externals) open(location string) (*externalFile, error) {
	if f := x.files[location]; f != nil {
		return f, nil
	}
	if x.path == "" {
		return nil, &placeError{"the model was read from memory, so there is no folder to look in"}
	}
	if len(x.files) >= 1000 {
		return nil, &placeError{"the model names more than 1000 files"}
	}
	if location == "" || strings.ContainsAny(location, "\\:\x00") || path.Clean(location) != location || !filepath.IsLocal(location) {
		return nil, &placeError{"the location must be a plain path inside the model's folder"}
	}
	if x.root == nil {
		root, err := os.OpenRoot(filepath.Dir(x.path))
		if err != nil {
			return nil, err
		}
		x.root = root
	}
	for i := range location {
		if location[i] == '/' {
			if err := x.look(location[:i], true); err != nil {
				return nil, err
			}
		}
	}
	if err := x.look(location, false); err != nil {
		return nil, err
	}
	f, err := x.root.OpenFile(filepath.FromSlash(location), os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, &placeError{plain(err)}
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = &placeError{"it is no regular file"}
	case links(info) > 1:
		err = &placeError{fmt.Sprintf("the file has %d names (hard links); it must have one", links(info))}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if x.files == nil {
		x.files = map[string]*externalFile{}
	}
	e := &externalFile{path: filepath.Join(filepath.Dir(x.path), location), f: f, state: info}
	x.files[location] = e
	return e, nil
}

// look refuses symbolic links and whatever is no file, or no folder, at one step of the way.
func (x *externals) look(name string, folder bool) error {
	info, err := x.root.Lstat(filepath.FromSlash(name))
	switch {
	case err != nil:
		return &placeError{plain(err)}
	case info.Mode()&os.ModeSymlink != 0:
		return &placeError{fmt.Sprintf("%q is a symbolic link", name)}
	case folder && !info.IsDir():
		return &placeError{fmt.Sprintf("%q is no folder", name)}
	case !folder && !info.Mode().IsRegular():
		return &placeError{"it is no regular file"}
	}
	return nil
}

// plain is the reason of a path error without operation and path.
func plain(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// overlap refuses two tensors that share a part of a file; the very same range is one tensor under two names and legal.
func (x *externals) overlap() error {
	names := make([]string, 0, len(x.files))
	for name := range x.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		list := x.files[name].ranges
		slices.SortStableFunc(list, func(a, b byteRange) int {
			return cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.size, b.size))
		})
		for i := 1; i < len(list); i++ {
			a, b := list[i-1], list[i]
			if b.off < a.off+a.size && (a.off != b.off || a.size != b.size) {
				return damaged(0, "tensors %q and %q overlap in %q", a.tensor, b.tensor, name)
			}
		}
	}
	return nil
}

func (x *externals) close() error {
	var errs []error
	for _, f := range x.files {
		f.mu.Lock()
		if f.f != nil {
			errs = append(errs, f.f.Close()) //equalbits:ok the order of messages about files that do not close
			f.f = nil
		}
		f.mu.Unlock()
	}
	if x.root != nil {
		errs = append(errs, x.root.Close())
		x.root = nil
	}
	return errors.Join(errs...)
}

// read reads a range of the file; it is an error if the file is no longer what it was.
func (e *externalFile) read(dst []byte, off int64) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.f == nil {
		return &os.PathError{Op: "read", Path: e.path, Err: os.ErrClosed}
	}
	if _, err := e.f.ReadAt(dst, off); err != nil && len(dst) > 0 {
		if errors.Is(err, io.EOF) {
			return &format.Changed{Path: e.path}
		}
		return err
	}
	now, err := e.f.Stat()
	if err != nil {
		return err
	}
	if now.Size() != e.state.Size() || !now.ModTime().Equal(e.state.ModTime()) {
		return &format.Changed{Path: e.path}
	}
	return nil
}
