package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes writes a function that adds terms in float64, one for each lane of 8; lane l gets the terms of l, l+8 …
func lanes(name, doc string, two bool, term func(x, y vec)) {
	signature := "func(n int, x *float32, lanes *[8]float64)"
	if two {
		signature = "func(n int, x, y *float32, lanes *[8]float64)"
	}
	TEXT(name, NOSPLIT, signature)
	Doc(name + " adds " + doc + " to the lanes, for n floats, a multiple of 8.")
	Pragma("noescape")
	n := Load(Param("n"), GP64())
	px := Load(Param("x"), GP64())
	py := px
	if two {
		py = Load(Param("y"), GP64())
	}
	pl := Load(Param("lanes"), GP64())
	low, high := YMM(), YMM()
	VMOVUPD(Mem{Base: pl}, low)
	VMOVUPD(Mem{Base: pl, Disp: 32}, high)
	i := GP64()
	XORQ(i, i)
	Label("next")
	for half, sum := range []vec{low, high} {
		x := YMM()
		VCVTPS2PD(Mem{Base: px, Index: i, Scale: 4, Disp: 16 * half}, x)
		y := x
		if two {
			y = YMM()
			VCVTPS2PD(Mem{Base: py, Index: i, Scale: 4, Disp: 16 * half}, y)
		}
		term(x, y)
		VADDPD(x, sum, sum)
	}
	ADDQ(U8(8), i)
	CMPQ(i, n)
	JL(LabelRef("next"))
	VMOVUPD(low, Mem{Base: pl})
	VMOVUPD(high, Mem{Base: pl, Disp: 32})
	VZEROUPPER()
	RET()
}

func sums() {
	lanes("avx2Sum", "x", false, func(x, _ vec) {})
	lanes("avx2SumAbs", "|x|", false, func(x, _ vec) {
		mask := YMM()
		VPCMPEQD(mask, mask, mask)
		VPSRLQ(U8(1), mask, mask)
		VANDPD(mask, x, x)
	})
	lanes("avx2Dot", "x · y", true, func(x, y vec) { VMULPD(y, x, x) })
	extremes()
}

// extremes writes the search for the least, the greatest and the farthest from zero.
func extremes() {
	TEXT("avx2Extremes", NOSPLIT, "func(n int, x *float32, lo, hi *[8]float32, abs *[8]uint32)")
	Doc("avx2Extremes makes lo and hi the least and greatest of themselves and the floats of each lane, and abs the greatest",
		"of itself and the bits of their absolute values, which tell NaN, for n floats, a multiple of 8.")
	Pragma("noescape")
	n := Load(Param("n"), GP64())
	px := Load(Param("x"), GP64())
	var pointers [3]reg.Register
	var state [3]vec
	for i, s := range []string{"lo", "hi", "abs"} {
		pointers[i] = Load(Param(s), GP64())
		state[i] = YMM()
		VMOVUPS(Mem{Base: pointers[i]}, state[i])
	}
	mask := YMM()
	VPCMPEQD(mask, mask, mask)
	VPSRLD(U8(1), mask, mask)
	i := GP64()
	XORQ(i, i)
	Label("next")
	x := YMM()
	VMOVUPS(Mem{Base: px, Index: i, Scale: 4}, x)
	VMINPS(state[0], x, state[0])
	VMAXPS(state[1], x, state[1])
	VPAND(mask, x, x)
	VPMAXUD(x, state[2], state[2])
	ADDQ(U8(8), i)
	CMPQ(i, n)
	JL(LabelRef("next"))
	for i, p := range pointers {
		VMOVUPS(state[i], Mem{Base: p})
	}
	VZEROUPPER()
	RET()
}
