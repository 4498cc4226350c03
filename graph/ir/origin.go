package ir

import (
	"fmt"
	"io"
)

// Origin is the place of an element (node, tensor, value …) in the file it was read from. A format sets it when it reads
// and writes the same bytes again while the element still says what stands there; a pass may leave it alone, because
// formats compare before they trust it. Values of Origin are immutable and may be shared by copies of an element.
type Origin struct {
	File   io.ReaderAt // identifies the file too: a pointer
	Offset int64
	Size   int64
}

// Bytes reads the element. The result is the caller's.
func (o *Origin) Bytes() ([]byte, error) {
	b := make([]byte, o.Size)
	n, err := o.File.ReadAt(b, o.Offset)
	switch {
	case int64(n) == o.Size && (err == nil || err == io.EOF):
		return b, nil
	case err == nil:
		err = io.ErrUnexpectedEOF
	}
	return nil, fmt.Errorf("read %d bytes at offset %d: %w", o.Size, o.Offset, err)
}

// Same reports whether two origins are one place of one file.
func (o *Origin) Same(p *Origin) bool {
	return o != nil && p != nil && o.File == p.File && o.Offset == p.Offset && o.Size == p.Size
}
