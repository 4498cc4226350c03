package ir

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"
)

// Tensor is a named constant: an initializer, or the value of a Constant node. It is immutable and safe for concurrent
// use. Its bytes are produced when Bytes asks for them, which for a file means a read and for the result of a pass its
// computation; Header makes a copy that has no bytes at all, which is what plans work on.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // fully known; empty: a scalar
	Doc   string
	Extra Extra // fields of the tensor's message that pare does not read

	// Origin is the tensor's message in its file, written again while nothing in the tensor has changed.
	Origin *Origin

	load  func() ([]byte, error)            // nil: a header
	read  func(dst []byte, off int64) error // nil: only as a whole
	align int                               // of read
	same  *byte                             // one for all copies that share the bytes
}

// NewTensor returns a tensor over data: elements in row-major order, little endian, sub-byte types packed from the low
// bits up; strings each as a uvarint length and their bytes. The tensor keeps data, which must not change afterwards.
func NewTensor(name string, dtype DType, shape []int, data []byte) *Tensor {
	return &Tensor{Name: name, DType: dtype, Shape: shape, same: new(byte), load: func() ([]byte, error) { return data, nil }}
}

// LazyTensor returns a tensor whose bytes come from load, called at most once, when they are first needed.
func LazyTensor(name string, dtype DType, shape []int, load func() ([]byte, error)) *Tensor {
	return &Tensor{Name: name, DType: dtype, Shape: shape, same: new(byte), load: sync.OnceValues(load)}
}

// ReadTensor returns a tensor whose bytes come from read each time they are needed and are not kept: so a model larger
// than memory can be walked through. read gives new memory each time and is safe for concurrent use.
func ReadTensor(name string, dtype DType, shape []int, read func() ([]byte, error)) *Tensor {
	return &Tensor{Name: name, DType: dtype, Shape: shape, same: new(byte), load: read}
}

// RangeTensor returns a tensor whose bytes can be had in ranges and are not kept: a file's, or what a pass computes from
// another tensor's ranges. So a chain of passes over a tensor larger than memory runs in one sweep. read fills dst with
// the bytes from off on; both ends of the range are multiples of align, or the tensor's end. read is safe for concurrent
// use and gives the same bytes each time.
func RangeTensor(name string, dtype DType, shape []int, align int, read func(dst []byte, off int64) error) *Tensor {
	t := &Tensor{Name: name, DType: dtype, Shape: shape, same: new(byte), read: read, align: max(align, 1)}
	t.load = func() ([]byte, error) {
		size, err := ByteSize(dtype, shape)
		if err != nil {
			return nil, err
		}
		b := make([]byte, size)
		return b, read(b, 0)
	}
	return t
}

// Align returns what both ends of a range that ReadRange is asked for must be multiples of, unless they are the tensor's
// end; 0 for a tensor whose bytes come only as a whole.
func (t *Tensor) Align() int { return t.align }

// ReadRange fills dst with the tensor's bytes from off on, for off and off+len(dst) as Align demands. Of a tensor without
// ranges it reads the whole.
func (t *Tensor) ReadRange(dst []byte, off int64) error {
	size := t.Size()
	if off < 0 || off > size || int64(len(dst)) > size-off {
		return fmt.Errorf("tensor %q has %d bytes; %d from %d on were asked for", t.Name, size, len(dst), off)
	}
	if t.read != nil {
		if err := t.read(dst, off); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		return nil
	}
	b, err := t.Bytes()
	if err != nil {
		return err
	}
	copy(dst, b[off:])
	return nil
}

// FromFloat32s returns a float32 tensor that holds a copy of data.
func FromFloat32s(name string, shape []int, data []float32) *Tensor {
	b := make([]byte, 0, 4*len(data))
	for _, v := range data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return NewTensor(name, Float32, shape, b)
}

