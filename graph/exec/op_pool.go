package exec

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// poolOf reads the window of a pooling node over x.
func (c *call) poolOf(x *Array) spatial {
	if len(x.Shape) < 3 {
		c.fail("the image has shape %v", x.Shape)
	}
	size := c.node.Ints("kernel_shape")
	k := make([]int, len(size))
	for i, v := range size {
		k[i] = c.size(v)
	}
	s := c.spatialOf(x.Shape[2:], k)
	s.pad()
	s.ceilMode = c.node.Int("ceil_mode", 0) != 0 && !s.sameUpper && !s.sameLower
	s.outH = windows(s.h, s.top, s.bottom, reach(s.kh, s.dh), s.sh, s.ceilMode)
	s.outW = windows(s.w, s.left, s.right, reach(s.kw, s.dw), s.sw, s.ceilMode)
	return s
}

// span is the part of a window that lies on the image: positions first, first+dilation … below end.
func span(o, stride, before, k, dilation, size int) (first, end int) {
	first = o*stride - before
	end = min(size, first+reach(k, dilation))
	if first < 0 {
		first += (-first + dilation - 1) / dilation * dilation
	}
	return first, end
}

func maxPoolForward(c *call) {
	x := c.in[0]
	s := c.poolOf(x)
	y := c.output(0, x.DType, imageShape(s.rank, x.Shape[0], x.Shape[1], s.outH, s.outW)...)
	planes := x.Shape[0] * x.Shape[1]
	var at []int32 // by output: where its maximum lies in the plane
	if c.forGradient() || c.asked(1) {
		if s.h*s.w > 1<<31-1 {
			c.unsupported("planes of %d x %d", s.h, s.w)
		}
		kept := c.alloc(ir.Int32, y.Shape...)
		c.keep(kept)
		at = kept.Int32s()
	}
	switch x.DType {
	case ir.Float32:
		maxPool(c, s, planes, y.Float32s(), x.Float32s(), at)
	case ir.Float64:
		maxPool(c, s, planes, y.Float64s(), x.Float64s(), at)
	case ir.Int8:
		maxPool(c, s, planes, y.Int8s(), x.Int8s(), at)
	case ir.Uint8:
		maxPool(c, s, planes, y.Uint8s(), x.Uint8s(), at)
	default:
		c.unsupported("its input is %s", x.DType)
	}
	if c.asked(1) {
		c.poolIndices(s, planes, at)
	}
	if !c.forGradient() {
		c.release(c.kept...)
		c.kept = nil
	}
}

// poolIndices sets output 1: the places of the maxima in the whole of x, rows or (storage_order) columns first.
func (c *call) poolIndices(s spatial, planes int, at []int32) {
	index := c.output(1, ir.Int64, c.out[0].Shape...).Int64s()
	perPlane := s.outH * s.outW
	columns := c.node.Int("storage_order", 0) != 0
	for i, v := range at {
		k := int(v)
		if columns {
			k = k%s.w*s.h + k/s.w
		}
		index[i] = int64(i/perPlane*s.h*s.w + k)
	}
}

func maxPool[T float32 | float64 | int8 | uint8](c *call, s spatial, planes int, y, x []T, at []int32) {
	in, out := s.h*s.w, s.outH*s.outW
	for oy := range s.outH {
		for ox := range s.outW {
			y0, y1 := span(oy, s.sh, s.top, s.kh, s.dh, s.h)
			x0, x1 := span(ox, s.sw, s.left, s.kw, s.dw, s.w)
			if y0 >= y1 || x0 >= x1 {
				c.fail("a window lies outside the image")
			}
		}
	}
	if len(y) == 0 {
		return
	}
	c.chunks(planes, grain/max(1, in), func(from, to int) {
		for p := from; p < to; p++ {
			src, dst := x[p*in:][:in], y[p*out:][:out]
			var where []int32
			if at != nil {
				where = at[p*out:][:out]
			}
			o := 0
			for oy := range s.outH {
				y0, y1 := span(oy, s.sh, s.top, s.kh, s.dh, s.h)
				for ox := range s.outW {
					x0, x1 := span(ox, s.sw, s.left, s.kw, s.dw, s.w)
					best := y0*s.w + x0
					top := src[best]
					for iy := y0; iy < y1; iy += s.dh {
						for ix := x0; ix < x1; ix += s.dw {
							if v := src[iy*s.w+ix]; v > top || v != v {
								top, best = v, iy*s.w+ix
							}
						}
					}
					dst[o] = top
					if where != nil {
						where[o] = int32(best)
					}
					o++
				}
			}
		}
	})
}

func maxPoolGradient(c *call) {
	shape := c.in[0].Shape
	dx := c.allocZero(ir.Float32, shape...)
	c.din[0] = dx
	planes := shape[0] * shape[1]
	in, out := count(shape[2:]), count(c.out[0].Shape[2:])
	d, dy, at := dx.Float32s(), c.dout[0].Float32s(), c.kept[0].Int32s()
	c.chunks(planes, grain/max(1, in), func(from, to int) {
		for p := from; p < to; p++ {
			dst := d[p*in:][:in]
			for o := p * out; o < (p+1)*out; o++ {
				dst[at[o]] += dy[o]
			}
		}
	})
}

// averageCount returns how many positions a window's sum is divided by: those on the image, or with
// count_include_pad those on the padded image.
func averageCount(o, stride, before, after, k, dilation, size int, pads bool) int {
	first, end := span(o, stride, before, k, dilation, size)
	if pads {
		first = o*stride - before
		end = min(size+after, first+reach(k, dilation))
	}
	if end <= first {
		return 0
	}
	return (end - first + dilation - 1) / dilation
}

