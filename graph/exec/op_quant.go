package exec

import (
	"math"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/parallel"
)

// QuantizeLinear and DequantizeLinear. A scale (and zero point) serves the whole value, or each index along an axis, or
// each block of block_size along it.

// grids says which scale belongs to which elements: the value is outer × n × inner, and blocks of that many of the n
// share the scale at (outer, block, inner). Without blocks the scale hangs on n alone, or on nothing.
type grids struct {
	outer, n, inner int
	block           int // 0: no blocks
	single          bool
	scale           []float32
	zero            func(i int) int64
}

// gridsOf reads scale and zero point, inputs 1 and 2, of a value of the given shape.
func (c *call) gridsOf(shape []int) grids {
	s := c.input(1)
	g := grids{zero: func(int) int64 { return 0 }}
	switch s.DType {
	case ir.Float32:
		g.scale = s.Float32s()
	case ir.Float8E4M3FN, ir.Float8E8M0:
		g.scale = make([]float32, s.Len())
		smallFloats(g.scale, s)
	default:
		c.unsupported("its scale is %s", s.DType)
	}
	if c.has(2) && !isSmallFloat(c.in[2].DType) { // the zero of a float is zero
		z := c.in[2]
		if z.Len() != s.Len() {
			c.fail("%d zero points for %d scales", z.Len(), s.Len())
		}
		if !isInteger(z.DType) {
			c.unsupported("its zero point is %s", z.DType)
		}
		g.zero = readInt(z)
	}
	if len(s.Shape) == 0 || s.Len() == 1 && len(s.Shape) == 1 {
		g.single = true
		return g
	}
	axis := c.axis(c.node.Int("axis", 1), len(shape))
	g.outer, g.n, g.inner = count(shape[:axis]), shape[axis], count(shape[axis+1:])
	want := []int{g.n}
	if block := c.node.Int("block_size", 0); block != 0 {
		if g.block = c.size(block); g.block < 1 {
			c.fail("block_size is %d", block)
		}
		want = slices.Clone(shape)
		want[axis] = (g.n + g.block - 1) / g.block
	}
	if !equalShape(s.Shape, want) {
		c.fail("scales of shape %v for a value of shape %v at axis %d; they should be %v", s.Shape, shape, axis, want)
	}
	return g
}

func isInteger(d ir.DType) bool {
	switch d {
	case ir.Int8, ir.Uint8, ir.Int16, ir.Uint16, ir.Int32, ir.Int4, ir.Uint4, ir.Int2, ir.Uint2:
		return true
	}
	return false
}

func isSmallFloat(d ir.DType) bool {
	switch d {
	case ir.Float8E4M3FN, ir.Float8E5M2, ir.Float8E8M0, ir.Float4E2M1:
		return true
	}
	return false
}

// smallFloats sets dst to the values of 8-bit and 4-bit floats.
func smallFloats(dst []float32, x *Array) {
	table := map[ir.DType]*[256]float32{ir.Float8E4M3FN: &kernel.Float8E4M3, ir.Float8E5M2: &kernel.Float8E5M2, ir.Float8E8M0: &kernel.Float8E8M0}[x.DType]
	for i := range dst {
		if table == nil {
			dst[i] = kernel.Float4[x.Data[i/2]>>(4*(i%2))&15]
		} else {
			dst[i] = table[x.Data[i]]
		}
	}
}

// runs calls do for pieces of size elements in all that share a scale: elements [from, to) and scale k.
func (c *call) runs(g grids, size int, do func(from, to, k int)) { g.runs(c.p.workers, size, do) }

