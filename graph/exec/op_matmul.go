package exec

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/parallel"
)

// product is a matrix product over a batch: for each b, C[b] = A[a[b]]·B[b[b]] for matrices m×k and k×n.
type product struct {
	m, k, n int
	batch   []int // shape
	a, b    []int // by product: index of the matrix in A and B
	shape   []int // of the result
}

// productOf works out numpy's rules: vectors become matrices for the product, leading dimensions are broadcast.
func (c *call) productOf(x, y []int) product {
	if len(x) == 0 || len(y) == 0 {
		c.fail("a product of shapes %v and %v", x, y)
	}
	vecX, vecY := len(x) == 1, len(y) == 1
	if vecX {
		x = []int{1, x[0]}
	}
	if vecY {
		y = []int{y[0], 1}
	}
	p := product{m: x[len(x)-2], k: x[len(x)-1], n: y[len(y)-1]}
	if p.k != y[len(y)-2] {
		c.fail("a product of shapes %v and %v: %d columns meet %d rows", x, y, p.k, y[len(y)-2])
	}
	bx, by := x[:len(x)-2], y[:len(y)-2]
	p.batch = c.broadcastShape(bx, by)
	p.a, p.b = batchIndex(p.batch, bx), batchIndex(p.batch, by)
	p.shape = append([]int{}, p.batch...)
	if !vecX {
		p.shape = append(p.shape, p.m)
	}
	if !vecY {
		p.shape = append(p.shape, p.n)
	}
	return p
}

// batchIndex returns for each element of the broadcast shape the element of the operand.
func batchIndex(shape, operand []int) []int {
	index := []int{0}
	strides := broadcastStrides(shape, operand)
	for d, n := range shape {
		next := make([]int, 0, len(index)*n)
		for _, base := range index {
			for i := range n {
				next = append(next, base+i*strides[d])
			}
		}
		index = next
	}
	return index
}

// shared reports whether all products use one B and each the next A, so that they are one tall product.
func (p product) shared() bool {
	for i := range p.a {
		if p.a[i] != i || p.b[i] != 0 {
			return false
		}
	}
	return true
}

func matMulForward(c *call) {
	x, y := c.in[0], c.in[1]
	if x.DType != y.DType {
		c.fail("inputs are %s and %s; they must be of one type", x.DType, y.DType)
	}
	p := c.productOf(x.Shape, y.Shape)
	out := c.output(0, x.DType, p.shape...)
	switch x.DType {
	case ir.Float32:
		c.multiply(p, out.Float32s(), x.Float32s(), y.Float32s())
	case ir.Float64:
		multiplyPlain(c, p, out.Float64s(), x.Float64s(), y.Float64s(), multiplyAddDouble)
	case ir.Int32:
		multiplyPlain(c, p, out.Int32s(), x.Int32s(), y.Int32s(), multiplyAdd)
	case ir.Int64:
		multiplyPlain(c, p, out.Int64s(), x.Int64s(), y.Int64s(), multiplyAdd)
	case ir.Uint32:
		multiplyPlain(c, p, out.Uint32s(), x.Uint32s(), y.Uint32s(), multiplyAdd)
	case ir.Uint64:
		multiplyPlain(c, p, out.Uint64s(), x.Uint64s(), y.Uint64s(), multiplyAdd)
	default:
		c.unsupported("its inputs are %s", x.DType)
	}
}

// multiply computes a batch of products, each on one worker, or a single one on all.
func (c *call) multiply(p product, out, x, y []float32) {
	if p.shared() {
		p.m, p.a, p.b = p.m*len(p.a), []int{0}, []int{0}
	}
	inner := 1
	if len(p.a) < c.p.workers {
		inner = c.p.workers
	}
	parallel.For(c.p.workers/inner, len(p.a), func(i int) {
		kernel.Gemm(inner, p.m, p.n, p.k, x[p.a[i]*p.m*p.k:], p.k, 1, y[p.b[i]*p.k*p.n:], p.n, 1, out[i*p.m*p.n:], p.n, false)
	})
}

// multiplyPlain multiplies matrices of types without a fast form; mul is a + x·y, rounded after each operation.
func multiplyPlain[T float64 | int32 | int64 | uint32 | uint64](c *call, p product, out, x, y []T, mul func(a, x, y T) T) {
	c.each(len(p.a)*p.m, func(row int) {
		i, r := row/p.m, row%p.m
		a, b, dst := x[(p.a[i]*p.m+r)*p.k:], y[p.b[i]*p.k*p.n:], out[row*p.n:][:p.n]
		clear(dst)
		for k := range p.k {
			for j := range dst {
				dst[j] = mul(dst[j], a[k], b[k*p.n+j])
			}
		}
	})
}

func multiplyAdd[T int32 | int64 | uint32 | uint64](a, x, y T) T { return a + x*y }

func multiplyAddDouble(a, x, y float64) float64 { return a + float64(x*y) }

func matMulGradient(c *call) {
	x, y, dy := c.in[0], c.in[1], c.dout[0].Float32s()
	p := c.productOf(x.Shape, y.Shape)
	if p.shared() { // one tall product: the sum over the batch is the product's own
		p.m, p.a, p.b, p.batch = p.m*len(p.a), []int{0}, []int{0}, nil
	}
	if c.want[0] {
		full := c.alloc(ir.Float32, append(append([]int{}, p.batch...), p.m, p.k)...)
		dst, b := full.Float32s(), y.Float32s()
		for i := range p.a {
			kernel.Gemm(c.p.workers, p.m, p.k, p.n, dy[i*p.m*p.n:], p.n, 1, b[p.b[i]*p.k*p.n:], 1, p.n, dst[i*p.m*p.k:], p.k, false)
		}
		c.din[0] = c.foldBatch(full, x.Shape)
	}
	if c.want[1] {
		full := c.alloc(ir.Float32, append(append([]int{}, p.batch...), p.k, p.n)...)
		dst, a := full.Float32s(), x.Float32s()
		for i := range p.a {
			kernel.Gemm(c.p.workers, p.k, p.n, p.m, a[p.a[i]*p.m*p.k:], 1, p.k, dy[i*p.m*p.n:], p.n, 1, dst[i*p.k*p.n:], p.n, false)
		}
		c.din[1] = c.foldBatch(full, y.Shape)
	}
}

