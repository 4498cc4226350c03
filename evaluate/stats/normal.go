// Package stats holds the statistics behind gates: intervals for rates, paired comparisons, the bootstrap, and the
// number of samples that a decision needs. docs/gates.md explains them.
//
// Everything here is built from sums, products, divisions and square roots, with explicit rounding where a compiler
// could fuse, so results are the same bits on every machine.
package stats

import "math"

// sqrt2Pi is √(2π).
const sqrt2Pi = 2.50662827463100050241576528481104525

// NormalCDF returns the probability that a standard normal variable is at most x.
//
// Φ(x) = ½ + φ(x)·Σ x^(2k+1)/(1·3·5·…·(2k+1)) (Marsaglia, "Evaluating the normal distribution", 2004), with
// φ(x) = 1/(√(2π)·Σ (x²/2)^k/k!): two sums of positive terms, so no exponential is needed.
func NormalCDF(x float64) float64 {
	switch {
	case x < 0:
		return 1 - NormalCDF(-x)
	case x > 9: // 1 − Φ(9) is 1e-19
		return 1
	}
	xx := float64(x * x)
	half := xx / 2
	sum, term := 0.0, x
	density, power := 0.0, 1.0
	for k := 1; k < 400; k++ {
		sum += term
		density += power
		term = float64(term*xx) / float64(2*k+1)
		power = float64(power*half) / float64(k)
	}
	return 0.5 + sum/float64(sqrt2Pi*density)
}

// NormalQuantile returns the x for which NormalCDF(x) is p: 1.645 for 0.95. p must lie inside (0, 1).
func NormalQuantile(p float64) float64 {
	if !(p > 0 && p < 1) {
		return math.NaN()
	}
	if p < 0.5 {
		return -NormalQuantile(1 - p)
	}
	return bisect(0, 9, func(x float64) bool { return NormalCDF(x) < p })
}

// bisect returns where below, true at lo and false at hi, turns false, to the last bit.
func bisect(lo, hi float64, below func(float64) bool) float64 {
	for {
		mid := lo + float64((hi-lo)/2)
		if mid <= lo || mid >= hi {
			return hi
		}
		if below(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
}