// runs is the same on that many workers; with one, pieces come in order.
func (g grids) runs(workers, size int, do func(from, to, k int)) {
	if g.single {
		parallel.Chunks(workers, size, grain, func(_, from, to int) { do(from, to, 0) })
		return
	}
	blocks := 1
	if g.block > 0 {
		blocks = (g.n + g.block - 1) / g.block
	}
	parallel.Chunks(workers, g.outer*g.n, max(1, grain/max(1, g.inner)), func(_, from, to int) {
		for i := from; i < to; i++ {
			at := i * g.inner
			if g.block == 0 {
				do(at, at+g.inner, i%g.n)
				continue
			}
			k := (i/g.n*blocks + i%g.n/g.block) * g.inner
			for j := range g.inner {
				do(at+j, at+j+1, k+j)
			}
		}
	})
}

// codeType returns the type of QuantizeLinear's output.
func (c *call) codeType() ir.DType {
	switch {
	case c.has(2):
		return c.in[2].DType
	case c.node.Int("output_dtype", 0) != 0:
		return ir.DType(c.node.Int("output_dtype", 0))
	}
	return ir.Uint8
}

func quantizeForward(c *call) {
	x := c.in[0]
	if x.DType != ir.Float32 {
		c.unsupported("its input is %s", x.DType)
	}
	g := c.gridsOf(x.Shape)
	t := c.codeType()
	src := x.Float32s()
	switch t {
	case ir.Int8:
		dst := c.output(0, t, x.Shape...).Int8s()
		c.runs(g, len(src), func(from, to, k int) { kernel.QuantizeInt8(dst[from:to], src[from:to], g.scale[k], int32(g.zero(k))) })
	case ir.Uint8:
		dst := c.output(0, t, x.Shape...).Uint8s()
		c.runs(g, len(src), func(from, to, k int) { kernel.QuantizeUint8(dst[from:to], src[from:to], g.scale[k], int32(g.zero(k))) })
	case ir.Int16, ir.Uint16:
		lo, hi := intRange(t)
		put := writeInt(c.output(0, t, x.Shape...))
		c.runs(g, len(src), func(from, to, k int) {
			for i := from; i < to; i++ {
				put(i, min(max(code(src[i], g.scale[k], g.zero(k)), lo), hi))
			}
		})
	case ir.Int4, ir.Uint4:
		lo, hi := intRange(t)
		y := c.output(0, t, x.Shape...)
		codes := make([]uint8, len(src))
		c.runs(g, len(src), func(from, to, k int) {
			for i := from; i < to; i++ {
				codes[i] = uint8(min(max(code(src[i], g.scale[k], g.zero(k)), lo), hi)) & 15
			}
		})
		clear(y.Data)
		for i, v := range codes {
			y.Data[i/2] |= v << (4 * (i % 2))
		}
	case ir.Float8E4M3FN, ir.Float8E5M2:
		bits := kernel.Float8E4M3Bits
		if t == ir.Float8E5M2 {
			bits = kernel.Float8E5M2Bits
		}
		if c.node.Int("saturate", 1) == 0 {
			c.unsupported("codes of %s that do not saturate", t)
		}
		y := c.output(0, t, x.Shape...)
		c.runs(g, len(src), func(from, to, k int) {
			for i := from; i < to; i++ {
				y.Data[i] = bits(src[i] / g.scale[k])
			}
		})
	default:
		c.unsupported("codes of %s", t)
	}
}

// code is the code of x before it is cut to its type's range: x/scale rounded half to even, plus zero. NaN counts as 0.
func code(x, scale float32, zero int64) int64 {
	q := math.RoundToEven(float64(x / scale))
	return toInt64(q, -1<<32, 1<<32) + zero
}

