package exec

import (
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// reduction is a walk for sums and their like over some dimensions of a dense array: result k is made of the elements
// kept[k]+over[r], for rising r. Where the innermost dimension is reduced, it is walked as runs of that many elements.
type reduction struct {
	kept []int
	over []int
	run  int
}

func newReduction(shape []int, reduced []bool) reduction {
	r := reduction{kept: []int{0}, over: []int{0}, run: 1}
	strides := denseStrides(shape)
	last := len(shape) - 1
	for ; last >= 0 && (reduced[last] || shape[last] == 1); last-- {
		r.run *= shape[last]
	}
	for d := 0; d <= last; d++ {
		list := &r.kept
		if reduced[d] {
			list = &r.over
		}
		next := make([]int, 0, len(*list)*shape[d])
		for _, base := range *list {
			for i := range shape[d] {
				next = append(next, base+i*strides[d])
			}
		}
		*list = next
	}
	return r
}

// size is the number of elements that make one result.
func (r reduction) size() int { return len(r.over) * r.run }

func denseStrides(shape []int) []int {
	strides := make([]int, len(shape))
	step := 1
	for d := len(shape) - 1; d >= 0; d-- {
		strides[d] = step
		step *= shape[d]
	}
	return strides
}

// sumFloats sets y[k] to the sum of its elements times factor, in float64, rounded once.
func (c *call) sumFloats(y, x []float32, r reduction, factor float64) {
	c.chunks(len(r.kept), grain/max(1, r.size()), func(from, to int) {
		for k := from; k < to; k++ {
			total := 0.0
			for _, o := range r.over {
				if r.run == 1 {
					total += float64(x[r.kept[k]+o])
				} else {
					total += kernel.Sum(x[r.kept[k]+o:][:r.run])
				}
			}
			y[k] = float32(total * factor)
		}
	})
}

// fold sets y[k] to done(step(…step(step(start, x0), x1)…), number of elements).
func fold[T, A, R any](c *call, y []R, x []T, r reduction, start A, step func(A, T) A, done func(A, int) R) {
	c.chunks(len(r.kept), grain/max(1, r.size()), func(from, to int) {
		for k := from; k < to; k++ {
			acc := start
			for _, o := range r.over {
				for _, v := range x[r.kept[k]+o:][:r.run] {
					acc = step(acc, v)
				}
			}
			y[k] = done(acc, r.size())
		}
	})
}

// reducer is what distinguishes the Reduce operators: a fold in float64 for floats, in int64 for integers.
type reducer struct {
	start  float64
	step   func(acc, v float64) float64
	done   func(acc float64, n int) float64
	istart int64
	istep  func(acc, v int64) int64 // nil: floats only
	idone  func(acc int64, n int) int64

	listed int64 // the opset from which axes are an input
}

var reducers = map[string]reducer{
	"ReduceSum":       {step: addFloat, istep: addInt, listed: 13},
	"ReduceMean":      {step: addFloat, done: func(a float64, n int) float64 { return a / float64(n) }, istep: addInt, idone: func(a int64, n int) int64 { return a / int64(max(n, 1)) }, listed: 18},
	"ReduceMax":       {start: math.Inf(-1), step: maxFloat, istart: math.MinInt64, istep: func(a, v int64) int64 { return max(a, v) }, listed: 18},
	"ReduceMin":       {start: math.Inf(1), step: minFloat, istart: math.MaxInt64, istep: func(a, v int64) int64 { return min(a, v) }, listed: 18},
	"ReduceProd":      {start: 1, step: func(a, v float64) float64 { return a * v }, istart: 1, istep: func(a, v int64) int64 { return a * v }, listed: 18},
	"ReduceL1":        {step: func(a, v float64) float64 { return a + math.Abs(v) }, istep: func(a, v int64) int64 { return a + max(v, -v) }, listed: 18},
	"ReduceL2":        {step: addSquare, done: func(a float64, _ int) float64 { return math.Sqrt(a) }, listed: 18},
	"ReduceSumSquare": {step: addSquare, istep: func(a, v int64) int64 { return a + v*v }, listed: 18},
}

func addFloat(a, v float64) float64  { return a + v }
func addInt(a, v int64) int64        { return a + v }
func addSquare(a, v float64) float64 { return a + float64(v*v) }

func maxFloat(a, v float64) float64 {
	if v > a || v != v {
		return v
	}
	return a
}

func minFloat(a, v float64) float64 {
	if v < a || v != v {
		return v
	}
	return a
}

// reducedAxes reads the axes of a Reduce operator: an attribute, or input 1 from an opset on. nil: nothing to do.
func (c *call) reducedAxes(listed int64) []bool {
	rank := len(c.in[0].Shape)
	axes := c.node.Ints("axes")
	if c.opset >= listed {
		axes = c.ints(1)
		if len(axes) == 0 && c.node.Int("noop_with_empty_axes", 0) != 0 {
			return nil
		}
	}
	if len(axes) == 0 {
		set := make([]bool, rank)
		for d := range set {
			set[d] = true
		}
		return set
	}
	return c.axes(axes, rank)
}

func (c *call) reducedShape(shape []int, reduced []bool) []int {
	keep := c.node.Int("keepdims", 1) != 0
	out := []int{}
	for d, size := range shape {
		switch {
		case !reduced[d]:
			out = append(out, size)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

func reduceForward(c *call) {
	r := reducers[c.node.Op]
	x := c.in[0]
	reduced := c.reducedAxes(r.listed)
	if reduced == nil {
		c.outputAlias(0, x, x.Shape...)
		return
	}
	shape := c.reducedShape(x.Shape, reduced)
	y := c.output(0, x.DType, shape...)
	walk := newReduction(x.Shape, reduced)
	switch {
	case x.DType == ir.Float32 && (c.node.Op == "ReduceSum" || c.node.Op == "ReduceMean"):
		c.sumFloats(y.Float32s(), x.Float32s(), walk, c.meanFactor(walk.size()))
	case x.DType == ir.Float32:
		reduceFloats(c, y.Float32s(), x.Float32s(), walk, r)
	case x.DType == ir.Float64:
		reduceFloats(c, y.Float64s(), x.Float64s(), walk, r)
	case r.istep == nil:
		c.unsupported("its input is %s", x.DType)
	case x.DType == ir.Int64:
		reduceInts(c, y.Int64s(), x.Int64s(), walk, r)
	case x.DType == ir.Int32:
		reduceInts(c, y.Int32s(), x.Int32s(), walk, r)
	case x.DType == ir.Int8:
		reduceInts(c, y.Int8s(), x.Int8s(), walk, r)
	case x.DType == ir.Uint8:
		reduceInts(c, y.Uint8s(), x.Uint8s(), walk, r)
	case x.DType == ir.Bool && (c.node.Op == "ReduceMax" || c.node.Op == "ReduceMin"):
		reduceInts(c, y.Data, x.Data, walk, r)
	default:
		c.unsupported("its input is %s", x.DType)
	}
}

// meanFactor is 1/n for ReduceMean and 1 for ReduceSum.
func (c *call) meanFactor(n int) float64 {
	if c.node.Op == "ReduceMean" {
		return 1 / float64(n)
	}
	return 1
}

func reduceFloats[T float32 | float64](c *call, y, x []T, walk reduction, r reducer) {
	fold(c, y, x, walk, r.start, func(a float64, v T) float64 { return r.step(a, float64(v)) },
		func(a float64, n int) T {
			if r.done != nil {
				a = r.done(a, n)
			}
			return T(a)
		})
}

func reduceInts[T int64 | int32 | int8 | uint8](c *call, y, x []T, walk reduction, r reducer) {
	start := r.istart
	if lo, hi := intRange(c.in[0].DType); r.istart != 0 { // of nothing, the least or the largest of the type
		start = min(max(start, lo), hi)
	}
	fold(c, y, x, walk, start, func(a int64, v T) int64 { return r.istep(a, int64(v)) },
		func(a int64, n int) T {
			if r.idone != nil {
				a = r.idone(a, n)
			}
			return T(a)
		})
}

// reduceGradient spreads the gradient of each result over its elements. For maxima and minima it goes to the first
// element that equals the result.
func reduceGradient(c *call) {
	r := reducers[c.node.Op]
	dy := c.dout[0]
	reduced := c.reducedAxes(r.listed)
	if reduced == nil {
		c.din[0] = c.alias(dy, c.in[0].Shape...)
		return
	}
	walk := newReduction(c.in[0].Shape, reduced)
	dx := c.alloc(ir.Float32, c.in[0].Shape...)
	c.din[0] = dx
	d, g := dx.Float32s(), dy.Float32s()
	var x, y []float32
	if c.op.readsIn != 0 {
		x = c.in[0].Float32s()
	}
	if c.op.readsOut != 0 {
		y = c.out[0].Float32s()
	}
	factor := float32(c.meanFactor(max(1, walk.size())))
	c.chunks(len(walk.kept), grain/max(1, walk.size()), func(from, to int) {
		for k := from; k < to; k++ {
			found := false
			for _, o := range walk.over {
				at := walk.kept[k] + o
				for i := at; i < at+walk.run; i++ {
					switch c.node.Op {
					case "ReduceSum", "ReduceMean":
						d[i] = factor * g[k]
					case "ReduceL1":
						d[i] = signOf(x[i]) * g[k]
					case "ReduceL2":
						d[i] = 0
						if y[k] != 0 {
							d[i] = float32(x[i]/y[k]) * g[k]
						}
					case "ReduceSumSquare":
						d[i] = float32(2*x[i]) * g[k]
					default:
						d[i] = 0
						if !found && x[i] == y[k] {
							d[i], found = g[k], true
						}
					}
				}
			}
		}
	})
}

func signOf(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// argForward computes ArgMax and ArgMin: the index along one axis, the first or (select_last_index) the last of equals.
func argForward(c *call) {
	x := c.in[0]
	if len(x.Shape) == 0 {
		c.unsupported("its input is a scalar")
	}
	axis := c.axis(c.node.Int("axis", 0), len(x.Shape))
	outer, n, inner := count(x.Shape[:axis]), x.Shape[axis], count(x.Shape[axis+1:])
	reduced := make([]bool, len(x.Shape))
	reduced[axis] = true
	shape := c.reducedShape(x.Shape, reduced)
	if n == 0 && outer*inner > 0 {
		c.fail("nothing to choose from in shape %v", x.Shape)
	}
	y := c.output(0, ir.Int64, shape...).Int64s()
	switch x.DType {
	case ir.Float32:
		argOf(c, y, x.Float32s(), outer, n, inner)
	case ir.Float64:
		argOf(c, y, x.Float64s(), outer, n, inner)
	case ir.Int64:
		argOf(c, y, x.Int64s(), outer, n, inner)
	case ir.Int32:
		argOf(c, y, x.Int32s(), outer, n, inner)
	case ir.Int8:
		argOf(c, y, x.Int8s(), outer, n, inner)
	case ir.Uint8:
		argOf(c, y, x.Uint8s(), outer, n, inner)
	default:
		c.unsupported("its input is %s", x.DType)
	}
}

func argOf[T number](c *call, y []int64, x []T, outer, n, inner int) {
	least, last := c.node.Op == "ArgMin", c.node.Int("select_last_index", 0) != 0
	c.each(outer, func(o int) {
		for k := range inner {
			base := o*n*inner + k
			best := 0
			for i := 1; i < n; i++ {
				v, b := x[base+i*inner], x[base+best*inner]
				if least {
					v, b = b, v
				}
				if v > b || last && v == b {
					best = i
				}
			}
			y[o*inner+k] = int64(best)
		}
	})
}
