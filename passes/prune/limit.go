package prune

import (
	"encoding/binary"
	"sync"
)

// limited is a weight that loses all elements below a size, and of those of just that size the first. The size follows from
// counts of sizes, so from one or two readings of the weights that are ranked together and no memory for them.
type limited struct {
	*ranked
	prepared      func() error // finds what follows, once for all that are ranked together
	limit         uint32       // a size of the weight's type
	last          int          // the last element of that size that goes; -1: none
	before, after int          // zeros
}

// rankTogether ranks the elements of several weights: of all, the k smallest go; of equal ones those of the earlier weight,
// then those of the lower index.
func rankTogether(list []*ranked, k int) []*limited {
	out := make([]*limited, len(list))
	for i, r := range list {
		out[i] = &limited{ranked: r, last: -1}
	}
	prepared := sync.OnceValue(func() error { return limits(out, k) })
	for _, l := range out {
		l.prepared = prepared
	}
	return out
}

func (l *limited) pruned() zeroed { return zeroed{l.tensor(1, l.prepared, l.zero), l.zeros} }

func (l *limited) zeros() (before, after int, err error) {
	err = l.prepared()
	return l.before, l.after, err
}

func (l *limited) zero(b []byte, from int) error {
	l.settle(b, from, l.limit, l.last)
	return nil
}

// settle sets elements that go to zero: up to the last of just the limit's size those that are not above it, then those below
// it.
func (r *ranked) settle(b []byte, from int, limit uint32, last int) {
	n := max(0, min(len(b)/r.width, last+1-from))
	r.below(b[:n*r.width], limit+1)
	r.below(b[n*r.width:], limit)
}

// below sets the elements of a size below a limit to zero, without a branch. Sizes have 31 bits, so the highest of a difference
// says which is the larger.
func (r *ranked) below(b []byte, limit uint32) {
	if limit == 0 {
		return
	}
	if r.width == 4 {
		for ; len(b) >= 4; b = b[4:] {
			v := binary.LittleEndian.Uint32(b)
			binary.LittleEndian.PutUint32(b, v&((v&0x7fffffff-limit)>>31-1))
		}
		return
	}
	for ; len(b) >= 2; b = b[2:] {
		v := binary.LittleEndian.Uint16(b)
		binary.LittleEndian.PutUint16(b, v&uint16((uint32(v&0x7fff)-limit)>>31-1))
	}
}

// Sizes as float32 have 31 bits. They are counted by the upper 16 first, then by the lower 15 of those among which the limit
// is.
const lower = 15

// limits finds the limits of weights that are ranked together.
func limits(list []*limited, k int) error {
	coarse := make([]int, 1<<16)
	var only []int // the counts of the one weight of 16-bit numbers that there is
	for _, l := range list {
		counts, err := l.count()
		if err != nil {
			return err
		}
		for v, n := range counts {
			if n > 0 {
				coarse[l.coarse(uint32(v))] += n
			}
		}
		l.after = l.before
		if len(list) == 1 && l.width == 2 {
			only = counts
		}
	}
	if k == 0 {
		return nil
	}
	upper, rest := place(coarse, k)
	fine := make([]int, 1<<lower)
	for _, l := range list {
		if err := l.refine(upper, only, fine); err != nil {
			return err
		}
	}
	low, ties := place(fine, rest)
	limit := uint32(upper)<<lower | uint32(low)
	if len(list) == 1 && ties == fine[low] { // the usual case: no further reading
		l := list[0]
		l.limit, l.last, l.after = l.narrow(limit), l.t.Len()-1, max(l.before, k)
		return nil
	}
	return share(list, limit, ties)
}

// place returns which counter holds the k-th of all that were counted, and which it is there; k is at least 1.
func place(counts []int, k int) (i, rest int) {
	for ; k > counts[i]; i++ {
		k -= counts[i]
	}
	return i, k
}

// count counts the elements of a weight: of 16-bit numbers by size, of others by the upper bits. It finds the zeros, and
// numbers that are not finite.
func (l *limited) count() ([]int, error) {
	parts := make([][]int, l.parts())
	zeros := make([]int, len(parts))
	for i := range parts {
		parts[i] = make([]int, 1<<16)
	}
	err := l.sweep(func(part, _ int, b []byte) {
		counts := (*[1 << 16]int)(parts[part])
		if l.width == 2 {
			count16(counts, b)
		} else {
			zeros[part] += count32(counts, b)
		}
	})
	if err != nil {
		return nil, err
	}
	counts := merge(parts)
	if l.before = sum(zeros); l.width == 2 {
		l.before = counts[0]
	}
	top := l.infinite()
	if l.width == 4 {
		top >>= lower
	}
	if bad := sum(counts[top:]); bad > 0 {
		return nil, unranked(l.path, l.t, bad)
	}
	return counts, nil
}

