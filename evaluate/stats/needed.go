package stats

import "math"

// power is the chance that the number of samples of Needed leads to a decision, if the drop seen is the true one.
const power = 0.8

// TooMany is what Needed returns where no number of samples that anyone has would do.
const TooMany = 10_000_000

// Needed estimates how many samples decide whether a drop is below the limit: (z+0.84)²·variance/(limit−drop)², the
// variance being that of one sample's difference (for rates d−D̂²). It returns TooMany or more where that many would
// not do.
func Needed(drop, variance, limit, confidence float64) int {
	return needed(drop, variance, limit, confidence, power)
}

func needed(drop, variance, limit, confidence, power float64) int {
	gap := limit - drop
	z := NormalQuantile(confidence) + NormalQuantile(power)
	n := float64(float64(z*z)*variance) / float64(gap*gap)
	if !(n < TooMany) { // also NaN: 0/0
		return TooMany
	}
	return max(1, int(math.Ceil(n)))
}