// foldBatch sums the gradients of a batch of products to the shape of the operand, which may have been broadcast or a
// vector. It consumes full.
func (c *call) foldBatch(full *Array, shape []int) *Array {
	if full.Len() == count(shape) {
		full.Shape = append([]int{}, shape...)
		return full
	}
	matrix := shape
	if len(shape) == 1 {
		matrix = full.Shape[len(full.Shape)-2:]
	}
	g := c.sumTo(full, matrix)
	g.Shape = append([]int{}, shape...)
	return g
}

// gemmOf returns the sizes of a Gemm and the strides of its two operands, transposed as the node asks.
func (c *call) gemmOf(x, y *Array) (m, n, k, ars, acs, brs, bcs int) {
	if len(x.Shape) != 2 || len(y.Shape) != 2 {
		c.fail("a product of shapes %v and %v; both must be matrices", x.Shape, y.Shape)
	}
	m, k, ars, acs = x.Shape[0], x.Shape[1], x.Shape[1], 1
	if c.node.Int("transA", 0) != 0 {
		m, k, ars, acs = k, m, acs, ars
	}
	rows, n, brs, bcs := y.Shape[0], y.Shape[1], y.Shape[1], 1
	if c.node.Int("transB", 0) != 0 {
		rows, n, brs, bcs = n, rows, bcs, brs
	}
	if rows != k {
		c.fail("a product of shapes %v and %v: %d columns meet %d rows", x.Shape, y.Shape, k, rows)
	}
	return m, n, k, ars, acs, brs, bcs
}

// gemmForward computes alpha·A·B + beta·C; the sum over k begins with C where alpha is 1.
func gemmForward(c *call) {
	x, y := c.in[0], c.in[1]
	if x.DType != ir.Float32 || y.DType != ir.Float32 {
		c.unsupported("its inputs are %s and %s", x.DType, y.DType)
	}
	m, n, k, ars, acs, brs, bcs := c.gemmOf(x, y)
	alpha, beta := c.node.Float("alpha", 1), c.node.Float("beta", 1)
	out := c.output(0, ir.Float32, m, n)
	dst := out.Float32s()
	hasC := c.has(2) && beta != 0
	if hasC {
		if s := c.broadcastShape(out.Shape, c.in[2].Shape); !equalShape(s, out.Shape) {
			c.fail("C of shape %v cannot be broadcast to %v", c.in[2].Shape, out.Shape)
		}
		w := window{shape: out.Shape, strides: broadcastStrides(out.Shape, c.in[2].Shape)}
		c.gather(out, c.in[2], w)
		if beta != 1 {
			kernel.Scale(dst, beta, dst)
		}
	}
	if alpha == 1 {
		kernel.Gemm(c.p.workers, m, n, k, x.Float32s(), ars, acs, y.Float32s(), brs, bcs, dst, n, hasC)
		return
	}
	scaled := c.alloc(ir.Float32, m, n)
	kernel.Gemm(c.p.workers, m, n, k, x.Float32s(), ars, acs, y.Float32s(), brs, bcs, scaled.Float32s(), n, false)
	if hasC {
		kernel.Axpy(alpha, scaled.Float32s(), dst)
	} else {
		kernel.Scale(dst, alpha, scaled.Float32s())
	}
	c.release(scaled)
}

func gemmGradient(c *call) {
	x, y, dy := c.in[0], c.in[1], c.dout[0].Float32s()
	m, n, k, ars, acs, brs, bcs := c.gemmOf(x, y)
	alpha, beta := c.node.Float("alpha", 1), c.node.Float("beta", 1)
	if c.want[0] {
		d := c.alloc(ir.Float32, x.Shape...)
		c.din[0] = d
		if acs == 1 && ars == k { // dA = dY·Bᵀ, or its transpose
			kernel.Gemm(c.p.workers, m, k, n, dy, n, 1, y.Float32s(), bcs, brs, d.Float32s(), k, false)
		} else {
			kernel.Gemm(c.p.workers, k, m, n, y.Float32s(), brs, bcs, dy, 1, n, d.Float32s(), m, false)
		}
		c.scaleBy(d, alpha)
	}
	if c.want[1] {
		d := c.alloc(ir.Float32, y.Shape...)
		c.din[1] = d
		if bcs == 1 && brs == n { // dB = Aᵀ·dY, or its transpose
			kernel.Gemm(c.p.workers, k, n, m, x.Float32s(), acs, ars, dy, n, 1, d.Float32s(), n, false)
		} else {
			kernel.Gemm(c.p.workers, n, k, m, dy, 1, n, x.Float32s(), ars, acs, d.Float32s(), k, false)
		}
		c.scaleBy(d, alpha)
	}
	if len(c.want) > 2 && c.want[2] {
		g := c.alloc(ir.Float32, m, n)
		kernel.Scale(g.Float32s(), beta, dy)
		c.din[2] = c.sumTo(g, c.in[2].Shape)
	}
}

func (c *call) scaleBy(a *Array, factor float32) {
	if factor != 1 {
		kernel.Scale(a.Float32s(), factor, a.Float32s())
	}
}
