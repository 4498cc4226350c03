package exec

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/parallel"
)

// Operators that only move elements work on elements of 1, 2, 4, 8 or 16 bytes, whatever they mean.

// word16 is an element of 16 bytes.
type word16 [2]uint64

// elementSize returns the bytes of an element; types below a byte cannot be moved one by one.
func (c *call) elementSize(d ir.DType) int {
	if bits := d.Bits(); bits >= 8 {
		return bits / 8
	}
	c.unsupported("its input is %s", d)
	return 0
}

// window is a view of a dense array: element (i0, i1 …) stands at offset + Σ i·stride. A stride may be 0 or negative.
type window struct {
	shape   []int
	strides []int
	offset  int
}

// gather copies a window of src to dst, which is dense.
func (c *call) gather(dst, src *Array, w window) {
	switch c.elementSize(dst.DType) {
	case 1:
		moveWindow(c.p.workers, view[uint8](dst.Data), view[uint8](src.Data), w, false)
	case 2:
		moveWindow(c.p.workers, view[uint16](dst.Data), view[uint16](src.Data), w, false)
	case 4:
		moveWindow(c.p.workers, view[uint32](dst.Data), view[uint32](src.Data), w, false)
	case 8:
		moveWindow(c.p.workers, view[uint64](dst.Data), view[uint64](src.Data), w, false)
	case 16:
		moveWindow(c.p.workers, view[word16](dst.Data), view[word16](src.Data), w, false)
	}
}

// scatter copies src, which is dense, to a window of dst. No two elements of the window may be the same.
func (c *call) scatter(dst, src *Array, w window) {
	switch c.elementSize(dst.DType) {
	case 1:
		moveWindow(c.p.workers, view[uint8](src.Data), view[uint8](dst.Data), w, true)
	case 2:
		moveWindow(c.p.workers, view[uint16](src.Data), view[uint16](dst.Data), w, true)
	case 4:
		moveWindow(c.p.workers, view[uint32](src.Data), view[uint32](dst.Data), w, true)
	case 8:
		moveWindow(c.p.workers, view[uint64](src.Data), view[uint64](dst.Data), w, true)
	case 16:
		moveWindow(c.p.workers, view[word16](src.Data), view[word16](dst.Data), w, true)
	}
}

// moveWindow copies between a dense array and a window of another: to the window if out, else from it.
func moveWindow[T any](workers int, dense, sparse []T, w window, out bool) {
	shape, strides := w.merged()
	last := len(shape) - 1
	n, step := shape[last], strides[last]
	rows := count(shape[:last])
	if n == 0 || rows == 0 {
		return
	}
	parallel.Chunks(workers, rows, max(1, grain/n), func(_, from, to int) {
		index := make([]int, last)
		rest, at := from, w.offset
		for d := last - 1; d >= 0; d-- {
			index[d] = rest % shape[d]
			rest /= shape[d]
			at += index[d] * strides[d]
		}
		for row := from; row < to; row++ {
			moveRow(dense[row*n:][:n], sparse, at, step, out)
			for d := last - 1; d >= 0; d-- {
				index[d]++
				at += strides[d]
				if index[d] < shape[d] {
					break
				}
				at -= shape[d] * strides[d]
				index[d] = 0
			}
		}
	})
}

func moveRow[T any](dense, sparse []T, at, step int, out bool) {
	switch {
	case step == 1 && out:
		copy(sparse[at:], dense)
	case step == 1:
		copy(dense, sparse[at:][:len(dense)])
	case out:
		for i, v := range dense {
			sparse[at+i*step] = v
		}
	default:
		for i := range dense {
			dense[i] = sparse[at+i*step]
		}
	}
}

// merged returns the window's dimensions with those joined that are walked as one; at least one is left.
func (w window) merged() (shape, strides []int) {
	for d, n := range w.shape {
		if n == 1 {
			continue
		}
		if k := len(shape) - 1; k >= 0 && strides[k] == w.strides[d]*n {
			shape[k] *= n
			strides[k] = w.strides[d]
			continue
		}
		shape, strides = append(shape, n), append(strides, w.strides[d])
	}
	if len(shape) == 0 {
		return []int{1}, []int{1}
	}
	return shape, strides
}
