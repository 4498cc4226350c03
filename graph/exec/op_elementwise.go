package exec

import (
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// number are the elements that comparisons and arithmetic work on.
type number interface {
	~float32 | ~float64 | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// unary is an operator of one value, element by element. Its functions are made for a node, whose attributes they hold.
type unary struct {
	float func(c *call) func(dst, src []float32)
	// double is the same in float64; nil: not supported.
	double func(c *call) func(x float64) float64
	// integer is the same for integers, all of whose types fit an int64 but uint64; nil: not supported.
	integer func(x int64) int64
	// back sets dx from the input x, the output y (each nil unless the operator reads it) and dy.
	back func(c *call) func(dx, x, y, dy []float32)
}

func (u unary) forward(c *call) {
	x := c.in[0]
	y := c.outputLike(0)
	switch {
	case x.DType == ir.Float32:
		f := u.float(c)
		src, dst := x.Float32s(), y.Float32s()
		c.chunks(len(dst), grain, func(from, to int) { f(dst[from:to], src[from:to]) })
	case x.DType == ir.Float64 && u.double != nil:
		mapInto(c, y.Float64s(), x.Float64s(), u.double(c))
	case u.integer == nil:
		c.unsupported("its input is %s", x.DType)
	default:
		u.integers(c, y, x)
	}
}

func (u unary) integers(c *call, y, x *Array) {
	switch x.DType {
	case ir.Int8:
		mapInto(c, y.Int8s(), x.Int8s(), func(v int8) int8 { return int8(u.integer(int64(v))) })
	case ir.Int16:
		mapInto(c, y.Int16s(), x.Int16s(), func(v int16) int16 { return int16(u.integer(int64(v))) })
	case ir.Int32:
		mapInto(c, y.Int32s(), x.Int32s(), func(v int32) int32 { return int32(u.integer(int64(v))) })
	case ir.Int64:
		mapInto(c, y.Int64s(), x.Int64s(), u.integer)
	case ir.Uint8:
		mapInto(c, y.Uint8s(), x.Uint8s(), func(v uint8) uint8 { return uint8(u.integer(int64(v))) })
	case ir.Uint16:
		mapInto(c, y.Uint16s(), x.Uint16s(), func(v uint16) uint16 { return uint16(u.integer(int64(v))) })
	case ir.Uint32:
		mapInto(c, y.Uint32s(), x.Uint32s(), func(v uint32) uint32 { return uint32(u.integer(int64(v))) })
	default:
		c.unsupported("its input is %s", x.DType)
	}
}

func (u unary) gradient(c *call) {
	dy := c.dout[0]
	dx := c.gradLike(0, dy).Float32s()
	var x, y []float32
	if c.op.readsIn != 0 {
		x = c.in[0].Float32s()
	}
	if c.op.readsOut != 0 {
		y = c.out[0].Float32s()
	}
	g, f := dy.Float32s(), u.back(c)
	part := func(s []float32, from, to int) []float32 {
		if s == nil {
			return nil
		}
		return s[from:to]
	}
	c.chunks(len(dx), grain, func(from, to int) { f(dx[from:to], part(x, from, to), part(y, from, to), g[from:to]) })
}

func mapInto[T, R any](c *call, dst []R, src []T, f func(T) R) {
	c.chunks(len(dst), grain, func(from, to int) {
		for i := from; i < to; i++ {
			dst[i] = f(src[i])
		}
	})
}

// The makers below build the functions of a unary from simpler ones.

func floats(f func(dst, src []float32)) func(*call) func(dst, src []float32) {
	return func(*call) func(dst, src []float32) { return f }
}

func eachFloat(f func(x float32) float32) func(*call) func(dst, src []float32) {
	return eachFloatOf(func(*call) func(float32) float32 { return f })
}

func eachFloatOf(make func(c *call) func(x float32) float32) func(*call) func(dst, src []float32) {
	return func(c *call) func(dst, src []float32) {
		f := make(c)
		return func(dst, src []float32) {
			for i, v := range src {
				dst[i] = f(v)
			}
		}
	}
}

func doubles(f func(x float64) float64) func(*call) func(float64) float64 {
	return func(*call) func(float64) float64 { return f }
}

// fromX makes a gradient of the derivative at x, fromY of the derivative in terms of the output.
func fromX(slope func(x float32) float32) func(*call) func(dx, x, y, dy []float32) {
	return fromXOf(func(*call) func(float32) float32 { return slope })
}

func fromXOf(make func(c *call) func(x float32) float32) func(*call) func(dx, x, y, dy []float32) {
	return func(c *call) func(dx, x, y, dy []float32) {
		slope := make(c)
		return func(dx, x, _, dy []float32) {
			for i, g := range dy {
				dx[i] = slope(x[i]) * g
			}
		}
	}
}

func fromY(slope func(y float32) float32) func(*call) func(dx, x, y, dy []float32) {
	return func(*call) func(dx, x, y, dy []float32) {
		return func(dx, _, y, dy []float32) {
			for i, g := range dy {
				dx[i] = slope(y[i]) * g
			}
		}
	}
}

var relu = unary{
	float:   floats(kernel.Relu),
	double:  doubles(func(x float64) float64 { return maxFloat(0, x) }),
	integer: func(x int64) int64 { return max(x, 0) },
	back: func(*call) func(dx, x, y, dy []float32) {
		return func(dx, _, y, dy []float32) { kernel.ReluGrad(dx, y, dy) }
	},
}

var leakyRelu = unary{
	float: eachFloatOf(func(c *call) func(float32) float32 {
		alpha := c.node.Float("alpha", 0.01)
		return func(x float32) float32 {
			if x < 0 {
				return alpha * x
			}
			return x
		}
	}),
	back: fromXOf(func(c *call) func(float32) float32 {
		alpha := c.node.Float("alpha", 0.01)
		return func(x float32) float32 {
			if x < 0 {
				return alpha
			}
			return 1
		}
	}),
}

var thresholdedRelu = unary{
	float: eachFloatOf(func(c *call) func(float32) float32 {
		alpha := c.node.Float("alpha", 1)
		return func(x float32) float32 {
			if x > alpha || x != x {
				return x
			}
			return 0
		}
	}),
	back: fromXOf(func(c *call) func(float32) float32 {
		alpha := c.node.Float("alpha", 1)
		return func(x float32) float32 {
			if x > alpha {
				return 1
			}
			return 0
		}
	}),
}

// elu is Elu, Selu and Celu: gain·x above zero, gain·alpha·(exp(x/width) − 1) below.
func elu(shape func(c *call) (alpha, gain, width float32)) unary {
	return unary{
		float: eachFloatOf(func(c *call) func(float32) float32 {
			alpha, gain, width := shape(c)
			return func(x float32) float32 {
				if x > 0 {
					return gain * x
				}
				return gain * float32(alpha*float32(kernel.Exp(x/width)-1))
			}
		}),
		back: fromXOf(func(c *call) func(float32) float32 {
			alpha, gain, width := shape(c)
			return func(x float32) float32 {
				if x > 0 {
					return gain
				}
				return gain * float32(float32(alpha/width)*kernel.Exp(x/width))
			}
		}),
	}
}

func eluShape(c *call) (alpha, gain, width float32) { return c.node.Float("alpha", 1), 1, 1 }

func seluShape(c *call) (alpha, gain, width float32) {
	return c.node.Float("alpha", 1.67326319217681884765625), c.node.Float("gamma", 1.05070102214813232421875), 1
}

func celuShape(c *call) (alpha, gain, width float32) {
	a := c.node.Float("alpha", 1)
	return a, 1, a
}

var sigmoid = unary{
	float:  floats(kernel.SigmoidSlice),
	double: doubles(func(x float64) float64 { return 1 / (1 + kernel.Exp64(-x)) }),
	back:   fromY(func(y float32) float32 { return y * float32(1-y) }),
}

var hardSigmoid = unary{
	float: eachFloatOf(func(c *call) func(float32) float32 {
		alpha, beta := c.node.Float("alpha", 0.2), c.node.Float("beta", 0.5)
		return func(x float32) float32 { return hardSigmoidAt(x, alpha, beta) }
	}),
	back: fromXOf(func(c *call) func(float32) float32 {
		alpha, beta := c.node.Float("alpha", 0.2), c.node.Float("beta", 0.5)
		return func(x float32) float32 {
			if v := float32(alpha*x) + beta; v > 0 && v < 1 {
				return alpha
			}
			return 0
		}
	}),
}

func hardSigmoidAt(x, alpha, beta float32) float32 {
	switch v := float32(alpha*x) + beta; {
	case v < 0:
		return 0
	case v > 1:
		return 1
	default:
		return v
	}
}

var hardSwish = unary{
	float: eachFloat(func(x float32) float32 { return x * hardSigmoidAt(x, 1.0/6, 0.5) }),
	back: fromX(func(x float32) float32 {
		switch {
		case x <= -3:
			return 0
		case x >= 3:
			return 1
		}
		return float32(x/3) + 0.5
	}),
}

var tanh = unary{
	float:  floats(kernel.TanhSlice),
	double: doubles(kernel.Tanh64),
	back:   fromY(func(y float32) float32 { return 1 - float32(y*y) }),
}

var erf = unary{
	float: floats(kernel.ErfSlice),
	back:  fromX(func(x float32) float32 { return 1.1283791670955126 * kernel.Exp(-float32(x*x)) }),
}

// gelu is x·Φ(x), or its approximation with tanh if the node says so.
var gelu = unary{
	float: eachFloatOf(func(c *call) func(float32) float32 {
		if c.node.Str("approximate", "none") == "tanh" {
			return func(x float32) float32 { return float32(0.5*x) * float32(1+kernel.Tanh(geluInner(x))) }
		}
		return func(x float32) float32 { return float32(0.5*x) * float32(1+kernel.Erf(float32(x*0.7071067811865476))) }
	}),
	back: fromXOf(func(c *call) func(float32) float32 {
		if c.node.Str("approximate", "none") == "tanh" {
			return func(x float32) float32 {
				t := kernel.Tanh(geluInner(x))
				inner := 0.7978845608028654 * float32(1+float32(0.134145*float32(x*x)))
				return float32(0.5*float32(1+t)) + float32(float32(0.5*x)*float32(float32(1-float32(t*t))*inner))
			}
		}
		return func(x float32) float32 {
			cdf := float32(0.5 * float32(1+kernel.Erf(float32(x*0.7071067811865476))))
			return cdf + float32(x*float32(0.3989422804014327*kernel.Exp(-float32(float32(0.5*x)*x))))
		}
	}),
}

func geluInner(x float32) float32 {
	return float32(0.7978845608028654 * float32(x+float32(0.044715*float32(x*float32(x*x)))))
}

var exponential = unary{
	float:  floats(kernel.ExpSlice),
	double: doubles(kernel.Exp64),
	back:   fromY(func(y float32) float32 { return y }),
}

var logarithm = unary{
	float:  floats(kernel.LogSlice),
	double: doubles(kernel.Log64),
	back:   fromX(func(x float32) float32 { return 1 / x }),
}

var squareRoot = unary{
	float:  eachFloat(func(x float32) float32 { return float32(math.Sqrt(float64(x))) }),
	double: doubles(math.Sqrt),
	back:   fromY(func(y float32) float32 { return 0.5 / y }),
}

var absolute = unary{
	float:   eachFloat(func(x float32) float32 { return float32(math.Abs(float64(x))) }),
	double:  doubles(math.Abs),
	integer: func(x int64) int64 { return max(x, -x) },
	back:    fromX(signOf),
}

var negative = unary{
	float:   eachFloat(func(x float32) float32 { return -x }),
	double:  doubles(func(x float64) float64 { return -x }),
	integer: func(x int64) int64 { return -x },
	back: func(*call) func(dx, x, y, dy []float32) {
		return func(dx, _, _, dy []float32) {
			for i, g := range dy {
				dx[i] = -g
			}
		}
	},
}

var reciprocal = unary{
	float:  eachFloat(func(x float32) float32 { return 1 / x }),
	double: doubles(func(x float64) float64 { return 1 / x }),
	back:   fromY(func(y float32) float32 { return -float32(y * y) }),
}

// softplus is log(1 + exp(x)), written so that no exponential overflows.
var softplus = unary{
	float: eachFloat(func(x float32) float32 {
		return float32(math.Max(float64(x), 0) + kernel.Log64(1+kernel.Exp64(-math.Abs(float64(x)))))
	}),
	back: fromX(kernel.Sigmoid),
}

var softsign = unary{
	float: eachFloat(func(x float32) float32 { return x / float32(1+float32(math.Abs(float64(x)))) }),
	back: fromX(func(x float32) float32 {
		d := 1 + float32(math.Abs(float64(x)))
		return 1 / float32(d*d)
	}),
}

var floor = unary{float: eachFloat(wide(math.Floor)), double: doubles(math.Floor)}
var ceil = unary{float: eachFloat(wide(math.Ceil)), double: doubles(math.Ceil)}
var round = unary{float: eachFloat(wide(math.RoundToEven)), double: doubles(math.RoundToEven)}

var sign = unary{
	float: eachFloat(signOf),
	double: doubles(func(x float64) float64 {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return 0
	}),
	integer: func(x int64) int64 { return min(max(x, -1), 1) },
}

// wide makes a float32 function of a float64 one whose result is exact in float32.
func wide(f func(float64) float64) func(float32) float32 {
	return func(x float32) float32 { return float32(f(float64(x))) }
}

// clipForward bounds x by a least and a greatest value: attributes before opset 11, inputs from then on.
func clipForward(c *call) {
	x := c.in[0]
	if c.opset < 11 {
		lo, hi := c.node.Float("min", -math.MaxFloat32), c.node.Float("max", math.MaxFloat32)
		if x.DType != ir.Float32 {
			c.unsupported("its input is %s", x.DType)
		}
		clipInto(c, c.outputLike(0).Float32s(), x.Float32s(), &lo, &hi)
		return
	}
	for i := 1; i < 3; i++ {
		if c.has(i) && (c.in[i].DType != x.DType || c.in[i].Len() != 1) {
			c.fail("input %d is %s %v; it must be one %s", i, c.in[i].DType, c.in[i].Shape, x.DType)
		}
	}
	y := c.outputLike(0)
	switch x.DType {
	case ir.Float32:
		clipInto(c, y.Float32s(), x.Float32s(), bound(c, 1, (*Array).Float32s), bound(c, 2, (*Array).Float32s))
	case ir.Float64:
		clipInto(c, y.Float64s(), x.Float64s(), bound(c, 1, (*Array).Float64s), bound(c, 2, (*Array).Float64s))
	case ir.Int8:
		clipInto(c, y.Int8s(), x.Int8s(), bound(c, 1, (*Array).Int8s), bound(c, 2, (*Array).Int8s))
	case ir.Uint8:
		clipInto(c, y.Uint8s(), x.Uint8s(), bound(c, 1, (*Array).Uint8s), bound(c, 2, (*Array).Uint8s))
	case ir.Int32:
		clipInto(c, y.Int32s(), x.Int32s(), bound(c, 1, (*Array).Int32s), bound(c, 2, (*Array).Int32s))
	case ir.Int64:
		clipInto(c, y.Int64s(), x.Int64s(), bound(c, 1, (*Array).Int64s), bound(c, 2, (*Array).Int64s))
	default:
		c.unsupported("its input is %s", x.DType)
	}
}

// bound returns the only element of an optional input, nil if it is left out.
func bound[T any](c *call, i int, elements func(*Array) []T) *T {
	if !c.has(i) {
		return nil
	}
	return &elements(c.in[i])[0]
}

func clipInto[T number](c *call, y, x []T, lo, hi *T) {
	mapInto(c, y, x, func(v T) T {
		if lo != nil && v < *lo {
			v = *lo
		}
		if hi != nil && v > *hi {
			v = *hi
		}
		return v
	})
}

// clipGradient lets the gradient through where x lies within the bounds, and gives it to the bound elsewhere.
func clipGradient(c *call) {
	dy, x := c.dout[0].Float32s(), c.in[0].Float32s()
	lo, hi := float32(-math.MaxFloat32), float32(math.MaxFloat32)
	if c.opset < 11 {
		lo, hi = c.node.Float("min", lo), c.node.Float("max", hi)
	}
	if b := bound(c, 1, (*Array).Float32s); b != nil {
		lo = *b
	}
	if b := bound(c, 2, (*Array).Float32s); b != nil {
		hi = *b
	}
	for i := 1; i < 3; i++ { // before dx, which may stand where dy stood
		if c.has(i) && c.want[i] {
			total := 0.0
			for k, g := range dy {
				if above := x[k] > hi; i == 1 && !above && x[k] < lo || i == 2 && above {
					total += float64(g)
				}
			}
			c.din[i] = c.alloc(ir.Float32, c.in[i].Shape...)
			c.din[i].Float32s()[0] = float32(total)
		}
	}
	if !c.want[0] {
		return
	}
	dx := c.gradLike(0, c.dout[0]).Float32s()
	c.chunks(len(dx), grain, func(from, to int) {
		for i := from; i < to; i++ {
			if x[i] < lo || x[i] > hi {
				dx[i] = 0
			} else {
				dx[i] = dy[i]
			}
		}
	})
}
