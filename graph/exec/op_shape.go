package exec

import (
	"github.com/pare-ml/pare/graph/ir"
)

// Operators that only look at shapes, or give their input another one. They share their input's memory.

func identityForward(c *call) { c.outputAlias(0, c.in[0], c.in[0].Shape...) }

// reshapeGradient gives the output's gradient the input's shape.
func reshapeGradient(c *call) { c.din[0] = c.alias(c.dout[0], c.in[0].Shape...) }

// dropoutForward is the identity: pare drops nothing out. Its mask, if asked for, is all true.
func dropoutForward(c *call) {
	if c.has(2) && c.in[2].Len() == 1 && c.in[2].Data[0] != 0 {
		c.unsupported("training_mode, which drops elements at random")
	}
	x := c.in[0]
	if c.asked(1) {
		t := ir.Bool
		if c.opset < 10 {
			t = x.DType
		}
		if t != ir.Bool && t != ir.Float32 {
			c.unsupported("a mask of %s", t)
		}
		mask := c.output(1, t, x.Shape...)
		if t == ir.Bool {
			for i := range mask.Data {
				mask.Data[i] = 1
			}
		} else {
			fill(mask.Float32s(), 1)
		}
	}
	identityForward(c)
}

func reshapeForward(c *call) {
	x := c.in[0]
	want := c.ints(1)
	if len(want) > 64 {
		c.fail("a shape of %d dimensions", len(want))
	}
	allowZero := c.node.Int("allowzero", 0) != 0
	shape := make([]int, len(want))
	hole, rest := -1, 1
	for i, v := range want {
		switch {
		case v == -1 && hole < 0:
			hole = i
			continue
		case v == 0 && !allowZero:
			if i >= len(x.Shape) {
				c.fail("shape %v copies dimension %d of %v", want, i, x.Shape)
			}
			shape[i] = x.Shape[i]
		default:
			shape[i] = c.size(v)
		}
		n, ok := elements([]int{rest, shape[i]})
		if !ok {
			c.fail("shape %v is too large", want)
		}
		rest = n
	}
	if hole >= 0 {
		if rest == 0 || x.Len()%rest != 0 {
			c.fail("shape %v does not divide the %d elements of %v", want, x.Len(), x.Shape)
		}
		shape[hole] = x.Len() / rest
	}
	if n, ok := elements(shape); !ok || n != x.Len() {
		c.fail("shape %v has not the %d elements of %v", want, x.Len(), x.Shape)
	}
	c.outputAlias(0, x, shape...)
}

func flattenForward(c *call) {
	x := c.in[0]
	at := c.node.Int("axis", 1)
	rank := len(x.Shape)
	if at < -int64(rank) || at > int64(rank) {
		c.fail("axis is %d for a value of rank %d", at, rank)
	}
	if at < 0 {
		at += int64(rank)
	}
	c.outputAlias(0, x, count(x.Shape[:at]), count(x.Shape[at:]))
}

// axesOf reads axes that became an input with an opset. given is false where the node names none.
func (c *call) axesOf(input int, from int64) (axes []int64, given bool) {
	if c.opset < from {
		a := c.node.Attr("axes")
		return c.node.Ints("axes"), a != nil
	}
	return c.ints(input), c.has(input)
}

func squeezeForward(c *call) {
	x := c.in[0]
	list, given := c.axesOf(1, 13)
	drop := make([]bool, len(x.Shape))
	if given {
		drop = c.axes(list, len(x.Shape))
	} else {
		for d, n := range x.Shape {
			drop[d] = n == 1
		}
	}
	shape := []int{}
	for d, n := range x.Shape {
		switch {
		case !drop[d]:
			shape = append(shape, n)
		case n != 1:
			c.fail("dimension %d of %v is not 1", d, x.Shape)
		}
	}
	c.outputAlias(0, x, shape...)
}

func unsqueezeForward(c *call) {
	x := c.in[0]
	list, _ := c.axesOf(1, 13)
	rank := len(x.Shape) + len(list)
	if rank > 64 {
		c.fail("a shape of %d dimensions", rank)
	}
	insert := c.axes(list, rank)
	shape, k := make([]int, rank), 0
	for d := range shape {
		if insert[d] {
			shape[d] = 1
		} else {
			shape[d] = x.Shape[k]
			k++
		}
	}
	c.outputAlias(0, x, shape...)
}

func shapeForward(c *call) {
	shape := c.in[0].Shape
	rank := int64(len(shape))
	clip := func(v int64) int64 {
		if v < 0 {
			v += rank
		}
		return min(max(v, 0), rank)
	}
	from, to := clip(c.node.Int("start", 0)), clip(c.node.Int("end", rank))
	out := c.output(0, ir.Int64, int(max(0, to-from))).Int64s()
	for i := range out {
		out[i] = int64(shape[int(from)+i])
	}
}

func sizeForward(c *call) { c.output(0, ir.Int64).Int64s()[0] = int64(c.in[0].Len()) }

// dims turns an input that says a shape into one.
func (c *call) dims(i int) []int {
	list := c.ints(i)
	if len(list) > 64 {
		c.fail("a shape of %d dimensions", len(list))
	}
	shape := make([]int, len(list))
	for k, v := range list {
		shape[k] = c.size(v)
	}
	return shape
}

func constantOfShapeForward(c *call) {
	shape := c.dims(0)
	value := NewArray(ir.Float32, 1)
	if a := c.node.Attr("value"); a != nil && a.Tensor != nil {
		var err error
		if value, err = FromTensor(a.Tensor); err != nil {
			c.fail("%w", err)
		}
		if value.Len() != 1 {
			c.fail("the value has %d elements; it must have one", value.Len())
		}
	}
	y := c.output(0, value.DType, shape...)
	c.gather(y, value, window{shape: y.Shape, strides: make([]int, len(y.Shape))})
}

func expandForward(c *call) {
	x := c.in[0]
	shape := c.broadcastShape(x.Shape, c.dims(1))
	y := c.output(0, x.DType, shape...)
	c.gather(y, x, window{shape: shape, strides: broadcastStrides(shape, x.Shape)})
}

func expandGradient(c *call) { c.din[0] = c.passBack(c.dout[0], c.in[0].Shape) }

// rangeForward gives start, start + delta … below limit.
func rangeForward(c *call) {
	for i := range 3 {
		if c.in[i].Len() != 1 || c.in[i].DType != c.in[0].DType {
			c.fail("input %d is %s %v; it must be one %s", i, c.in[i].DType, c.in[i].Shape, c.in[0].DType)
		}
	}
	start, limit, delta := c.toFloat64(c.in[0]), c.toFloat64(c.in[1]), c.toFloat64(c.in[2])
	defer c.release(start, limit, delta)
	a, b, d := start.Float64s()[0], limit.Float64s()[0], delta.Float64s()[0]
	if d == 0 {
		c.fail("delta is 0")
	}
	n := (b - a) / d
	if !(n < 1<<40) {
		c.fail("a range of %g elements", n)
	}
	size := 0
	if n > 0 {
		if size = int(n); float64(size) < n {
			size++
		}
	}
	values := c.alloc(ir.Float64, size)
	for i := range values.Float64s() {
		values.Float64s()[i] = a + float64(float64(i)*d)
	}
	c.cast(c.output(0, c.in[0].DType, size), values)
	c.release(values)
}
