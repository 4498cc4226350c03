package exec

import (
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// Operators that move elements to other places.

// permutation reads Transpose's perm, by default all dimensions reversed.
func (c *call) permutation(rank int) []int {
	perm := make([]int, rank)
	list := c.node.Ints("perm")
	if list == nil {
		for d := range perm {
			perm[d] = rank - 1 - d
		}
		return perm
	}
	if len(list) != rank {
		c.fail("perm %v does not fit a value of rank %d", list, rank)
	}
	seen := make([]bool, rank)
	for d, v := range list {
		perm[d] = c.axis(v, rank)
		if seen[perm[d]] {
			c.fail("perm %v names dimension %d twice", list, v)
		}
		seen[perm[d]] = true
	}
	return perm
}

// transposed returns the window of x that a permutation shows.
func transposed(shape, perm []int) window {
	w := window{shape: make([]int, len(shape)), strides: make([]int, len(shape))}
	strides := denseStrides(shape)
	for d, from := range perm {
		w.shape[d], w.strides[d] = shape[from], strides[from]
	}
	return w
}

func transposeForward(c *call) {
	x := c.in[0]
	w := transposed(x.Shape, c.permutation(len(x.Shape)))
	c.gather(c.output(0, x.DType, w.shape...), x, w)
}

func transposeGradient(c *call) {
	x := c.in[0]
	c.din[0] = c.alloc(ir.Float32, x.Shape...)
	c.scatter(c.din[0], c.dout[0], transposed(x.Shape, c.permutation(len(x.Shape))))
}

// part returns the window of an array of the given shape that holds size elements along axis from start on.
func part(shape []int, axis, start, size int) window {
	w := window{shape: slices.Clone(shape), strides: denseStrides(shape)}
	w.shape[axis] = size
	w.offset = start * w.strides[axis]
	return w
}

func concatForward(c *call) {
	x := c.input(0)
	at := c.node.Int("axis", 1)
	if len(x.Shape) == 0 {
		c.fail("scalars cannot be put together")
	}
	axis := c.axis(at, len(x.Shape))
	shape := slices.Clone(x.Shape)
	shape[axis] = 0
	for i := range c.in {
		a := c.input(i)
		if a.DType != x.DType || len(a.Shape) != len(shape) {
			c.fail("input %d is %s %v beside %s %v", i, a.DType, a.Shape, x.DType, x.Shape)
		}
		for d := range shape {
			if d != axis && a.Shape[d] != shape[d] {
				c.fail("input %d has shape %v beside %v", i, a.Shape, x.Shape)
			}
		}
		shape[axis] += a.Shape[axis]
	}
	y := c.output(0, x.DType, shape...)
	start := 0
	for _, a := range c.in {
		c.scatter(y, a, part(shape, axis, start, a.Shape[axis]))
		start += a.Shape[axis]
	}
}

func concatGradient(c *call) {
	shape := c.dout[0].Shape
	axis := c.axis(c.node.Int("axis", 1), len(shape))
	start := 0
	for i, x := range c.in {
		if c.want[i] {
			c.din[i] = c.alloc(ir.Float32, x.Shape...)
			c.gather(c.din[i], c.dout[0], part(shape, axis, start, x.Shape[axis]))
		}
		start += x.Shape[axis]
	}
}

// parts returns the sizes that Split cuts n into: listed, or equal ones, the last smaller if num_outputs says so.
func (c *call) parts(n int) []int {
	outputs := len(c.out)
	list, given := c.node.Ints("split"), c.node.Attr("split") != nil
	if c.opset >= 13 {
		list, given = c.ints(1), c.has(1)
	}
	sizes := make([]int, outputs)
	if !given {
		if c.opset < 18 && n%outputs != 0 {
			c.fail("%d elements cannot be split into %d equal parts", n, outputs)
		}
		each := (n + outputs - 1) / outputs
		for i := range sizes {
			sizes[i] = max(0, min(each, n-i*each))
		}
		return sizes
	}
	if len(list) != outputs {
		c.fail("split lists %d parts for %d outputs", len(list), outputs)
	}
	total := 0
	for i, v := range list {
		sizes[i] = c.size(v)
		total += sizes[i]
	}
	if total != n {
		c.fail("the parts %v are not the %d elements of the dimension", list, n)
	}
	return sizes
}

func splitForward(c *call) {
	x := c.in[0]
	axis := c.axis(c.node.Int("axis", 0), len(x.Shape))
	start := 0
	for i, n := range c.parts(x.Shape[axis]) {
		w := part(x.Shape, axis, start, n)
		if c.asked(i) {
			c.gather(c.output(i, x.DType, w.shape...), x, w)
		}
		start += n
	}
}

func splitGradient(c *call) {
	x := c.in[0]
	axis := c.axis(c.node.Int("axis", 0), len(x.Shape))
	c.din[0] = c.allocZero(ir.Float32, x.Shape...)
	start := 0
	for i, n := range c.parts(x.Shape[axis]) {
		if c.dout[i] != nil {
			c.scatter(c.din[0], c.dout[i], part(x.Shape, axis, start, n))
		}
		start += n
	}
}

// slice returns the window that Slice shows of x: attributes before opset 10, inputs from then on.
func (c *call) slice(x *Array) window {
	rank := len(x.Shape)
	starts, ends, axes := c.node.Ints("starts"), c.node.Ints("ends"), c.node.Ints("axes")
	var steps []int64
	if c.opset >= 10 {
		starts, ends, axes, steps = c.ints(1), c.ints(2), c.ints(3), c.ints(4)
	}
	if len(starts) != len(ends) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) ||
		axes == nil && len(starts) > rank {
		c.fail("starts, ends, axes and steps have %d, %d, %d and %d entries", len(starts), len(ends), len(axes), len(steps))
	}
	w := window{shape: slices.Clone(x.Shape), strides: denseStrides(x.Shape)}
	if axes != nil {
		c.axes(axes, rank) // no axis twice
	}
	for i := range starts {
		d := i
		if axes != nil {
			d = c.axis(axes[i], rank)
		}
		step := int64(1)
		if steps != nil {
			step = steps[i]
		}
		if step == 0 {
			c.fail("a step of 0")
		}
		first, size := cut(int64(x.Shape[d]), starts[i], ends[i], step)
		if size > 0 {
			w.offset += int(first) * w.strides[d]
		}
		w.shape[d] = int(size)
		if size > 1 {
			w.strides[d] *= int(step)
		}
	}
	return w
}

