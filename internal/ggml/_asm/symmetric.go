package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// symmetric writes fitSymmetric with a group of elements in each lane.
func symmetric(m machine) {
	m.text("Symmetric", "func(length int, x, w, products, numerators *float32, unclamped, above, both int, n float32, result *float32) (zeros uint32)",
		"is fitSymmetric for a group in each lane. Vector i of x and w has element i of every group; length",
		"is a multiple of 4. numerators are those of the inverse scales: of the first try, of those that make no code outside",
		"[-n, n-1], of those that make none below, and of the rest. result gets vectors of the scales, of the winner's inverse",
		"scales and of the sums of w. Groups of zeros are bits of zeros; what they get means nothing. products is room for",
		"length vectors.")
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	products := Load(Param("products"), GP64())
	numerators := Load(Param("numerators"), GP64())
	result := Load(Param("result"), GP64())

	B, R := m.bytes(), m.bytes()*side
	state := AllocLocal(4 * R)
	top := func(r int) Mem { return state.Offset(r * B) }
	scale := func(r int) Mem { return state.Offset(R + r*B) }
	best := func(r int) Mem { return state.Offset(2*R + r*B) }
	winner := func(r int) Mem { return state.Offset(3*R + r*B) }
	out := func(i, r int) Mem { return Mem{Base: result, Disp: i*R + r*B} }
	px, pw, pp, counter := GP64(), GP64(), GP64(), GP64()
	each := func(label string, body func(i, r int)) {
		const copies = 4
		MOVQ(x, px)
		MOVQ(w, pw)
		MOVQ(products, pp)
		Load(Param("length"), counter)
		unrolled(label, counter, copies, func(i int) {
			for r := range side {
				body(i, r)
			}
		}, func() {
			ADDQ(U32(copies*R), px)
			ADDQ(U32(copies*R), pw)
			ADDQ(U32(copies*R), pp)
		})
	}
	at := func(p reg.Register, i, r int) Mem { return Mem{Base: p, Disp: i*R + r*B} }

	// The first element of the greatest magnitude, the products w·x, and the sum of w.
	zeros := GP32()
	XORL(zeros, zeros)
	func() {
		var first, amax, sumw [side]vec
		for r := range side {
			first[r], amax[r], sumw[r] = m.zero(), m.zero(), m.zero()
		}
		magnitude, epsilon := m.bits(1<<31-1), m.float(1e-15)
		each("top", func(i, r int) {
			v, a := m.reg(), m.reg()
			VMOVUPS(at(px, i, r), v)
			m.and(magnitude, v, a)
			m.pick(m.compare(greater, a, amax[r]), v, first[r])
			VMAXPS(amax[r], a, amax[r])
			VMOVUPS(at(pw, i, r), a)
			VADDPS(a, sumw[r], sumw[r])
			VMULPS(v, a, a)
			VMOVUPS(a, at(pp, i, r))
		})
		for r := range side {
			VMOVUPS(first[r], top(r))
			VMOVUPS(sumw[r], out(2, r))
			bits := m.lanesOf(m.compare(less, amax[r], epsilon))
			if r > 0 {
				SHLL(U8(r*m.lanes), bits)
			}
			ORL(bits, zeros)
		}
	}()
	Store(zeros, ReturnIndex(0))

	n, hi := m.param("n"), m.reg()
	lo := m.zero()
	VSUBPS(n, lo, lo)
	VSUBPS(m.float(1), n, hi)

	// try sums for the next inverse scales.
	try := func(label string, clampLow, clampHigh bool) (inverse, sumlx, suml2 [side]vec) {
		for r := range side {
			inverse[r], sumlx[r], suml2[r] = m.reg(), m.zero(), m.zero()
			VBROADCASTSS(Mem{Base: numerators}, inverse[r])
			VDIVPS(top(r), inverse[r], inverse[r])
		}
		ADDQ(U8(4), numerators)
		each(label, func(i, r int) {
			l, wl := m.reg(), m.reg()
			VMULPS(at(px, i, r), inverse[r], l)
			if clampLow {
				VMAXPS(lo, l, l)
			}
			if clampHigh {
				VMINPS(hi, l, l)
			}
			m.round(l)
			VMULPS(at(pw, i, r), l, wl)
			VMULPS(l, wl, wl)
			VADDPS(wl, suml2[r], suml2[r])
			VMULPS(at(pp, i, r), l, l)
			VADDPS(l, sumlx[r], sumlx[r])
		})
		return inverse, sumlx, suml2
	}

	func() {
		inverse, sumlx, suml2 := try("first", false, true)
		for r := range side {
			s, t := m.zero(), m.reg()
			VMOVUPS(inverse[r], winner(r))
			some := m.compare(notEqual, suml2[r], s)
			VDIVPS(suml2[r], sumlx[r], t)
			m.pick(some, t, s)
			VMOVUPS(s, scale(r))
			VMULPS(sumlx[r], s, t)
			VMOVUPS(t, best(r))
		}
	}()
	for _, class := range []struct {
		param     string
		low, high bool
	}{{"unclamped", false, false}, {"above", false, true}, {"both", true, true}} {
		count := Load(Param(class.param), GP64())
		Label(class.param)
		inverse, sumlx, suml2 := try(class.param+"Try", class.low, class.high)
		for r := range side {
			t, square, zero := m.reg(), m.reg(), m.zero()
			positive := m.compare(greater, suml2[r], zero)
			VMULPS(best(r), suml2[r], t)
			VMULPS(sumlx[r], sumlx[r], square)
			wins := m.both(positive, m.compare(greater, square, t))
			replace := func(place Mem, then vec) {
				VMOVUPS(place, t)
				m.pick(wins, then, t)
				VMOVUPS(t, place)
			}
			replace(winner(r), inverse[r])
			VDIVPS(suml2[r], sumlx[r], square)
			replace(scale(r), square)
			VMULPS(sumlx[r], square, square)
			replace(best(r), square)
		}
		DECQ(count)
		JNZ(LabelRef(class.param))
	}
	for r := range side {
		t := m.reg()
		VMOVUPS(scale(r), t)
		VMOVUPS(t, out(0, r))
		VMOVUPS(winner(r), t)
		VMOVUPS(t, out(1, r))
	}
	done()
}
