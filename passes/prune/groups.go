package prune

import (
	"encoding/binary"
	"sync"

	"github.com/pare-ml/pare/graph/ir"
)

// grouped is a weight that keeps n of every m along the input axis. Groups are decided where they are read, so the weight is
// read once; what is read is bands of whole groups.
type grouped struct {
	*ranked
	params *Params
	inner  int // elements from one of a group to the next
	unit   int // elements of some whole groups that lie together; the last of the weight may have fewer
	align  int // elements of a band

	mutex sync.Mutex
	bands []counted
}

// counted is the zeros of a band.
type counted struct {
	seen          bool
	before, after int
}

func rankGroups(r *ranked, l ir.Layer, p *Params) *grouped {
	shape, axis := l.Weight.Shape, l.InAxis
	g := &grouped{ranked: r, params: p, inner: product(shape[axis+1:])}
	g.unit = p.M * g.inner
	if shape[axis]%p.M != 0 && product(shape[:axis]) > 1 { // a shorter group stands between the others
		g.unit = shape[axis] * g.inner
	}
	g.unit = max(g.unit, 1)
	g.align = max(1, bandSize/g.unit) * g.unit
	g.bands = make([]counted, ceil(r.t.Len(), g.align))
	return g
}

func (g *grouped) pruned() zeroed {
	return zeroed{g.tensor(g.align, func() error { return nil }, g.zero), g.zeros}
}

// zero decides the groups of some bands.
func (g *grouped) zero(b []byte, from int) error {
	size := g.align * g.width
	for i := from / g.align; len(b) > 0; i++ {
		band := b[:min(size, len(b))]
		c, finite := g.band(band)
		if !finite {
			return g.damaged()
		}
		g.mutex.Lock()
		g.bands[i] = c
		g.mutex.Unlock()
		b = b[len(band):]
	}
	return nil
}

// zeros adds up the bands; those that nobody has asked for are read.
func (g *grouped) zeros() (before, after int, err error) {
	for i := range g.bands {
		g.mutex.Lock()
		c := g.bands[i]
		g.mutex.Unlock()
		if !c.seen {
			from := i * g.align
			b := make([]byte, min(g.align, g.t.Len()-from)*g.width)
			if err := g.t.ReadPart(b, int64(from*g.width)); err != nil {
				return 0, 0, err
			}
			var finite bool
			if c, finite = g.band(b); !finite {
				return 0, 0, g.damaged()
			}
		}
		before += c.before
		after += c.after
	}
	return before, after, nil
}

// band sets the elements of one band that go to zero.
func (g *grouped) band(b []byte) (c counted, finite bool) {
	if c.before, finite = g.specials(b); !finite {
		return c, false
	}
	for rest := b; len(rest) > 0; {
		unit := rest[:min(g.unit*g.width, len(rest))]
		switch {
		case g.params.M == 4 && g.params.N == 2 && len(unit)%(4*g.inner*g.width) == 0:
			g.halves(unit)
		default:
			g.groups(unit)
		}
		rest = rest[len(unit):]
	}
	c.after, _ = g.specials(b)
	c.seen = true
	return c, true
}

// groups decides the groups of a unit.
func (g *grouped) groups(b []byte) {
	n, m := g.params.N, g.params.M
	rows := len(b) / g.width / g.inner
	sizes, scratch := make([]uint32, 0, m), make([]uint32, 0, m)
	for top := 0; top < rows; top += m {
		length, drop := min(m, rows-top), m-n
		if length < m {
			drop = remainder(g.params, length)
		}
		for i := range g.inner {
			at := top*g.inner + i
			sizes = sizes[:0]
			for j := range length {
				sizes = append(sizes, g.size(b, at+j*g.inner))
			}
			limit, last := lowest(sizes, drop, &scratch)
			for j, v := range sizes {
				if v < limit || v == limit && j <= last {
					k := at + j*g.inner
					clear(b[k*g.width : (k+1)*g.width])
				}
			}
		}
	}
}

