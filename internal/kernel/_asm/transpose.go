package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// transpose8 writes the transposition of a strip of 8 rows, 8 columns at a time.
func transpose8() {
	TEXT("avx2Transpose8", NOSPLIT, "func(blocks int, src *float32, lds int, dst *float32, ldd int)")
	Doc("avx2Transpose8 transposes 8 rows of 8·blocks floats, at src with the distance lds, to 8·blocks rows of 8 floats,",
		"at dst with the distance ldd.")
	Pragma("noescape")
	blocks := Load(Param("blocks"), GP64())
	src := Load(Param("src"), GP64())
	lds := Load(Param("lds"), GP64())
	dst := Load(Param("dst"), GP64())
	ldd := Load(Param("ldd"), GP64())
	SHLQ(U8(2), lds)
	SHLQ(U8(2), ldd)
	row := GP64()
	Label("block")
	MOVQ(src, row)
	r, t := ymm[:8], ymm[8:]
	for i := range 8 {
		VMOVUPS(Mem{Base: row}, r[i])
		if i < 7 {
			ADDQ(lds, row)
		}
	}
	for i := 0; i < 8; i += 2 { // pairs of rows
		VUNPCKLPS(r[i+1], r[i], t[i])
		VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	for i := 0; i < 8; i += 4 { // fours of rows
		VSHUFPS(U8(0x44), t[i+2], t[i], r[i])
		VSHUFPS(U8(0xee), t[i+2], t[i], r[i+1])
		VSHUFPS(U8(0x44), t[i+3], t[i+1], r[i+2])
		VSHUFPS(U8(0xee), t[i+3], t[i+1], r[i+3])
	}
	for i := range 4 {
		VPERM2F128(U8(0x20), r[i+4], r[i], t[i])
		VPERM2F128(U8(0x31), r[i+4], r[i], t[i+4])
	}
	for i := range 8 {
		VMOVUPS(t[i], Mem{Base: dst})
		ADDQ(ldd, dst)
	}
	ADDQ(U8(32), src)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
