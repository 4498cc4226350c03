package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func broadcast(param string) vec {
	p, _ := Param(param).Resolve()
	r := YMM()
	VBROADCASTSS(p.Addr, r)
	return r
}

func constant(name string, value uint32) vec {
	r := YMM()
	VBROADCASTSS(ConstData(name, U32(value)), r)
	return r
}

// quantize writes the codes of 8 floats at a time; see kernel.code.
func quantize() {
	TEXT("avx2Quantize", NOSPLIT, "func(n int, dst *uint8, src *float32, scale float32, zero, lo, hi int32)")
	Doc("avx2Quantize stores the lower bytes of codes, for n floats, a multiple of 8. |zero| is at most 2^21.")
	Pragma("noescape")
	n := Load(Param("n"), GP64())
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	scale, zero, lo, hi := broadcast("scale"), broadcast("zero"), broadcast("lo"), broadcast("hi")
	far, negative, round := constant("far", math.Float32bits(1<<20)), constant("negative", math.Float32bits(-1<<20)), constant("round", math.Float32bits(3<<22))
	bytes := YMM()
	VBROADCASTI128(lowBytes(), bytes)
	i := GP64()
	XORQ(i, i)
	Label("next")
	q, ordered := YMM(), YMM()
	VMOVUPS(Mem{Base: src, Index: i, Scale: 4}, q)
	VDIVPS(scale, q, q)
	VCMPPS(U8(7), q, q, ordered)
	VANDPS(ordered, q, q)
	VMINPS(far, q, q)
	VMAXPS(negative, q, q)
	VADDPS(round, q, q)
	VSUBPS(round, q, q)
	VCVTPS2DQ(q, q)
	VPADDD(zero, q, q)
	VPMAXSD(lo, q, q)
	VPMINSD(hi, q, q)
	VPSHUFB(bytes, q, q)
	upper := XMM()
	VEXTRACTI128(U8(1), q, upper)
	VPUNPCKLDQ(upper, q.AsX(), upper)
	VMOVQ(upper, Mem{Base: dst, Index: i, Scale: 1})
	ADDQ(U8(8), i)
	CMPQ(i, n)
	JL(LabelRef("next"))
	VZEROUPPER()
	RET()
}

// lowBytes gathers the lower bytes of four numbers.
func lowBytes() Mem {
	m := GLOBL("lowBytes", RODATA|NOPTR)
	for i, b := range []uint8{0, 4, 8, 12, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128} {
		DATA(i, U8(b))
	}
	return m
}

// dequantize writes (code - zero) · scale for 8 codes at a time.
func dequantize(name string, widen func(m, r Op)) {
	TEXT(name, NOSPLIT, "func(n int, dst *float32, src *uint8, scale float32, zero int32)")
	Doc(name + " stores (code - zero) · scale, for n codes, a multiple of 8. |zero| is at most 2^21.")
	Pragma("noescape")
	n := Load(Param("n"), GP64())
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	scale, zero := broadcast("scale"), broadcast("zero")
	i := GP64()
	XORQ(i, i)
	Label("next")
	q := YMM()
	widen(Mem{Base: src, Index: i, Scale: 1}, q)
	VPSUBD(zero, q, q)
	VCVTDQ2PS(q, q)
	VMULPS(scale, q, q)
	VMOVUPS(q, Mem{Base: dst, Index: i, Scale: 4})
	ADDQ(U8(8), i)
	CMPQ(i, n)
	JL(LabelRef("next"))
	VZEROUPPER()
	RET()
}

func codes() {
	quantize()
	dequantize("avx2DequantizeInt8", func(m, r Op) { VPMOVSXBD(m, r) })
	dequantize("avx2DequantizeUint8", func(m, r Op) { VPMOVZXBD(m, r) })
}