// quantizeGradient passes straight through where the code is within its type's range. With respect to the scale it is
// what is left of Esser et al. 2019 ("Learned Step Size Quantization") beside DequantizeLinear's share.
func quantizeGradient(c *call) {
	x := c.in[0].Float32s()
	g := c.gridsOf(c.in[0].Shape)
	t := c.codeType()
	lo, hi := intRange(t)
	dy := c.dout[0].Float32s()
	if c.want[1] {
		sums := make([]float64, len(g.scale))
		g.runs(1, len(x), func(from, to, k int) {
			least, most := float64(lo-g.zero(k)), float64(hi-g.zero(k))
			for i := from; i < to; i++ {
				r := x[i] / g.scale[k]
				if q := math.RoundToEven(float64(r)); q >= least && q <= most {
					sums[k] -= float64(float64(dy[i]) * float64(r))
				}
			}
		})
		c.scaleGradient(sums)
	}
	if !c.want[0] {
		return
	}
	dx := c.gradLike(0, c.dout[0]).Float32s()
	c.runs(g, len(x), func(from, to, k int) {
		scale, least, most := g.scale[k], float64(lo-g.zero(k)), float64(hi-g.zero(k))
		for i := from; i < to; i++ {
			if q := math.RoundToEven(float64(x[i] / scale)); q >= least && q <= most {
				dx[i] = dy[i]
			} else {
				dx[i] = 0
			}
		}
	})
}

func (c *call) scaleGradient(sums []float64) {
	c.din[1] = c.alloc(ir.Float32, c.in[1].Shape...)
	for k, v := range sums {
		c.din[1].Float32s()[k] = float32(v)
	}
}

func dequantizeForward(c *call) {
	x := c.in[0]
	t := ir.DType(c.node.Int("output_dtype", 0))
	if t != ir.Undefined && t != ir.Float32 && t != ir.Float16 && t != ir.BFloat16 {
		c.unsupported("an output of %s", t)
	}
	if !isInteger(x.DType) && !isSmallFloat(x.DType) {
		c.unsupported("its input is %s", x.DType)
	}
	g := c.gridsOf(x.Shape)
	if t == ir.Float16 || t == ir.BFloat16 {
		y := c.output(0, t, x.Shape...)
		values := make([]float32, y.Len())
		c.dequantize(values, x, g)
		put := writeFloat(y)
		for i, v := range values {
			put(i, float64(v))
		}
		return
	}
	c.dequantize(c.output(0, ir.Float32, x.Shape...).Float32s(), x, g)
}

// dequantize sets dst to the numbers that codes stand for.
func (c *call) dequantize(dst []float32, x *Array, g grids) {
	if isSmallFloat(x.DType) {
		smallFloats(dst, x)
		c.runs(g, len(dst), func(from, to, k int) {
			for i := from; i < to; i++ {
				dst[i] *= g.scale[k]
			}
		})
		return
	}
	switch x.DType {
	case ir.Int8:
		src := x.Int8s()
		c.runs(g, len(dst), func(from, to, k int) { kernel.DequantizeInt8(dst[from:to], src[from:to], g.scale[k], int32(g.zero(k))) })
	case ir.Uint8:
		src := x.Uint8s()
		c.runs(g, len(dst), func(from, to, k int) {
			kernel.DequantizeUint8(dst[from:to], src[from:to], g.scale[k], int32(g.zero(k)))
		})
	case ir.Int32:
		src := x.Int32s()
		c.runs(g, len(dst), func(from, to, k int) {
			kernel.DequantizeInt32(dst[from:to], src[from:to], g.scale[k], int32(g.zero(k)))
		})
	default:
		get := readInt(x)
		c.runs(g, len(dst), func(from, to, k int) {
			for i := from; i < to; i++ {
				dst[i] = float32(get(i)-g.zero(k)) * g.scale[k]
			}
		})
	}
}

// dequantizeGradient gives the code the gradient of the value that it stands for.
func dequantizeGradient(c *call) {
	if c.want[0] {
		c.din[0] = c.alias(c.dout[0], c.in[0].Shape...)
	}
	if !c.want[1] {
		return
	}
	g := c.gridsOf(c.in[0].Shape)
	get, dy := readInt(c.in[0]), c.dout[0].Float32s()
	sums := make([]float64, len(g.scale))
	g.runs(1, len(dy), func(from, to, k int) {
		for i := from; i < to; i++ {
			sums[k] += float64(float64(dy[i]) * float64(get(i)-g.zero(k)))
		}
	})
	c.scaleGradient(sums)
}
