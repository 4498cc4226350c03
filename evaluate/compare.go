package evaluate

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/evaluate/stats"
)

// Comparison holds a model's score against its baseline's, sample by sample: both saw the same samples in the same
// order, so what both get right or wrong does not blur the difference.
type Comparison struct {
	N     int     // samples; 0 for a Figure
	Drop  float64 // how much worse the model is, in the metric's unit; below 0: better
	Share float64 // the drop as a share of the baseline's value; NaN if that is not above 0

	// For a Rate.
	Losses int     // samples that the baseline has and the model has not
	Gains  int     // the other way round
	MidP   float64 // McNemar's one-sided mid-p: small if there is a drop at all

	items    []float64 // each sample's drop, for a Mean
	base     []float64
	baseline float64
	kind     Kind
	name     string
}

// Compare compares two scores of one metric on one data set.
func Compare(model, baseline *Score) (*Comparison, error) {
	if model.Metric.Name != baseline.Metric.Name || model.Data != baseline.Data {
		return nil, fmt.Errorf("%s cannot be compared with %s", model.Label(), baseline.Label())
	}
	if len(model.Items) != len(baseline.Items) {
		return nil, fmt.Errorf("%s: the model saw %d samples and the baseline %d", model.Label(), len(model.Items), len(baseline.Items))
	}
	sign := 1.0
	if model.Metric.Higher {
		sign = -1
	}
	c := &Comparison{
		N:     model.N,
		Drop:  sign * (model.Value - baseline.Value),
		Share: math.NaN(),
		base:  baseline.Items, baseline: baseline.Value, kind: model.Metric.Kind, name: model.Label(),
	}
	if model.Value == baseline.Value { // also two infinities
		c.Drop = 0
	}
	switch {
	case c.kind == Figure || model.Items == nil:
		c.kind = Figure
	case c.kind == Rate:
		c.countFlips(model.Items, sign)
	default:
		for i, x := range model.Items {
			c.items = append(c.items, sign*(x-baseline.Items[i]))
		}
		c.Drop = stats.Mean(c.items)
	}
	if baseline.Value > 0 && !math.IsInf(baseline.Value, 0) {
		c.Share = c.Drop / baseline.Value
	}
	return c, nil
}

func (c *Comparison) countFlips(items []float64, sign float64) {
	for i, x := range items {
		switch d := sign * (x - c.base[i]); {
		case d > 0:
			c.Losses++
		case d < 0:
			c.Gains++
		}
	}
	c.Drop = float64(c.Losses-c.Gains) / float64(c.N) // exact where a difference of two means is not
	c.MidP = stats.McNemar(c.Losses, c.Gains)
}

// Flips returns the share of samples that are lost or gained.
func (c *Comparison) Flips() float64 { return float64(c.Losses+c.Gains) / float64(max(1, c.N)) }

// Interval bounds Drop; nil for a Figure, or for a Mean over too few samples.
func (c *Comparison) Interval(confidence float64) *Interval {
	switch c.kind {
	case Rate:
		return interval(stats.PairedDrop(c.Losses, c.Gains, c.N, confidence), confidence)
	case Mean:
		return bootstrap(c.items, confidence, c.name)
	}
	return nil
}

// ShareInterval bounds Share; nil where Share is not a number, and as Interval is.
//
// The drop of a rate is divided by the baseline's value as if that were exact: what the value's own error adds is of
// second order, because it is multiplied by the share itself. For a mean the error of the ratio is bootstrapped, by its
// first-order form: item i counts (drop − Share·baseline)/mean baseline.
func (c *Comparison) ShareInterval(confidence float64) *Interval {
	if math.IsNaN(c.Share) {
		return nil
	}
	if c.kind == Rate {
		b := stats.PairedDrop(c.Losses, c.Gains, c.N, confidence)
		b.Low, b.High = b.Low/c.baseline, b.High/c.baseline
		return interval(b, confidence)
	}
	if c.kind == Figure {
		return nil
	}
	iv := bootstrap(c.shareItems(), confidence, c.name)
	if iv != nil {
		iv.Low, iv.High = c.Share+iv.Low, c.Share+iv.High
	}
	return iv
}

func (c *Comparison) shareItems() []float64 {
	e := make([]float64, len(c.items))
	for i, d := range c.items {
		e[i] = (d - float64(c.Share*c.base[i])) / c.baseline
	}
	return e
}

// variance of one sample's drop, or of its part in the share.
func (c *Comparison) variance(share bool) float64 {
	switch {
	case c.kind == Rate:
		v := c.Flips() - float64(c.Drop*c.Drop)
		if share {
			v /= float64(c.baseline * c.baseline)
		}
		return v
	case share:
		return stats.Variance(c.shareItems())
	}
	return stats.Variance(c.items)
}

func bootstrap(items []float64, confidence float64, name string) *Interval {
	if len(items) < stats.MinBootstrap {
		return nil
	}
	return interval(stats.Bootstrap(items, confidence, name), confidence)
}
