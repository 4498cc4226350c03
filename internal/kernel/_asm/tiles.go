package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tile writes the function that computes rows × vectors registers of C. See kernel.tileFunc for its contract.
func tile(name string, lanes, rows, vectors int, register func(int) reg.VecPhysical) {
	TEXT(fmt.Sprintf("%sRows%dVectors%d", name, rows, vectors), NOSPLIT,
		"func(k int, a *float32, lda int, b *float32, offs *int, c *float32, ldc int, load bool)")
	Doc(fmt.Sprintf("%sRows%dVectors%d is the tileFunc of %d rows and %d columns.", name, rows, vectors, rows, vectors*lanes))
	Pragma("noescape")
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	lda := Load(Param("lda"), GP64())
	b := Load(Param("b"), GP64())
	offs := Load(Param("offs"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	load := Load(Param("load"), GP8())
	SHLQ(U8(2), lda)
	SHLQ(U8(2), ldc)

	acc := func(row, v int) reg.VecPhysical { return register(row*vectors + v) }
	bv := func(v int) reg.VecPhysical { return register(rows*vectors + v) }
	spare := func(row int) reg.VecPhysical {
		first, all := rows*vectors+vectors, 16
		if lanes == 16 {
			all = 32
		}
		return register(first + row%min(all-first, 4))
	}
	column := func(v int) int { return v * lanes * 4 }

	row := GP64()
	TESTB(load, load)
	JZ(LabelRef("zero"))
	MOVQ(c, row)
	for i := range rows {
		for v := range vectors {
			VMOVUPS(Mem{Base: row, Disp: column(v)}, acc(i, v))
		}
		if i < rows-1 {
			ADDQ(ldc, row)
		}
	}
	JMP(LabelRef("begin"))
	Label("zero")
	for i := range rows {
		for v := range vectors {
			r := acc(i, v)
			if lanes == 16 {
				VPXORD(r, r, r)
			} else {
				VXORPS(r, r, r)
			}
		}
	}
	Label("begin")
	TESTQ(k, k)
	JZ(LabelRef("store"))
	off := GP64()
	Label("step")
	MOVQ(Mem{Base: offs}, off)
	for v := range vectors {
		VMOVUPS(Mem{Base: b, Index: off, Scale: 4, Disp: column(v)}, bv(v))
	}
	for i := range rows {
		VBROADCASTSS(Mem{Base: a, Disp: 4 * i}, spare(i))
		for v := range vectors {
			VFMADD231PS(spare(i), bv(v), acc(i, v))
		}
	}
	ADDQ(lda, a)
	ADDQ(U8(8), offs)
	DECQ(k)
	JNZ(LabelRef("step"))

	Label("store")
	for i := range rows {
		for v := range vectors {
			VMOVUPS(acc(i, v), Mem{Base: c, Disp: column(v)})
		}
		if i < rows-1 {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}
