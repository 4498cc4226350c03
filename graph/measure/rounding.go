package measure

import (
	"math"

	"github.com/pare-ml/pare/internal/kernel"
)

// Rounding is how far the numbers of a tensor have moved: sums over all its elements, or over those of a sample of it.
// Sums of parts add up; who adds them does so in a fixed order.
type Rounding struct {
	Count  int64   // elements that were compared
	Zeros  int64   // of these, that are zero now
	Signal float64 // Σw²
	Energy float64 // Σŵ²
	Noise  float64 // Σ(w−ŵ)²
	Sum    float64 // Σ|w−ŵ|
	Most   float64 // max |w−ŵ|
}

// RoundingOf compares numbers with what became of them. diff is memory of the same length; its content is lost.
func RoundingOf(w, now, diff []float32) Rounding {
	kernel.Sub(diff, w, now)
	return Rounding{Count: int64(len(w)), Zeros: int64(kernel.Zeros(now)), Signal: kernel.SumSquares(w), Energy: kernel.SumSquares(now),
		Noise: kernel.SumSquares(diff), Sum: kernel.SumAbs(diff), Most: float64(kernel.MaxAbs(diff))}
}

// Add adds another part.
func (r *Rounding) Add(o Rounding) {
	r.Count += o.Count
	r.Zeros += o.Zeros
	r.Signal += o.Signal
	r.Energy += o.Energy
	r.Noise += o.Noise
	r.Sum += o.Sum
	r.Most = max(r.Most, o.Most) // NaN stays
}

// SQNR returns 10·log10(Σw² / Σ(w−ŵ)²) in dB: +Inf if nothing differs, NaN if w is all zero and ŵ is not, or if a number is
// not finite.
func (r *Rounding) SQNR() float64 {
	switch {
	case math.IsNaN(r.Noise) || math.IsInf(r.Noise, 0) || math.IsInf(r.Signal, 0):
		return math.NaN()
	case r.Noise == 0:
		return math.Inf(1)
	case r.Signal == 0:
		return math.NaN()
	}
	return float64(10 / math.Ln10 * (kernel.Log64(r.Signal) - kernel.Log64(r.Noise)))
}

// Cosine returns Σwŵ / √(Σw²·Σŵ²): 1 if nothing differs, NaN if one of the two is all zero.
func (r *Rounding) Cosine() float64 {
	if r.Noise == 0 {
		return 1
	}
	if r.Signal == 0 || r.Energy == 0 {
		return math.NaN()
	}
	return (r.Signal + r.Energy - r.Noise) / 2 / (math.Sqrt(r.Signal) * math.Sqrt(r.Energy))
}

// RMS returns the root of the mean of w².
func (r *Rounding) RMS() float64 {
	if r.Count == 0 {
		return 0
	}
	return math.Sqrt(r.Signal / float64(r.Count))
}

// MeanError returns the mean of |w−ŵ| in units of the root mean square of w, MaxError the largest; NaN if w is all zero and ŵ
// is not.
func (r *Rounding) MeanError() float64 {
	if r.Sum == 0 {
		return 0
	}
	return r.Sum / float64(r.Count) / r.RMS()
}

// MaxError is described at MeanError.
func (r *Rounding) MaxError() float64 {
	if r.Most == 0 {
		return 0
	}
	return r.Most / r.RMS()
}
