package exec

import (
	"math"

	"github.com/pare-ml/pare/graph/ir"
)

// compare is a comparison of two broadcast values; the functions differ in nothing but the type.
type compare struct {
	float   func(x, y float64) bool
	integer func(x, y int64) bool
}

var comparisons = map[string]compare{
	"Equal":          {func(x, y float64) bool { return x == y }, func(x, y int64) bool { return x == y }},
	"Greater":        {func(x, y float64) bool { return x > y }, func(x, y int64) bool { return x > y }},
	"GreaterOrEqual": {func(x, y float64) bool { return x >= y }, func(x, y int64) bool { return x >= y }},
	"Less":           {func(x, y float64) bool { return x < y }, func(x, y int64) bool { return x < y }},
	"LessOrEqual":    {func(x, y float64) bool { return x <= y }, func(x, y int64) bool { return x <= y }},
}

// Equal of bools, And, Or and Xor, on 0 and 1.
var logic = map[string]func(x, y uint8) uint8{
	"And":   func(x, y uint8) uint8 { return x & y },
	"Or":    func(x, y uint8) uint8 { return x | y },
	"Xor":   func(x, y uint8) uint8 { return x ^ y },
	"Equal": func(x, y uint8) uint8 { return 1 &^ (x ^ y) },
}

func compareForward(c *call) {
	x, y := c.in[0], c.in[1]
	if x.DType != y.DType {
		c.fail("inputs are %s and %s; they must be of one type", x.DType, y.DType)
	}
	if x.DType == ir.Bool {
		logicForward(c)
		return
	}
	if !castable(x.DType) || x.DType == ir.Uint64 {
		c.unsupported("its inputs are %s", x.DType)
	}
	shape := c.broadcastShape(x.Shape, y.Shape)
	out := c.output(0, ir.Bool, shape...)
	l := newLattice(shape, x.Shape, y.Shape)
	f := comparisons[c.node.Op]
	last := len(l.dims) - 1
	n, sx, sy := l.dims[last], l.strides[0][last], l.strides[1][last]
	put := out.Bools()
	if isFloat(x.DType) {
		a, b := readFloat(x), readFloat(y)
		l.rows(c.p.workers, func(o int, at []int) {
			for i := range n {
				put[o+i] = f.float(a(at[0]+i*sx), b(at[1]+i*sy))
			}
		})
		return
	}
	a, b := readInt(x), readInt(y)
	l.rows(c.p.workers, func(o int, at []int) {
		for i := range n {
			put[o+i] = f.integer(a(at[0]+i*sx), b(at[1]+i*sy))
		}
	})
}

func logicForward(c *call) {
	x, y := c.in[0], c.in[1]
	f := logic[c.node.Op]
	if x.DType != ir.Bool || y.DType != ir.Bool || f == nil {
		c.unsupported("its inputs are %s and %s", x.DType, y.DType)
	}
	shape := c.broadcastShape(x.Shape, y.Shape)
	out := c.output(0, ir.Bool, shape...)
	apply(c, newLattice(shape, x.Shape, y.Shape), out.Data, x.Data, y.Data, f)
}

func notForward(c *call) {
	if c.in[0].DType != ir.Bool {
		c.unsupported("its input is %s", c.in[0].DType)
	}
	src := c.in[0].Data
	mapInto(c, c.outputLike(0).Data, src, func(v uint8) uint8 { return v ^ 1 })
}

// testForward computes IsNaN and IsInf.
func testForward(c *call) {
	x := c.in[0]
	if !isFloat(x.DType) {
		c.unsupported("its input is %s", x.DType)
	}
	get, out := readFloat(x), c.output(0, ir.Bool, x.Shape...).Bools()
	up, down := c.node.Int("detect_positive", 1) != 0, c.node.Int("detect_negative", 1) != 0
	c.chunks(len(out), grain, func(from, to int) {
		for i := from; i < to; i++ {
			if v := get(i); c.node.Op == "IsNaN" {
				out[i] = v != v
			} else {
				out[i] = up && math.IsInf(v, 1) || down && math.IsInf(v, -1)
			}
		}
	})
}

// whereForward takes elements from input 1 where the condition holds and from input 2 elsewhere.
func whereForward(c *call) {
	cond, x, y := c.in[0], c.in[1], c.in[2]
	if cond.DType != ir.Bool || x.DType != y.DType {
		c.fail("inputs are %s, %s and %s", cond.DType, x.DType, y.DType)
	}
	shape := c.broadcastShape(cond.Shape, x.Shape, y.Shape)
	size := c.elementSize(x.DType)
	out := c.output(0, x.DType, shape...)
	l := newLattice(shape, cond.Shape, x.Shape, y.Shape)
	last := len(l.dims) - 1
	n, sc, sx, sy := l.dims[last], l.strides[0][last], l.strides[1][last], l.strides[2][last]
	l.rows(c.p.workers, func(o int, at []int) {
		for i := range n {
			src := y.Data[(at[2]+i*sy)*size:]
			if cond.Data[at[0]+i*sc] != 0 {
				src = x.Data[(at[1]+i*sx)*size:]
			}
			copy(out.Data[(o+i)*size:][:size], src)
		}
	})
}

func whereGradient(c *call) {
	shape := c.dout[0].Shape
	dy, cond := c.dout[0].Float32s(), c.in[0].Data
	l := newLattice(shape, c.in[0].Shape)
	last := len(l.dims) - 1
	for i := 1; i < 3; i++ {
		if !c.want[i] {
			continue
		}
		g := c.alloc(ir.Float32, shape...)
		d := g.Float32s()
		l.rows(c.p.workers, func(o int, at []int) {
			for k := range l.dims[last] {
				if d[o+k] = 0; (cond[at[0]+k*l.strides[0][last]] != 0) == (i == 1) {
					d[o+k] = dy[o+k]
				}
			}
		})
		c.din[i] = c.sumTo(g, c.in[i].Shape)
	}
}
