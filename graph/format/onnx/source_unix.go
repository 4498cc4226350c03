//go:build unix

package onnx

import (
	"errors"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pare-ml/pare/graph/format"
)

// mapped is a file mapped into memory. Reading a page that the file has lost is a fault, which would end the process; so
// every access goes through view, which turns a fault into an error, and nobody is given memory of the mapping to keep.
// A file cut inside its last page reads as zeros there without a fault; so read compares the file's state afterwards.
type mapped struct {
	f     *os.File
	path  string
	state os.FileInfo

	mu sync.RWMutex
	b  []byte // nil once closed
}

// openSource maps a regular file.
func openSource(path string) (source, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > maxSize {
		err = tooLarge(path, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	m := &mapped{f: f, path: path, state: info, b: []byte{}}
	if info.Size() > 0 {
		if m.b, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE); err != nil {
			f.Close()
			return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
		}
	}
	return m, nil
}

// openRegular opens a file for reading; a folder, pipe or device is refused without waiting for it.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
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
	return f, nil
}

func (m *mapped) size() int64 { return m.state.Size() }

func (m *mapped) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.b == nil {
		return nil
	}
	var err error
	if len(m.b) > 0 {
		err = unix.Munmap(m.b)
	}
	m.b = nil
	return errors.Join(err, m.f.Close())
}

func (m *mapped) view(off, size int64, fn func(b []byte) error) (err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.b == nil {
		return &os.PathError{Op: "read", Path: m.path, Err: os.ErrClosed}
	}
	if off < 0 || size < 0 || off > int64(len(m.b)) || size > int64(len(m.b))-off {
		return io.ErrUnexpectedEOF
	}
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }: // a memory fault: the page is gone
			err = m.changed()
		default:
			panic(fault)
		}
	}()
	return fn(m.b[off : off+size : off+size])
}

func (m *mapped) read(off, size int64) ([]byte, error) {
	var b []byte
	err := m.view(off, size, func(lent []byte) error {
		b = append(make([]byte, 0, size), lent...)
		return nil
	})
	if err == nil {
		err = m.unchanged()
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (m *mapped) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	err := m.view(off, int64(len(p)), func(b []byte) error {
		n = copy(p, b)
		return nil
	})
	if err == nil {
		err = m.unchanged()
	}
	return n, err
}

// unchanged compares size and time of the open file with what they were.
func (m *mapped) unchanged() error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.b == nil {
		return &os.PathError{Op: "read", Path: m.path, Err: os.ErrClosed}
	}
	now, err := m.f.Stat()
	if err != nil {
		return err
	}
	if now.Size() != m.state.Size() || !now.ModTime().Equal(m.state.ModTime()) {
		return m.changed()
	}
	return nil
}

func (m *mapped) changed() error { return &format.Changed{Path: m.path} }

// nonblock keeps an open from waiting for the other end of a pipe.
const nonblock = unix.O_NONBLOCK

// links is the number of names that a file has.
func links(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}
