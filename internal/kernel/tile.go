package kernel

// tileFunc computes a tile of C: rows × (vectors · lanes) elements, row i at c[i*ldc]. Step p of k multiplies column p
// of A, at a[p*lda], with row p of B, at b[offs[p]], by a fused multiply-add for each element, in rising p. The chains
// begin with C if load, else with 0. All columns are read and written, so b and c must have room for them.
type tileFunc func(rows, vectors, k int, a []float32, lda int, b []float32, offs []int, c []float32, ldc int, load bool)

// columnFunc computes vectors · lanes chains, up to four vectors, at c: step p of k ≥ 1 multiplies the floats at a[p*lda]
// with those at b[offs[p]], lane by lane, by a fused multiply-add, in rising p. The chains begin with c if load, else
// with 0.
type columnFunc func(vectors, k int, a []float32, lda int, b []float32, offs []int, c []float32, load bool)

// implementation is one way to compute. Which one is used leaves no trace in the results; where it is not the plain one,
// the functions of vectors_amd64.go serve as well.
type implementation struct {
	name   string
	rows   int // the most rows of a tile
	lanes  int // the floats of a vector; a tile has one vector of columns, or two
	run    tileFunc
	column columnFunc
	plain  bool
}

// columns is the most columns of a tile.
func (t *implementation) columns() int { return 2 * t.lanes }

// vectors is how many vectors a tile needs for n columns, and width what they hold.
func (t *implementation) vectors(n int) int { return min(2, (n+t.lanes-1)/t.lanes) }

var plainTiles = implementation{name: "plain", rows: 8, lanes: 4, run: plainTile, column: plainColumn, plain: true}

// tiles is the implementation in use: the first of tileImplementations, the fastest that the processor has. Tests
// change it.
var tiles = tileImplementations()[0]

// plainRun is how many steps the plain form takes before it looks whether it may keep them.
const plainRun = 64

// plainTile is the tileFunc that says what the others mean: FMA for each element. It tries a quicker form first.
func plainTile(rows, vectors, k int, a []float32, lda int, b []float32, offs []int, c []float32, ldc int, load bool) {
	if !load {
		for i := range rows {
			clear(c[i*ldc:][:vectors*4])
		}
	}
	for first := 0; first < k; first += plainRun {
		run := offs[first:min(k, first+plainRun)]
		var fine [2]int
		for v := range vectors {
			fine[v] = fineness(b[4*v:], run)
		}
		for i := 0; i < rows; i += 2 {
			pair := min(2, rows-i)
			ai, ci := a[first*lda+i:], c[i*ldc:]
			fineA := finenessOfPair(ai, lda, len(run), pair)
			for v := range vectors {
				plainRows(pair, ai, lda, b[4*v:], run, ci[4*v:], ldc, fineA+fine[v] >= coarse)
			}
		}
	}
}

// plainRows takes the steps of a run in four chains for each of one or two rows.
func plainRows(rows int, a []float32, lda int, b []float32, run []int, c []float32, ldc int, quick bool) {
	if quick && rows == 2 && coarse2x4(a, lda, b, run, (*[4]float32)(c), (*[4]float32)(c[ldc:])) {
		return
	}
	for i := range rows {
		ci := (*[4]float32)(c[i*ldc:])
		if quick && coarse1x4(a[i:], lda, b, run, ci) {
			continue
		}
		for p, off := range run {
			x := a[p*lda+i]
			for j, y := range (*[4]float32)(b[off:]) {
				ci[j] = FMA(x, y, ci[j])
			}
		}
	}
}

func plainColumn(vectors, k int, a []float32, lda int, b []float32, offs []int, c []float32, load bool) {
	c = c[:vectors*4]
	if !load {
		clear(c)
	}
	for p, off := range offs[:k] {
		x, y := a[p*lda:][:len(c)], b[off:][:len(c)]
		for l := range c {
			c[l] = FMA(x[l], y[l], c[l])
		}
	}
}
