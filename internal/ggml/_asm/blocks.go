package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The blocks of 32 whose scale needs no search are written whole.

// block32 has what they share: the block's elements in v, and pointers that step on.
type block32 struct {
	machine
	x, dst reg.Register
	v      [4]vec
	order  vec
}

// blocks32 writes a function over blocks of 32, of size bytes each.
func blocks32(name, doc string, size int, body func(b *block32)) {
	m := avx2
	m.text(name, "func(blocks int, dst *uint8, x *float32)", doc)
	blocks := Load(Param("blocks"), GP64())
	b := &block32{machine: m, dst: Load(Param("dst"), GP64()), x: Load(Param("x"), GP64()), order: m.reg()}
	VMOVDQU(order32(), b.order)
	Label("block")
	for i := range b.v {
		b.v[i] = m.reg()
		VMOVUPS(Mem{Base: b.x, Disp: 32 * i}, b.v[i])
	}
	body(b)
	ADDQ(U32(128), b.x)
	ADDQ(U8(size), b.dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	done()
}

func (m machine) number(v float64) Mem { return m.memory(math.Float32bits(float32(v))) }

// across combines the lanes of four vectors to one number, in all lanes of an X register.
func across(v [4]vec, combine func(a, b, dst Op)) reg.VecVirtual {
	a, b := YMM(), YMM()
	combine(v[0], v[1], a)
	combine(v[2], v[3], b)
	combine(a, b, a)
	x, y := XMM(), XMM()
	VEXTRACTF128(U8(1), a, y)
	combine(a.AsX(), y, x)
	VPERMILPS(U8(0x4e), x, y)
	combine(x, y, x)
	VPERMILPS(U8(0xb1), x, y)
	combine(x, y, x)
	return x
}

// inverse returns 1/d in the lowest lane, and 0 where that is infinite: where d is 0 or too small.
func (b *block32) inverse(d vec) vec {
	id, finite := XMM(), XMM()
	VMOVSS(b.number(1), id)
	VDIVSS(d, id, id)
	VSUBSS(id, id, finite) // NaN if infinite
	VCMPSS(U8(ordered), finite, finite, finite)
	VANDPS(finite, id, id)
	return id
}

// half stores a float16.
func (b *block32) half(v reg.Register, at int) {
	h := XMM()
	VCVTPS2PH(U8(0), v, h)
	VPEXTRW(U8(0), h, Mem{Base: b.dst, Disp: at})
}

// pack makes bytes of four vectors of integers, in order.
func (b *block32) pack(v [4]vec, words, bytes func(a, b, dst Op)) vec {
	words(v[1], v[0], v[0])
	words(v[3], v[2], v[2])
	bytes(v[2], v[0], v[0])
	VPERMD(v[0], b.order, v[0])
	return v[0]
}

// nibbles stores 32 codes, their low nibbles at, and their fifth bits at fifth unless that is 0.
func (b *block32) nibbles(codes vec, at, fifth int) {
	if fifth > 0 {
		high, bits := YMM(), GP32()
		VPSLLW(U8(3), codes, high)
		VPMOVMSKB(high, bits)
		MOVL(bits, Mem{Base: b.dst, Disp: fifth})
		VPAND(b.bits(0x0f0f0f0f), codes, codes)
	}
	upper := XMM()
	VEXTRACTI128(U8(1), codes, upper)
	VPSLLW(U8(4), upper, upper)
	VPOR(codes.AsX(), upper, upper)
	VMOVDQU(upper, Mem{Base: b.dst, Disp: at})
}

// first returns the bit of the first element that equals the number, or minus it if ofMagnitude.
func (b *block32) first(number vec, ofMagnitude bool) reg.GPVirtual {
	var same [4]vec
	magnitude := b.bits(1<<31 - 1)
	for i := range same {
		same[i] = YMM()
		if ofMagnitude {
			VANDPS(magnitude, b.v[i], same[i])
			VCMPPS(U8(0), number, same[i], same[i])
		} else {
			VCMPPS(U8(0), number, b.v[i], same[i])
		}
	}
	bits := GP32()
	VPMOVMSKB(b.pack(same, func(a, b, dst Op) { VPACKSSDW(a, b, dst) }, func(a, b, dst Op) { VPACKSSWB(a, b, dst) }), bits)
	TZCNTL(bits, bits)
	return bits
}

func q8_0() {
	blocks32("Q8_0", "is encodeQ8_0 for blocks one after the other.", 34, func(b *block32) {
		magnitude := b.bits(1<<31 - 1)
		var a [4]vec
		for i := range a {
			a[i] = YMM()
			VANDPS(magnitude, b.v[i], a[i])
		}
		d := across(a, func(a, b, dst Op) { VMAXPS(a, b, dst) })
		VDIVSS(b.number(127), d, d)
		b.half(d, 0)
		id := YMM()
		VBROADCASTSS(b.inverse(d), id)
		sign, away := b.bits(1<<31), b.float(0.49999997)
		for i, v := range b.v {
			VMULPS(id, v, v)
			VANDPS(sign, v, a[i])
			VORPS(away, a[i], a[i])
			VADDPS(a[i], v, v)
			VCVTTPS2DQ(v, v)
		}
		VMOVDQU(b.pack(b.v, func(a, b, dst Op) { VPACKSSDW(a, b, dst) }, func(a, b, dst Op) { VPACKSSWB(a, b, dst) }), Mem{Base: b.dst, Disp: 2})
	})
}

// signed writes Q4_0 and Q5_0: codes up to 2n-1.
func signed(name string, n float64) {
	size, qs, fifth := 18, 2, 0
	if n == 16 {
		size, qs, fifth = 22, 6, 2
	}
	blocks32(name, "is encode"+name+" for blocks one after the other, without importance.", size, func(b *block32) {
		magnitude := b.bits(1<<31 - 1)
		var a [4]vec
		for i := range a {
			a[i] = YMM()
			VANDPS(magnitude, b.v[i], a[i])
		}
		top := across(a, func(a, b, dst Op) { VMAXPS(a, b, dst) })
		all := YMM()
		VBROADCASTSS(top, all)
		index := b.first(all, true)
		d, some := XMM(), XMM()
		VXORPS(some, some, some)
		VCMPSS(U8(notEqual), some, top, some)
		VMOVSS(Mem{Base: b.x, Index: index.As64(), Scale: 4}, d)
		VANDPS(some, d, d) // a block of zeros counts as +0
		VDIVSS(b.number(-n), d, d)
		b.half(d, 0)
		id := YMM()
		one := b.inverse(d)
		VBROADCASTSS(one, id)
		half := b.float(n + 0.5)
		for _, v := range b.v {
			VMULPS(id, v, v)
			VADDPS(half, v, v)
			VCVTTPS2DQ(v, v)
		}
		codes := b.pack(b.v, func(a, b, dst Op) { VPACKUSDW(a, b, dst) }, func(a, b, dst Op) { VPACKUSWB(a, b, dst) })
		VPMINUB(b.bits(uint32(2*n-1)*0x01010101), codes, codes)
		// A scale that is so small that its inverse is infinite has codes 0, not n.
		zero := XMM()
		VXORPS(zero, zero, zero)
		VUCOMISS(zero, one)
		JNE(LabelRef("store"))
		VUCOMISS(zero, d)
		JE(LabelRef("store"))
		VPXOR(codes, codes, codes)
		Label("store")
		b.nibbles(codes, qs, fifth)
	})
}

// affine32 writes Q4_1 and Q5_1: codes up to n.
func affine32(name string, n float64) {
	size, qs, fifth := 20, 4, 0
	if n == 31 {
		size, qs, fifth = 24, 8, 4
	}
	blocks32(name, "is encode"+name+" for blocks one after the other, without importance.", size, func(b *block32) {
		lo := across(b.v, func(a, b, dst Op) { VMINPS(a, b, dst) })
		d := across(b.v, func(a, b, dst Op) { VMAXPS(a, b, dst) })
		VSUBSS(lo, d, d)
		VDIVSS(b.number(n), d, d)
		b.half(d, 0)
		// Of zeros of both signs the first counts.
		all, zero := YMM(), XMM()
		VBROADCASTSS(lo, all)
		VXORPS(zero, zero, zero)
		VUCOMISS(zero, lo)
		JNE(LabelRef("least"))
		index := b.first(all, false)
		VBROADCASTSS(Mem{Base: b.x, Index: index.As64(), Scale: 4}, all)
		Label("least")
		b.half(all.AsX(), 2)
		id := YMM()
		VBROADCASTSS(b.inverse(d), id)
		half := b.float(0.5)
		for _, v := range b.v {
			VSUBPS(all, v, v)
			VMULPS(id, v, v)
			VADDPS(half, v, v)
			VCVTTPS2DQ(v, v)
		}
		codes := b.pack(b.v, func(a, b, dst Op) { VPACKUSDW(a, b, dst) }, func(a, b, dst Op) { VPACKUSWB(a, b, dst) })
		VPMINUB(b.bits(uint32(n)*0x01010101), codes, codes)
		b.nibbles(codes, qs, fifth)
	})
}
