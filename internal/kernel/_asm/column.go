package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// column writes a function of lane by lane products. See kernel.columnFunc for its contract.
func column(name string, lanes, vectors int, register func(int) reg.VecPhysical) {
	TEXT(fmt.Sprintf("%sColumn%d", name, vectors), NOSPLIT,
		"func(k int, a *float32, lda int, b *float32, offs *int, c *float32, load bool)")
	Doc(fmt.Sprintf("%sColumn%d is the columnFunc of %d lanes.", name, vectors, vectors*lanes))
	Pragma("noescape")
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	lda := Load(Param("lda"), GP64())
	b := Load(Param("b"), GP64())
	offs := Load(Param("offs"), GP64())
	c := Load(Param("c"), GP64())
	load := Load(Param("load"), GP8())
	SHLQ(U8(2), lda)
	width := lanes * 4
	for v := range vectors {
		if r := register(v); lanes == 16 {
			VPXORD(r, r, r)
		} else {
			VXORPS(r, r, r)
		}
	}
	TESTB(load, load)
	JZ(LabelRef("step"))
	for v := range vectors {
		VMOVUPS(Mem{Base: c, Disp: v * width}, register(v))
	}
	off := GP64()
	Label("step")
	MOVQ(Mem{Base: offs}, off)
	for v := range vectors {
		x := register(vectors + v)
		VMOVUPS(Mem{Base: a, Disp: v * width}, x)
		VFMADD231PS(Mem{Base: b, Index: off, Scale: 4, Disp: v * width}, x, register(v))
	}
	ADDQ(lda, a)
	ADDQ(U8(8), offs)
	DECQ(k)
	JNZ(LabelRef("step"))
	for v := range vectors {
		VMOVUPS(register(v), Mem{Base: c, Disp: v * width})
	}
	VZEROUPPER()
	RET()
}
