//go:build !unix

package onnx

import (
	"io"
	"os"
)

// openSource reads a regular file whole: where there is no memory map that survives a file's being cut.
func openSource(path string) (source, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSize {
		return nil, tooLarge(path, info.Size())
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	return &memory{b}, nil
}

// openRegular opens a file for reading; a folder, pipe or device is refused without waiting for it.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	return os.Open(path)
}

const nonblock = 0

// links is the number of names that a file has, where the system tells.
func links(os.FileInfo) uint64 { return 1 }
