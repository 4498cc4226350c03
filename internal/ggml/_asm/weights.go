package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// weights writes the weights that come from the elements alone, for a group in each lane.
func weights(m machine) {
	each := func(name, doc string, before func(), weight func(v vec)) {
		m.text(name, "func(n int, x, w *float32)", doc+" of n elements, a multiple of 16.")
		n := Load(Param("n"), GP64())
		x := Load(Param("x"), GP64())
		w := Load(Param("w"), GP64())
		before()
		Label("weight")
		v := m.reg()
		VMOVUPS(Mem{Base: x}, v)
		weight(v)
		VMOVUPS(v, Mem{Base: w})
		ADDQ(U8(m.bytes()), x)
		ADDQ(U8(m.bytes()), w)
		SUBQ(U8(m.lanes), n)
		JNZ(LabelRef("weight"))
		done()
	}
	each("Squares", "sets w to the squares", func() {}, func(v vec) { VMULPS(v, v, v) })
	var magnitude vec
	each("Magnitudes", "sets w to the magnitudes", func() { magnitude = m.bits(1<<31 - 1) }, func(v vec) { m.and(magnitude, v, v) })

	// The root mean square of 32 elements plus the magnitude.
	m.text("RMSWeights", "func(x, w *float32)",
		"sets the weights of 32 elements to their root mean square plus their magnitude.", "Vector i of x and w has element i of every group.")
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	magnitude = m.bits(1<<31 - 1)
	p, counter := GP64(), GP64()
	for r := range side {
		begin := r * m.bytes()
		s, v := m.zero(), m.reg()
		MOVQ(x, p)
		MOVQ(U32(32), counter)
		square, weight := fmt.Sprintf("square%d", r), fmt.Sprintf("weight%d", r)
		Label(square)
		VMOVUPS(Mem{Base: p, Disp: begin}, v)
		VMULPS(v, v, v)
		VADDPS(v, s, s)
		ADDQ(U32(side*m.bytes()), p)
		DECQ(counter)
		JNZ(LabelRef(square))
		VMULPS(m.float(1.0/32), s, s)
		VSQRTPS(s, s)
		MOVQ(x, p)
		MOVQ(U32(32), counter)
		q := GP64()
		MOVQ(w, q)
		Label(weight)
		VMOVUPS(Mem{Base: p, Disp: begin}, v)
		m.and(magnitude, v, v)
		VADDPS(v, s, v)
		VMOVUPS(v, Mem{Base: q, Disp: begin})
		ADDQ(U32(side*m.bytes()), p)
		ADDQ(U32(side*m.bytes()), q)
		DECQ(counter)
		JNZ(LabelRef(weight))
	}
	done()

	// importance·√(σ²+x²), in the order of elements.
	m.text("Weigh", "func(n int, w, importance, x *float32, sigma2 float32)", "is weigh for n elements, a multiple of 16.")
	n := Load(Param("n"), GP64())
	dst := Load(Param("w"), GP64())
	own := Load(Param("importance"), GP64())
	from := Load(Param("x"), GP64())
	sigma2 := m.param("sigma2")
	i := GP64()
	XORQ(i, i)
	Label("weigh")
	v := m.reg()
	VMOVUPS(Mem{Base: from, Index: i, Scale: 4}, v)
	VMULPS(v, v, v)
	VADDPS(v, sigma2, v)
	VSQRTPS(v, v)
	VMULPS(Mem{Base: own, Index: i, Scale: 4}, v, v)
	VMOVUPS(v, Mem{Base: dst, Index: i, Scale: 4})
	ADDQ(U8(m.lanes), i)
	CMPQ(i, n)
	JL(LabelRef("weigh"))
	done()
}
