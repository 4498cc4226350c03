package evaluate

import (
	"math"

	"github.com/pare-ml/pare/evaluate/stats"
)

// Score is one measured value.
type Score struct {
	Metric   *Metric
	Data     string    // name of the data set; empty for metrics that need none
	Value    float64   // NaN if a sample made it meaningless; Note says why
	N        int       // samples; 0 for metrics that need no data
	Items    []float64 // per sample, for rates 0 or 1; nil for a Figure
	Interval *Interval // at ShownConfidence; nil for a Figure
	Note     string    // what to know of the value: "3 of 5,000 samples gave values that are not finite"
}

// ShownConfidence is the confidence of the intervals that stand beside scores in a report. Gates state their own.
const ShownConfidence = 0.95

// Interval is a range for the true value. Each bound by itself holds at Confidence, as a gate asks for one of them; both
// together hold at twice the confidence less one. Bounds may be infinite.
type Interval struct {
	Low, High  float64
	Confidence float64
	Method     string // exact, wilson, normal, bootstrap
}

// Label returns "top1 on test", or "bytes" for a metric without data.
func (s *Score) Label() string { return label(s.Metric.Name, s.Data) }

// MeanOf returns the score of items, one for each sample. It is not a number if an item is not.
func MeanOf(items []float64) *Score {
	return &Score{Value: stats.Mean(items), N: len(items), Items: items}
}

// FigureOf returns the score of a single number.
func FigureOf(v float64) *Score { return &Score{Value: v} }

// complete adds the interval that goes with the metric's kind.
func (s *Score) complete() {
	if s.Interval != nil || s.Items == nil || s.N == 0 || math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
		return
	}
	switch s.Metric.Kind {
	case Rate:
		s.Interval = interval(stats.Rate(countOnes(s.Items), s.N, ShownConfidence), ShownConfidence)
	case Mean:
		s.Interval = interval(stats.NormalMean(s.Items, ShownConfidence), ShownConfidence)
	}
}

func interval(b stats.Bounds, confidence float64) *Interval {
	return &Interval{Low: b.Low, High: b.High, Confidence: confidence, Method: b.Method}
}

func countOnes(items []float64) int {
	n := 0
	for _, x := range items {
		if x == 1 {
			n++
		}
	}
	return n
}

// Result is the scores of one subject.
type Result struct{ Scores []*Score }

// Score returns the score of a metric on a data set (empty for metrics that need none), or nil.
func (r *Result) Score(metric, data string) *Score {
	if r == nil {
		return nil
	}
	for _, s := range r.Scores {
		if s.Metric.Name == metric && (s.Data == data || !s.Metric.Needs.Data) {
			return s
		}
	}
	return nil
}
