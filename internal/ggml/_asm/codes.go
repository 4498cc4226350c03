package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// codes writes the function that makes codes in the order of elements, 32 at a time.
func codes(name, what string, step func(number Mem, v vec)) {
	m := avx2
	m.text(name, "func(blocks int, dst *uint8, x, add, number *float32, lo, hi float32) (reach float32)",
		"sets 32·blocks codes to "+what+", rounded half to even and clamped to [lo, hi],",
		"minus lo, which is even. add and number have an entry for each 16 elements. reach is the greatest magnitude before",
		"the clamp: beyond 4e6 the codes mean nothing.")
	blocks := Load(Param("blocks"), GP64())
	dst := Load(Param("dst"), GP64())
	x := Load(Param("x"), GP64())
	add := Load(Param("add"), GP64())
	number := Load(Param("number"), GP64())
	lo, hi, round := m.param("lo"), m.param("hi"), m.bits(roundBits)
	VSUBPS(lo, round, round)
	magnitude, low, reach, order := m.bits(1<<31-1), m.bits(0xff), m.zero(), m.reg()
	VMOVDQU(order32(), order)
	Label("block")
	var r [4]vec
	for i := range r {
		entry := i / 2 * 4
		r[i] = m.reg()
		VBROADCASTSS(Mem{Base: add, Disp: entry}, r[i])
		VADDPS(Mem{Base: x, Disp: 32 * i}, r[i], r[i])
		step(Mem{Base: number, Disp: entry}, r[i])
		a := m.reg()
		m.and(magnitude, r[i], a)
		VMAXPS(reach, a, reach)
		VMAXPS(lo, r[i], r[i])
		VMINPS(hi, r[i], r[i])
		VADDPS(round, r[i], r[i])
		m.and(low, r[i], r[i])
	}
	VPACKUSDW(r[1], r[0], r[0])
	VPACKUSDW(r[3], r[2], r[2])
	VPACKUSWB(r[2], r[0], r[0])
	VPERMD(r[0], order, r[0])
	VMOVDQU(r[0], Mem{Base: dst})
	ADDQ(U8(32), dst)
	ADDQ(U32(128), x)
	ADDQ(U8(8), add)
	ADDQ(U8(8), number)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	upper := XMM()
	VEXTRACTF128(U8(1), reach, upper)
	VMAXPS(upper, reach.AsX(), upper)
	other := XMM()
	VMOVHLPS(upper, upper, other)
	VMAXPS(other, upper, upper)
	VMOVSHDUP(upper, other)
	VMAXSS(other, upper, upper)
	Store(upper, ReturnIndex(0))
	done()
}

var order32Data Mem

// order32 undoes the order in which packing interleaves the halves of four vectors.
func order32() Mem {
	if order32Data.Symbol.Name == "" {
		order32Data = GLOBL("order32", RODATA|NOPTR)
		for i, n := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
			DATA(4*i, U32(n))
		}
	}
	return order32Data
}
