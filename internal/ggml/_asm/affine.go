package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const roundBits = 0x4b400000 // 1.5·2^23

// affine writes fitAffine with a group of elements in each lane.
func affine(m machine, absolute bool) {
	name := "Affine"
	if absolute {
		name = "AffineAbsolute"
	}
	m.text(name, "func(length int, x, w, codes, numerators *float32, count int, n float32, result *float32) (strange uint32)",
		"is fitAffine for a group in each lane. Vector i of x and w has element i of every group;",
		"length is a multiple of 4. numerators are those of the inverse scales. result gets vectors of the scales, of the",
		"least values, and of the inverse scales and the least values that the codes come from. Lanes whose numbers are too strange for this are bits of",
		"strange. codes is room for length vectors.")
	length := Load(Param("length"), GP64())
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	codes := Load(Param("codes"), GP64())
	numerators := Load(Param("numerators"), GP64())
	count := Load(Param("count"), GP64())
	result := Load(Param("result"), GP64())

	B := m.bytes()
	state := AllocLocal(6 * B)
	slot := func(i int) Mem { return state.Offset(i * B) }
	hi, sumw, sumx, best, xmin, last := slot(0), slot(1), slot(2), slot(3), slot(4), slot(5)
	scaleSlot, winner, from := Mem{Base: result}, Mem{Base: result, Disp: 2 * B}, Mem{Base: result, Disp: 3 * B}

	n, zero, round := m.param("n"), m.zero(), m.bits(roundBits)
	px, pw, pc, counter := GP64(), GP64(), GP64(), GP64()
	each := func(label string, copies int, body func(i int)) {
		MOVQ(x, px)
		MOVQ(w, pw)
		MOVQ(codes, pc)
		MOVQ(length, counter)
		unrolled(label, counter, copies, body, func() {
			ADDQ(U32(copies*B), px)
			ADDQ(U32(copies*B), pw)
			ADDQ(U32(copies*B), pc)
		})
	}
	at := func(p reg.Register, i int) Mem { return Mem{Base: p, Disp: i * B} }

	// Least, greatest and sums, in the order of elements: -0 plus a number is that number, whatever its sign.
	lo := m.reg()
	func() {
		high, sw, sx := m.reg(), m.bits(1<<31), m.bits(1<<31)
		VMOVUPS(Mem{Base: x}, lo)
		VMOVUPS(lo, high)
		each("sums", 4, func(i int) {
			v, wx := m.reg(), m.reg()
			VMOVUPS(at(px, i), v)
			VMOVUPS(at(pw, i), wx)
			VMINPS(lo, v, lo)
			VMAXPS(high, v, high)
			VADDPS(wx, sw, sw)
			VMULPS(v, wx, wx)
			VADDPS(wx, sx, sx)
		})
		VMOVUPS(lo, xmin)
		VMINPS(lo, zero, lo)
		VMOVUPS(high, hi)
		VMOVUPS(sw, sumw)
		VMOVUPS(sx, sumx)
	}()

	strange := GP32()
	XORL(strange, strange)
	// invert divides the numerator by max-min, and notes the lanes where codes get so large that rounding by addition
	// fails.
	invert := func(numerator vec) vec {
		width, below, inverse := m.reg(), m.reg(), m.reg()
		VMOVUPS(hi, width)
		VSUBPS(lo, width, width)
		VDIVPS(width, numerator, inverse)
		VMOVUPS(xmin, below)
		VSUBPS(lo, below, below)
		VMULPS(inverse, width, width)
		VMULPS(inverse, below, below)
		magnitude := m.bits(1<<31 - 1)
		m.and(magnitude, width, width)
		m.and(magnitude, below, below)
		VADDPS(below, width, width)
		ORL(m.lanesOf(m.compare(notLess, width, m.float(4e6))), strange)
		return inverse
	}
	// code returns the code of element i, as a float.
	code := func(i int, inverse vec) vec {
		l := m.reg()
		VMOVUPS(at(px, i), l)
		VSUBPS(lo, l, l)
		VMULPS(l, inverse, l)
		VMAXPS(zero, l, l)
		VMINPS(n, l, l)
		VADDPS(round, l, l)
		VSUBPS(round, l, l)
		return l
	}
	// miss adds the error of element i, whose code is in diff, to e.
	miss := func(i int, diff, scale, min, e, magnitude vec) {
		VMULPS(diff, scale, diff)
		VADDPS(min, diff, diff)
		VSUBPS(at(px, i), diff, diff)
		if absolute {
			m.and(magnitude, diff, diff)
		} else {
			VMULPS(diff, diff, diff)
		}
		VMULPS(at(pw, i), diff, diff)
		VADDPS(diff, e, e)
	}
	magnitude := n
	if absolute {
		magnitude = m.bits(1<<31 - 1)
	}

	// The first scale is (max-min)/n.
	func() {
		inverse := invert(n)
		scale, e := m.float(1), m.zero()
		VDIVPS(inverse, scale, scale)
		each("first", 4, func(i int) { miss(i, code(i, inverse), scale, lo, e, magnitude) })
		VMOVUPS(e, best)
		VMOVUPS(scale, scaleSlot)
		VMOVUPS(inverse, winner)
		VMOVUPS(lo, from)
	}()

	Label("candidate")
	numerator := m.reg()
	VBROADCASTSS(Mem{Base: numerators}, numerator)
	inverse := invert(numerator)
	VMOVUPS(inverse, last)
	suml, suml2, sumxl := m.zero(), m.zero(), m.zero()
	each("try", 4, func(i int) {
		l := code(i, inverse)
		VMOVUPS(l, at(pc, i))
		wl, t := m.reg(), m.reg()
		VMULPS(at(pw, i), l, wl)
		VADDPS(wl, suml, suml)
		VMULPS(l, wl, t)
		VADDPS(t, suml2, suml2)
		VMULPS(at(px, i), wl, wl)
		VADDPS(wl, sumxl, sumxl)
	})
	det, t := m.reg(), m.reg()
	VMULPS(sumw, suml2, det)
	VMULPS(suml, suml, t)
	VSUBPS(t, det, det)
	positive := m.compare(greater, det, zero)
	scale, min := m.reg(), m.reg()
	VMULPS(sumw, sumxl, scale)
	VMULPS(sumx, suml, t)
	VSUBPS(t, scale, scale)
	VDIVPS(det, scale, scale)
	VMULPS(sumx, suml2, min)
	VMULPS(sumxl, suml, t)
	VSUBPS(t, min, min)
	VDIVPS(det, min, min)
	above := m.compare(greater, min, zero)
	any := m.lanesOf(above)
	TESTL(any, any)
	JZ(LabelRef("below"))
	m.pick(above, zero, min)
	VDIVPS(suml2, sumxl, t)
	m.pick(above, t, scale)
	Label("below")
	e := m.zero()
	each("miss", 4, func(i int) {
		diff := m.reg()
		VMOVUPS(at(pc, i), diff)
		miss(i, diff, scale, min, e, magnitude)
	})
	old := m.reg()
	VMOVUPS(best, old)
	wins := m.both(positive, m.compare(less, e, old))
	m.pick(wins, e, old)
	VMOVUPS(old, best)
	for _, s := range []struct {
		slot Mem
		then Op
	}{{scaleSlot, scale}, {winner, last}, {from, lo}} {
		VMOVUPS(s.slot, old)
		if m.wide() {
			m.pick(wins, s.then, old)
		} else {
			then := m.reg()
			VMOVUPS(s.then, then)
			m.pick(wins, then, old)
		}
		VMOVUPS(old, s.slot)
	}
	m.pick(wins, min, lo)
	ADDQ(U8(4), numerators)
	DECQ(count)
	JNZ(LabelRef("candidate"))

	// Groups without width have scale 0 and the first minimum.
	first := m.reg()
	VMOVUPS(xmin, first)
	VMINPS(first, zero, first)
	high := m.reg()
	VMOVUPS(hi, high)
	alive := m.compare(greater, high, first)
	out := m.zero()
	m.pick(alive, scaleSlot, out)
	VMOVUPS(out, scaleSlot)
	m.pick(alive, lo, first)
	VMOVUPS(first, Mem{Base: result, Disp: B})
	ANDL(m.lanesOf(alive), strange)
	Store(strange, ReturnIndex(0))
	done()
}
