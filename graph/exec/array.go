package exec

import (
	"fmt"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/pare-ml/pare/graph/ir"
)

// Array is a dense row-major array with its elements in Data, little endian and aligned to 8 bytes; elements below a
// byte are packed from the low bits up. Arrays given to or got from a Program may be kept; their contents must not be
// changed by two owners at once.
type Array struct {
	DType ir.DType
	Shape []int
	Data  []byte

	buf *buffer // what a running program counts references to; nil for arrays that it may not reuse
}

// NewArray returns an array of zeros. The shape must be a valid one: no negative dimension, and few enough elements to
// be allocated.
func NewArray(dtype ir.DType, shape ...int) *Array {
	n, err := byteSize(dtype, shape)
	if err != nil {
		panic("exec: NewArray: " + err.Error())
	}
	return &Array{DType: dtype, Shape: slices.Clone(shape), Data: alignedBytes(n)}
}

// FromFloats returns a float32 array with a copy of data, whose length must be the product of the shape.
func FromFloats(data []float32, shape ...int) *Array {
	a := NewArray(ir.Float32, shape...)
	if a.Len() != len(data) {
		panic(fmt.Sprintf("exec: FromFloats: %d values for shape %v", len(data), shape))
	}
	copy(a.Float32s(), data)
	return a
}

// FromInts returns an int64 array with a copy of data, whose length must be the product of the shape.
func FromInts(data []int64, shape ...int) *Array {
	a := NewArray(ir.Int64, shape...)
	if a.Len() != len(data) {
		panic(fmt.Sprintf("exec: FromInts: %d values for shape %v", len(data), shape))
	}
	copy(a.Int64s(), data)
	return a
}

// FromTensor returns the tensor's elements as an array. It shares the tensor's bytes where they are aligned, so it must
// not be written to; Clone makes a copy that may.
func FromTensor(t *ir.Tensor) (*Array, error) {
	data, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	want, err := byteSize(t.DType, t.Shape)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if len(data) != want {
		return nil, fmt.Errorf("tensor %q has %d bytes; %s %v takes %d", t.Name, len(data), t.DType, t.Shape, want)
	}
	a := &Array{DType: t.DType, Shape: slices.Clone(t.Shape), Data: data}
	if misaligned(data) || t.DType == ir.Bool {
		a = a.Clone()
	}
	if t.DType == ir.Bool { // any nonzero byte is true in a file; as a Go bool only 1 is
		for i, b := range a.Data {
			a.Data[i] = min(b, 1)
		}
	}
	return a, nil
}

// ToTensor returns a tensor with a copy of the array's elements.
func (a *Array) ToTensor(name string) *ir.Tensor {
	return ir.NewTensor(name, a.DType, slices.Clone(a.Shape), slices.Clone(a.Data))
}

// Len returns the number of elements.
func (a *Array) Len() int { return count(a.Shape) }

// Clone returns a copy that shares nothing with a.
func (a *Array) Clone() *Array {
	c := &Array{DType: a.DType, Shape: slices.Clone(a.Shape), Data: alignedBytes(len(a.Data))}
	copy(c.Data, a.Data)
	return c
}

// The views below share the array's Data. They panic if the array is of another type.

func (a *Array) Float32s() []float32 { return typed[float32](a, ir.Float32) }
func (a *Array) Float64s() []float64 { return typed[float64](a, ir.Float64) }
func (a *Array) Int64s() []int64     { return typed[int64](a, ir.Int64) }
func (a *Array) Int32s() []int32     { return typed[int32](a, ir.Int32) }
func (a *Array) Int16s() []int16     { return typed[int16](a, ir.Int16) }
func (a *Array) Int8s() []int8       { return typed[int8](a, ir.Int8) }
func (a *Array) Uint64s() []uint64   { return typed[uint64](a, ir.Uint64) }
func (a *Array) Uint32s() []uint32   { return typed[uint32](a, ir.Uint32) }
func (a *Array) Uint16s() []uint16   { return typed[uint16](a, ir.Uint16) }
func (a *Array) Uint8s() []uint8     { return typed[uint8](a, ir.Uint8) }
func (a *Array) Bools() []bool       { return typed[bool](a, ir.Bool) }

func typed[T any](a *Array, want ir.DType) []T {
	if a.DType != want {
		panic(fmt.Sprintf("exec: a view of %s on an array of %s", want, a.DType))
	}
	return view[T](a.Data)
}

// view reinterprets bytes as elements of T, whatever they were meant as.
func view[T any](data []byte) []T {
	var zero T
	n := len(data) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(data))), n)
}

// alignedBytes returns n zero bytes that begin on a multiple of 8.
func alignedBytes(n int) []byte {
	if n == 0 {
		return []byte{}
	}
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)[:n:n]
}

// misaligned reports whether bytes cannot be viewed as elements of any width.
func misaligned(data []byte) bool {
	return len(data) > 0 && uintptr(unsafe.Pointer(&data[0]))%8 != 0
}

// count returns the product of a shape that is known to be valid.
func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// elements returns the product of a shape that may be anything; false if it is negative somewhere or too large. A
// product that overflows is too large even if another dimension is zero.
func elements(shape []int) (int, bool) {
	n, zero := uint64(1), false
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		if d == 0 {
			zero = true
			continue
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > 1<<56 {
			return 0, false
		}
		n = lo
	}
	if zero {
		return 0, true
	}
	return int(n), true
}

// byteSize returns the bytes that an array takes.
func byteSize(dtype ir.DType, shape []int) (int, error) {
	n, ok := elements(shape)
	if !ok {
		return 0, fmt.Errorf("shape %v is too large or negative", shape)
	}
	width := dtype.Bits()
	if width == 0 {
		return 0, fmt.Errorf("arrays of %s are not supported", dtype)
	}
	if width < 8 {
		return (n*width + 7) / 8, nil
	}
	return n * (width / 8), nil
}
