// Command asm writes the assembly of package kernel: go generate in the folder above.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

var (
	ymm = []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}
	zmm = []reg.VecPhysical{reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31}
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, vectors := range []int{1, 2} {
		for rows := 1; rows <= 14; rows++ {
			tile("avx512", 16, rows, vectors, func(i int) reg.VecPhysical { return zmm[i] })
		}
		for rows := 1; rows <= 6; rows++ {
			tile("avx2", 8, rows, vectors, func(i int) reg.VecPhysical { return ymm[i] })
		}
	}
	for vectors := 1; vectors <= 4; vectors++ {
		column("avx512", 16, vectors, func(i int) reg.VecPhysical { return zmm[i] })
		column("avx2", 8, vectors, func(i int) reg.VecPhysical { return ymm[i] })
	}
	elementwise()
	sums()
	codes()
	peak("avx512", 16, func(i int) reg.VecPhysical { return zmm[i] })
	peak("avx2", 8, func(i int) reg.VecPhysical { return ymm[i] })
	transpose8()
	rows("avx2CopyRows", false)
	rows("avx2AddRows", true)
	Generate()
}