// halves is groups for two of four, which is what hardware has: without a branch for what goes.
func (g *grouped) halves(b []byte) {
	switch {
	case g.inner > 1 && g.width == 4:
		g.halves32(b)
	case g.inner > 1:
		g.halves16(b)
	case g.width == 4:
		for ; len(b) >= 16; b = b[16:] {
			x, y := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
			k0, k1, k2, k3 := half(uint32(x)&0x7fffffff, uint32(x>>32)&0x7fffffff, uint32(y)&0x7fffffff, uint32(y>>32)&0x7fffffff)
			binary.LittleEndian.PutUint64(b, x&(uint64(k0)|uint64(k1)<<32))
			binary.LittleEndian.PutUint64(b[8:], y&(uint64(k2)|uint64(k3)<<32))
		}
	default:
		for ; len(b) >= 8; b = b[8:] {
			x := binary.LittleEndian.Uint64(b)
			k0, k1, k2, k3 := half(uint32(x&0x7fff), uint32(x>>16&0x7fff), uint32(x>>32&0x7fff), uint32(x>>48&0x7fff))
			keep := uint64(k0&0xffff) | uint64(k1&0xffff)<<16 | uint64(k2&0xffff)<<32 | uint64(k3&0xffff)<<48
			binary.LittleEndian.PutUint64(b, x&keep)
		}
	}
}

// halves32 is halves for groups that run down the rows.
func (g *grouped) halves32(b []byte) {
	row := 4 * g.inner
	for ; len(b) >= 4*row; b = b[4*row:] {
		r0, r1, r2, r3 := b[:row], b[row:2*row], b[2*row:3*row], b[3*row:4*row]
		for i := 0; i+4 <= row; i += 4 {
			v0, v1, v2, v3 := binary.LittleEndian.Uint32(r0[i:]), binary.LittleEndian.Uint32(r1[i:]), binary.LittleEndian.Uint32(r2[i:]), binary.LittleEndian.Uint32(r3[i:])
			k0, k1, k2, k3 := half(v0&0x7fffffff, v1&0x7fffffff, v2&0x7fffffff, v3&0x7fffffff)
			binary.LittleEndian.PutUint32(r0[i:], v0&k0)
			binary.LittleEndian.PutUint32(r1[i:], v1&k1)
			binary.LittleEndian.PutUint32(r2[i:], v2&k2)
			binary.LittleEndian.PutUint32(r3[i:], v3&k3)
		}
	}
}

// halves16 is halves32 for 16-bit numbers.
func (g *grouped) halves16(b []byte) {
	row := 2 * g.inner
	for ; len(b) >= 4*row; b = b[4*row:] {
		r0, r1, r2, r3 := b[:row], b[row:2*row], b[2*row:3*row], b[3*row:4*row]
		for i := 0; i+2 <= row; i += 2 {
			v0, v1, v2, v3 := binary.LittleEndian.Uint16(r0[i:]), binary.LittleEndian.Uint16(r1[i:]), binary.LittleEndian.Uint16(r2[i:]), binary.LittleEndian.Uint16(r3[i:])
			k0, k1, k2, k3 := half(uint32(v0&0x7fff), uint32(v1&0x7fff), uint32(v2&0x7fff), uint32(v3&0x7fff))
			binary.LittleEndian.PutUint16(r0[i:], v0&uint16(k0))
			binary.LittleEndian.PutUint16(r1[i:], v1&uint16(k1))
			binary.LittleEndian.PutUint16(r2[i:], v2&uint16(k2))
			binary.LittleEndian.PutUint16(r3[i:], v3&uint16(k3))
		}
	}
}

// half tells which two of four sizes stay: all bits for those that do, none for the two that are lowest, of equal ones the
// first. Sizes have 31 bits, so the highest of a difference says which is the larger.
func half(a, b, c, d uint32) (ka, kb, kc, kd uint32) {
	ab, ac, ad, bc, bd, cd := (b-a)>>31, (c-a)>>31, (d-a)>>31, (c-b)>>31, (d-b)>>31, (d-c)>>31 // 1: the later is lower
	ka = (ab + ac + ad - 2) >> 31                                                              // 1: fewer than two others go before it
	kb = (1 - ab + bc + bd - 2) >> 31
	kc = (2 - ac - bc + cd - 2) >> 31
	kd = (3 - ad - bd - cd - 2) >> 31
	return ka - 1, kb - 1, kc - 1, kd - 1
}
