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

// lowBytesAgain is what lowBytes made.
var lowBytesAgain Mem

// lowBytes gathers the lower bytes of four numbers.
func lowBytes() Mem {
	m := GLOBL("lowBytes", RODATA|NOPTR)
	defer func() { lowBytesAgain = m }()
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

// float8 writes the codes of 8 floats at a time; see kernel.Float8E4M3Bits.
func float8() {
	TEXT("avx2Float8E4M3", NOSPLIT, "func(n int, dst *uint8, src *float32, scale float32)")
	Doc("avx2Float8E4M3 stores the 8-bit floats of src / scale, for n floats, a multiple of 8.")
	Pragma("noescape")
	n := Load(Param("n"), GP64())
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	scale := broadcast("scale")
	magnitude, sign := constant("float8magnitude", 0x7fffffff), constant("float8sign", 0x80)
	magic, half := constant("float8magic", 0x46800000), constant("float8half", 0x7ffff)
	bias, least := constant("float8bias", (127-7)<<3), constant("float8least", 0x3c800000-1)
	top, most := constant("float8top", 0x43e00000-1), constant("float8most", 0x7e)
	infinite := constant("float8infinite", 0x7f800000)
	lower := YMM()
	VBROADCASTI128(lowBytesAgain, lower)
	i := GP64()
	XORQ(i, i)
	Label("next")
	q, b, small := YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: src, Index: i, Scale: 4}, q)
	VDIVPS(scale, q, q)
	VPAND(magnitude, q, b)
	VPSRLD(U8(24), q, q)
	VPAND(sign, q, q)
	VADDPS(magic, b, small)
	VPSUBD(magic, small, small)
	r, where := YMM(), YMM()
	VPSLLD(U8(11), b, r)
	VPSRLD(U8(31), r, r)
	VPADDD(half, r, r)
	VPADDD(b, r, r)
	VPSRLD(U8(20), r, r)
	VPSUBD(bias, r, r)
	VPCMPGTD(least, b, where)
	VPBLENDVB(where, r, small, r)
	VPCMPGTD(top, b, where)
	VPBLENDVB(where, most, r, r)
	VPCMPGTD(infinite, b, where)
	VPSRLD(U8(31), where, where)
	VPADDD(where, r, r) // of NaN one more than the greatest
	VPOR(q, r, r)
	VPSHUFB(lower, r, r)
	upper := XMM()
	VEXTRACTI128(U8(1), r, upper)
	VPUNPCKLDQ(upper, r.AsX(), upper)
	VMOVQ(upper, Mem{Base: dst, Index: i, Scale: 1})
	ADDQ(U8(8), i)
	CMPQ(i, n)
	JL(LabelRef("next"))
	VZEROUPPER()
	RET()
}

func codes() {
	quantize()
	float8()
	dequantize("avx2DequantizeInt8", func(m, r Op) { VPMOVSXBD(m, r) })
	dequantize("avx2DequantizeUint8", func(m, r Op) { VPMOVZXBD(m, r) })
}