func count16(counts *[1 << 16]int, b []byte) {
	for ; len(b) >= 2; b = b[2:] {
		counts[binary.LittleEndian.Uint16(b)&0x7fff]++
	}
}

func count32(counts *[1 << 16]int, b []byte) (zeros int) {
	for ; len(b) >= 4; b = b[4:] {
		v := binary.LittleEndian.Uint32(b) & 0x7fffffff
		counts[v>>lower&0xffff]++
		if v == 0 {
			zeros++
		}
	}
	return zeros
}

func merge(parts [][]int) []int {
	for _, p := range parts[1:] {
		for v, n := range p {
			parts[0][v] += n
		}
	}
	return parts[0]
}

// coarse returns the upper bits of what count counts by.
func (l *limited) coarse(v uint32) uint32 {
	if l.width == 2 {
		return l.wide(v) >> lower
	}
	return v
}

// refine adds the elements with these upper bits to fine, by their lower bits. only are the counts that count gave, if they
// are still there.
func (l *limited) refine(upper int, only, fine []int) error {
	if l.width == 2 {
		counts := only
		if counts == nil {
			var err error
			if counts, err = l.count(); err != nil {
				return err
			}
		}
		for v, n := range counts[:l.infinite()] {
			if w := l.wide(uint32(v)); int(w>>lower) == upper {
				fine[w&(1<<lower-1)] += n
			}
		}
		return nil
	}
	parts := make([][]int, l.parts())
	for i := range parts {
		parts[i] = make([]int, 1<<lower)
	}
	if err := l.sweep(func(part, _ int, b []byte) {
		counts := parts[part]
		for i := range len(b) / 4 {
			if v := l.size(b, i); int(v>>lower) == upper {
				counts[v&(1<<lower-1)]++
			}
		}
	}); err != nil {
		return err
	}
	for v, n := range merge(parts) {
		fine[v] += n
	}
	return nil
}

// share gives each weight its limit: in total ties of all elements of just that size go.
func share(list []*limited, limit uint32, ties int) error {
	for _, l := range list {
		l.limit = l.narrow(limit)
		below, same, err := l.tally()
		if err != nil {
			return err
		}
		mine := min(ties, sum(same))
		if l.wide(l.limit) != limit { // a size that this type does not have
			mine = 0
		}
		ties -= mine
		l.after = max(l.before, below+mine)
		if l.last, err = l.nth(same, mine); err != nil {
			return err
		}
	}
	return nil
}

// narrow returns the least size of the weight's type that is not below one as float32.
func (l *limited) narrow(limit uint32) uint32 {
	if l.width == 4 {
		return limit
	}
	lo, hi := uint32(0), l.infinite()
	for lo < hi {
		if mid := (lo + hi) / 2; l.wide(mid) < limit {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// tally counts the elements below the limit, and in each band those of just that size.
func (l *limited) tally() (below int, same []int, err error) {
	same = make([]int, ceil(l.t.Len(), bandSize))
	less := make([]int, l.parts())
	err = l.sweep(func(part, from int, b []byte) {
		for i := range len(b) / l.width {
			switch v := l.size(b, i); {
			case v < l.limit:
				less[part]++
			case v == l.limit:
				same[from/bandSize]++
			}
		}
	})
	return sum(less), same, err
}

// nth returns the index of the k-th element of the limit's size; -1 for none. same counts them in each band.
func (l *limited) nth(same []int, k int) (int, error) {
	if k == 0 {
		return -1, nil
	}
	band, k := place(same, k)
	from := band * bandSize
	b := make([]byte, min(bandSize, l.t.Len()-from)*l.width)
	if err := l.t.ReadPart(b, int64(from*l.width)); err != nil {
		return 0, err
	}
	i := -1
	for ; k > 0; k-- {
		for i++; l.size(b, i) != l.limit; i++ {
		}
	}
	return from + i, nil
}
