package evaluate

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/evaluate/stats"
)

// GateSpec is a condition that a result must meet.
type GateSpec struct {
	Name       string // "top1 on test", or the text of an expression
	Metric     string
	Data       string
	At         string // a percentile of single samples instead of the mean of all: p50, p90, p95, p99, max; empty: the mean
	Limit      Limit
	Value      float64 // what Limit limits; ratios as 0.01
	Confidence float64 // of the bound that decides: 0.95; 0: not asked, the point estimate decides
	OnFail     string  // "error" (also empty) or "warn"
}

// Limit says what a gate's value limits.
type Limit string

const (
	Threshold             Limit = "threshold"               // the metric itself: at least, or at most, by its direction
	MaxDegradation        Limit = "max_degradation"         // the drop from the baseline, in the metric's unit
	PercentMaxDegradation Limit = "percent_max_degradation" // the drop as a share of the baseline's value
	Expect                Limit = "expect"                  // an expression, evaluated by the caller
)

// Outcome of a gate.
type Outcome string

const (
	Met       Outcome = "met"
	NotMet    Outcome = "not_met"
	Undecided Outcome = "undecided" // too few samples for the confidence asked, or nothing to decide by
)

// Decision is a gate's outcome with what it rests on.
type Decision struct {
	Gate     GateSpec
	Outcome  Outcome
	Value    float64   // what was held against Limit: the metric for a threshold, else the drop or its share
	Limit    float64   // the gate's value
	Interval *Interval // of Value; nil: no confidence asked, or none can be stated
	Needed   int       // samples that would decide, about; 0: not a matter of samples, or no number would do
	Message  string    // what was found, in plain words
	Used     []Used    // the values that an expression used
}

// Used is a value that an expression used.
type Used struct {
	Name  string // "artifact.bytes"
	Value float64
	Unit  Unit
}

// Misfit says why a gate makes no sense for its metric.
type Misfit struct {
	Key    string // the key of the gate that it is about: "max_degradation"
	Reason string
}

func (m *Misfit) Error() string { return m.Reason }

func misfit(key, format string, args ...any) error {
	return &Misfit{key, fmt.Sprintf(format, args...)}
}

// Check tells why a gate makes no sense for its metric, before anything is measured, with a *Misfit.
func (g GateSpec) Check(m *Metric) error {
	if err := g.checkAt(m); err != nil {
		return err
	}
	switch {
	case m.Relative && (g.Limit == MaxDegradation || g.Limit == PercentMaxDegradation):
		return misfit(string(g.Limit), "%s compares with the baseline by itself; give it a threshold instead of %s", m.Name, g.Limit)
	case m.Kind == Figure && g.Confidence > 0 && m.Needs.Data:
		return misfit("confidence", "%s has no interval, so no confidence can be asked; leave it out and the value itself decides", m.Name)
	case m.Kind == Figure && g.Confidence > 0:
		return misfit("confidence", "%s is exact, so confidence has no meaning; leave it out", m.Name)
	}
	return g.checkConfidence()
}

func (g GateSpec) checkConfidence() error {
	if g.Confidence == 0 || g.Confidence >= 0.5 && g.Confidence <= 0.9999 {
		return nil
	}
	return misfit("confidence", "confidence is %s; it must lie between 50%% and 99.99%%", percent(g.Confidence))
}

// Decide holds the model's score against a gate. baseline may be nil for thresholds.
func Decide(g GateSpec, model, baseline *Result) Decision {
	d := Decision{Gate: g, Limit: g.Value, Value: math.NaN(), Outcome: Undecided}
	if d.Gate.Name == "" {
		d.Gate.Name = g.label()
	}
	if err := g.checkConfidence(); err != nil {
		d.Message = err.Error()
		return d
	}
	s := model.Score(g.Metric, g.Data)
	if s == nil {
		d.Message = fmt.Sprintf("%s was not measured", label(g.Metric, g.Data))
		return d
	}
	if math.IsNaN(s.Value) {
		d.Outcome = NotMet
		d.Message = fmt.Sprintf("%s is not a number%s", s.Label(), because(s.Note))
		return d
	}
	if g.At != "" {
		if err := g.checkAt(s.Metric); err != nil {
			d.Message = err.Error()
			return d
		}
	}
	if g.Limit == Threshold && g.At != "" {
		values, sign := badness(s)
		return d.at(s, values, sign, func(d *Decision) string { return d.thresholdMessage(s) })
	}
	if g.Limit == Threshold {
		return d.threshold(s)
	}
	b := baseline.Score(g.Metric, g.Data)
	if b == nil || math.IsNaN(b.Value) {
		d.Message = fmt.Sprintf("%s of the baseline was not measured, so there is nothing to compare with", s.Label())
		if b != nil {
			d.Message = fmt.Sprintf("%s of the baseline is not a number%s, so there is nothing to compare with", s.Label(), because(b.Note))
		}
		return d
	}
	c, err := Compare(s, b)
	if err != nil {
		d.Message = err.Error()
		return d
	}
	if g.At != "" {
		return d.at(s, drops(s, b), 1, func(d *Decision) string { return d.atDropMessage(s) })
	}
	return d.drop(s, b, c)
}

