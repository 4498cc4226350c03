package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// greatest16 writes the search for the greatest magnitude of each 16 elements.
func greatest16() {
	m := avx2
	m.text("Greatest16", "func(groups int, dst, x *float32)", "stores the greatest magnitude of each 16 elements.")
	groups := Load(Param("groups"), GP64())
	dst := Load(Param("dst"), GP64())
	x := Load(Param("x"), GP64())
	magnitude := m.bits(1<<31 - 1)
	Label("group")
	a, b := YMM(), YMM()
	VANDPS(Mem{Base: x}, magnitude, a)
	VANDPS(Mem{Base: x, Disp: 32}, magnitude, b)
	VMAXPS(b, a, a)
	upper := XMM()
	VEXTRACTF128(U8(1), a, upper)
	VMAXPS(upper, a.AsX(), upper)
	VPERMILPS(U8(0x4e), upper, b.AsX())
	VMAXPS(b.AsX(), upper, upper)
	VPERMILPS(U8(0xb1), upper, b.AsX())
	VMAXPS(b.AsX(), upper, upper)
	VMOVSS(upper, Mem{Base: dst})
	ADDQ(U8(64), x)
	ADDQ(U8(4), dst)
	DECQ(groups)
	JNZ(LabelRef("group"))
	done()
}

// bytes32 writes a function that makes 32 bytes from 32 elements at a time, with a number for each 16.
func bytes32(name string, doc []string, before func() func(number Mem, fresh bool, v vec)) {
	m := avx2
	m.text(name, "func(blocks int, dst *uint8, x, number *float32)", doc...)
	blocks := Load(Param("blocks"), GP64())
	dst := Load(Param("dst"), GP64())
	x := Load(Param("x"), GP64())
	number := Load(Param("number"), GP64())
	body := before()
	Label("block")
	var r [4]vec
	for i := range r {
		r[i] = m.reg()
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, r[i])
		body(Mem{Base: number, Disp: i / 2 * 4}, i%2 == 0, r[i])
	}
	VPACKSSDW(r[1], r[0], r[0])
	VPACKSSDW(r[3], r[2], r[2])
	VPACKSSWB(r[2], r[0], r[0])
	order := m.reg()
	VMOVDQU(order32(), order)
	VPERMD(r[0], order, r[0])
	VMOVDQU(r[0], Mem{Base: dst})
	ADDQ(U8(32), dst)
	ADDQ(U32(128), x)
	ADDQ(U8(8), number)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	done()
}

func fp4() {
	m := avx2
	bytes32("Codes2", []string{"sets 32·blocks codes of E2M1: that of the value nearest to x, where number is half the scale,",
		"for each 16 elements; of two as near, the one of less magnitude. A value of 0 has no sign."}, func() func(Mem, bool, vec) {
		same := func(name string, b uint32) Mem { return table(name, []uint32{b, b, b, b, b, b, b, b}) }
		sign, magnitude, eight := same("sign", 1<<31), same("magnitude", 1<<31-1), same("eight", 8)
		var limits [7]vec
		return func(number Mem, fresh bool, v vec) {
			if fresh {
				for i, middle := range []float64{0.5, 1.5, 2.5, 3.5, 5, 7, 10} {
					limits[i] = YMM()
					VBROADCASTSS(number, limits[i])
					VMULPS(m.float(middle), limits[i], limits[i])
				}
			}
			code, a, above := m.zero(), YMM(), YMM()
			VANDPS(magnitude, v, a)
			for i, l := range limits {
				VCMPPS(U8(greater), l, a, above)
				VPSUBD(above, code, code)
				if i == 0 { // the sign, where the code is above 0
					VANDPS(sign, v, v)
					VPSRLD(U8(28), v, v)
					VANDPS(eight, v, v)
					VANDPS(above, v, v)
				}
			}
			VPADDD(code, v, v)
		}
	})
	bytes32("RoundedCodes", []string{"sets 32·blocks bytes to x·number, rounded half away from zero, plus 1; number has an entry for",
		"each 16 elements."}, func() func(Mem, bool, vec) {
		sign, away, one := m.bits(1<<31), m.float(0.49999997), m.bits(1)
		return func(number Mem, _ bool, v vec) {
			n := YMM()
			VBROADCASTSS(number, n)
			VMULPS(n, v, v)
			VANDPS(sign, v, n)
			VORPS(away, n, n)
			VADDPS(n, v, v)
			VCVTTPS2DQ(v, v)
			VPADDD(one, v, v)
		}
	})
}
