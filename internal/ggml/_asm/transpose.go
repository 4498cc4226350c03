package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose writes the transposition of 8 groups, 8 elements at a time.
func transpose() {
	m := avx2
	m.text("Transpose", "func(blocks int, src *float32, length int, dst *float32, lanes int)",
		"transposes 8 groups of 8·blocks floats, at src with the distance length, to 8·blocks vectors at",
		"dst, of which it fills 8 lanes; vectors have the distance lanes.")
	blocks := Load(Param("blocks"), GP64())
	src := Load(Param("src"), GP64())
	length := Load(Param("length"), GP64())
	dst := Load(Param("dst"), GP64())
	lanes := Load(Param("lanes"), GP64())
	SHLQ(U8(2), length)
	SHLQ(U8(2), lanes)
	all := []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}
	r, t := all[:8], all[8:]
	row := GP64()
	Label("block")
	MOVQ(src, row)
	for i := range 8 {
		VMOVUPS(Mem{Base: row}, r[i])
		if i < 7 {
			ADDQ(length, row)
		}
	}
	for i := 0; i < 8; i += 2 {
		VUNPCKLPS(r[i+1], r[i], t[i])
		VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	for i := 0; i < 8; i += 4 {
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
		ADDQ(lanes, dst)
	}
	ADDQ(U8(32), src)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	done()
}
