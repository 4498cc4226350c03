package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows writes a function that copies the rows of a matrix, adding a number to each float if add. Rows of 4 floats and
// more end with a vector that overlaps the one before.
func rows(name string, add bool) {
	what, signature := "copies rows × cols floats", "func(rows, cols int, src *float32, lds int, dst *float32, ldd int)"
	if add {
		what, signature = "stores rows × cols floats, each plus a number", "func(rows, cols int, src *float32, lds int, dst *float32, ldd int, number float32)"
	}
	TEXT(name, NOSPLIT, signature)
	Doc(name+" "+what+", from src with the distance lds", "to dst with the distance ldd. Both counts are at least 1.")
	Pragma("noescape")
	n := Load(Param("rows"), GP64())
	cols := Load(Param("cols"), GP64())
	src := Load(Param("src"), GP64())
	lds := Load(Param("lds"), GP64())
	dst := Load(Param("dst"), GP64())
	ldd := Load(Param("ldd"), GP64())
	SHLQ(U8(2), lds)
	SHLQ(U8(2), ldd)
	if add {
		number, _ := Param("number").Resolve()
		VBROADCASTSS(number.Addr, reg.Y0)
	}
	x := [3]reg.VecPhysical{reg.X0, reg.X1, reg.X2}
	y := [3]reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2}
	move := func(from, to Mem, r [3]reg.VecPhysical) {
		VMOVUPS(from, r[1])
		if add {
			VADDPS(r[0], r[1], r[1])
		}
		VMOVUPS(r[1], to)
	}
	at := func(base, index reg.Register, disp int) Mem {
		return Mem{Base: base, Index: index, Scale: 4, Disp: disp}
	}
	next := func(loop string) {
		ADDQ(lds, src)
		ADDQ(ldd, dst)
		DECQ(n)
		JNZ(LabelRef(loop))
		JMP(LabelRef("done"))
	}

	i := GP64()
	CMPQ(cols, U8(8))
	JL(LabelRef("narrow"))
	last := GP64()
	LEAQ(Mem{Base: cols, Disp: -8}, last)
	Label("wide")
	XORQ(i, i)
	JMP(LabelRef("wideTest"))
	Label("wideLoop")
	move(at(src, i, 0), at(dst, i, 0), y)
	ADDQ(U8(8), i)
	Label("wideTest")
	CMPQ(i, last)
	JL(LabelRef("wideLoop"))
	move(at(src, last, 0), at(dst, last, 0), y)
	next("wide")

	Label("narrow")
	CMPQ(cols, U8(4))
	JL(LabelRef("few"))
	Label("four")
	move(Mem{Base: src}, Mem{Base: dst}, x)
	move(at(src, cols, -16), at(dst, cols, -16), x)
	next("four")

	Label("few")
	XORQ(i, i)
	Label("fewLoop")
	VMOVSS(at(src, i, 0), reg.X1)
	if add {
		VADDSS(reg.X0, reg.X1, reg.X1)
	}
	VMOVSS(reg.X1, at(dst, i, 0))
	INCQ(i)
	CMPQ(i, cols)
	JL(LabelRef("fewLoop"))
	next("few")

	Label("done")
	VZEROUPPER()
	RET()
}
