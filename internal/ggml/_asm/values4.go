package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// values are those of IQ4, middles lie halfway between them.
var (
	values  = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}
	middles = [15]float32{-115.5, -93.5, -74, -57, -42, -28.5, -16, -4.5, 7, 19, 31.5, 45.5, 61, 79, 101}
)

// table is a constant of whole vectors.
func table(name string, entries []uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i, e := range entries {
		DATA(4*i, U32(e))
	}
	return m
}

func floats(entries []float32) []uint32 {
	var b []uint32
	for _, e := range entries {
		b = append(b, math.Float32bits(e))
	}
	return b
}

// found is the state of a search.
type found struct {
	index vec
	upper mask // the last comparison
}

// bisection searches with vectors of 8: in rounds, the middles that the next comparison needs lie in a table which the
// comparisons so far index. They are all ones or zeros, so indexes are negative numbers, modulo 8.
type bisection struct{ middle, quarters, thirds, last, low, high Mem }

func newBisection() *bisection {
	same := func(v float32) []float32 { return []float32{v, v, v, v, v, v, v, v} }
	var third, last, low, high [8]float32
	for v := range 4 {
		third[-v&7] = middles[4*v+1]
	}
	for v := range 8 {
		last[-v&7] = middles[2*v]
		low[-v&7], high[-v&7] = values[2*v], values[2*v+1]
	}
	return &bisection{
		middle:   table("middle4", floats(same(middles[7]))),
		quarters: table("quarters4", floats(append(same(middles[3]), same(middles[11])...))),
		thirds:   table("thirds4", floats(third[:])),
		last:     table("last4", floats(last[:])),
		low:      table("low4", floats(low[:])),
		high:     table("high4", floats(high[:])),
	}
}

func (s *bisection) code(t vec) found {
	m := avx2
	first := m.compare(notLess, t, s.middle).r.(vec)
	next, index := YMM(), YMM()
	VMOVUPS(s.quarters, next)
	VBLENDVPS(first, s.quarters.Offset(32), next, next)
	second := m.compare(notLess, t, next).r.(vec)
	VPADDD(first, first, index)
	VPADDD(second, index, index)
	VPERMPS(s.thirds, index, next)
	third := m.compare(notLess, t, next).r.(vec)
	VPADDD(index, index, index)
	VPADDD(third, index, index)
	VPERMPS(s.last, index, next)
	return found{index, m.compare(notLess, t, next)}
}

func (s *bisection) value(f found) vec {
	low, high := YMM(), YMM()
	VPERMPS(s.low, f.index, low)
	VPERMPS(s.high, f.index, high)
	VBLENDVPS(f.upper.r, high, low, low)
	return low
}

// slotTables are for searches with vectors of 16: t/8.8, rounded, is a slot with at most one middle in it, which no
// rounding can move to another. The tables say which one, what code lies below it, and what the codes stand for.
func slotTables() [3]Mem {
	var at [32]float32
	var below [32]uint32
	code := uint32(0)
	for slot := -16; slot < 16; slot++ {
		at[slot&31], below[slot&31] = float32(math.Inf(1)), code
		if code < 15 && int(math.RoundToEven(float64(middles[code])/8.8)) == slot {
			at[slot&31] = middles[code]
			code++
		}
	}
	if code != 15 {
		panic("two middles in one slot")
	}
	return [3]Mem{table("slots4", floats(at[:])), table("below4", below[:]), table("values4", floats(values[:]))}
}

