package onnx

import (
	"io"
)

// source is the bytes of one file. Its methods are safe for concurrent use.
type source interface {
	io.ReaderAt
	// view lends fn a part of the file. fn must not keep it.
	view(off, size int64, fn func(b []byte) error) error
	// read returns a part of the file that is safe to keep.
	read(off, size int64) ([]byte, error)
	size() int64
	close() error
}

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) size() int64  { return int64(len(m.b)) }
func (m *memory) close() error { return nil }

func (m *memory) read(off, size int64) ([]byte, error) {
	if off < 0 || size < 0 || off > int64(len(m.b)) || size > int64(len(m.b))-off {
		return nil, io.ErrUnexpectedEOF
	}
	return m.b[off : off+size : off+size], nil
}

func (m *memory) view(off, size int64, fn func(b []byte) error) error {
	b, err := m.read(off, size)
	if err != nil {
		return err
	}
	return fn(b)
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	b, err := m.read(off, int64(len(p)))
	if err != nil {
		return 0, err
	}
	return copy(p, b), nil
}