// FromInt64s returns an int64 tensor that holds a copy of data.
func FromInt64s(name string, shape []int, data []int64) *Tensor {
	b := make([]byte, 0, 8*len(data))
	for _, v := range data {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return NewTensor(name, Int64, shape, b)
}

// Len returns the number of elements; 0 if the shape is impossible (Model.Check reports that).
func (t *Tensor) Len() int {
	n, err := Elements(t.Shape)
	if err != nil {
		return 0
	}
	return n
}

// Size returns the bytes that the elements take by type and shape; 0 for strings and impossible shapes.
func (t *Tensor) Size() int64 {
	n, err := ByteSize(t.DType, t.Shape)
	if err != nil {
		return 0
	}
	return n
}

// HasData reports whether Bytes can give the elements; false for a header.
func (t *Tensor) HasData() bool { return t.load != nil }

// SharesBytes reports whether two tensors are copies of one, as WithName and WithShape make them: equal bytes, known without
// reading them.
func (t *Tensor) SharesBytes(u *Tensor) bool {
	return t.load != nil && u.load != nil && t.same != nil && t.same == u.same
}

// Header returns a copy without bytes.
func (t *Tensor) Header() *Tensor {
	h := *t
	h.load, h.read, h.align = nil, nil, 0
	return &h
}

// WithName returns a copy under another name that shares the bytes.
func (t *Tensor) WithName(name string) *Tensor {
	c := *t
	c.Name = name
	return &c
}

// Rename is WithName.
func (t *Tensor) Rename(name string) *Tensor { return t.WithName(name) }

// WithShape returns a copy with the same elements in another shape, which must have as many.
func (t *Tensor) WithShape(shape []int) (*Tensor, error) {
	n, err := Elements(shape)
	if err != nil {
		return nil, err
	}
	if n != t.Len() {
		return nil, fmt.Errorf("tensor %q has %d elements; shape %v has %d", t.Name, t.Len(), shape, n)
	}
	c := *t
	c.Shape = shape
	return &c, nil
}

// Bytes returns the elements, for reading only: row-major, little endian, sub-byte types packed from the low bits up.
func (t *Tensor) Bytes() ([]byte, error) {
	if t.load == nil {
		return nil, fmt.Errorf("tensor %q has no bytes: it is a header", t.Name)
	}
	b, err := t.load()
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if t.DType == String {
		return b, nil
	}
	want, err := ByteSize(t.DType, t.Shape)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if int64(len(b)) != want {
		return nil, fmt.Errorf("tensor %q has %d bytes; %s of shape %v needs %d", t.Name, len(b), t.DType, t.Shape, want)
	}
	return b, nil
}

// Float32s returns the elements of a float tensor as float32: float32 itself, float16 and bfloat16 exactly, float64
// rounded to nearest. The result is for reading only: for float32 it may be the tensor's own memory.
func (t *Tensor) Float32s() ([]float32, error) {
	switch t.DType {
	case Float32, Float16, BFloat16, Float64:
	default:
		return nil, fmt.Errorf("tensor %q holds %s, not floating-point numbers", t.Name, t.DType)
	}
	b, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	n := t.Len()
	if n == 0 {
		return []float32{}, nil
	}
	if t.DType == Float32 && littleEndian && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%4 == 0 {
		return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
	}
	out := make([]float32, n)
	for i := range out {
		switch t.DType {
		case Float32:
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		case Float64:
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
		case Float16:
			out[i] = halfToFloat32(binary.LittleEndian.Uint16(b[2*i:]))
		case BFloat16:
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
		}
	}
	return out, nil
}

// Int64s returns the elements of an integer or bool tensor of whole bytes; uint64 beyond int64 is an error.
func (t *Tensor) Int64s() ([]int64, error) {
	switch t.DType {
	case Int8, Uint8, Bool, Int16, Uint16, Int32, Uint32, Int64, Uint64:
	default:
		return nil, fmt.Errorf("tensor %q holds %s, not integers", t.Name, t.DType)
	}
	b, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	out := make([]int64, t.Len())
	for i := range out {
		switch t.DType {
		case Int8:
			out[i] = int64(int8(b[i]))
		case Uint8, Bool:
			out[i] = int64(b[i])
		case Int16:
			out[i] = int64(int16(binary.LittleEndian.Uint16(b[2*i:])))
		case Uint16:
			out[i] = int64(binary.LittleEndian.Uint16(b[2*i:]))
		case Int32:
			out[i] = int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
		case Uint32:
			out[i] = int64(binary.LittleEndian.Uint32(b[4*i:]))
		default:
			u := binary.LittleEndian.Uint64(b[8*i:])
			if t.DType == Uint64 && u > math.MaxInt64 {
				return nil, fmt.Errorf("tensor %q: element %d is %d, too large for an int64", t.Name, i, u)
			}
			out[i] = int64(u)
		}
	}
	return out, nil
}

// Strings returns the elements of a string tensor.
func (t *Tensor) Strings() ([]string, error) {
	if t.DType != String {
		return nil, fmt.Errorf("tensor %q holds %s, not strings", t.Name, t.DType)
	}
	b, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	var out []string
	for len(b) > 0 {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return nil, fmt.Errorf("tensor %q: string %d is cut off", t.Name, len(out))
		}
		out = append(out, string(b[w:w+int(n)]))
		b = b[w+int(n):]
	}
	if len(out) != t.Len() {
		return nil, fmt.Errorf("tensor %q has %d strings; shape %v needs %d", t.Name, len(out), t.Shape, t.Len())
	}
	return out, nil
}

// SameHeader reports whether name, type, shape and documentation are equal.
func (t *Tensor) SameHeader(u *Tensor) bool {
	return t.Name == u.Name && t.DType == u.DType && t.Doc == u.Doc && slices.Equal(t.Shape, u.Shape)
}

var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()

// halfToFloat32 widens an IEEE half; NaN keeps its payload.
func halfToFloat32(h uint16) float32 {
	sign, exp, frac := uint32(h&0x8000)<<16, uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch {
	case exp == 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
	default: // subnormal: frac · 2⁻²⁴, exact in float32
		f := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(sign | math.Float32bits(f))
	}
}
