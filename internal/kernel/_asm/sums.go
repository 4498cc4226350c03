package main

import (
	"fmt"

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
	specials(16)
	specials(32)
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

// specials writes the search for zeros and for the greatest magnitude among floats of so many bits, by their bits.
func specials(width int) {
	name, lanes := fmt.Sprintf("avx2Specials%d", width), 256/width
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n int, x *byte, zeros, most *[%d]uint%d)", lanes, width))
	Doc(fmt.Sprintf("%s adds to each lane of zeros how many of its floats are zero, and makes most the greatest of itself and the bits", name),
		"of their absolute values, for n bytes, a multiple of 64.")
	Pragma("noescape")
	equal, sub, most, shift := VPCMPEQW, VPSUBW, VPMAXUW, VPSRLW
	if width == 32 {
		equal, sub, most, shift = VPCMPEQD, VPSUBD, VPMAXUD, VPSRLD
	}
	n := Load(Param("n"), GP64())
	px := Load(Param("x"), GP64())
	pz := Load(Param("zeros"), GP64())
	pm := Load(Param("most"), GP64())
	mask, zero := YMM(), YMM()
	VPCMPEQD(mask, mask, mask)
	shift(U8(1), mask, mask)
	VPXOR(zero, zero, zero)
	var count, great [2]vec
	for i := range count {
		count[i], great[i] = YMM(), YMM()
		VPXOR(count[i], count[i], count[i])
		VPXOR(great[i], great[i], great[i])
	}
	i := GP64()
	XORQ(i, i)
	Label("next")
	for k := range count {
		x := YMM()
		VPAND(Mem{Base: px, Index: i, Scale: 1, Disp: 32 * k}, mask, x)
		most(x, great[k], great[k])
		equal(x, zero, x)
		sub(x, count[k], count[k])
	}
	ADDQ(U8(64), i)
	CMPQ(i, n)
	JL(LabelRef("next"))
	for k := range count {
		if width == 32 {
			VPADDD(Mem{Base: pz}, count[k], count[k])
		} else {
			VPADDW(Mem{Base: pz}, count[k], count[k])
		}
		VMOVUPS(count[k], Mem{Base: pz})
		most(Mem{Base: pm}, great[k], great[k])
		VMOVUPS(great[k], Mem{Base: pm})
	}
	VZEROUPPER()
	RET()
}
