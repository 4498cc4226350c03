package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// symmetric writes fitSymmetric with a group of elements in each lane.
func symmetric(m machine) {
	m.text("Symmetric", "func(length int, x, w, products, numerators *float32, count int, n float32, result *float32) (zeros uint32)",
		"is fitSymmetric for a group in each lane. Vector i of x and w has element i of every group; length",
		"is a multiple of 4. numerators are those of the inverse scales, that of the first try first. result gets vectors of",
		"the scales, of the winner's inverse scales and of the sums of w. Groups of zeros are bits of zeros; what they get means nothing.",
		"products is room for length vectors.")
	length := Load(Param("length"), GP64())
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	products := Load(Param("products"), GP64())
	numerators := Load(Param("numerators"), GP64())
	count := Load(Param("count"), GP64())
	result := Load(Param("result"), GP64())

	B := m.bytes()
	px, pw, pp, counter := GP64(), GP64(), GP64(), GP64()
	each := func(label string, copies int, body func(i int)) {
		MOVQ(x, px)
		MOVQ(w, pw)
		MOVQ(products, pp)
		MOVQ(length, counter)
		unrolled(label, counter, copies, body, func() {
			ADDQ(U32(copies*B), px)
			ADDQ(U32(copies*B), pw)
			ADDQ(U32(copies*B), pp)
		})
	}
	at := func(p reg.Register, i int) Mem { return Mem{Base: p, Disp: i * B} }

	// The first element of the greatest magnitude, the products w·x, and the sum of w.
	top := m.zero()
	alive := func() mask {
		amax, sumw := m.zero(), m.zero()
		magnitude := m.bits(1<<31 - 1)
		each("top", 4, func(i int) {
			v, a := m.reg(), m.reg()
			VMOVUPS(at(px, i), v)
			m.and(magnitude, v, a)
			m.pick(m.compare(greater, a, amax), v, top)
			VMAXPS(amax, a, amax)
			VMOVUPS(at(pw, i), a)
			VADDPS(a, sumw, sumw)
			VMULPS(v, a, a)
			VMOVUPS(a, at(pp, i))
		})
		VMOVUPS(sumw, Mem{Base: result, Disp: 2 * B})
		return m.compare(atLeast, amax, m.float(1e-15))
	}()
	zeros := m.lanesOf(alive)
	NOTL(zeros)
	Store(zeros, ReturnIndex(0))

	n, hi, round := m.param("n"), m.reg(), m.bits(roundBits)
	lo := m.zero()
	VSUBPS(n, lo, lo)
	VSUBPS(m.float(1), n, hi)
	scale, best, winner := m.zero(), m.zero(), m.zero()

	sums := func(label string, inverse vec) (sumlx, suml2 vec) {
		sumlx, suml2 = m.zero(), m.zero()
		each(label, 4, func(i int) {
			l, wl := m.reg(), m.reg()
			VMULPS(at(px, i), inverse, l)
			VMAXPS(lo, l, l)
			VMINPS(hi, l, l)
			VADDPS(round, l, l)
			VSUBPS(round, l, l)
			VMULPS(at(pw, i), l, wl)
			VMULPS(l, wl, wl)
			VADDPS(wl, suml2, suml2)
			VMULPS(at(pp, i), l, l)
			VADDPS(l, sumlx, sumlx)
		})
		return sumlx, suml2
	}
	next := func() vec {
		inverse := m.reg()
		VBROADCASTSS(Mem{Base: numerators}, inverse)
		ADDQ(U8(4), numerators)
		VDIVPS(top, inverse, inverse)
		return inverse
	}

	func() {
		inverse := next()
		sumlx, suml2 := sums("first", inverse)
		VMOVAPS(inverse, winner)
		some := m.compare(notEqual, suml2, m.zero())
		VDIVPS(suml2, sumlx, best)
		m.pick(some, best, scale)
		VMULPS(sumlx, scale, best)
	}()
	DECQ(count)
	Label("candidate")
	inverse := next()
	sumlx, suml2 := sums("try", inverse)
	positive := m.compare(greater, suml2, m.zero())
	t, square := m.reg(), m.reg()
	VMULPS(suml2, best, t)
	VMULPS(sumlx, sumlx, square)
	wins := m.both(positive, m.compare(greater, square, t))
	m.pick(wins, inverse, winner)
	VDIVPS(suml2, sumlx, t)
	m.pick(wins, t, scale)
	VMULPS(sumlx, t, t)
	m.pick(wins, t, best)
	DECQ(count)
	JNZ(LabelRef("candidate"))

	VMOVUPS(winner, Mem{Base: result, Disp: B})
	VMOVUPS(scale, Mem{Base: result})
	done()
}
