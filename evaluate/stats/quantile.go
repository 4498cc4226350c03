package stats

import (
	"math"
	"slices"
)

// Percentile returns the smallest of x that at least that many per cent of x do not exceed, percent being 1 to 100: a
// value that was seen, with nothing filled in between two. 100 gives the largest; NaN for an empty list.
func Percentile(x []float64, percent int) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	return sorted(x)[rank(len(x), percent)-1]
}

// rank is the place from 1 that Percentile takes of n values in order.
func rank(n, percent int) int { return (n*percent + 99) / 100 }

// PercentileBounds bounds the percentile of what x was drawn from by two of x itself, whatever its distribution: of n
// samples Binomial(n, percent/100) many lie at or below the percentile (David and Nagaraja, "Order Statistics", 2003,
// section 7.1). A bound is infinite where so few samples have none: see PercentileNeeds. percent is 1 to 99.
func PercentileBounds(x []float64, percent int, confidence float64) Bounds {
	b := Bounds{math.Inf(-1), math.Inf(1), "exact"}
	n, p := len(x), float64(percent)/100
	if n == 0 {
		return b
	}
	order := sorted(x)
	below := func(k int) float64 { // the chance that fewer than k samples lie at or below the percentile
		less, _ := binomial(n, k, p)
		return less
	}
	if k := firstOf(rank(n, percent), n+1, func(k int) bool { return k > n || below(k) >= confidence }); k <= n {
		b.High = order[k-1]
	}
	if k := firstOf(1, rank(n, percent)+1, func(k int) bool { return below(k) > 1-confidence }) - 1; k >= 1 {
		b.Low = order[k-1]
	}
	return b
}

// PercentileNeeds returns how many samples have an upper bound for a percentile at a confidence: 299 for the 99th at
// 0.95. Without a confidence it returns how many have samples beyond the percentile at all: 100 for the 99th.
func PercentileNeeds(percent int, confidence float64) int {
	if confidence == 0 {
		return (100 + 99 - percent) / (100 - percent)
	}
	return ZeroFailures(float64(100-percent)/100, confidence)
}

// firstOf returns the first of lo … hi for which holds is true. It is true for hi, and stays true once it is.
func firstOf(lo, hi int, holds func(int) bool) int {
	for lo < hi {
		if mid := lo + (hi-lo)/2; holds(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

func sorted(x []float64) []float64 {
	order := slices.Clone(x)
	slices.Sort(order)
	return order
}
