package evaluate

import (
	"fmt"
	"math"
	"slices"

	"github.com/pare-ml/pare/internal/kernel"
)

// LogSoftmax returns ln softmax of a row of logits, in float64: x − max − ln Σ exp(x − max), the sum in order. All are
// NaN if a logit is not finite.
func LogSoftmax(row []float32) []float64 {
	out := make([]float64, len(row))
	top := float64(slices.Max(row)) // NaN if one is
	sum := 0.0
	for c, v := range row {
		out[c] = float64(v) - top
		sum += kernel.Exp64(out[c])
	}
	log := kernel.Log64(sum)
	if math.IsInf(float64(slices.Min(row)), 0) {
		log = math.NaN()
	}
	for c := range out {
		out[c] -= log
	}
	return out
}

// NonFiniteNote says how many samples have logits that are infinite or not a number; empty if none.
func (p *Predictions) NonFiniteNote() string {
	n := p.NonFinite()
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s gave logits that are not finite", thousands(n), samples(p.Len()))
}