// DecideExpect returns the decision of an expression that the caller evaluated, with the values that it used.
func DecideExpect(name, onFail string, holds bool, used []Used) Decision {
	d := Decision{
		Gate:    GateSpec{Name: name, Limit: Expect, OnFail: onFail},
		Outcome: Met, Value: math.NaN(), Limit: math.NaN(), Used: used,
	}
	if !holds {
		d.Outcome = NotMet
	}
	d.Message = expectMessage(holds, used)
	return d
}

// threshold decides whether the score itself is on the right side of the limit.
func (d Decision) threshold(s *Score) Decision {
	d.Value = s.Value
	if d.Gate.Confidence > 0 {
		switch s.Metric.Kind {
		case Rate:
			d.Interval = interval(stats.Rate(countOnes(s.Items), s.N, d.Gate.Confidence), d.Gate.Confidence)
		case Mean:
			if d.Interval = bootstrap(s.Items, d.Gate.Confidence, s.Label()); d.Interval == nil {
				d.Needed = stats.MinBootstrap
				d.Message = tooFew(s)
				return d
			}
		}
	}
	// What lies beyond the limit is a drop of more than 0.
	short, low, high := d.Value-d.Limit, 0.0, 0.0
	if d.Interval != nil {
		low, high = d.Interval.Low-d.Limit, d.Interval.High-d.Limit
	}
	if s.Metric.Higher {
		short, low, high = -short, -high, -low
	}
	d.decide(short <= 0, low, high, 0)
	if d.Outcome == Undecided {
		d.need(short, stats.Variance(s.Items), 0, s.N, 1)
	}
	d.Message = d.thresholdMessage(s)
	return d
}

// drop decides whether the model is worse than the baseline by less than the limit.
func (d Decision) drop(s, b *Score, c *Comparison) Decision {
	share := d.Gate.Limit == PercentMaxDegradation
	d.Value = c.Drop
	if share {
		d.Value = c.Share
	}
	if math.IsNaN(d.Value) {
		d.Message = fmt.Sprintf("%s of the baseline is %s; a share of that says nothing, so give the gate max_degradation",
			s.Label(), amount(s.Metric.Unit, b.Value))
		return d
	}
	if d.Gate.Confidence > 0 && c.kind != Figure {
		if d.Interval = c.Interval(d.Gate.Confidence); share {
			d.Interval = c.ShareInterval(d.Gate.Confidence)
		}
		if d.Interval == nil {
			d.Needed = stats.MinBootstrap
			d.Message = tooFew(s)
			return d
		}
	}
	var low, high float64
	if d.Interval != nil {
		low, high = d.Interval.Low, d.Interval.High
	}
	d.decide(d.Value <= d.Limit, low, high, d.Limit)
	if d.Outcome == Undecided {
		whole := 1.0
		if share {
			whole = c.baseline
		}
		d.need(d.Value, c.variance(share), d.Limit, s.N, whole)
	}
	d.Message = d.dropMessage(s, b)
	return d
}

// decide sets the outcome: by the bounds of the drop if there are any, else by the point estimate.
func (d *Decision) decide(point bool, low, high, limit float64) {
	switch {
	case d.Interval == nil && point:
		d.Outcome = Met
	case d.Interval == nil:
		d.Outcome = NotMet
	case high < limit:
		d.Outcome = Met
	case low >= limit:
		d.Outcome = NotMet
	default:
		d.Outcome = Undecided
	}
}

// need estimates how many samples would decide. Even without a single flip there must be enough of them to show that
// flips are rare. whole is what a drop of 1 means in the metric's unit.
func (d *Decision) need(drop, variance, limit float64, n int, whole float64) {
	needed := stats.Needed(drop, variance, limit, d.Gate.Confidence)
	if variance == 0 && limit > drop {
		needed = max(needed, stats.ZeroFailures(float64((limit-drop)*whole), d.Gate.Confidence))
	}
	if needed < stats.TooMany {
		d.Needed = roundUp(max(needed, n+1))
	}
}
