package stats

import (
	"math"
	"runtime"
	"slices"

	"github.com/pare-ml/pare/internal/parallel"
	"github.com/pare-ml/pare/internal/rng"
)

// Mean returns the mean of x, added in order; NaN for an empty list.
func Mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// Variance returns the unbiased variance of x about its mean; 0 for fewer than two.
func Variance(x []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	mean, sum := Mean(x), 0.0
	for _, v := range x {
		d := v - mean
		sum += float64(d * d)
	}
	return sum / float64(len(x)-1)
}

// NormalMean bounds the mean of x by mean ± z·s/√n.
func NormalMean(x []float64, confidence float64) Bounds {
	half := float64(NormalQuantile(confidence) * math.Sqrt(Variance(x)/float64(len(x))))
	mean := Mean(x)
	return Bounds{mean - half, mean + half, "normal"}
}

// Resamples is the number of resamples of a bootstrap.
const Resamples = 10_000

// MinBootstrap is the number of items below which a bootstrap says too little to decide by.
const MinBootstrap = 64

// Bootstrap bounds the mean of x by the studentized bootstrap (Efron and Tibshirani, "An Introduction to the
// Bootstrap", 1993, section 12.5): the mean of each resample is compared with the mean of x in units of the resample's
// own standard error, so the bounds follow a skewed distribution, as that of a KL divergence is. A bound is infinite
// where many resamples miss the few items that carry the mean: then the items say too little.
//
// Resamples are drawn in groups of 100, group g from rng.New(g, "bootstrap", name), so the bounds depend on x and name alone.
func Bootstrap(x []float64, confidence float64, name string) Bounds {
	n := len(x)
	mean := Mean(x)
	s := math.Sqrt(Variance(x))
	if s == 0 || n < 2 {
		return Bounds{mean, mean, "bootstrap"}
	}
	// Centred items make the resample's own variance safe to compute from its squares.
	dev := make([]float64, n)
	for i, v := range x {
		dev[i] = (v - mean) / s
	}
	t := make([]float64, Resamples)
	parallel.Chunks(runtime.GOMAXPROCS(0), Resamples, 100, func(chunk, from, to int) {
		r := rng.New(uint64(chunk), "bootstrap", name)
		for i := from; i < to; i++ {
			t[i] = studentized(dev, r)
		}
	})
	slices.Sort(t)
	// Of the sorted t the share 1−confidence lies below the first and above the second.
	tail := int(math.Round(float64(Resamples * (1 - confidence))))
	tail = min(max(tail, 0), Resamples/2-1)
	unit := s / math.Sqrt(float64(n))
	return Bounds{mean - float64(unit*t[Resamples-1-tail]), mean - float64(unit*t[tail]), "bootstrap"}
}

// studentized draws a resample of items with mean 0 and variance 1 and returns its mean over its standard error, in
// units that make 1 of a standard error of the items.
func studentized(dev []float64, r *rng.Rand) float64 {
	// Two indexes from each 64 random bits; that some come up once in 2³² draws more often than others is nothing here.
	var sum, squares [2]float64
	n := uint64(len(dev))
	for i := uint64(0); i < n; i += 2 {
		u := r.Uint64()
		d := dev[u>>32*n>>32]
		sum[0] += d
		squares[0] += float64(d * d)
		if i+1 < n {
			d = dev[u&(1<<32-1)*n>>32]
			sum[1] += d
			squares[1] += float64(d * d)
		}
	}
	return studentize(sum[0]+sum[1], squares[0]+squares[1], float64(n))
}

// studentize returns the t of a resample's sums.
func studentize(sum, squares, size float64) float64 {
	mean := sum / size
	variance := (squares - float64(sum*mean)) / (size - 1)
	if variance <= squares/size*1e-12 { // equal items, but for rounding
		switch {
		case mean > 0:
			return math.Inf(1)
		case mean < 0:
			return math.Inf(-1)
		}
		return 0
	}
	return mean / math.Sqrt(variance/size)
}
