package ggml

import (
	"encoding/binary"
	"math"
)

// scaledBlock is a block of 256 of groups with whole scales s in [least, greatest]: x ≈ d·s·level.
type scaledBlock struct {
	*levels
	x, w            []float32
	length          int
	least, greatest float32 // whole scales
	d               float32
	s               [16]float32
}

// improve sets d and s from the scales of the groups: it tries several d, moves each whole scale by at most 1 to the
// least error, and follows the best with least squares.
func (b *scaledBlock) improve(scales []float32) {
	top, magnitude := greatest(scales)
	if magnitude == 0 || magnitude-magnitude != 0 {
		return
	}
	least := float32(math.Inf(1))
	var best scaledBlock
	for i := range 3 {
		b.d = asHalf(top / (b.least - float32(float32(i)*float32(b.least*0.03))))
		for range 4 {
			if b.d == 0 || b.d-b.d != 0 {
				break
			}
			for j, v := range scales {
				b.s[j] = min(max(float32(math.RoundToEven(float64(v/b.d))), b.least), b.greatest)
			}
			e, better := b.adjust(len(scales))
			if !(e < least) {
				break
			}
			least, best = e, *b
			b.d = asHalf(better)
		}
	}
	if least < float32(math.Inf(1)) {
		*b = best
	}
}

// adjust moves each whole scale by at most 1, to the least error, and returns the sum of errors and the d of least
// squares.
func (b *scaledBlock) adjust(groups int) (total, better float32) {
	var xv, vv float64
	for j := range groups {
		x, w, s := b.x[j*b.length:][:b.length], b.w[j*b.length:][:b.length], b.s[j]
		least := float32(math.Inf(1))
		for ds := float32(-1); ds <= 1; ds++ {
			if s+ds < b.least || s+ds > b.greatest {
				continue
			}
			e, _ := b.misfit(x, w, float32(b.d*(s+ds)))
			if s+ds == 0 {
				e = 0
				for i, v := range x {
					e += float32(float32(w[i]*v) * v)
				}
			}
			if e < least {
				least, b.s[j] = e, s+ds
			}
		}
		total += least
		if b.s[j] != 0 {
			inverse := 1 / float32(b.d*b.s[j])
			for i, v := range x {
				p := float64(b.s[j] * b.nearest(float32(v*inverse)))
				wp := float64(float64(w[i]) * p)
				xv += float64(wp * float64(v))
				vv += float64(wp * p)
			}
		}
	}
	if vv > 0 {
		better = float32(xv / vv)
	}
	return total, better
}

// codes sets the codes of whole levels.
func (b *scaledBlock) codes(codes []uint8) {
	for j := range len(b.x) / b.length {
		b.codesOf(codes[j*b.length:][:b.length], b.x[j*b.length:][:b.length], b.d*b.s[j])
	}
}

func improveQ3_K(ws *workspace, dst []byte, x, w []float32, at int) {
	b := &scaledBlock{levels: levelsQ3K, x: x, w: w, length: 16, least: -32, greatest: 31}
	b.improve(ws.scales[at/16:][:16])
	var codes [256]uint8
	b.codes(codes[:])
	var s [16]uint8
	for j := range s {
		s[j] = uint8(b.s[j] + 32)
	}
	packQ3_K(dst, codes[:])
	putSixBits(dst[96:108], &s)
	putHalf(dst[108:], b.d)
}

func improveQ6_K(ws *workspace, dst []byte, x, w []float32, at int) {
	b := &scaledBlock{levels: levelsQ6K, x: x, w: w, length: 16, least: -128, greatest: 127}
	b.improve(ws.scales[at/16:][:16])
	var codes [256]uint8
	b.codes(codes[:])
	packQ6_K(dst, codes[:])
	for j := range 16 {
		dst[192+j] = uint8(int8(b.s[j]))
	}
	putHalf(dst[208:], b.d)
}

func improveIQ4_XS(ws *workspace, dst []byte, x, w []float32, at int) {
	b := &scaledBlock{levels: levelsValues, x: x, w: w, length: 32, least: -32, greatest: 31}
	b.improve(ws.scales[at/32:][:8])
	putHalf(dst, b.d)
	var high uint16
	clear(dst[4:8])
	for j := range 8 {
		l := uint16(b.s[j] + 32)
		dst[4+j/2] |= uint8(l&15) << (j % 2 * 4)
		high |= l >> 4 << (2 * j)
		putCodes4(dst[8+16*j:], x[32*j:][:32], inverse(b.d*b.s[j]))
	}
	binary.LittleEndian.PutUint16(dst[2:], high)
}
