package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// peak writes a loop of steps times 12 independent multiply-adds on registers, to measure what the processor can do.
func peak(name string, lanes int, register func(int) reg.VecPhysical) {
	TEXT(name+"Peak", NOSPLIT, "func(steps int)")
	Doc(name + "Peak does 12 vector multiply-adds for each step, each on registers of its own.")
	steps := Load(Param("steps"), GP64())
	for i := range 14 {
		if r := register(i); lanes == 16 {
			VPXORD(r, r, r)
		} else {
			VXORPS(r, r, r)
		}
	}
	Label("step")
	for i := range 12 {
		VFMADD231PS(register(12), register(13), register(i))
	}
	DECQ(steps)
	JNZ(LabelRef("step"))
	VZEROUPPER()
	RET()
}
