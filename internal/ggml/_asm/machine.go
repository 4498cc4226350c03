package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type vec = reg.VecVirtual

// machine is an instruction set, with the vectors that have a lane for each of its floats.
type machine struct {
	name  string
	lanes int
}

var (
	avx2   = machine{"avx2", 8}
	avx512 = machine{"avx512", 16}
)

// side is how many vectors the searches work on at once, so that the divisions of one hide behind the sums of the other.
const side = 2

func (m machine) wide() bool { return m.lanes == 16 }

// bytes of a vector.
func (m machine) bytes() int { return 4 * m.lanes }

func (m machine) reg() vec {
	if m.wide() {
		return ZMM()
	}
	return YMM()
}

// text begins a function of this machine.
func (m machine) text(name, signature string, doc ...string) {
	TEXT(m.name+name, 0, signature)
	doc[0] = m.name + name + " " + doc[0]
	Doc(doc...)
	Pragma("noescape")
}

// done ends a function.
func done() {
	VZEROUPPER()
	RET()
}

// param broadcasts a float parameter.
func (m machine) param(name string) vec {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	r := m.reg()
	VBROADCASTSS(p.Addr, r)
	return r
}

var constants = map[uint32]Mem{}

// memory is the place of a constant.
func (m machine) memory(b uint32) Mem {
	if _, ok := constants[b]; !ok {
		constants[b] = ConstData(fmt.Sprintf("bits%08x", b), U32(b))
	}
	return constants[b]
}

// bits broadcasts a constant.
func (m machine) bits(b uint32) vec {
	r := m.reg()
	VBROADCASTSS(m.memory(b), r)
	return r
}

func (m machine) float(v float64) vec { return m.bits(math.Float32bits(float32(v))) }

// zero is loaded: to the register allocator, an exclusive or of a wide register with itself reads it.
func (m machine) zero() vec { return m.bits(0) }

func (m machine) and(a Op, b, dst vec) {
	if m.wide() {
		VPANDD(a, b, dst)
	} else {
		VANDPS(a, b, dst)
	}
}

func (m machine) or(a Op, b, dst vec) {
	if m.wide() {
		VPORD(a, b, dst)
	} else {
		VORPS(a, b, dst)
	}
}

// round rounds half to even.
func (m machine) round(v vec) {
	if m.wide() {
		VRNDSCALEPS(U8(0), v, v)
	} else {
		VROUNDPS(U8(0), v, v)
	}
}

// mask is a condition for each lane: a K register, or a vector whose lanes are all ones or zeros.
type mask struct{ r reg.Register }

// Predicates of comparisons, ordered: false if a NaN is there.
const (
	less     = 0x11
	greater  = 0x1e
	atLeast  = 0x1d
	notLess  = 0x15 // or a NaN is there
	ordered  = 7
	notEqual = 4 // or a NaN is there
)

// compare sets a mask where a is related to b so.
func (m machine) compare(predicate int, a vec, b Op) mask {
	if m.wide() {
		k := K()
		VCMPPS(U8(predicate), b, a, k)
		return mask{k}
	}
	r := YMM()
	VCMPPS(U8(predicate), b, a, r)
	return mask{r}
}

// both is a mask where a and b hold.
func (m machine) both(a, b mask) mask {
	if m.wide() {
		k := K()
		KANDW(a.r, b.r, k)
		return mask{k}
	}
	r := YMM()
	VANDPS(a.r, b.r, r)
	return mask{r}
}

// pick sets dst to then where the mask holds; elsewhere it stays.
func (m machine) pick(k mask, then Op, dst vec) {
	if m.wide() {
		VMOVUPS(then, k.r, dst)
	} else {
		VBLENDVPS(k.r, then, dst, dst)
	}
}

// lanesOf returns the lanes where the mask holds, as bits of a register.
func (m machine) lanesOf(k mask) reg.GPVirtual {
	r := GP32()
	if m.wide() {
		KMOVW(k.r, r)
	} else {
		VMOVMSKPS(k.r, r)
	}
	return r
}

// loop emits body with unrolled copies for i = 0, 1, … count-1 of a counter: the functions of this package step through
// vectors at fixed distances, so body gets the displacement in vectors beyond the registers that next advances.
func unrolled(label string, counter reg.GPVirtual, copies int, body func(i int), next func()) {
	Label(label)
	for i := range copies {
		body(i)
	}
	next()
	SUBQ(U8(copies), counter)
	JNZ(LabelRef(label))
}
