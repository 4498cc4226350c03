package exec

import (
	"errors"
	"math/bits"

	"github.com/pare-ml/pare/graph/ir"
)

// buffer is memory that a program uses again: several arrays may lie on it (a Reshape gives its input's), and when none
// does it goes back to the pool.
type buffer struct {
	data []byte
	refs int
}

// pool keeps the buffers of one program by size class, so that one training step makes little garbage for the next. It
// serves one goroutine.
type pool struct {
	free  map[int][]*buffer
	spare int64 // bytes in free
	live  int64 // bytes handed out
	limit int64 // of live
	peak  int64 // largest live since the program was made
}

// maxSpare is how much unused memory a pool holds on to.
const maxSpare = 512 << 20

var errMemory = errors.New("the run needs more memory than it may use")

// array returns an array with undefined contents and one reference.
func (p *pool) array(dtype ir.DType, shape []int) (*Array, error) {
	n, err := byteSize(dtype, shape)
	if err != nil {
		return nil, err
	}
	b, err := p.get(n)
	if err != nil {
		return nil, err
	}
	return &Array{DType: dtype, Shape: append([]int{}, shape...), Data: b.data[:n:n], buf: b}, nil
}

func (p *pool) get(n int) (*buffer, error) {
	size := sizeClass(n)
	if p.live+int64(size) > p.limit {
		return nil, errMemory
	}
	p.live += int64(size)
	p.peak = max(p.peak, p.live)
	if list := p.free[size]; len(list) > 0 {
		b := list[len(list)-1]
		p.free[size] = list[:len(list)-1]
		p.spare -= int64(size)
		b.refs = 1
		return b, nil
	}
	return &buffer{data: alignedBytes(size), refs: 1}, nil
}

// retain says that one more array lies on a's buffer.
func (p *pool) retain(a *Array) {
	if a.buf != nil {
		a.buf.refs++
	}
}

// release says that a is no longer used. Arrays that are not the pool's are left alone.
func (p *pool) release(a *Array) {
	if a == nil || a.buf == nil {
		return
	}
	b := a.buf
	a.buf, a.Data = nil, nil
	if b.refs--; b.refs > 0 {
		return
	}
	size := len(b.data)
	p.live -= int64(size)
	if p.spare+int64(size) > maxSpare {
		return // the garbage collector's
	}
	p.free[size] = append(p.free[size], b)
	p.spare += int64(size)
}

// give hands a out for good: the caller of the program owns it from now on. What shares its buffer with another array,
// or is not the pool's, is copied.
func (p *pool) give(a *Array) *Array {
	if a.buf == nil {
		return a.Clone()
	}
	if a.buf.refs > 1 {
		c := a.Clone()
		p.release(a)
		return c
	}
	p.live -= int64(len(a.buf.data))
	a.buf = nil
	return a
}

// sizeClass rounds n up so that arrays of nearly one size share buffers: to an eighth of its power of two.
func sizeClass(n int) int {
	if n <= 64 {
		return 64
	}
	step := 1 << max(6, bits.Len(uint(n-1))-4)
	return (n + step - 1) / step * step
}
