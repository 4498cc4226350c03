package kernel

import (
	"fmt"

	"github.com/pare-ml/pare/internal/parallel"
)

// Gemm computes C = A·B, or C += A·B if accumulate, for A of m×k, B of k×n and C of m×n elements.
//
// A[i,p] is at a[i*ars+p*acs], B[p,j] at b[p*brs+j*bcs] and C[i,j] at c[i*ldc+j], so that a transposed operand is one
// with its strides swapped. C must overlap neither operand. Each element of C is a chain of k fused multiply-adds in
// rising p that begins with 0, or with C[i,j] if accumulate.
//
// The work is cut as in Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008): A is packed
// into tiles of rows, B into panels of columns for one block of k at a time. C is loaded again for the next block, so
// that the chains go on.
func Gemm(workers, m, n, k int, a []float32, ars, acs int, b []float32, brs, bcs int, c []float32, ldc int, accumulate bool) {
	if m <= 0 || n <= 0 {
		return
	}
	k = max(k, 0)
	checkMatrix("A", a, m, k, ars, acs)
	checkMatrix("B", b, k, n, brs, bcs)
	checkMatrix("C", c, m, n, ldc, 1)
	g := gemm{n: n, k: k, b: b, brs: brs, bcs: bcs, ldc: ldc, accumulate: accumulate}
	rows := min(m, max(packedFloats/max(k, 1), 8*tiles.rows))
	for first := 0; first < m; first += rows {
		g.m = min(rows, m-first)
		g.c = c[first*ldc:]
		g.a = packRows(workers, g.m, k, a[min(first*ars, len(a)):], ars, acs)
		g.run(workers)
		g.a.free()
	}
}

const (
	packedFloats = 1 << 22 // the most floats of A that are packed at a time, but for a few tiles
	kBlock       = 384     // the most steps in one go: a tile of A then fits the first cache, a strip of B the second
	stripColumns = 256     // the most columns of a strip, the piece of work for one worker
	directTiles  = 2       // with no more tiles of rows, packing B costs more than it saves
)

type gemm struct {
	m, n, k    int
	a          packed
	b          []float32
	brs, bcs   int
	c          []float32
	ldc        int
	accumulate bool
}

// run cuts C into strips of columns and, where these are too few for the workers, groups of row tiles.
func (g *gemm) run(workers int) {
	panels := (g.n + tiles.columns() - 1) / tiles.columns()
	strips := (g.n + stripColumns - 1) / stripColumns
	if wanted := 3 * workers; workers > 1 && strips < wanted {
		strips = min(wanted, max(strips, panels/2), panels)
	}
	groups := 1
	if workers > 1 && strips < 2*workers {
		groups = min((2*workers+strips-1)/strips, g.a.tiles)
	}
	parallel.For(workers, strips*groups, func(i int) {
		s, r := i/groups, i%groups
		from, to := split(panels, strips, s)
		firstTile, endTile := split(g.a.tiles, groups, r)
		g.strip(from*tiles.columns(), min(g.n, to*tiles.columns()), firstTile, endTile)
	})
}

// strip computes the columns [from, to) of the tiles [firstTile, endTile) of rows.
func (g *gemm) strip(from, to, firstTile, endTile int) {
	if g.k == 0 {
		g.stripOfNothing(from, to, firstTile, endTile)
		return
	}
	width := tiles.columns()
	blocks := (g.k + kBlock - 1) / kBlock
	steps := (g.k + blocks - 1) / blocks
	direct := g.bcs == 1 && endTile-firstTile <= directTiles
	buffer := borrow(((to-from+width-1)/width)*width*steps + g.a.most*width)
	defer giveBack(buffer)
	panels := (*buffer)[:len(*buffer)-g.a.most*width]
	edge := (*buffer)[len(panels):]
	var whole []int
	if direct {
		whole = make([]int, steps)
		for p := range whole {
			whole[p] = p * g.brs
		}
	}
	for block := range blocks {
		p0, p1 := split(g.k, blocks, block)
		k := p1 - p0
		load := g.accumulate || block > 0
		for j := from; j < to; j += width {
			if cols := min(width, to-j); !direct || cols < width {
				packPanel(panels[(j-from)*steps:], tiles.vectors(cols)*tiles.lanes, cols, k, g.b[p0*g.brs+j*g.bcs:], g.brs, g.bcs)
			}
		}
		for t := firstTile; t < endTile; t++ {
			i, rows := g.a.tile(t)
			a := g.a.at(t, p0)
			for j := from; j < to; j += width {
				cols := min(width, to-j)
				vectors := tiles.vectors(cols)
				held := vectors * tiles.lanes
				b, offs := panels[(j-from)*steps:], panelSteps(held)[:k]
				if direct && cols == width {
					b, offs = g.b[p0*g.brs+j:], whole[:k]
				}
				c := g.c[i*g.ldc+j:]
				if cols == held {
					tiles.run(rows, vectors, k, a, rows, b, offs, c, g.ldc, load)
					continue
				}
				if load {
					copyRows(rows, cols, edge, held, c, g.ldc)
				}
				tiles.run(rows, vectors, k, a, rows, b, offs, edge, held, load)
				copyRows(rows, cols, c, g.ldc, edge, held)
			}
		}
	}
}

// stripOfNothing is strip for k = 0.
func (g *gemm) stripOfNothing(from, to, firstTile, endTile int) {
	if g.accumulate {
		return
	}
	for t := firstTile; t < endTile; t++ {
		first, rows := g.a.tile(t)
		for i := first; i < first+rows; i++ {
			clear(g.c[i*g.ldc+from : i*g.ldc+to])
		}
	}
}

// split returns the bounds of piece i of [0, n) cut into pieces of almost equal size.
func split(n, pieces, i int) (from, to int) {
	size, more := n/pieces, n%pieces
	from = i*size + min(i, more)
	to = from + size
	if i < more {
		to++
	}
	return from, to
}

// checkMatrix panics if a rows×cols matrix with these strides reaches outside its slice.
func checkMatrix(name string, x []float32, rows, cols, rs, cs int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	if rs < 0 || cs < 0 || (rows-1)*rs+(cols-1)*cs >= len(x) {
		panic(fmt.Sprintf("kernel: matrix %s of %d×%d elements with strides %d and %d needs more than %d floats",
			name, rows, cols, rs, cs, len(x)))
	}
}
