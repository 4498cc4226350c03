package ggml

import "sync"

// lanes is the arithmetic of the scale searches in vectors that have a lane for each of several groups. All functions
// give the bits of the plain form; arrays of vectors have element i of every group in vector i.
type lanes struct {
	name  string
	width int // groups side by side: 16 or 32

	squares, magnitudes func(n int, x, w *float32)
	rmsWeights          func(x, w *float32)
	weigh               func(n int, w, importance, x *float32, sigma2 float32)
	affine              func(length int, x, w, codes, numerators *float32, below, above int, n float32, result *float32) uint32
	affineAbsolute      func(length int, x, w, codes, numerators *float32, below, above int, n float32, result *float32) uint32
	sweeps              func(length int, x, w, codes *float32, n float32, result *float32) uint32
	symmetric4          func(length int, x, w, numerators *float32, count int, result *float32) uint32
	symmetric           func(length int, x, w, products, numerators *float32, unclamped, above, both int, n float32, result *float32) uint32
}

// most groups side by side, and most elements of a group.
const (
	maxWidth  = 32
	maxLength = 32
)

// chunk is how many elements are worked on at once, so that all stays in the nearest cache. It is a multiple of every
// block.
const chunk = 4096

// workspace is what one caller of the vector forms needs. What it holds from an earlier use means nothing.
type workspace struct {
	*lanes
	x, w, room [maxWidth * maxLength]float32
	tail       [maxWidth * maxLength]float32
	weights    [chunk]float32 // in the order of elements
	codes      [chunk]uint8
	scales     [chunk / 16]float32 // of groups, as are the next
	offsets    [chunk / 16]float32
	inverses   [chunk / 16]float32
	sums       [chunk / 16]float32
	starts     [chunk / 16]float32 // minus what the codes count from
	plain      [chunk / 16]bool    // the vectors could not do this group, or it has no width
	result     [4 * maxWidth]float32
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// spread makes vectors of the groups of x, zeros beyond its end.
func (ws *workspace) spread(dst, x []float32, length int) {
	if len(x) < ws.width*length {
		clear(ws.tail[copy(ws.tail[:], x):])
		x = ws.tail[:]
	}
	for l := 0; l < ws.width; l += 8 {
		transpose8(length/8, &x[l*length], length, &dst[l], ws.width)
	}
}

// weighting says where the weights of the elements come from.
type weighting uint8

const (
	given      weighting = iota // ws.weights
	squares                     // x²
	magnitudes                  // |x|
	rms                         // the group's root mean square + |x|
)

// gather spreads the groups of x that begin at element first, with their weights.
func (ws *workspace) gather(x []float32, first, length int, kind weighting) {
	end := min(len(x), first+ws.width*length)
	ws.spread(ws.x[:], x[first:end], length)
	switch kind {
	case given:
		ws.spread(ws.w[:], ws.weights[first:end], length)
	case squares:
		ws.squares(ws.width*length, &ws.x[0], &ws.w[0])
	case magnitudes:
		ws.magnitudes(ws.width*length, &ws.x[0], &ws.w[0])
	case rms:
		ws.rmsWeights(&ws.x[0], &ws.w[0])
	}
}

// plainWeights sets w to the weights of one group, which begins at element first of the chunk.
func (ws *workspace) plainWeights(w, x []float32, first int, kind weighting) {
	switch kind {
	case given:
		copy(w, ws.weights[first:])
	case squares:
		for i, v := range x {
			w[i] = float32(v * v)
		}
	case magnitudes:
		for i, v := range x {
			w[i] = abs(v)
		}
	case rms:
		mean := sqrt(sumSquares(x) / 32)
		for i, v := range x {
			w[i] = mean + abs(v)
		}
	}
}

// fitAffine does fitAffine for all groups of a chunk: it sets scales, offsets (the minimums, as fitAffine returns them),
// inverses and starts, from which the codes come, and plain.
func (ws *workspace) fitAffine(x []float32, length int, kind weighting, s *affineSearch) {
	search := ws.affine
	if s.absolute {
		search = ws.affineAbsolute
	}
	w := ws.width
	for first := 0; first < len(x); first += w * length {
		ws.gather(x, first, length, kind)
		strange := search(length, &ws.x[0], &ws.w[0], &ws.room[0], &s.numerators[0], s.below, len(s.numerators)-s.below, float32(s.n), &ws.result[0])
		g := first / length
		count := min(w, len(x)/length-g)
		for l := range count {
			ws.scales[g+l], ws.offsets[g+l] = ws.result[l], -ws.result[w+l]
			ws.inverses[g+l], ws.starts[g+l] = ws.result[2*w+l], -ws.result[3*w+l]
			ws.plain[g+l] = strange>>l&1 != 0 || ws.scales[g+l] == 0
			if strange>>l&1 != 0 {
				at := first + l*length
				ws.scales[g+l], ws.offsets[g+l] = ws.plainAffine(ws.codes[at:], x[at:][:length], at, kind, s)
			}
		}
	}
}

// plainAffine is fitAffine for one group of a chunk.
func (ws *workspace) plainAffine(codes []uint8, x []float32, first int, kind weighting, s *affineSearch) (scale, minimum float32) {
	var w [maxLength]float32
	ws.plainWeights(w[:len(x)], x, first, kind)
	return fitAffine(codes, x, w[:], s)
}

// sumWeights sets the sums of the weights of each group.
func (ws *workspace) sumWeights(n, length int) {
	g := 0
	for ; (g+4)*length <= n; g += 4 {
		a, b, c, d := ws.weights[g*length:][:length], ws.weights[(g+1)*length:][:length], ws.weights[(g+2)*length:][:length], ws.weights[(g+3)*length:][:length]
		var s0, s1, s2, s3 float32
		for i := range a {
			s0 += a[i]
			s1 += b[i]
			s2 += c[i]
			s3 += d[i]
		}
		ws.sums[g], ws.sums[g+1], ws.sums[g+2], ws.sums[g+3] = s0, s1, s2, s3
	}
	for ; g*length < n; g++ {
		ws.sums[g] = sum(ws.weights[g*length:][:length])
	}
}

// weighBlocks sets ws.weights for blocks of n elements with importance; σ² is the sum of the block's squares, times first,
// times then. Only sums that overflow tell this from one product.
func (ws *workspace) weighBlocks(x, importance []float32, n int, first, then float32) {
	ws.sumSquares(x, n)
	for b := range len(x) / n {
		at := b * n
		ws.weigh(n, &ws.weights[at], &importance[at], &x[at], float32(float32(first*ws.sums[b])*then))
	}
}

// sumSquares sets ws.sums to the sums of squares of blocks of n elements, each in order, of four blocks side by side.
func (ws *workspace) sumSquares(x []float32, n int) {
	b := 0
	for ; (b+4)*n <= len(x); b += 4 {
		p, q, r, s := x[b*n:][:n], x[(b+1)*n:][:n], x[(b+2)*n:][:n], x[(b+3)*n:][:n]
		var sp, sq, sr, ss float32
		for i, v := range p {
			sp += float32(v * v)
			sq += float32(q[i] * q[i])
			sr += float32(r[i] * r[i])
			ss += float32(s[i] * s[i])
		}
		ws.sums[b], ws.sums[b+1], ws.sums[b+2], ws.sums[b+3] = sp, sq, sr, ss
	}
	for ; b*n < len(x); b++ {
		ws.sums[b] = sumSquares(x[b*n:][:n])
	}
}

// fitSymmetric does fitSymmetric for all groups of a chunk: it sets scales, inverses, the inverse scales that codes come
// from (0 for groups of zeros), and sums of weights.
func (ws *workspace) fitSymmetric(x []float32, length int, kind weighting, s *symmetricSearch) {
	w := ws.width
	for first := 0; first < len(x); first += w * length {
		ws.gather(x, first, length, kind)
		zeros := ws.symmetric(length, &ws.x[0], &ws.w[0], &ws.room[0], &s.numerators[0], 4, 9, 5, float32(s.n), &ws.result[0])
		g := first / length
		count := min(w, len(x)/length-g)
		for l := range count {
			ws.scales[g+l], ws.inverses[g+l], ws.sums[g+l] = ws.result[l], ws.result[w+l], ws.result[2*w+l]
			if zeros>>l&1 != 0 {
				ws.scales[g+l], ws.inverses[g+l] = 0, 0
			}
		}
	}
}

// plainSymmetric is fitSymmetric for one group of a chunk.
func (ws *workspace) plainSymmetric(codes []uint8, x []float32, first int, kind weighting, s *symmetricSearch) float32 {
	var w [maxLength]float32
	ws.plainWeights(w[:len(x)], x, first, kind)
	return fitSymmetric(codes, x, w[:], s)
}

// fit4 does fit4 for all groups of 32 of a chunk: it sets scales.
func (ws *workspace) fit4(x []float32, kind weighting) {
	for first := 0; first < len(x); first += ws.width * 32 {
		ws.gather(x, first, 32, kind)
		zeros := ws.symmetric4(32, &ws.x[0], &ws.w[0], &numerators4[0], len(numerators4), &ws.result[0])
		g := first / 32
		for l := range min(ws.width, len(x)/32-g) {
			ws.scales[g+l] = ws.result[l]
			if zeros>>l&1 != 0 {
				ws.scales[g+l] = 0
			}
		}
	}
}

// fitSweeps does fitSymmetricSweeps for all groups of 16 of a chunk: it sets scales.
func (ws *workspace) fitSweeps(x []float32, n int32) {
	for first := 0; first < len(x); first += ws.width * 16 {
		ws.gather(x, first, 16, squares)
		dead := ws.sweeps(16, &ws.x[0], &ws.w[0], &ws.room[0], float32(n), &ws.result[0])
		g := first / 16
		for l := range min(ws.width, len(x)/16-g) {
			ws.scales[g+l] = ws.result[l]
			if dead>>l&1 != 0 {
				ws.scales[g+l] = 0
			}
		}
	}
}
