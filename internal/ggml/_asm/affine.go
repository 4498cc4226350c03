package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// affine writes fitAffine with a group of elements in each lane.
func affine(m machine, absolute bool) {
	name := "Affine"
	if absolute {
		name = "AffineAbsolute"
	}
	m.text(name, "func(length int, x, w, codes, numerators *float32, below, above int, n float32, result *float32) (strange uint32)",
		"is fitAffine for a group in each lane. Vector i of x and w has element i of every group;",
		"length is a multiple of 4. numerators are those of the inverse scales, first those below n+0.5, which make no code above n. result gets vectors of the scales, of the",
		"least values, and of the inverse scales and the least values that the codes come from. Lanes whose numbers are too strange for this are bits of",
		"strange. codes is room for length vectors.")
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	codes := Load(Param("codes"), GP64())
	numerators := Load(Param("numerators"), GP64())
	result := Load(Param("result"), GP64())

	B, R := m.bytes(), m.bytes()*side
	state := AllocLocal(6*R + 8)
	count := state.Offset(6 * R)
	slot := func(i, r int) Mem { return state.Offset(i*R + r*B) }
	hi := func(r int) Mem { return slot(0, r) }
	sumw := func(r int) Mem { return slot(1, r) }
	sumx := func(r int) Mem { return slot(2, r) }
	best := func(r int) Mem { return slot(3, r) }
	xmin := func(r int) Mem { return slot(4, r) }
	last := func(r int) Mem { return slot(5, r) }
	out := func(i, r int) Mem { return Mem{Base: result, Disp: i*R + r*B} }

	px, pw, pc, counter := GP64(), GP64(), GP64(), GP64()
	each := func(label string, body func(i, r int)) {
		const copies = 4
		MOVQ(x, px)
		MOVQ(w, pw)
		MOVQ(codes, pc)
		Load(Param("length"), counter)
		unrolled(label, counter, copies, func(i int) {
			for r := range side {
				body(i, r)
			}
		}, func() {
			ADDQ(U32(copies*R), px)
			ADDQ(U32(copies*R), pw)
			ADDQ(U32(copies*R), pc)
		})
	}
	at := func(p reg.Register, i, r int) Mem { return Mem{Base: p, Disp: i*R + r*B} }

	// Least, greatest and sums, in the order of elements: -0 plus a number is that number, whatever its sign.
	var lo [side]vec
	func() {
		var high, sw, sx [side]vec
		for r := range side {
			lo[r], high[r], sw[r], sx[r] = m.reg(), m.reg(), m.bits(1<<31), m.bits(1<<31)
			VMOVUPS(at(x, 0, r), lo[r])
			VMOVUPS(lo[r], high[r])
		}
		each("sums", func(i, r int) {
			v, wx := m.reg(), m.reg()
			VMOVUPS(at(px, i, r), v)
			VMOVUPS(at(pw, i, r), wx)
			VMINPS(lo[r], v, lo[r])
			VMAXPS(high[r], v, high[r])
			VADDPS(wx, sw[r], sw[r])
			VMULPS(v, wx, wx)
			VADDPS(wx, sx[r], sx[r])
		})
		for r := range side {
			VMOVUPS(lo[r], xmin(r))
			VMINPS(lo[r], m.zero(), lo[r])
			VMOVUPS(high[r], hi(r))
			VMOVUPS(sw[r], sumw(r))
			VMOVUPS(sx[r], sumx(r))
		}
	}()

	strange := GP32()
	XORL(strange, strange)
	// invert divides the numerator by max-min, and notes the lanes where codes get so large that rounding by addition
	// fails.
	invert := func(numerator vec, r int) vec {
		width, below, inverse := m.reg(), m.reg(), m.reg()
		VMOVUPS(hi(r), width)
		VSUBPS(lo[r], width, width)
		VDIVPS(width, numerator, inverse)
		VMOVUPS(xmin(r), below)
		VSUBPS(lo[r], below, below)
		VMULPS(inverse, width, width)
		VMULPS(inverse, below, below)
		magnitude := m.bits(1<<31 - 1)
		m.and(magnitude, width, width)
		m.and(magnitude, below, below)
		VADDPS(below, width, width)
		bits := m.lanesOf(m.compare(notLess, width, m.float(4e6)))
		ORL(m.lanesOf(m.compare(notLess, lo[r], hi(r))), bits)
		if r > 0 {
			SHLL(U8(r*m.lanes), bits)
		}
		ORL(bits, strange)
		return inverse
	}
	// Constants are loaded where they are needed, for want of registers.
	var n, zero, magnitude vec
	load := func() {
		n, zero = m.param("n"), m.zero()
		if absolute {
			magnitude = m.bits(1<<31 - 1)
		}
	}
	// code returns the code of element i, as a float.
	code := func(i, r int, inverse vec, clamp bool) vec {
		l := m.reg()
		VMOVUPS(at(px, i, r), l)
		VSUBPS(lo[r], l, l)
		VMULPS(l, inverse, l)
		VMAXPS(zero, l, l)
		if clamp {
			VMINPS(n, l, l)
		}
		m.round(l)
		return l
	}
	// miss adds the error of element i, whose code is in diff, to e.
	miss := func(i, r int, diff, scale, min, e vec) {
		VMULPS(diff, scale, diff)
		VADDPS(min, diff, diff)
		VSUBPS(at(px, i, r), diff, diff)
		if absolute {
			m.and(magnitude, diff, diff)
		} else {
			VMULPS(diff, diff, diff)
		}
		VMULPS(at(pw, i, r), diff, diff)
		VADDPS(diff, e, e)
	}
	// The first scale is (max-min)/n.
	func() {
		var inverse, scale, e [side]vec
		for r := range side {
			inverse[r] = invert(m.param("n"), r)
			scale[r], e[r] = m.float(1), m.zero()
			VDIVPS(inverse[r], scale[r], scale[r])
			VMOVUPS(scale[r], out(0, r))
			VMOVUPS(inverse[r], out(2, r))
			VMOVUPS(lo[r], out(3, r))
		}
		load()
		each("first", func(i, r int) { miss(i, r, code(i, r, inverse[r], false), scale[r], lo[r], e[r]) })
		for r := range side {
			VMOVUPS(e[r], best(r))
		}
	}()

	for clamp, class := range []string{"below", "above"} {
		clamp := clamp == 1
		MOVQ(Load(Param(class), GP64()), count)
		Label(class)
		var scale, min [side]vec
		var positive [side]mask
		func() {
			var inverse, suml, suml2, sumxl [side]vec
			for r := range side {
				numerator := m.reg()
				VBROADCASTSS(Mem{Base: numerators}, numerator)
				inverse[r] = invert(numerator, r)
				VMOVUPS(inverse[r], last(r))
				suml[r], suml2[r], sumxl[r] = m.zero(), m.zero(), m.zero()
			}
			load()
			each(class+"Try", func(i, r int) {
				l := code(i, r, inverse[r], clamp)
				VMOVUPS(l, at(pc, i, r))
				wl := m.reg()
				VMULPS(at(pw, i, r), l, wl)
				VADDPS(wl, suml[r], suml[r])
				VMULPS(wl, l, l)
				VADDPS(l, suml2[r], suml2[r])
				VMULPS(at(px, i, r), wl, wl)
				VADDPS(wl, sumxl[r], sumxl[r])
			})
			for r := range side {
				det, t := m.reg(), m.reg()
				VMULPS(sumw(r), suml2[r], det)
				VMULPS(suml[r], suml[r], t)
				VSUBPS(t, det, det)
				zero = m.zero()
				positive[r] = m.compare(greater, det, zero)
				scale[r], min[r] = m.reg(), m.reg()
				VMULPS(sumw(r), sumxl[r], scale[r])
				VMULPS(sumx(r), suml[r], t)
				VSUBPS(t, scale[r], scale[r])
				VDIVPS(det, scale[r], scale[r])
				VMULPS(sumx(r), suml2[r], min[r])
				VMULPS(sumxl[r], suml[r], t)
				VSUBPS(t, min[r], min[r])
				VDIVPS(det, min[r], min[r])
				above := m.compare(greater, min[r], zero)
				any := m.lanesOf(above)
				TESTL(any, any)
				below := fmt.Sprintf("%sMin%d", class, r)
				JZ(LabelRef(below))
				m.pick(above, zero, min[r])
				VDIVPS(suml2[r], sumxl[r], t)
				m.pick(above, t, scale[r])
				Label(below)
			}
		}()
		var e [side]vec
		for r := range side {
			e[r] = m.zero()
		}
		load()
		each(class+"Miss", func(i, r int) {
			diff := m.reg()
			VMOVUPS(at(pc, i, r), diff)
			miss(i, r, diff, scale[r], min[r], e[r])
		})
		for r := range side {
			old := m.reg()
			VMOVUPS(best(r), old)
			wins := m.both(positive[r], m.compare(less, e[r], old))
			m.pick(wins, e[r], old)
			VMOVUPS(old, best(r))
			replace := func(place Mem, then vec) {
				VMOVUPS(place, old)
				m.pick(wins, then, old)
				VMOVUPS(old, place)
			}
			replace(out(0, r), scale[r])
			replace(out(3, r), lo[r])
			VMOVUPS(last(r), e[r])
			replace(out(2, r), e[r])
			m.pick(wins, min[r], lo[r])
		}
		ADDQ(U8(4), numerators)
		DECQ(count)
		JNZ(LabelRef(class))
	}

	// Groups without width have scale 0 and the first minimum.
	some := GP32()
	XORL(some, some)
	for r := range side {
		first, high, t := m.reg(), m.reg(), m.zero()
		VMOVUPS(xmin(r), first)
		VMINPS(first, m.zero(), first)
		VMOVUPS(hi(r), high)
		alive := m.compare(greater, high, first)
		VMOVUPS(out(0, r), high)
		m.pick(alive, high, t)
		VMOVUPS(t, out(0, r))
		m.pick(alive, lo[r], first)
		VMOVUPS(first, out(1, r))
		bits := m.lanesOf(alive)
		if r > 0 {
			SHLL(U8(r*m.lanes), bits)
		}
		ORL(bits, some)
	}
	ANDL(some, strange)
	Store(strange, ReturnIndex(0))
	done()
}
