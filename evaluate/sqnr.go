package evaluate

import (
	"math"

	"github.com/pare-ml/pare/internal/kernel"
)

// SQNR returns 10·log10(Σy² / Σ(y−ŷ)²) in dB: +Inf if nothing differs, NaN if y is all zero and ŷ is not, if a value is
// not finite, or if the lengths differ.
func SQNR(y, yhat []float32) float64 {
	if len(y) != len(yhat) {
		return math.NaN()
	}
	diff := make([]float32, 0, min(len(y), sqnrChunk))
	var signal, noise float64
	for len(y) > 0 {
		n := min(len(y), sqnrChunk)
		diff = diff[:n]
		for i := range diff {
			diff[i] = y[i] - yhat[i]
		}
		signal += kernel.SumSquares(y[:n])
		noise += kernel.SumSquares(diff)
		y, yhat = y[n:], yhat[n:]
	}
	switch {
	case math.IsNaN(noise) || math.IsInf(noise, 0) || math.IsInf(signal, 0):
		return math.NaN()
	case noise == 0:
		return math.Inf(1)
	case signal == 0:
		return math.NaN()
	}
	return 10 / math.Ln10 * (kernel.Log64(signal) - kernel.Log64(noise))
}

const sqnrChunk = 1 << 16
