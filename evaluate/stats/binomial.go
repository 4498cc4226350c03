package stats

import "math"

// binomial returns P(X < k) and P(X = k) for X ~ Binomial(n, p), 0 ≤ k ≤ n, 0 < p < 1.
//
// The weights relative to the largest follow from the ratio of neighbours, P(i+1)/P(i) = (n−i)/(i+1)·p/(1−p), walked
// from the mode to both sides until they vanish; their sum is what they are relative to. So there is neither a
// factorial nor a logarithm.
func binomial(n, k int, p float64) (less, equal float64) {
	odds := p / (1 - p)
	mode := min(n, int(float64(float64(n+1)*p)))
	var below, at, above float64
	add := func(i int, w float64) {
		switch {
		case i < k:
			below += w
		case i == k:
			at = w
		default:
			above += w
		}
	}
	const vanished = 1e-30
	w := 1.0
	for i := mode; i <= n && w > vanished; i++ {
		add(i, w)
		w = float64(float64(w*odds) * (float64(n-i) / float64(i+1)))
	}
	w = 1
	for i := mode; i > 0 && w > vanished; i-- {
		w = float64(w / odds * (float64(i) / float64(n-i+1)))
		add(i-1, w)
	}
	total := below + at + above
	return below / total, at / total
}

// McNemar returns the one-sided mid-p value of b losses against c gains: the probability of as many losses or more if
// losses and gains were equally likely, with half the weight of exactly as many. It tests whether there is a drop at
// all; a small value says that there is (Fagerland, Lydersen, Laake, "The McNemar test for binary matched-pairs data",
// 2013).
func McNemar(losses, gains int) float64 {
	n := losses + gains
	if n == 0 {
		return 0.5
	}
	less, equal := binomial(n, losses, 0.5)
	return max(0, 1-less-float64(equal/2))
}

// UpperCount returns the largest rate that k of n does not contradict at the confidence given: the upper bound of
// Clopper and Pearson (1934). None of 299 gives 0.01 at 0.95. It is exact: it holds at least as often as it says.
func UpperCount(k, n int, confidence float64) float64 {
	if k >= n {
		return 1
	}
	alpha := 1 - confidence
	return bisect(float64(k)/float64(n), 1, func(p float64) bool {
		if p <= 0 {
			return true
		}
		less, equal := binomial(n, k, p)
		return less+equal > alpha
	})
}

// LowerCount is the bound on the other side.
func LowerCount(k, n int, confidence float64) float64 {
	if k <= 0 {
		return 0
	}
	return 1 - UpperCount(n-k, n, confidence)
}

// ZeroFailures returns how many samples without one failure show that failures are rarer than rate: 299 for 0.01 at
// 0.95.
func ZeroFailures(rate, confidence float64) int {
	if rate <= 0 {
		return math.MaxInt
	}
	if rate >= 1 {
		return 1
	}
	// (1−rate)^n ≤ 1−confidence, by repeated squaring down from a power that is large enough.
	powers := []float64{1 - rate}
	for powers[len(powers)-1] > 1-confidence && len(powers) < 62 {
		last := powers[len(powers)-1]
		powers = append(powers, float64(last*last))
	}
	n, left := 0, 1.0
	for i := len(powers) - 1; i >= 0; i-- {
		if next := float64(left * powers[i]); next > 1-confidence {
			n, left = n+1<<i, next
		}
	}
	return n + 1
}
