// Command asm writes the assembly of package ggml: go generate in the folder above.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func main() {
	ConstraintExpr("amd64,!purego")
	transpose()
	greatestBits()
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
	for _, m := range []machine{avx2, avx512} {
		weights(m)
		affine(m, false)
		affine(m, true)
		symmetric(m)
	}
	Generate()
}
