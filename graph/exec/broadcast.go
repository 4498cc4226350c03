package exec

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/parallel"
)

// lattice is a walk over the elements of a dense result and the elements of its operands that belong to them. Operand i
// moves by strides[i][d] elements along dimension d; 0 where it is broadcast. The last dimension of every operand moves
// by 0 or 1.
type lattice struct {
	dims    []int
	strides [][]int
}

// broadcastShape returns the shape that shapes broadcast to, by numpy's rule.
func (c *call) broadcastShape(shapes ...[]int) []int {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make([]int, rank)
	for d := range out {
		out[d] = 1
		for _, s := range shapes {
			k := d - (rank - len(s))
			if k < 0 || s[k] == 1 || s[k] == out[d] {
				continue
			}
			if out[d] != 1 {
				c.fail("shapes %v cannot be broadcast together", shapes)
			}
			out[d] = s[k]
		}
	}
	return out
}

// newLattice lines operands up under a shape that they broadcast to, and merges dimensions that are walked as one.
func newLattice(shape []int, operands ...[]int) lattice {
	var l lattice
	l.strides = make([][]int, len(operands))
	strides := make([][]int, len(operands))
	for i, s := range operands {
		strides[i] = broadcastStrides(shape, s)
	}
	for d, size := range shape {
		if size == 1 {
			continue
		}
		if n := len(l.dims); n > 0 && mergeable(l, strides, d, size) {
			l.dims[n-1] *= size
			for i := range strides {
				l.strides[i][n-1] = strides[i][d]
			}
			continue
		}
		l.dims = append(l.dims, size)
		for i := range strides {
			l.strides[i] = append(l.strides[i], strides[i][d])
		}
	}
	if len(l.dims) == 0 {
		l.dims = []int{1}
		for i := range l.strides {
			l.strides[i] = []int{1}
		}
	}
	return l
}

// mergeable reports whether dimension d continues the lattice's last one for every operand.
func mergeable(l lattice, strides [][]int, d, size int) bool {
	last := len(l.dims) - 1
	for i := range strides {
		if l.strides[i][last] != strides[i][d]*size {
			return false
		}
	}
	return true
}

// broadcastStrides returns the strides of a dense operand under shape.
func broadcastStrides(shape, operand []int) []int {
	strides := make([]int, len(shape))
	step := 1
	for k := len(operand) - 1; k >= 0; k-- {
		if d := k + len(shape) - len(operand); operand[k] != 1 {
			strides[d] = step
		}
		step *= operand[k]
	}
	return strides
}

// rows calls do for each run along the last dimension: where it begins in the result and in each operand. Runs are
// shared between workers.
func (l lattice) rows(workers int, do func(out int, at []int)) {
	last := len(l.dims) - 1
	n := l.dims[last]
	outer := count(l.dims[:last])
	if n == 0 || outer == 0 {
		return
	}
	parallel.Chunks(workers, outer, max(1, grain/n), func(_, from, to int) {
		at := make([]int, len(l.strides))
		index := make([]int, last)
		rest := from
		for d := last - 1; d >= 0; d-- {
			index[d] = rest % l.dims[d]
			rest /= l.dims[d]
		}
		for i, s := range l.strides {
			for d, k := range index {
				at[i] += k * s[d]
			}
		}
		for row := from; row < to; row++ {
			do(row*n, at)
			for d := last - 1; d >= 0; d-- {
				index[d]++
				for i, s := range l.strides {
					at[i] += s[d]
				}
				if index[d] < l.dims[d] {
					break
				}
				for i, s := range l.strides {
					at[i] -= l.dims[d] * s[d]
				}
				index[d] = 0
			}
		}
	})
}

// apply sets out to f of two operands, element by element.
func apply[T, R any](c *call, l lattice, out []R, a, b []T, f func(x, y T) R) {
	last := len(l.dims) - 1
	n, sa, sb := l.dims[last], l.strides[0][last], l.strides[1][last]
	if last == 0 { // one run: cut it
		c.chunks(n, grain, func(from, to int) {
			for i := from; i < to; i++ {
				out[i] = f(a[i*sa], b[i*sb])
			}
		})
		return
	}
	l.rows(c.p.workers, func(o int, at []int) {
		dst, ia, ib := out[o:][:n], at[0], at[1]
		for i := range dst {
			dst[i] = f(a[ia+i*sa], b[ib+i*sb])
		}
	})
}

// vectors are the forms of a float32 operation over runs: both operands run, or one of them stands still.
type vectors struct {
	vv func(dst, a, b []float32)
	vs func(dst, a []float32, b float32)
	sv func(dst []float32, a float32, b []float32)
}

func (v vectors) run(dst, a, b []float32, sa, sb int) {
	switch {
	case sa == 1 && sb == 1:
		v.vv(dst, a[:len(dst)], b[:len(dst)])
	case sa == 1:
		v.vs(dst, a[:len(dst)], b[0])
	default:
		v.sv(dst, a[0], b[:len(dst)])
	}
}

// applyVectors is apply in float32 for operations with vector forms.
func applyVectors(c *call, l lattice, out, a, b []float32, v vectors) {
	last := len(l.dims) - 1
	n, sa, sb := l.dims[last], l.strides[0][last], l.strides[1][last]
	if last == 0 {
		c.chunks(n, grain, func(from, to int) { v.run(out[from:to], a[from*sa:], b[from*sb:], sa, sb) })
		return
	}
	l.rows(c.p.workers, func(o int, at []int) { v.run(out[o:][:n], a[at[0]:], b[at[1]:], sa, sb) })
}

// sumTo returns the gradient of an operand that was broadcast to x's shape: x summed over what was broadcast. It
// consumes x.
func (c *call) sumTo(x *Array, shape []int) *Array {
	if equalShape(x.Shape, shape) {
		return x
	}
	reduced := make([]bool, len(x.Shape))
	for d := range reduced {
		k := d - (len(x.Shape) - len(shape))
		reduced[d] = k < 0 || shape[k] == 1
	}
	y := c.alloc(ir.Float32, shape...)
	c.sumFloats(y.Float32s(), x.Float32s(), newReduction(x.Shape, reduced), 1)
	c.release(x)
	return y
}
