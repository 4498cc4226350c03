package quantize

import (
	"bytes"
	"slices"
)

// run computes one band of a coding.
type run struct {
	*coding
	w        *workspace
	known    bool   // the scales are
	codes    []byte // one byte an element; nil: only scales are asked for
	tally    tally
	measured bool      // elements are compared with what they become
	was, now []float32 // those seen so far, if so

	see func(x []float32, codes []byte, k int) // called with each tile, its codes' place, and the number of its scale
}

// band visits the tiles of band i, whose elements are x.
func (r *run) band(x []float32, i int) {
	if r.whole && r.tileRows == down {
		r.unit(x, 0, 0) // rows of all units lie below each other
		return
	}
	for u := range ceil(len(x), r.unitSize()) {
		at := u * r.unitSize()
		r.unit(x[at:min(at+r.unitSize(), len(x))], at, (i*r.bandUnits+u)*r.unitScales)
	}
}

// stripWidth is how many columns are turned at a time.
const stripWidth = 16

// unit treats the elements x, of which the first stands at place at of the band, whose scales begin at scale k.
func (r *run) unit(x []float32, at, k int) {
	rows := len(x) / r.cols
	across := ceil(r.cols, r.tileCols)
	if r.tileRows == 1 {
		for row := range rows {
			for c := 0; c < r.cols; c += r.tileCols {
				from, to := row*r.cols+c, row*r.cols+min(c+r.tileCols, r.cols)
				r.see(x[from:to], r.part(at+from, at+to), k+row*across+c/r.tileCols)
			}
		}
		return
	}
	// Tiles that run down the columns are turned, some columns at a time, so that theirs stand side by side.
	for top := 0; top < rows; top += min(r.tileRows, rows) {
		n := min(r.tileRows, rows-top)
		strip := r.tileCols
		if strip == 1 {
			strip = stripWidth
		}
		for left := 0; left < r.cols; left += strip {
			r.strip(x, at, k+top/r.tileRows*across, top, n, left, min(strip, r.cols-left))
		}
	}
}

// strip treats width columns of n rows: one tile, or one a column.
func (r *run) strip(x []float32, at, k, top, n, left, width int) {
	tile := grow(&r.w.tile, n*width)
	for i := range n {
		row := x[(top+i)*r.cols+left:][:width]
		for j, v := range row {
			tile[j*n+i] = v
		}
	}
	var codes []byte
	if r.codes != nil {
		codes = grow(&r.w.strip, n*width)
	}
	if r.tileCols > 1 {
		r.see(tile, codes, k+left/r.tileCols)
	} else {
		for j := range width {
			var own []byte
			if codes != nil {
				own = codes[j*n : (j+1)*n]
			}
			r.see(tile[j*n:(j+1)*n], own, k+left+j)
		}
	}
	if codes == nil {
		return
	}
	for i := range n {
		row := r.codes[at+(top+i)*r.cols+left:][:width]
		for j := range row {
			row[j] = codes[j*n+i]
		}
	}
}

func (r *run) part(from, to int) []byte {
	if r.codes == nil {
		return nil
	}
	return r.codes[from:to]
}

// tile treats elements that share scale k.
func (r *run) tile(x []float32, codes []byte, k int) {
	var g grid
	if r.known {
		g = r.load(k)
	} else {
		g = r.choose(x)
		r.store(k, g)
	}
	if codes != nil {
		r.code(codes, x, g)
		r.count(codes, x, g)
	}
}

// count adds a tile to the tally.
func (r *run) count(codes []byte, x []float32, g grid) {
	r.tally.codedZeros += r.zeros(codes, g)
	if !r.measured {
		return
	}
	n := len(r.now)
	r.was, r.now = append(r.was, x...), slices.Grow(r.now, len(x))[:n+len(x)]
	r.values(r.now[n:], codes, g)
}

// zeros counts the codes that stand for zero.
func (r *run) zeros(codes []byte, g grid) int {
	switch r.as.kind {
	case float8:
		return bytes.Count(codes, []byte{0}) + bytes.Count(codes, []byte{0x80})
	case float4:
		return bytes.Count(codes, []byte{0}) + bytes.Count(codes, []byte{8})
	}
	return bytes.Count(codes, []byte{byte(g.Zero)})
}
