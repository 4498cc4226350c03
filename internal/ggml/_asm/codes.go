package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

const roundBits = 0x4b400000 // 1.5·2^23

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

// greatestBits writes the search for NaN and infinities.
func greatestBits() {
	m := avx2
	m.text("GreatestBits", "func(n int, x *float32) uint32",
		"returns the greatest of n floats, a multiple of 32, as bits without the sign: from 0x7f800000 on some are not finite.")
	n := Load(Param("n"), GP64())
	x := Load(Param("x"), GP64())
	magnitude := m.bits(1<<31 - 1)
	var top [4]vec
	for i := range top {
		top[i] = m.zero()
	}
	Label("next")
	for i := range top {
		v := m.reg()
		VPAND(Mem{Base: x, Disp: 32 * i}, magnitude, v)
		VPMAXUD(v, top[i], top[i])
	}
	ADDQ(U32(128), x)
	SUBQ(U8(32), n)
	JNZ(LabelRef("next"))
	VPMAXUD(top[1], top[0], top[0])
	VPMAXUD(top[3], top[2], top[2])
	VPMAXUD(top[2], top[0], top[0])
	upper := XMM()
	VEXTRACTI128(U8(1), top[0], upper)
	VPMAXUD(upper, top[0].AsX(), upper)
	other := XMM()
	VPSHUFD(U8(0x4e), upper, other)
	VPMAXUD(other, upper, upper)
	VPSHUFD(U8(0xb1), upper, other)
	VPMAXUD(other, upper, upper)
	r := GP32()
	VMOVD(upper, r)
	Store(r, ReturnIndex(0))
	done()
}
