// Command asm writes the assembly of package ggml: go generate in the folder above.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// cpuid1 writes the query of the processor's features.
func cpuid1() {
	TEXT("cpuid1", NOSPLIT, "func() uint32")
	Doc("cpuid1 returns ECX of CPUID 1.")
	MOVL(U32(1), reg.EAX)
	XORL(reg.ECX, reg.ECX)
	CPUID()
	Store(reg.ECX, ReturnIndex(0))
	RET()
}

func main() {
	ConstraintExpr("amd64,!purego")
	cpuid1()
	transpose()
	greatestBits()
	halves()
	q8_0()
	signed("Q4_0", 8)
	signed("Q5_0", 16)
	affine32("Q4_1", 15)
	affine32("Q5_1", 31)
	codes("DivideCodes", "(x + add) / number", func(number Mem, v vec) {
		n := YMM()
		VBROADCASTSS(number, n)
		VDIVPS(n, v, v)
	})
	codes("MultiplyCodes", "(x + add) · number", func(number Mem, v vec) {
		n := YMM()
		VBROADCASTSS(number, n)
		VMULPS(n, v, v)
	})
	iq4()
	greatest16()
	fp4()
	for _, m := range []machine{avx2, avx512} {
		weights(m)
		affine(m, false)
		affine(m, true)
		symmetric(m)
		sweeps(m)
	}
	Generate()
}
