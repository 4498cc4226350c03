package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pare-ml/pare/internal/dataset"
)

// subset writes the first n images of one part of the data set, and their labels, as gzipped IDX files.
func subset(dir, from, out, to string, n int) error {
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	for _, f := range []struct {
		in, out string
		dims    []int
	}{
		{"images-idx3-ubyte.gz", "images.idx.gz", []int{n, 28, 28}},
		{"labels-idx1-ubyte.gz", "labels.idx.gz", []int{n}},
	} {
		data, err := head(filepath.Join(dir, from+"-"+f.in), f.dims)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return err
		}
		if err := dataset.WriteIDX(z, f.dims, data); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, to+"-"+f.out), b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// head reads the first items of an IDX file whose items have the dimensions dims[1:].
func head(path string, dims []int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	header := make([]byte, 4+4*len(dims))
	if _, err := io.ReadFull(z, header); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	size := 1
	for i, d := range dims {
		size *= d
		if have := int(binary.BigEndian.Uint32(header[4+4*i:])); i > 0 && have != d || i == 0 && have < d {
			return nil, fmt.Errorf("%s: dimension %d is %d, not %d", path, i, have, d)
		}
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(z, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}
