package exec

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// rowsOf returns how Softmax and its kin walk x: outer·inner vectors of n elements, inner apart. Before opset 13 x is
// made a matrix at the axis, so that a vector may cover several dimensions.
func (c *call) rowsOf(x *Array) (outer, n, inner int) {
	def := int64(-1)
	if c.opset < 13 {
		def = 1
	}
	rank := len(x.Shape)
	at := c.node.Int("axis", def)
	if c.opset < 13 {
		if at == int64(rank) {
			return count(x.Shape), 1, 1
		}
		a := c.axis(at, max(1, rank))
		return count(x.Shape[:min(a, rank)]), count(x.Shape[min(a, rank):]), 1
	}
	if rank == 0 {
		return 1, 1, 1
	}
	a := c.axis(at, rank)
	return count(x.Shape[:a]), x.Shape[a], count(x.Shape[a+1:])
}

// softmax sets dst to the softmax of src, or its logarithm: exponentials of the distance to the largest element, their
// sum in float64.
func softmax(dst, src []float32, log bool) {
	top := src[0]
	for _, v := range src {
		if v > top || v != v {
			top = v
		}
	}
	total := 0.0
	for i, v := range src {
		d := v - top
		e := kernel.Exp(d)
		total += float64(e)
		if log {
			dst[i] = d
		} else {
			dst[i] = e
		}
	}
	if log {
		l := float32(kernel.Log64(total))
		for i := range dst {
			dst[i] -= l
		}
		return
	}
	for i, v := range dst {
		dst[i] = float32(float64(v) / total)
	}
}

func softmaxForward(log bool) func(c *call) {
	return func(c *call) {
		x := c.in[0]
		if x.DType != ir.Float32 {
			c.unsupported("its input is %s", x.DType)
		}
		outer, n, inner := c.rowsOf(x)
		src, dst := x.Float32s(), c.output(0, ir.Float32, x.Shape...).Float32s()
		c.vectors(outer, n, inner, func(get func([]float32) []float32, put func(to, v []float32)) {
			v := get(src)
			softmax(v, v, log)
			put(dst, v)
		})
	}
}

// softmaxGradient: dx = y·(dy − Σ dy·y); of the logarithm, dx = dy − exp(y)·Σ dy.
func softmaxGradient(log bool) func(c *call) {
	return func(c *call) {
		outer, n, inner := c.rowsOf(c.in[0])
		y, dy := c.out[0].Float32s(), c.dout[0].Float32s()
		c.din[0] = c.alloc(ir.Float32, c.in[0].Shape...)
		dx := c.din[0].Float32s()
		c.vectors(outer, n, inner, func(get func([]float32) []float32, put func(to, v []float32)) {
			v, g := get(y), get(dy)
			if log {
				total := float32(kernel.Sum(g))
				for i := range v {
					v[i] = g[i] - float32(kernel.Exp(v[i])*total)
				}
			} else {
				dot := float32(kernel.Dot(v, g))
				for i := range v {
					v[i] = float32(v[i] * (g[i] - dot))
				}
			}
			put(dx, v)
		})
	}
}

// vectors calls do for each vector along an axis. get returns a copy of the vector from an array of that layout, put
// writes one; copies are good until do returns.
func (c *call) vectors(outer, n, inner int, do func(get func([]float32) []float32, put func(to, v []float32))) {
	if n == 0 {
		return
	}
	c.chunks(outer*inner, grain/n, func(from, to int) {
		scratch := make([]float32, 2*n)
		for r := from; r < to; r++ {
			base, used := r/inner*n*inner+r%inner, 0
			do(func(a []float32) []float32 {
				v := scratch[used:][:n]
				used += n
				for i := range v {
					v[i] = a[base+i*inner]
				}
				return v
			}, func(a, v []float32) {
				for i, x := range v {
					a[base+i*inner] = x
				}
			})
		}
	})
}
