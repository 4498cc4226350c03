package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sweeps writes fitSymmetricSweeps with a group of elements in each lane. Lanes that change nothing in a sweep keep
// their sums and codes in the next, so they need no mask; the sweeps end when no lane changes.
func sweeps(m machine) {
	m.text("Sweeps", "func(length int, x, w, codes *float32, n float32, result *float32) (zeros uint32)",
		"is fitSymmetricSweeps for a group in each lane. Vector i of x and of the weights w = x² has element i",
		"of every group. result gets a vector of scales. Groups of zeros are bits of zeros; what they get means nothing. codes",
		"is room for length vectors.")
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	codes := Load(Param("codes"), GP64())
	result := Load(Param("result"), GP64())
	B, R := m.bytes(), m.bytes()*side
	px, pw, pc, counter := GP64(), GP64(), GP64(), GP64()
	each := func(label string, body func(i, r int)) {
		MOVQ(x, px)
		MOVQ(w, pw)
		MOVQ(codes, pc)
		Load(Param("length"), counter)
		unrolled(label, counter, 1, func(i int) {
			for r := range side {
				body(i, r)
			}
		}, func() {
			ADDQ(U32(R), px)
			ADDQ(U32(R), pw)
			ADDQ(U32(R), pc)
		})
	}
	at := func(p reg.Register, i, r int) Mem { return Mem{Base: p, Disp: i*R + r*B} }

	zeros := GP32()
	XORL(zeros, zeros)
	var inverse, sumlx, suml2 [side]vec
	func() {
		var top, amax [side]vec
		for r := range side {
			top[r], amax[r] = m.zero(), m.zero()
		}
		magnitude, epsilon, n := m.bits(1<<31-1), m.float(1e-15), m.zero()
		VSUBPS(m.param("n"), n, n)
		each("top", func(i, r int) {
			v, a := m.reg(), m.reg()
			VMOVUPS(at(px, i, r), v)
			m.and(magnitude, v, a)
			m.pick(m.compare(greater, a, amax[r]), v, top[r])
			VMAXPS(amax[r], a, amax[r])
		})
		for r := range side {
			inverse[r] = m.reg()
			VDIVPS(top[r], n, inverse[r])
			bits := m.lanesOf(m.compare(less, amax[r], epsilon))
			if r > 0 {
				SHLL(U8(r*m.lanes), bits)
			}
			ORL(bits, zeros)
		}
	}()
	Store(zeros, ReturnIndex(0))

	hi, lo := m.reg(), m.zero()
	func() {
		n := m.param("n")
		VSUBPS(n, lo, lo)
		VSUBPS(m.float(1), n, hi)
	}()
	clamp := func(l vec) {
		VMAXPS(lo, l, l)
		VMINPS(hi, l, l)
		m.round(l)
	}
	for r := range side {
		sumlx[r], suml2[r] = m.zero(), m.zero()
	}
	each("start", func(i, r int) {
		l, t := m.reg(), m.reg()
		VMULPS(at(px, i, r), inverse[r], l)
		clamp(l)
		VMOVUPS(l, at(pc, i, r))
		VMOVUPS(at(pw, i, r), t)
		VMULPS(at(px, i, r), t, t)
		VMULPS(l, t, t)
		VADDPS(t, sumlx[r], sumlx[r])
		VMULPS(at(pw, i, r), l, t)
		VMULPS(l, t, t)
		VADDPS(t, suml2[r], suml2[r])
	})

	sweep, changed := GP64(), GP32()
	MOVQ(U32(5), sweep)
	Label("sweep")
	XORL(changed, changed)
	each("change", func(i, r int) {
		old, wx, slx, sl2, l, t := m.reg(), m.reg(), m.reg(), m.reg(), m.reg(), m.reg()
		VMOVUPS(at(pc, i, r), old)
		VMOVUPS(at(pw, i, r), wx)
		VMULPS(at(px, i, r), wx, wx)
		VMULPS(old, wx, t)
		VSUBPS(t, sumlx[r], slx)
		ok := m.compare(greater, slx, m.zero())
		VMULPS(at(pw, i, r), old, t)
		VMULPS(old, t, t)
		VSUBPS(t, suml2[r], sl2)
		// The quotient may be of any size: nearest as it is defined, on bits, clamped as integers.
		VMULPS(at(px, i, r), sl2, l)
		VDIVPS(slx, l, l)
		VADDPS(m.bits(roundBits), l, l)
		m.and(m.bits(1<<23-1), l, l)
		VPSUBD(m.bits(1<<22), l, l)
		VCVTDQ2PS(l, l)
		VMAXPS(lo, l, l)
		VMINPS(hi, l, l)
		ok = m.both(ok, m.compare(notEqual, l, old))
		VMULPS(l, wx, wx)
		VADDPS(wx, slx, slx)
		VMULPS(at(pw, i, r), l, t)
		VMULPS(l, t, t)
		VADDPS(t, sl2, sl2)
		ok = m.both(ok, m.compare(greater, sl2, m.zero()))
		VMULPS(slx, slx, t)
		VMULPS(suml2[r], t, t)
		VMULPS(sumlx[r], sumlx[r], wx)
		VMULPS(sl2, wx, wx)
		ok = m.both(ok, m.compare(greater, t, wx))
		m.pick(ok, l, old)
		VMOVUPS(old, at(pc, i, r))
		m.pick(ok, slx, sumlx[r])
		m.pick(ok, sl2, suml2[r])
		ORL(m.lanesOf(ok), changed)
	})
	TESTL(changed, changed)
	JZ(LabelRef("done"))
	DECQ(sweep)
	JNZ(LabelRef("sweep"))
	Label("done")
	for r := range side {
		scale, t := m.zero(), m.reg()
		some := m.compare(greater, suml2[r], scale)
		VDIVPS(suml2[r], sumlx[r], t)
		m.pick(some, t, scale)
		VMOVUPS(scale, Mem{Base: result, Disp: r * B})
	}
	done()
}
