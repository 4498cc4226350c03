package stats

import "math"

// Bounds are a lower and an upper bound. Each by itself holds at the confidence they were asked for; both together form
// an interval at twice the confidence less one.
type Bounds struct {
	Low, High float64
	Method    string // exact, wilson, normal, bootstrap
}

// fewFailures is the number of successes or failures below which a rate's bounds are those of Clopper and Pearson:
// Wilson's, which are closer on average, then promise too much on one side.
const fewFailures = 10

// manyFlips is the number of flips from which the normal formula bounds a paired drop. Below it the formula is too
// sure of itself: with 25 flips its 95 % bound holds in 93.9 % of cases, with none it has no width at all.
const manyFlips = 100

// Rate bounds a rate of which k of n samples were seen: Wilson (1927), or Clopper and Pearson where counts are small.
func Rate(k, n int, confidence float64) Bounds {
	if n <= 0 {
		return Bounds{0, 1, "exact"}
	}
	if min(k, n-k) < fewFailures {
		return Bounds{LowerCount(k, n, confidence), UpperCount(k, n, confidence), "exact"}
	}
	z := NormalQuantile(confidence)
	zz := float64(z * z)
	size := float64(n)
	mid := (float64(k) + float64(zz/2)) / (size + zz)
	p := float64(k) / size
	half := float64(z / (size + zz) * math.Sqrt(float64(float64(size*p)*(1-p))+float64(zz/4)))
	return Bounds{max(0, mid-half), min(1, mid+half), "wilson"}
}

// PairedDrop bounds the net drop of a rate, the share of losses less the share of gains, on n samples that both models
// saw.
//
// With many flips: D̂ ± z·√((d−D̂²)/n), d the share of flips. With few: the exact bounds of the two shares, whose
// distances from their estimates add in squares with the multinomial correlation of losses and gains (Zou and Donner,
// "Construction of confidence limits about effect measures", 2008). Without any flip that leaves the exact bound of no
// failure in n samples, and where flips are many it tends to the normal formula.
func PairedDrop(losses, gains, n int, confidence float64) Bounds {
	if n <= 0 {
		return Bounds{-1, 1, "exact"}
	}
	size := float64(n)
	b, c := float64(losses)/size, float64(gains)/size
	drop := float64(losses-gains) / size
	if losses+gains >= manyFlips {
		half := float64(NormalQuantile(confidence) * math.Sqrt(max(0, (b+c-float64(drop*drop))/size)))
		return Bounds{drop - half, drop + half, "normal"}
	}
	correlation := 0.0
	if losses > 0 && gains > 0 {
		correlation = math.Sqrt(float64(b*c) / float64((1-b)*(1-c)))
	}
	// combine adds two distances whose errors have this correlation once the sign of the difference is taken in.
	combine := func(x, y float64) float64 {
		return math.Sqrt(float64(x*x) + float64(y*y) + float64(float64(2*correlation)*float64(x*y)))
	}
	up := combine(UpperCount(losses, n, confidence)-b, c-LowerCount(gains, n, confidence))
	down := combine(b-LowerCount(losses, n, confidence), UpperCount(gains, n, confidence)-c)
	return Bounds{max(-1, drop-down), min(1, drop+up), "exact"}
}
