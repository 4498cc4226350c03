package prune

import (
	"math"
	"slices"
	"sync"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/parallel"
)

// rowwise is a weight whose outputs are ranked each by itself: each has its limit, found in one reading.
type rowwise struct {
	*ranked
	prepared      func() error
	inner         bool // outputs are columns: they run along the last axis
	rows, length  int
	drop          int // of each row
	limits        []uint32
	last          []int // of the elements of a row's limit that go, the last: its number in the row; -1: none
	before, after int
}

func rankRows(r *ranked, l ir.Layer, drop int) *rowwise {
	w := &rowwise{ranked: r, rows: l.Weight.Shape[l.OutAxis], inner: l.OutAxis != 0, drop: drop}
	if w.rows > 0 {
		w.length = r.t.Len() / w.rows
	}
	w.prepared = sync.OnceValue(w.prepare)
	return w
}

func (w *rowwise) pruned() zeroed { return zeroed{w.tensor(1, w.prepared, w.zero), w.zeros} }

func (w *rowwise) zeros() (before, after int, err error) {
	err = w.prepared()
	return w.before, w.after, err
}

func (w *rowwise) zero(b []byte, from int) error {
	for len(b) > 0 {
		if !w.inner { // the rest of a row
			row, at := from/w.length, from%w.length
			n := min(w.length-at, len(b)/w.width)
			w.settle(b[:n*w.width], at, w.limits[row], w.last[row])
			b, from = b[n*w.width:], from+n
			continue
		}
		at, row := from/w.rows, from%w.rows // one of each row
		n := min(w.rows-row, len(b)/w.width)
		for i := range n {
			if v := w.size(b, i); v < w.limits[row+i] || v == w.limits[row+i] && at <= w.last[row+i] {
				clear(b[i*w.width : (i+1)*w.width])
			}
		}
		b, from = b[n*w.width:], from+n
	}
	return nil
}

// strip is how many columns are turned at a time.
const strip = 64

// prepare finds the limits of all rows. Columns are not read but with all others: their weight is held while they are ranked.
func (w *rowwise) prepare() error {
	w.limits, w.last = make([]uint32, w.rows), make([]int, w.rows)
	var whole []byte
	if w.inner {
		var err error
		if whole, err = w.t.Bytes(); err != nil {
			return err
		}
	}
	each := max(1, bandSize/max(1, w.length))
	if w.inner {
		each = strip
	}
	type found struct {
		before, after int
		finite        bool
		err           error
	}
	list := make([]found, ceil(w.rows, each))
	parallel.Chunks(w.workers, w.rows, each, func(i, from, to int) {
		f := &list[i]
		f.finite = true
		m := memories.Get().(*memory)
		defer memories.Put(m)
		sizes, err := w.gather(whole, from, to, m)
		if f.err = err; err != nil {
			return
		}
		for row := from; row < to; row++ {
			own := sizes[(row-from)*w.length : (row-from+1)*w.length]
			zeros := 0
			for _, v := range own {
				if v == 0 {
					zeros++
				}
				f.finite = f.finite && v < w.infinite()
			}
			w.limits[row], w.last[row] = lowest(own, w.drop, &m.same)
			f.before += zeros
			f.after += max(zeros, w.drop)
		}
	})
	for _, f := range list {
		if f.err != nil {
			return f.err
		}
		if !f.finite {
			return w.damaged()
		}
		w.before += f.before
		w.after += f.after
	}
	return nil
}

// memory is what rows are ranked in.
type memory struct {
	bytes       []byte
	sizes, same []uint32
}

var memories = sync.Pool{New: func() any { return new(memory) }}

func grow[T any](s *[]T, n int) []T {
	if cap(*s) < n {
		*s = make([]T, n)
	}
	return (*s)[:n]
}

// gather returns the sizes of rows, one row behind the other.
func (w *rowwise) gather(whole []byte, from, to int, m *memory) ([]uint32, error) {
	sizes := grow(&m.sizes, (to-from)*w.length)
	if !w.inner {
		b := grow(&m.bytes, (to-from)*w.length*w.width)
		if err := w.t.ReadPart(b, int64(from*w.length*w.width)); err != nil {
			return nil, err
		}
		return w.sizes(sizes[:0], b), nil
	}
	for k := range w.length {
		line := whole[(k*w.rows+from)*w.width : (k*w.rows+to)*w.width]
		for c := range to - from {
			sizes[c*w.length+k] = w.size(line, c)
		}
	}
	return sizes, nil
}

// lowest returns the k-th lowest size, and the number of the last element of that size that is among the k lowest, if of
// equal ones the first come first; -1 if k is 0.
// scratch is memory to use again.
func lowest(sizes []uint32, k int, scratch *[]uint32) (limit uint32, last int) {
	if k == 0 {
		return 0, -1
	}
	limit, rest := nthLowest(sizes, k, scratch)
	for last = 0; ; last++ {
		if sizes[last] == limit {
			if rest--; rest == 0 {
				return limit, last
			}
		}
	}
}

// nthLowest returns the k-th lowest of some sizes, and which of those that equal it it is. It counts by the bits from above.
func nthLowest(sizes []uint32, k int, scratch *[]uint32) (limit uint32, rest int) {
	if len(sizes) < 256 {
		sorted := append((*scratch)[:0], sizes...)
		*scratch = sorted
		slices.Sort(sorted)
		below, _ := slices.BinarySearch(sorted, sorted[k-1])
		return sorted[k-1], k - below
	}
	most := slices.Max(sizes)
	shift := 0
	for most>>shift > math.MaxUint8 {
		shift += 8
	}
	for left := sizes; ; shift -= 8 {
		var counts [256]int
		for _, v := range left {
			counts[v>>shift&0xff]++
		}
		var digit int
		digit, k = place(counts[:], k)
		limit = limit<<8 | uint32(digit)
		if shift == 0 {
			return limit, k
		}
		same := grow(scratch, len(sizes))[:0] // left may be it: what is written has been read
		for _, v := range left {
			if v>>shift&0xff == uint32(digit) {
				same = append(same, v)
			}
		}
		left = same
	}
}
