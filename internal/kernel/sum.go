package kernel

import (
	"math"

	"github.com/pare-ml/pare/internal/parallel"
)

// The sums of this file run over chunks of sumChunk elements in float64. In a chunk, lane l of 8 adds the elements l,
// l+8, l+16 … in rising order; the lanes are added as ((0+4)+(2+6))+((1+5)+(3+7)). The chunks are added as a binary
// tree that splits n chunks at the largest power of two below n. The shape depends on the length alone.
const sumChunk = 4096

// Sum returns Σ x[i].
func Sum(x []float32) float64 {
	return tree(len(x), func(from, to int) float64 { return sumOf(x[from:to]) })
}

// SumSquares returns Σ x[i]².
func SumSquares(x []float32) float64 { return Dot(x, x) }

// SumAbs returns Σ |x[i]|.
func SumAbs(x []float32) float64 {
	return tree(len(x), func(from, to int) float64 { return sumAbsOf(x[from:to]) })
}

// Dot returns Σ x[i]·y[i]. The products are exact in float64.
func Dot(x, y []float32) float64 {
	mustMatch(len(x), len(y))
	return tree(len(x), func(from, to int) float64 { return dotOf(x[from:to], y[from:to]) })
}

// tree adds the sums of the chunks of n elements.
func tree(n int, chunk func(from, to int) float64) float64 {
	if n <= sumChunk {
		return chunk(0, n)
	}
	var add func(first, chunks int) float64
	add = func(first, chunks int) float64 {
		if chunks == 1 {
			return chunk(first*sumChunk, min(n, (first+1)*sumChunk))
		}
		half := 1
		for half*2 < chunks {
			half *= 2
		}
		return add(first, half) + add(first+half, chunks-half)
	}
	return add(0, (n+sumChunk-1)/sumChunk)
}

func foldLanes(s *[8]float64) float64 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

func sumOf(x []float32) float64 {
	var s [8]float64
	done := sumVectors(x, &s)
	x = x[done:]
	for ; len(x) >= 8; x = x[8:] {
		v := (*[8]float32)(x)
		for l := range s {
			s[l] += float64(v[l])
		}
	}
	for l, v := range x {
		s[l] += float64(v)
	}
	return foldLanes(&s)
}

func sumAbsOf(x []float32) float64 {
	var s [8]float64
	done := sumAbsVectors(x, &s)
	x = x[done:]
	for ; len(x) >= 8; x = x[8:] {
		v := (*[8]float32)(x)
		for l := range s {
			s[l] += math.Abs(float64(v[l]))
		}
	}
	for l, v := range x {
		s[l] += math.Abs(float64(v))
	}
	return foldLanes(&s)
}

func dotOf(x, y []float32) float64 {
	var s [8]float64
	done := dotVectors(x, y, &s)
	x, y = x[done:], y[done:]
	for ; len(x) >= 8; x, y = x[8:], y[8:] {
		v, w := (*[8]float32)(x), (*[8]float32)(y)
		for l := range s {
			s[l] += float64(float64(v[l]) * float64(w[l]))
		}
	}
	for l, v := range x {
		s[l] += float64(float64(v) * float64(y[l]))
	}
	return foldLanes(&s)
}

// MaxAbs returns the largest |x[i]|, 0 for an empty slice, NaN if any element is NaN.
func MaxAbs(x []float32) float32 {
	_, _, abs := extremes(x)
	return abs
}

// MinMax returns the least and the greatest element; +Inf and -Inf for an empty slice, NaN twice if any element is NaN.
// A zero is +0.
func MinMax(x []float32) (lo, hi float32) {
	lo, hi, abs := extremes(x)
	if abs != abs {
		return abs, abs
	}
	return lo, hi
}

// extremes returns the least and greatest number of x, and the greatest absolute value, NaN if any element is NaN.
func extremes(x []float32) (lo, hi, abs float32) {
	lo, hi = float32(math.Inf(1)), float32(math.Inf(-1))
	var bits uint32 // of numbers without a sign, the greater has the greater bits, and NaN the greatest
	if len(x) >= 8 {
		var los, his [8]float32
		var all [8]uint32
		for l := range los {
			los[l], his[l] = lo, hi
		}
		x = x[extremesVectors(x, &los, &his, &all):]
		for l := range los {
			lo, hi, bits = min(lo, los[l]), max(hi, his[l]), max(bits, all[l])
		}
	}
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		bits = max(bits, math.Float32bits(v)&^(1<<31))
	}
	return lo + 0, hi + 0, math.Float32frombits(bits)
}

// ChannelSums sets db[i] to the sum of dy, of shape [n, c, size], over everything but channel i: the gradient of a
// bias. The Sum of each image's plane is rounded to float64; they are added in the order of the images.
func ChannelSums(workers, n, c, size int, dy []float32, db []float32) {
	mustMatch(n*c*size, len(dy))
	mustMatch(c, len(db))
	parallel.For(workers, c, func(i int) {
		var total float64
		for j := range n {
			total += Sum(dy[(j*c+i)*size:][:size])
		}
		db[i] = float32(total)
	})
}
