package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type vec = reg.VecVirtual

// loop writes a function over slices of n floats, n a multiple of 8 and at least 8. Parameters are n, the slices and
// the numbers; body makes from a vector of each slice, and the numbers, what is stored to the slices named in stored,
// in that order.
func loop(name, doc string, slices, numbers, stored []string, body func(x, number map[string]vec) []vec) {
	signature := "func(n int"
	for _, s := range slices {
		signature += ", " + s + " *float32"
	}
	for _, s := range numbers {
		signature += ", " + s + " float32"
	}
	TEXT(name, NOSPLIT, signature+")")
	Doc(name + " " + doc + ", for n floats, a multiple of 8.")
	Pragma("noescape")
	n := Load(Param("n"), GP64())
	pointers, x, number := map[string]reg.Register{}, map[string]vec{}, map[string]vec{}
	for _, s := range slices {
		pointers[s] = Load(Param(s), GP64())
	}
	for _, s := range numbers {
		p, _ := Param(s).Resolve()
		number[s] = YMM()
		VBROADCASTSS(p.Addr, number[s])
	}
	i := GP64()
	XORQ(i, i)
	Label("next")
	for _, s := range slices {
		if s != "dst" {
			x[s] = YMM()
			VMOVUPS(Mem{Base: pointers[s], Index: i, Scale: 4}, x[s])
		}
	}
	for j, result := range body(x, number) {
		VMOVUPS(result, Mem{Base: pointers[stored[j]], Index: i, Scale: 4})
	}
	ADDQ(U8(8), i)
	CMPQ(i, n)
	JL(LabelRef("next"))
	VZEROUPPER()
	RET()
}

func names(s string) []string { return strings.Fields(s) }

func add(a, b vec) vec { r := YMM(); VADDPS(b, a, r); return r }
func sub(a, b vec) vec { r := YMM(); VSUBPS(b, a, r); return r }
func mul(a, b vec) vec { r := YMM(); VMULPS(b, a, r); return r }
func div(a, b vec) vec { r := YMM(); VDIVPS(b, a, r); return r }

// where returns x where y is above zero or NaN, and +0 elsewhere.
func where(y, x vec) vec {
	zero, mask, r := YMM(), YMM(), YMM()
	VXORPS(zero, zero, zero)
	VCMPPS(U8(6), zero, y, mask) // not less or equal
	VANDPS(mask, x, r)
	return r
}

func elementwise() {
	dst := names("dst")
	binary := func(name, doc string, op func(a, b vec) vec) {
		loop(name, doc, names("dst a b"), nil, dst, func(x, _ map[string]vec) []vec { return []vec{op(x["a"], x["b"])} })
	}
	binary("avx2Add", "sets dst to a + b", add)
	binary("avx2Sub", "sets dst to a - b", sub)
	binary("avx2Mul", "sets dst to a · b", mul)
	binary("avx2Div", "sets dst to a / b", div)
	binary("avx2ReluGrad", "sets dst to b where a is above zero or NaN, and to 0 elsewhere", where)
	loop("avx2Relu", "sets dst to x where that is above zero or NaN, and to 0 elsewhere", names("dst x"), nil, dst,
		func(x, _ map[string]vec) []vec { return []vec{where(x["x"], x["x"])} })
	loop("avx2Scale", "sets dst to p · x", names("dst x"), names("p"), dst,
		func(x, c map[string]vec) []vec { return []vec{mul(c["p"], x["x"])} })
	loop("avx2AddScalar", "sets dst to p + x", names("dst x"), names("p"), dst,
		func(x, c map[string]vec) []vec { return []vec{add(c["p"], x["x"])} })
	loop("avx2Affine", "sets dst to p · x + q", names("dst x"), names("p q"), dst,
		func(x, c map[string]vec) []vec { return []vec{add(mul(c["p"], x["x"]), c["q"])} })
	loop("avx2Blend", "sets dst to p · x + q · y + r", names("dst x y"), names("p q r"), dst,
		func(x, c map[string]vec) []vec {
			return []vec{add(add(mul(c["p"], x["x"]), mul(c["q"], x["y"])), c["r"])}
		})
	loop("avx2Axpy", "adds p · x to y", names("x y"), names("p"), names("y"),
		func(x, c map[string]vec) []vec { return []vec{add(x["y"], mul(c["p"], x["x"]))} })
	momentum := func(name string, nesterov bool) {
		loop(name, "is a step of MomentumStep", names("w v grad"), names("rate momentum decay"), names("v w"),
			func(x, c map[string]vec) []vec {
				d := add(x["grad"], mul(c["decay"], x["w"]))
				v := add(mul(c["momentum"], x["v"]), d)
				step := v
				if nesterov {
					step = add(d, mul(c["momentum"], v))
				}
				return []vec{v, sub(x["w"], mul(c["rate"], step))}
			})
	}
	momentum("avx2Momentum", false)
	momentum("avx2Nesterov", true)
	loop("avx2Adam", "is a step of AdamStep", names("w m v grad"), names("b1 c1 b2 c2 step scale epsilon shrink"), names("m v w"),
		func(x, c map[string]vec) []vec {
			m := add(mul(c["b1"], x["m"]), mul(c["c1"], x["grad"]))
			v := add(mul(c["b2"], x["v"]), mul(c["c2"], mul(x["grad"], x["grad"])))
			root := YMM()
			VSQRTPS(v, root)
			root = add(mul(root, c["scale"]), c["epsilon"])
			w := sub(sub(x["w"], mul(c["step"], div(m, root))), mul(c["shrink"], x["w"]))
			return []vec{m, v, w}
		})
}
