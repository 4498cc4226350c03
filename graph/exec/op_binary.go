package exec

import (
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// binary is an operator of two values that are broadcast to one shape.
type binary struct {
	float   vectors
	double  func(x, y float64) float64
	integer func(c *call, x, y int64) int64
	// unsigned is integer for uint64, whose values beyond an int64 need it.
	unsigned func(c *call, x, y uint64) uint64
}

func (b binary) forward(c *call) {
	x, y := c.in[0], c.in[1]
	if x.DType != y.DType {
		c.fail("inputs are %s and %s; they must be of one type", x.DType, y.DType)
	}
	shape := c.broadcastShape(x.Shape, y.Shape)
	out := c.binaryOutput(shape)
	l := newLattice(shape, x.Shape, y.Shape)
	switch x.DType {
	case ir.Float32:
		applyVectors(c, l, out.Float32s(), x.Float32s(), y.Float32s(), b.float)
	case ir.Float64:
		apply(c, l, out.Float64s(), x.Float64s(), y.Float64s(), b.double)
	case ir.Int8:
		applyInts(c, l, out.Int8s(), x.Int8s(), y.Int8s(), b.integer)
	case ir.Int16:
		applyInts(c, l, out.Int16s(), x.Int16s(), y.Int16s(), b.integer)
	case ir.Int32:
		applyInts(c, l, out.Int32s(), x.Int32s(), y.Int32s(), b.integer)
	case ir.Int64:
		applyInts(c, l, out.Int64s(), x.Int64s(), y.Int64s(), b.integer)
	case ir.Uint8:
		applyInts(c, l, out.Uint8s(), x.Uint8s(), y.Uint8s(), b.integer)
	case ir.Uint16:
		applyInts(c, l, out.Uint16s(), x.Uint16s(), y.Uint16s(), b.integer)
	case ir.Uint32:
		applyInts(c, l, out.Uint32s(), x.Uint32s(), y.Uint32s(), b.integer)
	case ir.Uint64:
		apply(c, l, out.Uint64s(), x.Uint64s(), y.Uint64s(), func(x, y uint64) uint64 { return b.unsigned(c, x, y) })
	default:
		c.unsupported("its inputs are %s", x.DType)
	}
}

// binaryOutput allocates output 0, over an input of the same shape whose memory is free.
func (c *call) binaryOutput(shape []int) *Array {
	for i := range 2 {
		if x := c.in[i]; equalShape(x.Shape, shape) && i < len(c.reuse) && c.reuse[i] && exclusive(x) && c.in[0] != c.in[1] {
			return c.outputAlias(0, x, shape...)
		}
	}
	return c.output(0, c.in[0].DType, shape...)
}

func applyInts[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](c *call, l lattice, out, x, y []T, f func(c *call, x, y int64) int64) {
	apply(c, l, out, x, y, func(x, y T) T { return T(f(c, int64(x), int64(y))) })
}

// plain makes the vector forms of a function of two floats.
func plain(f func(x, y float32) float32) vectors {
	return vectors{
		vv: func(dst, a, b []float32) {
			for i := range dst {
				dst[i] = f(a[i], b[i])
			}
		},
		vs: func(dst, a []float32, b float32) {
			for i := range dst {
				dst[i] = f(a[i], b)
			}
		},
		sv: func(dst []float32, a float32, b []float32) {
			for i := range dst {
				dst[i] = f(a, b[i])
			}
		},
	}
}

var addition = binary{
	float: vectors{
		vv: kernel.Add,
		vs: func(dst, a []float32, b float32) { kernel.AddScalar(dst, b, a) },
		sv: kernel.AddScalar,
	},
	double:   func(x, y float64) float64 { return x + y },
	integer:  func(_ *call, x, y int64) int64 { return x + y },
	unsigned: func(_ *call, x, y uint64) uint64 { return x + y },
}

var subtraction = binary{
	float: vectors{
		vv: kernel.Sub,
		vs: func(dst, a []float32, b float32) { kernel.AddScalar(dst, -b, a) },
		sv: func(dst []float32, a float32, b []float32) {
			for i, v := range b {
				dst[i] = a - v
			}
		},
	},
	double:   func(x, y float64) float64 { return x - y },
	integer:  func(_ *call, x, y int64) int64 { return x - y },
	unsigned: func(_ *call, x, y uint64) uint64 { return x - y },
}

var multiplication = binary{
	float: vectors{
		vv: kernel.Mul,
		vs: func(dst, a []float32, b float32) { kernel.Scale(dst, b, a) },
		sv: kernel.Scale,
	},
	double:   func(x, y float64) float64 { return x * y },
	integer:  func(_ *call, x, y int64) int64 { return x * y },
	unsigned: func(_ *call, x, y uint64) uint64 { return x * y },
}

var division = binary{
	float: vectors{
		vv: kernel.Div,
		vs: func(dst, a []float32, b float32) {
			for i, v := range a {
				dst[i] = v / b
			}
		},
		sv: func(dst []float32, a float32, b []float32) {
			for i, v := range b {
				dst[i] = a / v
			}
		},
	},
	double: func(x, y float64) float64 { return x / y },
	integer: func(_ *call, x, y int64) int64 {
		if y == 0 {
			return 0 // the standard leaves it open
		}
		return x / y
	},
	unsigned: func(_ *call, x, y uint64) uint64 {
		if y == 0 {
			return 0
		}
		return x / y
	},
}

var maximum = binary{
	float:    plain(func(x, y float32) float32 { return max(x, y) }),
	double:   func(x, y float64) float64 { return max(x, y) },
	integer:  func(_ *call, x, y int64) int64 { return max(x, y) },
	unsigned: func(_ *call, x, y uint64) uint64 { return max(x, y) },
}

var minimum = binary{
	float:    plain(func(x, y float32) float32 { return min(x, y) }),
	double:   func(x, y float64) float64 { return min(x, y) },
	integer:  func(_ *call, x, y int64) int64 { return min(x, y) },
	unsigned: func(_ *call, x, y uint64) uint64 { return min(x, y) },
}

// modForward computes x − y·⌊x/y⌋, or with fmod the remainder that has the sign of x.
func modForward(c *call) {
	m := modulo
	if c.node.Int("fmod", 0) != 0 {
		m.float = plain(func(x, y float32) float32 { return float32(math.Mod(float64(x), float64(y))) })
		m.double = math.Mod
	}
	m.forward(c)
}

var modulo = binary{
	float: plain(func(x, y float32) float32 {
		r := float32(math.Mod(float64(x), float64(y)))
		if r != 0 && (r < 0) != (y < 0) {
			r += y
		}
		return r
	}),
	double: func(x, y float64) float64 {
		r := math.Mod(x, y)
		if r != 0 && (r < 0) != (y < 0) {
			r += y
		}
		return r
	},
	integer: func(c *call, x, y int64) int64 {
		if y == 0 {
			return 0
		}
		r := x % y
		if r != 0 && (r < 0) != (y < 0) && c.node.Int("fmod", 0) == 0 {
			r += y
		}
		return r
	},
	unsigned: func(_ *call, x, y uint64) uint64 {
		if y == 0 {
			return 0
		}
		return x % y
	},
}

// variadic applies a binary operator from left to right over any number of inputs; mean divides by their number.
func variadic(b binary, mean bool) func(c *call) {
	return func(c *call) {
		acc := c.in[0]
		for i := 1; i < len(c.in); i++ {
			step := &call{step: c.step, p: c.p, in: []*Array{acc, c.input(i)}, out: make([]*Array, 1)}
			b.forward(step)
			if i > 1 {
				c.release(acc)
			}
			acc = step.out[0]
		}
		if len(c.in) == 1 {
			acc = c.alias(acc, acc.Shape...)
			if mean {
				c.release(acc)
				acc = c.alloc(c.in[0].DType, c.in[0].Shape...)
				copy(acc.Data, c.in[0].Data)
			}
		}
		c.out[0] = acc
		if !mean {
			return
		}
		switch acc.DType {
		case ir.Float32:
			kernel.Scale(acc.Float32s(), float32(1/float64(len(c.in))), acc.Float32s())
		case ir.Float64:
			for k := range acc.Float64s() {
				acc.Float64s()[k] /= float64(len(c.in))
			}
		default:
			c.unsupported("its inputs are %s", acc.DType)
		}
	}
}

// sumGradient is that of Sum and Mean: every input has the output's, or its share.
func sumGradient(factor func(n int) float32) func(c *call) {
	return func(c *call) {
		for i := range c.in {
			if !c.want[i] {
				continue
			}
			if f := factor(len(c.in)); f == 1 {
				c.din[i] = c.passBack(c.dout[0], c.in[i].Shape)
			} else {
				g := c.alloc(ir.Float32, c.dout[0].Shape...)
				kernel.Scale(g.Float32s(), f, c.dout[0].Float32s())
				c.din[i] = c.sumTo(g, c.in[i].Shape)
			}
		}
	}
}

// passBack returns dy as the gradient of an operand of the given shape, on dy's own memory where the shapes agree.
func (c *call) passBack(dy *Array, shape []int) *Array {
	if equalShape(dy.Shape, shape) {
		return c.alias(dy, shape...)
	}
	return c.sumTo(c.alias(dy, dy.Shape...), shape)
}

func addGradient(c *call) {
	for i := range 2 {
		if c.want[i] {
			c.din[i] = c.passBack(c.dout[0], c.in[i].Shape)
		}
	}
}

func subGradient(c *call) {
	if c.want[0] {
		c.din[0] = c.passBack(c.dout[0], c.in[0].Shape)
	}
	if c.want[1] {
		g := c.alloc(ir.Float32, c.dout[0].Shape...)
		kernel.Scale(g.Float32s(), -1, c.dout[0].Float32s())
		c.din[1] = c.sumTo(g, c.in[1].Shape)
	}
}

// spread computes a gradient over the output's shape with f(out index, index into input 0, index into input 1) and sums
// it to the shape of input i.
func (c *call) spread(i int, f func(g, x, y float32) float32) {
	if !c.want[i] {
		return
	}
	shape := c.dout[0].Shape
	l := newLattice(shape, shape, c.in[0].Shape, c.in[1].Shape)
	last := len(l.dims) - 1
	n, sx, sy := l.dims[last], l.strides[1][last], l.strides[2][last]
	g := c.alloc(ir.Float32, shape...)
	d, dy, x, y := g.Float32s(), c.dout[0].Float32s(), c.in[0].Float32s(), c.in[1].Float32s()
	l.rows(c.p.workers, func(o int, at []int) {
		ix, iy := at[1], at[2]
		for k := range n {
			d[o+k] = f(dy[o+k], x[ix+k*sx], y[iy+k*sy])
		}
	})
	c.din[i] = c.sumTo(g, c.in[i].Shape)
}

func mulGradient(c *call) {
	c.spread(0, func(g, _, y float32) float32 { return g * y })
	c.spread(1, func(g, x, _ float32) float32 { return g * x })
}

func divGradient(c *call) {
	c.spread(0, func(g, _, y float32) float32 { return g / y })
	c.spread(1, func(g, x, y float32) float32 { return -float32(g * float32(float32(x/y)/y)) })
}

// extremeGradient gives each element's gradient to the first input that equals the output.
func extremeGradient(c *call) {
	shape := c.dout[0].Shape
	dy, y := c.dout[0].Float32s(), c.out[0].Float32s()
	operands := make([][]int, len(c.in))
	grads := make([]*Array, len(c.in))
	values := make([][]float32, len(c.in))
	for i, x := range c.in {
		operands[i], values[i] = x.Shape, x.Float32s()
		grads[i] = c.allocZero(ir.Float32, shape...)
	}
	l := newLattice(shape, operands...)
	last := len(l.dims) - 1
	l.rows(c.p.workers, func(o int, at []int) {
		for k := range l.dims[last] {
			for i := range values {
				if values[i][at[i]+k*l.strides[i][last]] == y[o+k] {
					view[float32](grads[i].Data)[o+k] = dy[o+k]
					break
				}
			}
		}
	})
	for i, g := range grads {
		if c.want[i] {
			c.din[i] = c.sumTo(g, c.in[i].Shape)
		} else {
			c.release(g)
		}
	}
}

// powForward raises to a power; the exponent may be of another type, the result is of the base's.
func powForward(c *call) {
	x, y := c.in[0], c.in[1]
	if x.DType == ir.Float32 && y.DType == ir.Float32 {
		binary{float: plain(power)}.forward(c)
		return
	}
	shape := c.broadcastShape(x.Shape, y.Shape)
	out := c.output(0, x.DType, shape...)
	base, exponent, result := c.toFloat64(x), c.toFloat64(y), c.alloc(ir.Float64, shape...)
	apply(c, newLattice(shape, x.Shape, y.Shape), result.Float64s(), base.Float64s(), exponent.Float64s(), power64)
	c.cast(out, result)
	c.release(base, exponent, result)
}

// power is x to the y; squares and square roots, which models are full of, are exact.
func power(x, y float32) float32 {
	switch y {
	case 2:
		return x * x
	case 0.5:
		return float32(math.Sqrt(float64(x)))
	}
	return kernel.Pow(x, y)
}

// power64 multiplies for small whole exponents, so that integers come out whole.
func power64(x, y float64) float64 {
	if y >= 0 && y <= 64 && y == math.Trunc(y) {
		r := 1.0
		for range int(y) {
			r *= x
		}
		return r
	}
	return kernel.Pow64(x, y)
}

func powGradient(c *call) {
	if c.in[1].DType != ir.Float32 {
		c.unsupported("it has no gradient for an exponent of %s", c.in[1].DType)
	}
	c.spread(0, func(g, x, y float32) float32 {
		switch y {
		case 2:
			return g * float32(2*x)
		case 1:
			return g
		case 0:
			return 0
		}
		return g * float32(y*kernel.Pow(x, y-1))
	})
	c.spread(1, func(g, x, y float32) float32 {
		if x <= 0 {
			return 0 // as other frameworks have it; the derivative does not exist
		}
		return g * float32(power(x, y)*kernel.Log(x))
	})
}

var preluVectors = plain(func(x, slope float32) float32 {
	if x < 0 {
		return slope * x
	}
	return x
})

func preluForward(c *call) {
	if !equalShape(c.broadcastShape(c.in[0].Shape, c.in[1].Shape), c.in[0].Shape) {
		c.fail("the slope's shape %v cannot be broadcast to %v", c.in[1].Shape, c.in[0].Shape)
	}
	if c.in[0].DType != ir.Float32 {
		c.unsupported("its input is %s", c.in[0].DType)
	}
	binary{float: preluVectors}.forward(c)
}

func preluGradient(c *call) {
	c.spread(0, func(g, x, slope float32) float32 {
		if x < 0 {
			return slope * g
		}
		return g
	})
	c.spread(1, func(g, x, _ float32) float32 {
		if x < 0 {
			return x * g
		}
		return 0
	})
}
