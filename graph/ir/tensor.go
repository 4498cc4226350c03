package ir

import "sync"

// Tensor is a named constant: an initializer, or the value of a Constant node. It is immutable and safe for concurrent
// use. Its bytes are produced on the first call of Bytes, which for a file means a look into the mapping and for the
// result of a pass its computation; Header makes a copy that has no bytes at all, which is what plans work on.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // fully known; empty: a scalar
	Doc   string

	// Origin is the tensor's message in its file, written again while nothing in the tensor has changed.
	Origin []byte

	load func() ([]byte, error)
}

// NewTensor returns a tensor over data: elements in row-major order, little endian, sub-byte types packed from the low
// bits up. The tensor keeps data, which must not change afterwards.
func NewTensor(name string, dtype DType, shape []int, data []byte) *Tensor {
	return &Tensor{Name: name, DType: dtype, Shape: shape, load: func() ([]byte, error) { return data, nil }}
}

// LazyTensor returns a tensor whose bytes come from load, called at most once, when they are first needed.
func LazyTensor(name string, dtype DType, shape []int, load func() ([]byte, error)) *Tensor {
	return &Tensor{Name: name, DType: dtype, Shape: shape, load: sync.OnceValues(load)}
}
