package evaluate

import (
	"fmt"

	"github.com/pare-ml/pare/evaluate/stats"
)

// percentiles are the places of GateSpec.At; 100 is the largest of all samples.
var percentiles = map[string]int{"p50": 50, "p90": 90, "p95": 95, "p99": 99, "max": 100}

// checkAt tells why a gate on a percentile makes no sense for its metric.
func (g GateSpec) checkAt(m *Metric) error {
	switch _, ok := percentiles[g.At]; {
	case g.At == "":
		return nil
	case !ok:
		return misfit("at", "at is %q; it must be p50, p90, p95, p99 or max", g.At)
	case m.Kind == Rate:
		return misfit("at", "a sample counts for %s or does not, so %s of the samples says nothing; leave at out", m.Name, g.At)
	case m.Kind != Mean && !m.Needs.Data:
		return misfit("at", "%s is one number and has no %s; leave at out", m.Name, g.At)
	case m.Kind != Mean:
		return misfit("at", "%s is one number for all samples and has no %s; leave at out", m.Name, g.At)
	case g.Limit == PercentMaxDegradation:
		return misfit(string(PercentMaxDegradation), "at looks at single samples, and the share of one sample's value says little; give the gate max_degradation or threshold")
	case g.At == "max" && g.Confidence > 0:
		return misfit("confidence", "the largest value is that of these samples alone, so no confidence can be asked; leave it out, or write at: p99")
	}
	return nil
}

// EnoughAt returns how many samples a gate on a percentile takes at least: so many that one of them lies beyond it, and
// with a confidence so many that the percentile has an upper bound. 0: the gate asks for no percentile, or any number will do.
func (g GateSpec) EnoughAt() int {
	if p := percentiles[g.At]; p > 0 && p < 100 {
		return stats.PercentileNeeds(p, g.Confidence)
	}
	return 0
}

// at decides a gate on a percentile of single samples: of what they drop by against the baseline, or of their values,
// which are worse the larger they are once sign is on them. A percentile is what so many samples keep to, so where more
// is better 99% of the samples lie at p99 or above.
//
// Whether a percentile is within a limit is the same question as whether the samples beyond the limit are rarer than
// the rest of 100%: from that comes the number of samples that would do.
func (d Decision) at(s *Score, values []float64, sign float64, message func(*Decision) string) Decision {
	p, n, limit := percentiles[d.Gate.At], len(values), sign*d.Limit
	if n == 0 {
		d.Message = fmt.Sprintf("%s has no values of single samples", s.Label())
		return d
	}
	found, low, high := stats.Percentile(values, p), 0.0, 0.0
	if d.Gate.Confidence > 0 {
		b := stats.PercentileBounds(values, p, d.Gate.Confidence)
		d.Interval = interval(b, d.Gate.Confidence)
		low, high = b.Low, b.High
		if sign < 0 {
			d.Interval.Low, d.Interval.High = -high, -low
		}
	}
	d.Value = sign * found
	d.decide(found <= limit, low, high, limit)
	if enough := d.Gate.EnoughAt(); n < enough && d.Outcome != NotMet {
		d.Outcome, d.Needed = Undecided, enough
		d.Message = fmt.Sprintf("undecided: %s are too few to tell %s; it takes %s or more", samples(n), d.Gate.label(), thousands(enough))
		return d
	}
	if d.Outcome == Undecided {
		share := beyond(values, limit)
		d.need(share, float64(share*(1-share)), float64(100-p)/100, n, 1)
	}
	d.Message = message(&d)
	return d
}

// beyond is the share of values above a limit.
func beyond(values []float64, limit float64) float64 {
	n := 0
	for _, v := range values {
		if v > limit {
			n++
		}
	}
	return float64(n) / float64(len(values))
}

// badness returns what is worse the larger it is of a metric's values, and the sign that makes it of them.
func badness(s *Score) (values []float64, sign float64) {
	if !s.Metric.Higher {
		return s.Items, 1
	}
	out := make([]float64, len(s.Items))
	for i, x := range s.Items {
		out[i] = -x
	}
	return out, -1
}

// drops are the drops of single samples, below 0 where the model is better.
func drops(s, b *Score) []float64 {
	out := make([]float64, len(s.Items))
	for i, x := range s.Items {
		switch d := x - b.Items[i]; {
		case x == b.Items[i]: // also two infinities
		case s.Metric.Higher:
			out[i] = -d
		default:
			out[i] = d
		}
	}
	return out
}

// atDropMessage says: cross_entropy on test at p99: 99% of samples rose by at most 0.0410 nats (0.0350 to 0.0523 at
// 95%); the gate allows 0.1000.
func (d *Decision) atDropMessage(s *Score) string {
	n := differenceNumbers(s.Metric.Unit)
	_, worse, better := s.Metric.worse()
	value, limit := n.apart(d.Value, d.Limit)
	who := fmt.Sprintf("%d%% of samples", percentiles[d.Gate.At])
	if d.Gate.At == "max" {
		who = "every sample"
	}
	if d.Outcome == Undecided {
		return fmt.Sprintf("undecided: %s cannot tell whether %s: %s %s by less than %s (%s; %s); %s",
			samples(s.N), d.Gate.label(), who, worse, n.with(limit), value, d.rangeText(n), d.neededText())
	}
	if d.Value < 0 {
		return fmt.Sprintf("%s: %s %s by at least %s%s; the gate allows %s%s",
			d.Gate.label(), who, better, n.text(-d.Value), inBrackets(d.fromWorseToBetter(n)), limit, d.howDecided(s))
	}
	return fmt.Sprintf("%s: %s %s by at most %s%s; the gate allows %s%s",
		d.Gate.label(), who, worse, n.with(value), inBrackets(d.rangeText(n)), limit, d.howDecided(s))
}

// label is how the gate calls what it limits: "top1 on test", "kl_divergence on test at p99".
func (g GateSpec) label() string {
	name := label(g.Metric, g.Data)
	if g.At != "" {
		name += " at " + g.At
	}
	return name
}

// worse returns what a metric does that gets worse, in the present and in the past, and what it did if it got better.
func (m *Metric) worse() (now, past, better string) {
	if m.Higher {
		return "falls", "fell", "rose"
	}
	return "rises", "rose", "fell"
}