// cut returns where a slice of n elements begins and how many elements it takes, by Python's rule.
func cut(n, start, end, step int64) (first, size int64) {
	lo, hi := int64(0), n
	if step < 0 {
		lo, hi = -1, n-1
	}
	clip := func(v int64) int64 {
		if v < 0 {
			v += n // v is far from overflow: it only grows
		}
		return min(max(v, lo), hi)
	}
	start, end = clip(start), clip(end)
	switch {
	case step > 0 && end > start:
		return start, (end-start-1)/step + 1
	case step < 0 && end < start:
		return start, (start-end-1)/-max(step, -n) + 1
	}
	return 0, 0
}

func sliceForward(c *call) {
	x := c.in[0]
	w := c.slice(x)
	c.gather(c.output(0, x.DType, w.shape...), x, w)
}

func sliceGradient(c *call) {
	c.din[0] = c.allocZero(ir.Float32, c.in[0].Shape...)
	c.scatter(c.din[0], c.dout[0], c.slice(c.in[0]))
}

// gatherOf reads a Gather: data as outer slices of n rows of inner elements, and the rows that are picked.
func (c *call) gatherOf() (outer, n, inner, axis int, rows []int) {
	x := c.in[0]
	if len(x.Shape) == 0 {
		c.fail("the data is a scalar")
	}
	axis = c.axis(c.node.Int("axis", 0), len(x.Shape))
	n = x.Shape[axis]
	list := c.ints(1)
	rows = make([]int, len(list))
	for i, v := range list {
		if v < -int64(n) || v >= int64(n) {
			c.fail("index %d of a dimension of %d", v, n)
		}
		if v < 0 {
			v += int64(n)
		}
		rows[i] = int(v)
	}
	return count(x.Shape[:axis]), n, count(x.Shape[axis+1:]), axis, rows
}