func averagePoolForward(c *call) {
	x := c.in[0]
	if x.DType != ir.Float32 {
		c.unsupported("its input is %s", x.DType)
	}
	s := c.poolOf(x)
	y := c.output(0, x.DType, imageShape(s.rank, x.Shape[0], x.Shape[1], s.outH, s.outW)...)
	in, out := s.h*s.w, s.outH*s.outW
	src, dst := x.Float32s(), y.Float32s()
	if len(dst) == 0 {
		return
	}
	c.averageWindows(s, func(p, o, rows, cols, y0, y1, x0, x1 int) {
		plane := src[p*in:][:in]
		var sum float32
		for iy := y0; iy < y1; iy += s.dh {
			for ix := x0; ix < x1; ix += s.dw {
				sum += plane[iy*s.w+ix]
			}
		}
		dst[p*out+o] = sum / float32(rows*cols)
	})
}

// averageWindows calls do for every window of every plane with the number of rows and columns that count.
func (c *call) averageWindows(s spatial, do func(p, o, rows, cols, y0, y1, x0, x1 int)) {
	planes := c.in[0].Shape[0] * c.in[0].Shape[1]
	pads := c.node.Int("count_include_pad", 0) != 0
	c.chunks(planes, grain/max(1, s.h*s.w), func(from, to int) {
		for p := from; p < to; p++ {
			for oy := range s.outH {
				y0, y1 := span(oy, s.sh, s.top, s.kh, s.dh, s.h)
				rows := averageCount(oy, s.sh, s.top, s.bottom, s.kh, s.dh, s.h, pads)
				for ox := range s.outW {
					x0, x1 := span(ox, s.sw, s.left, s.kw, s.dw, s.w)
					cols := averageCount(ox, s.sw, s.left, s.right, s.kw, s.dw, s.w, pads)
					do(p, oy*s.outW+ox, rows, cols, y0, y1, x0, x1)
				}
			}
		}
	})
}

func averagePoolGradient(c *call) {
	x := c.in[0]
	s := c.poolOf(x)
	c.din[0] = c.allocZero(ir.Float32, x.Shape...)
	in, out := s.h*s.w, s.outH*s.outW
	dx, dy := c.din[0].Float32s(), c.dout[0].Float32s()
	c.averageWindows(s, func(p, o, rows, cols, y0, y1, x0, x1 int) {
		plane := dx[p*in:][:in]
		g := dy[p*out+o] / float32(rows*cols)
		for iy := y0; iy < y1; iy += s.dh {
			for ix := x0; ix < x1; ix += s.dw {
				plane[iy*s.w+ix] += g
			}
		}
	})
}

// globalShape is that of a global pool's output: one element a channel.
func (c *call) globalShape(x *Array) (shape []int, planes, size int) {
	if len(x.Shape) < 2 {
		c.fail("the image has shape %v", x.Shape)
	}
	if x.DType != ir.Float32 {
		c.unsupported("its input is %s", x.DType)
	}
	shape = append([]int{}, x.Shape...)
	for d := 2; d < len(shape); d++ {
		shape[d] = 1
	}
	size = count(x.Shape[2:])
	if size == 0 {
		c.fail("the image has shape %v", x.Shape)
	}
	return shape, x.Shape[0] * x.Shape[1], size
}

func globalAverageForward(c *call) {
	x := c.in[0]
	shape, planes, size := c.globalShape(x)
	src, dst := x.Float32s(), c.output(0, ir.Float32, shape...).Float32s()
	c.chunks(planes, grain/size, func(from, to int) {
		for p := from; p < to; p++ {
			dst[p] = float32(kernel.Sum(src[p*size:][:size]) / float64(size))
		}
	})
}

func globalAverageGradient(c *call) {
	_, planes, size := c.globalShape(c.in[0])
	c.din[0] = c.alloc(ir.Float32, c.in[0].Shape...)
	dx, dy := c.din[0].Float32s(), c.dout[0].Float32s()
	c.chunks(planes, grain/size, func(from, to int) {
		for p := from; p < to; p++ {
			fill(dx[p*size:][:size], dy[p]/float32(size))
		}
	})
}

func globalMaxForward(c *call) {
	x := c.in[0]
	shape, planes, size := c.globalShape(x)
	src, dst := x.Float32s(), c.output(0, ir.Float32, shape...).Float32s()
	c.chunks(planes, grain/size, func(from, to int) {
		for p := from; p < to; p++ {
			top := src[p*size]
			for _, v := range src[p*size:][:size] {
				if v > top || v != v {
					top = v
				}
			}
			dst[p] = top
		}
	})
}

// globalMaxGradient goes to the first of the largest elements.
func globalMaxGradient(c *call) {
	_, planes, size := c.globalShape(c.in[0])
	c.din[0] = c.allocZero(ir.Float32, c.in[0].Shape...)
	dx, dy, x, y := c.din[0].Float32s(), c.dout[0].Float32s(), c.in[0].Float32s(), c.out[0].Float32s()
	c.chunks(planes, grain/size, func(from, to int) {
		for p := from; p < to; p++ {
			for i := p * size; i < (p+1)*size; i++ {
				if x[i] == y[p] {
					dx[i] = dy[p]
					break
				}
			}
		}
	})
}

func fill(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}
