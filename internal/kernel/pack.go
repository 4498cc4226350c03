package kernel

import (
	"math/bits"

	"github.com/pare-ml/pare/internal/parallel"
)

// packed is a matrix of m×k elements cut into tiles of almost equal rows, not more than an implementation takes. A tile
// is stored column by column, so that step p of a tileFunc finds its rows side by side.
type packed struct {
	m, k  int
	tiles int
	most  int // rows of the first tile
	data  *[]float32
}

// packRows packs the matrix with element [i,p] at a[i*rs+p*cs].
func packRows(workers, m, k int, a []float32, rs, cs int) packed {
	count := (m + tiles.rows - 1) / tiles.rows
	q := packed{m: m, k: k, tiles: count, most: (m + count - 1) / count, data: borrow(m * k)}
	if k == 0 {
		return q
	}
	parallel.For(workers, count, func(t int) {
		i, rows := q.tile(t)
		dst, src := q.at(t, 0), a[i*rs:]
		switch {
		case cs == 1:
			transpose(rows, k, src, rs, dst, rows)
		default:
			for p := range k {
				for r := range rows {
					dst[p*rows+r] = src[r*rs+p*cs]
				}
			}
		}
	})
	return q
}

// tile returns the first row of tile t, and how many it has.
func (q *packed) tile(t int) (first, rows int) {
	first, end := split(q.m, q.tiles, t)
	return first, end - first
}

// at returns tile t from step p on; its columns are as far apart as it has rows.
func (q *packed) at(t, p int) []float32 {
	first, rows := q.tile(t)
	return (*q.data)[first*q.k+p*rows : (first+rows)*q.k]
}

func (q *packed) free() { giveBack(q.data) }

// packPanel stores k rows of cols elements, [p,j] at b[p*rs+j*cs], as rows of width floats, the rest zero.
func packPanel(dst []float32, width, cols, k int, b []float32, rs, cs int) {
	switch {
	case cs == 1 && cols == width && width == 32:
		for p := range k {
			*(*[32]float32)(dst[p*32:]) = *(*[32]float32)(b[p*rs:])
		}
		return
	case cs == 1 && cols == width && width == 16:
		for p := range k {
			*(*[16]float32)(dst[p*16:]) = *(*[16]float32)(b[p*rs:])
		}
		return
	case cs == 1:
		for p := range k {
			copy(dst[p*width:][:cols], b[p*rs:])
		}
	case rs == 1:
		transpose(cols, k, b, cs, dst, width)
	default:
		for p := range k {
			for j := range cols {
				dst[p*width+j] = b[p*rs+j*cs]
			}
		}
	}
	if cols < width {
		for p := range k {
			clear(dst[p*width+cols : (p+1)*width])
		}
	}
}

// panelSteps returns the offsets of the rows of a packed panel of width floats, a power of two up to 32.
func panelSteps(width int) []int { return stepsOf[bits.TrailingZeros(uint(width))][:] }

// stepsOf[i][p] is p << i.
var stepsOf = func() (table [6][kBlock]int) {
	for i := range table {
		for p := range table[i] {
			table[i][p] = p << i
		}
	}
	return table
}()