func gatherForward(c *call) {
	x := c.in[0]
	outer, n, inner, axis, rows := c.gatherOf()
	shape := slices.Concat(x.Shape[:axis], c.in[1].Shape, x.Shape[axis+1:])
	width := inner * c.elementSize(x.DType)
	y := c.output(0, x.DType, shape...)
	c.chunks(outer*len(rows), grain/max(1, width), func(from, to int) {
		for i := from; i < to; i++ {
			row := i/len(rows)*n + rows[i%len(rows)]
			copy(y.Data[i*width:][:width], x.Data[row*width:])
		}
	})
}

func gatherGradient(c *call) {
	outer, n, inner, _, rows := c.gatherOf()
	c.din[0] = c.allocZero(ir.Float32, c.in[0].Shape...)
	dx, dy := c.din[0].Float32s(), c.dout[0].Float32s()
	c.each(outer, func(o int) {
		for i, row := range rows {
			dst := dx[(o*n+row)*inner:][:inner]
			kernel.Add(dst, dst, dy[(o*len(rows)+i)*inner:][:inner])
		}
	})
}

// tileOf returns the shape of Tile's output.
func (c *call) tileOf() []int {
	x := c.in[0]
	repeats := c.dims(1)
	if len(repeats) != len(x.Shape) {
		c.fail("repeats %v do not fit shape %v", repeats, x.Shape)
	}
	shape := slices.Clone(x.Shape)
	for d, r := range repeats {
		n, ok := elements([]int{shape[d], r})
		if !ok {
			c.fail("repeats %v are too many", repeats)
		}
		shape[d] = n
	}
	return shape
}

// tileWindow sees the output [r0·n0, r1·n1 …] as [r0, n0, r1, n1 …], which x fills with strides of 0 for the repeats.
func tileWindow(x, out []int) window {
	w := window{}
	strides := denseStrides(x)
	for d, n := range x {
		w.shape = append(w.shape, out[d]/max(1, n), n)
		w.strides = append(w.strides, 0, strides[d])
	}
	return w
}

func tileForward(c *call) {
	x := c.in[0]
	shape := c.tileOf()
	c.gather(c.output(0, x.DType, shape...), x, tileWindow(x.Shape, shape))
}

func tileGradient(c *call) {
	x := c.in[0]
	w := tileWindow(x.Shape, c.dout[0].Shape)
	g := c.alias(c.dout[0], w.shape...)
	kept := make([]int, len(w.shape))
	for d := range kept {
		if kept[d] = 1; d%2 == 1 {
			kept[d] = w.shape[d]
		}
	}
	c.din[0] = c.sumTo(g, kept)
	c.din[0].Shape = slices.Clone(x.Shape)
}

// blocks is the window of DepthToSpace or SpaceToDepth: x seen in six dimensions and permuted.
func (c *call) blocks() (w window, shape []int) {
	x := c.in[0]
	b := c.size(c.node.Int("blocksize", 0))
	if len(x.Shape) != 4 || b < 1 || b > 1<<15 {
		c.fail("blocks of %d in shape %v", b, x.Shape)
	}
	crd := c.node.Str("mode", "DCR") == "CRD"
	n, ch, h, wd := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	if c.node.Op == "SpaceToDepth" {
		if h%b != 0 || wd%b != 0 {
			c.fail("blocks of %d in shape %v", b, x.Shape)
		}
		perm := []int{0, 3, 5, 1, 2, 4}
		if crd {
			perm = []int{0, 1, 3, 5, 2, 4}
		}
		return transposed([]int{n, ch, h / b, b, wd / b, b}, perm), []int{n, ch * b * b, h / b, wd / b}
	}
	if ch%(b*b) != 0 {
		c.fail("blocks of %d in shape %v", b, x.Shape)
	}
	shape = []int{n, ch / b / b, h * b, wd * b}
	if crd {
		return transposed([]int{n, ch / b / b, b, b, h, wd}, []int{0, 1, 4, 2, 5, 3}), shape
	}
	return transposed([]int{n, b, b, ch / b / b, h, wd}, []int{0, 3, 4, 1, 5, 2}), shape
}

func blocksForward(c *call) {
	w, shape := c.blocks()
	c.gather(c.output(0, c.in[0].DType, shape...), c.in[0], w)
}

func blocksGradient(c *call) {
	w, _ := c.blocks()
	c.din[0] = c.alloc(ir.Float32, c.in[0].Shape...)
	c.scatter(c.din[0], c.dout[0], w)
}