// symmetric4 writes fit4 with a group of elements in each lane.
func symmetric4(m machine, lookup func() func(t vec) vec) {
	m.text("Symmetric4", "func(length int, x, w, numerators *float32, count int, result *float32) (zeros uint32)",
		"is fit4 for a group in each lane. Vector i of x and w has element i of every group; length is a",
		"multiple of 2. numerators are those of the inverse scales after the first. result gets a vector of scales. Groups of",
		"zeros are bits of zeros; what they get means nothing.")
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	numerators := Load(Param("numerators"), GP64())
	result := Load(Param("result"), GP64())
	B, R := m.bytes(), m.bytes()*side
	state := AllocLocal(2 * R)
	top := func(r int) Mem { return state.Offset(r * B) }
	best := func(r int) Mem { return state.Offset(R + r*B) }
	scale := func(r int) Mem { return Mem{Base: result, Disp: r * B} }
	px, pw, counter := GP64(), GP64(), GP64()
	each := func(label string, body func(i, r int)) {
		const copies = 2
		MOVQ(x, px)
		MOVQ(w, pw)
		Load(Param("length"), counter)
		unrolled(label, counter, copies, func(i int) {
			for r := range side {
				body(i, r)
			}
		}, func() {
			ADDQ(U32(copies*R), px)
			ADDQ(U32(copies*R), pw)
		})
	}
	at := func(p reg.Register, i, r int) Mem { return Mem{Base: p, Disp: i*R + r*B} }

	zeros := GP32()
	XORL(zeros, zeros)
	func() {
		var first, amax [side]vec
		for r := range side {
			first[r], amax[r] = m.zero(), m.zero()
		}
		magnitude, epsilon := m.bits(1<<31-1), m.float(1e-15)
		each("top", func(i, r int) {
			v, a := m.reg(), m.reg()
			VMOVUPS(at(px, i, r), v)
			m.and(magnitude, v, a)
			m.pick(m.compare(greater, a, amax[r]), v, first[r])
			VMAXPS(amax[r], a, amax[r])
		})
		for r := range side {
			VMOVUPS(first[r], top(r))
			bits := m.lanesOf(m.compare(less, amax[r], epsilon))
			if r > 0 {
				SHLL(U8(r*m.lanes), bits)
			}
			ORL(bits, zeros)
		}
	}()
	Store(zeros, ReturnIndex(0))

	value := lookup()
	sums := func(label string, inverse [side]vec) (sumqx, sumq2 [side]vec) {
		for r := range side {
			sumqx[r], sumq2[r] = m.zero(), m.zero()
		}
		each(label, func(i, r int) {
			v, t := m.reg(), m.reg()
			VMOVUPS(at(px, i, r), v)
			VMULPS(v, inverse[r], t)
			q := value(t)
			VMULPS(at(pw, i, r), q, t)
			VMULPS(t, v, v)
			VADDPS(v, sumqx[r], sumqx[r])
			VMULPS(t, q, q)
			VADDPS(q, sumq2[r], sumq2[r])
		})
		return sumqx, sumq2
	}
	func() {
		var inverse [side]vec
		for r := range side {
			d := m.reg()
			inverse[r] = m.float(1)
			VMOVUPS(top(r), d)
			VDIVPS(m.float(127), d, d)
			VDIVPS(d, inverse[r], inverse[r])
		}
		sumqx, sumq2 := sums("first", inverse)
		for r := range side {
			s, t := m.zero(), m.reg()
			some := m.compare(greater, sumq2[r], s)
			VDIVPS(sumq2[r], sumqx[r], t)
			m.pick(some, t, s)
			VMOVUPS(s, scale(r))
			VMULPS(sumqx[r], s, t)
			VMOVUPS(t, best(r))
		}
	}()
	count := Load(Param("count"), GP64())
	Label("candidate")
	var inverse [side]vec
	for r := range side {
		inverse[r] = m.reg()
		VBROADCASTSS(Mem{Base: numerators}, inverse[r])
		VDIVPS(top(r), inverse[r], inverse[r])
	}
	ADDQ(U8(4), numerators)
	sumqx, sumq2 := sums("try", inverse)
	for r := range side {
		t, square := m.reg(), m.reg()
		positive := m.compare(greater, sumq2[r], m.zero())
		VMULPS(best(r), sumq2[r], t)
		VMULPS(sumqx[r], sumqx[r], square)
		wins := m.both(positive, m.compare(greater, square, t))
		replace := func(place Mem, then vec) {
			VMOVUPS(place, t)
			m.pick(wins, then, t)
			VMOVUPS(t, place)
		}
		VDIVPS(sumq2[r], sumqx[r], square)
		replace(scale(r), square)
		VMULPS(sumqx[r], square, square)
		replace(best(r), square)
	}
	DECQ(count)
	JNZ(LabelRef("candidate"))
	done()
}

func iq4() {
	narrow := newBisection()
	symmetric4(avx2, func() func(t vec) vec {
		return func(t vec) vec { return narrow.value(narrow.code(t)) }
	})
	tables := slotTables()
	symmetric4(avx512, func() func(t vec) vec {
		m := avx512
		step, round := m.float(1/8.8), m.bits(roundBits)
		var half [5]vec
		for i, at := range []Mem{tables[0], tables[0].Offset(64), tables[1], tables[1].Offset(64), tables[2]} {
			half[i] = m.reg()
			VMOVUPS(at, half[i])
		}
		one := m.bits(1)
		return func(t vec) vec {
			slot, middle := m.reg(), m.reg()
			VMOVAPS(t, slot)
			VFMADD213PS(round, step, slot)
			VMOVAPS(slot, middle)
			VPERMI2PS(half[1], half[0], middle)
			k := m.compare(notLess, t, middle)
			VPERMI2D(half[3], half[2], slot)
			VPADDD(one, slot, k.r, slot)
			VPERMPS(half[4], slot, slot)
			return slot
		}
	})
	codes4(narrow)
}

// codes4 writes the function that makes the codes of IQ4 in the order of elements.
func codes4(s *bisection) {
	m := avx2
	m.text("Codes4", "func(blocks int, dst *uint8, x, number *float32)",
		"sets 16·blocks bytes to the codes of x·number: byte j of a block has element j low and j+16 high.", "number has an entry for each 32 elements.")
	blocks := Load(Param("blocks"), GP64())
	dst := Load(Param("dst"), GP64())
	x := Load(Param("x"), GP64())
	number := Load(Param("number"), GP64())
	order := m.reg()
	VMOVDQU(order32(), order)
	Label("block")
	var r [4]vec
	for i := range r {
		t := m.reg()
		VBROADCASTSS(Mem{Base: number}, t)
		VMULPS(Mem{Base: x, Disp: 32 * i}, t, t)
		f := s.code(t)
		r[i] = m.zero() // minus the code
		VPADDD(f.index, f.index, f.index)
		VPADDD(f.upper.r, f.index, f.index)
		VPSUBD(f.index, r[i], r[i])
	}
	VPACKUSDW(r[1], r[0], r[0])
	VPACKUSDW(r[3], r[2], r[2])
	VPACKUSWB(r[2], r[0], r[0])
	VPERMD(r[0], order, r[0])
	upper := XMM()
	VEXTRACTI128(U8(1), r[0], upper)
	VPSLLW(U8(4), upper, upper)
	VPOR(r[0].AsX(), upper, upper)
	VMOVDQU(upper, Mem{Base: dst})
	ADDQ(U8(16), dst)
	ADDQ(U32(128), x)
	ADDQ(U8(4), number)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	done()
}
