package prune

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/parallel"
)

// bandSize is about how many elements of a weight are looked at in one piece.
const bandSize = 1 << 16

// ranked is a weight whose elements are ranked by their size, read a band at a time. The size of a stored number is its bits
// without the sign: of one type they order as absolute values do, and that of zero is 0.
type ranked struct {
	t       *ir.Tensor
	path    string // of the model
	workers int
	width   int // bytes of an element
}

// newRanked ranks the elements of a tensor of 16- or 32-bit floats. One that comes only as a whole is read now, and kept.
func newRanked(t *ir.Tensor, path string, workers int) (*ranked, error) {
	if t.Align() == 0 {
		b, err := t.Bytes()
		if err != nil {
			return nil, err
		}
		whole := ir.NewTensor(t.Name, t.DType, t.Shape, b)
		whole.Doc = t.Doc
		t = whole
	}
	return &ranked{t: t, path: path, workers: workers, width: t.DType.Bits() / 8}, nil
}

// tensor is the weight with some elements set to zero: zero is called with elements, of which the first stands at from,
// and sets those that go. What is asked for is pieces of unit elements and the end.
func (r *ranked) tensor(unit int, prepared func() error, zero func(b []byte, from int) error) *ir.Tensor {
	out := ir.RangeTensor(r.t.Name, r.t.DType, r.t.Shape, unit*r.width, func(dst []byte, off int64) error {
		if err := prepared(); err != nil {
			return err
		}
		if err := r.t.ReadPart(dst, off); err != nil {
			return err
		}
		return zero(dst, int(off)/r.width)
	})
	out.Doc = r.t.Doc
	return out
}

// parts is in how many pieces sweep goes through the weight.
func (r *ranked) parts() int { return max(1, min(r.workers, ceil(r.t.Len(), bandSize))) }

// sweep reads the whole weight: the bands of each part one after another, the parts beside each other.
func (r *ranked) sweep(do func(part, from int, b []byte)) error {
	n, parts := r.t.Len(), r.parts()
	bands := ceil(n, bandSize)
	errs := make([]error, parts)
	parallel.For(r.workers, parts, func(i int) {
		buffer := make([]byte, min(n, bandSize)*r.width)
		for band := i * bands / parts; band < (i+1)*bands/parts; band++ {
			from := band * bandSize
			b := buffer[:min(bandSize, n-from)*r.width]
			if errs[i] = r.t.ReadPart(b, int64(from*r.width)); errs[i] != nil {
				return
			}
			do(i, from, b)
		}
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sizes appends the sizes of stored numbers.
func (r *ranked) sizes(to []uint32, b []byte) []uint32 {
	if r.width == 4 {
		for ; len(b) >= 4; b = b[4:] {
			to = append(to, binary.LittleEndian.Uint32(b)&0x7fffffff)
		}
		return to
	}
	for ; len(b) >= 2; b = b[2:] {
		to = append(to, uint32(binary.LittleEndian.Uint16(b)&0x7fff))
	}
	return to
}

// size is that of one stored number.
func (r *ranked) size(b []byte, i int) uint32 {
	if r.width == 4 {
		return binary.LittleEndian.Uint32(b[4*i:]) & 0x7fffffff
	}
	return uint32(binary.LittleEndian.Uint16(b[2*i:]) & 0x7fff)
}

// infinite is the size of infinity; those of NaN are above it.
func (r *ranked) infinite() uint32 {
	switch r.t.DType {
	case ir.Float16:
		return 0x7c00
	case ir.BFloat16:
		return 0x7f80
	}
	return 0x7f800000
}

// specials counts the zeros among stored numbers and tells whether all are finite.
func (r *ranked) specials(b []byte) (zeros int, finite bool) {
	switch r.t.DType {
	case ir.Float16:
		return kernel.SpecialFloat16s(b)
	case ir.BFloat16:
		return kernel.SpecialBFloat16s(b)
	}
	return kernel.SpecialFloat32s(b)
}

// wide is the size that a number has as float32: what numbers of several types are ranked by.
func (r *ranked) wide(size uint32) uint32 {
	switch r.t.DType {
	case ir.Float16:
		return math.Float32bits(kernel.Float16FromBits(uint16(size)))
	case ir.BFloat16:
		return size << 16
	}
	return size
}

// damaged is the error of a weight with numbers that are not finite.
func (r *ranked) damaged() error {
	bad := make([]int, r.parts())
	if err := r.sweep(func(part, _ int, b []byte) {
		for i := range len(b) / r.width {
			if r.size(b, i) >= r.infinite() {
				bad[part]++
			}
		}
	}); err != nil {
		return err
	}
	return unranked(r.path, r.t, sum(bad))
}

func unranked(path string, t *ir.Tensor, bad int) error {
	return &format.Damaged{Path: path, Where: fmt.Sprintf("tensor %q", t.Name),
		Reason: fmt.Sprintf("%d of its %d weights are NaN or infinite; they cannot be ranked", bad, t.Len())}
}

func ceil(a, b int) int { return (a + b - 1) / b }

func sum(v []int) (s int) {
	for _, x := range v {
		s += x
	}
	return s
}
