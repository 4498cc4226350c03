package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// convert writes a function over n numbers, a multiple of 16.
func convert(name, doc, signature, src, dst string, body func(from, to Mem), from, to int) {
	avx2.text(name, signature, doc+" n is a multiple of 16.")
	n := Load(Param("n"), GP64())
	s := Load(Param(src), GP64())
	d := Load(Param(dst), GP64())
	Label("next")
	for i := range 2 {
		body(Mem{Base: s, Disp: 8 * from * i}, Mem{Base: d, Disp: 8 * to * i})
	}
	ADDQ(U8(16*from), s)
	ADDQ(U8(16*to), d)
	SUBQ(U8(16), n)
	JNZ(LabelRef("next"))
	done()
}

func halves() {
	m := avx2
	convert("FromF16", "widens float16 numbers.", "func(n int, dst *float32, src *uint8)", "src", "dst", func(from, to Mem) {
		v := YMM()
		VCVTPH2PS(from, v)
		VMOVUPS(v, to)
	}, 2, 4)
	convert("FromBF16", "widens bfloat16 numbers.", "func(n int, dst *float32, src *uint8)", "src", "dst", func(from, to Mem) {
		v := YMM()
		VPMOVZXWD(from, v)
		VPSLLD(U8(16), v, v)
		VMOVUPS(v, to)
	}, 2, 4)
	convert("ToF16", "rounds to float16, half to even.", "func(n int, dst *uint8, src *float32)", "src", "dst", func(from, to Mem) {
		v := YMM()
		VMOVUPS(from, v)
		VCVTPS2PH(U8(0), v, to)
	}, 4, 2)
	convert("ToBF16", "rounds finite numbers to bfloat16, half to even.", "func(n int, dst *uint8, src *float32)", "src", "dst", func(from, to Mem) {
		v, odd, upper := YMM(), YMM(), XMM()
		VMOVUPS(from, v)
		VPSRLD(U8(16), v, odd)
		VPAND(m.bits(1), odd, odd)
		VPADDD(m.bits(0x7fff), odd, odd)
		VPADDD(odd, v, v)
		VPSRLD(U8(16), v, v)
		VEXTRACTI128(U8(1), v, upper)
		VPACKUSDW(upper, v.AsX(), upper)
		VMOVDQU(upper, to)
	}, 4, 2)
}
