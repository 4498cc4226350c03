package exec

import (
	"github.com/pare-ml/pare/graph/ir"
)

// padding is what a Pad node asks for: elements added (or, negative, taken away) before and after each dimension.
type padding struct {
	mode          string
	before, after []int
	shape         []int // of the output
}

// padOf reads pads from attributes before opset 11 and from inputs from then on.
func (c *call) padOf() padding {
	x := c.in[0]
	rank := len(x.Shape)
	p := padding{mode: c.node.Str("mode", "constant"), before: make([]int, rank), after: make([]int, rank), shape: make([]int, rank)}
	pads := c.node.Ints("pads")
	var list []int64
	if c.opset >= 11 {
		pads, list = c.ints(1), c.ints(3)
	}
	axes := make([]int, 0, rank)
	if list == nil {
		for d := range rank {
			axes = append(axes, d)
		}
	} else {
		c.axes(list, rank)
		for _, v := range list {
			axes = append(axes, c.axis(v, rank))
		}
	}
	if len(pads) != 2*len(axes) {
		c.fail("%d pads for %d dimensions", len(pads), len(axes))
	}
	for i, d := range axes {
		p.before[d], p.after[d] = c.padSize(pads[i]), c.padSize(pads[i+len(axes)])
	}
	for d, n := range x.Shape {
		p.shape[d] = n + p.before[d] + p.after[d]
		if p.shape[d] < 0 {
			c.fail("pads %v leave nothing of shape %v", pads, x.Shape)
		}
	}
	switch p.mode {
	case "constant", "edge", "reflect", "wrap":
	default:
		c.unsupported("mode %q", p.mode)
	}
	for d, n := range x.Shape {
		if grows := p.before[d] > 0 || p.after[d] > 0; p.mode != "constant" && n == 0 && grows {
			c.fail("mode %s has nothing to copy in shape %v", p.mode, x.Shape)
		}
	}
	return p
}

func (c *call) padSize(v int64) int {
	if v < 0 {
		return -c.size(-v)
	}
	return c.size(v)
}

// source returns for each position along dimension d of the output the position of the input that it copies; -1: the
// constant.
func (p padding) source(d, n int) []int {
	from := make([]int, p.shape[d])
	for i := range from {
		k := i - p.before[d]
		switch {
		case k >= 0 && k < n:
		case p.mode == "constant":
			k = -1
		case p.mode == "edge":
			k = min(max(k, 0), n-1)
		case p.mode == "wrap":
			k = (k%n + n) % n
		default: // reflect, without repeating the edge, as often as it takes
			if n == 1 {
				k = 0
				break
			}
			period := 2 * (n - 1)
			k = (k%period + period) % period
			if k >= n {
				k = period - k
			}
		}
		from[i] = k
	}
	return from
}

// walk calls do for each row of the output along its last dimension: where it begins, and in the input; -1 for a row of
// the constant alone.
func (p padding) walk(shape []int, do func(out, in int, columns []int)) {
	rank := len(shape)
	sources := make([][]int, rank)
	for d, n := range shape {
		sources[d] = p.source(d, n)
	}
	strides := denseStrides(shape)
	rows := count(p.shape[:rank-1])
	index := make([]int, rank-1)
	for row := range rows {
		at := 0
		for d, i := range index {
			k := sources[d][i]
			if k < 0 {
				at = -1
				break
			}
			at += k * strides[d]
		}
		do(row*p.shape[rank-1], at, sources[rank-1])
		for d := rank - 2; d >= 0; d-- {
			if index[d]++; index[d] < p.shape[d] {
				break
			}
			index[d] = 0
		}
	}
}

func padForward(c *call) {
	x := c.in[0]
	if len(x.Shape) == 0 {
		c.outputAlias(0, x)
		return
	}
	p := c.padOf()
	value := NewArray(x.DType, 1)
	if c.opset < 11 {
		v := c.node.Float("value", 0)
		if v != 0 && x.DType != ir.Float32 {
			c.unsupported("its input is %s", x.DType)
		}
		if x.DType == ir.Float32 {
			value.Float32s()[0] = v
		}
	} else if c.has(2) {
		if c.in[2].DType != x.DType || c.in[2].Len() != 1 {
			c.fail("the constant is %s %v; it must be one %s", c.in[2].DType, c.in[2].Shape, x.DType)
		}
		copy(value.Data, c.in[2].Data)
	}
	size := c.elementSize(x.DType)
	y := c.output(0, x.DType, p.shape...)
	switch size {
	case 1:
		padInto(p, x.Shape, view[uint8](y.Data), view[uint8](x.Data), view[uint8](value.Data)[0])
	case 2:
		padInto(p, x.Shape, view[uint16](y.Data), view[uint16](x.Data), view[uint16](value.Data)[0])
	case 4:
		padInto(p, x.Shape, view[uint32](y.Data), view[uint32](x.Data), view[uint32](value.Data)[0])
	case 8:
		padInto(p, x.Shape, view[uint64](y.Data), view[uint64](x.Data), view[uint64](value.Data)[0])
	default:
		c.unsupported("its input is %s", x.DType)
	}
}

func padInto[T any](p padding, shape []int, y, x []T, value T) {
	p.walk(shape, func(out, in int, columns []int) {
		for i, k := range columns {
			if in < 0 || k < 0 {
				y[out+i] = value
			} else {
				y[out+i] = x[in+k]
			}
		}
	})
}

func padGradient(c *call) {
	x := c.in[0]
	if len(x.Shape) == 0 {
		c.din[0] = c.alias(c.dout[0])
		return
	}
	p := c.padOf()
	c.din[0] = c.allocZero(ir.Float32, x.Shape...)
	dx, dy := c.din[0].Float32s(), c.dout[0].Float32s()
	rest := 0.0
	p.walk(x.Shape, func(out, in int, columns []int) {
		for i, k := range columns {
			if in < 0 || k < 0 {
				rest += float64(dy[out+i])
			} else {
				dx[in+k] += dy[out+i]
			}
		}
	})
	if len(c.want) > 2 && c.want[2] {
		c.din[2] = c.alloc(ir.Float32, c.in[2].Shape...)
		c.din[2].Float32s()[0] = float32(rest)
	}
}
