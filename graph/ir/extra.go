package ir

import "bytes"

// Extra holds the fields of a message that pare does not read, in file order, each with its tag: they are kept as places
// in the file and written again as they are.
type Extra []*Origin

// NewExtra returns fields made in memory. It is nil for no bytes.
func NewExtra(b []byte) Extra {
	if len(b) == 0 {
		return nil
	}
	return Extra{{File: bytes.NewReader(b), Size: int64(len(b))}}
}

// Bytes reads all of it.
func (e Extra) Bytes() ([]byte, error) {
	var all []byte
	for _, o := range e {
		b, err := o.Bytes()
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}

// Size returns the number of bytes.
func (e Extra) Size() int64 {
	var n int64
	for _, o := range e {
		n += o.Size
	}
	return n
}
