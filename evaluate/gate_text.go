package evaluate

import (
	"fmt"
	"math"
	"strings"

	"github.com/pare-ml/pare/evaluate/stats"
)

// thresholdMessage says: top1 on test is 91.62% (91.01% to 92.20% at 95%); the gate asks for at least 90.00%.
func (d *Decision) thresholdMessage(s *Score) string {
	n, name := amountNumbers(s.Metric.Unit), s.Label()
	if d.Gate.At != "" {
		name = d.Gate.label()
	}
	value, limit := n.apart(d.Value, d.Limit)
	asks, side := "allows at most", "at most"
	if s.Metric.Higher {
		asks, side = "asks for at least", "at least"
	}
	if d.Outcome == Undecided {
		return fmt.Sprintf("undecided: %s cannot tell whether %s is %s %s (%s; %s); %s",
			samples(s.N), name, side, n.with(limit), n.with(value), d.rangeText(n), d.neededText())
	}
	return fmt.Sprintf("%s is %s%s; the gate %s %s%s",
		name, n.with(value), inBrackets(d.rangeText(n)), asks, n.with(limit), d.howDecided(s))
}

// dropMessage says: top1 on test fell by 0.42 points (0.05 to 0.79 at 95%); the gate allows 1.00.
func (d *Decision) dropMessage(s, b *Score) string {
	n, of := differenceNumbers(s.Metric.Unit), ""
	if d.Gate.Limit == PercentMaxDegradation {
		n, of = amountNumbers(Share), " of the baseline's "+amount(s.Metric.Unit, b.Value)
	}
	_, worse, better := s.Metric.worse()
	value, limit := n.apart(d.Value, d.Limit)
	if d.Outcome == Undecided {
		return fmt.Sprintf("undecided: %s cannot tell whether %s %s by less than %s%s (%s; %s); %s",
			samples(s.N), s.Label(), worse, n.with(limit), of, value, d.rangeText(n), d.neededText())
	}
	var what string
	switch {
	case d.Value > 0:
		what = fmt.Sprintf("%s %s by %s%s%s", s.Label(), worse, n.with(value), of, inBrackets(d.rangeText(n)))
	case d.Value < 0:
		what = fmt.Sprintf("%s %s by %s%s%s", s.Label(), better, n.text(-d.Value), of, inBrackets(d.fromWorseToBetter(n)))
	case d.Interval != nil:
		what = fmt.Sprintf("%s did not change (%s)", s.Label(), d.fromWorseToBetter(n))
	default:
		what = fmt.Sprintf("%s did not change", s.Label())
	}
	return fmt.Sprintf("%s; the gate allows %s%s", what, limit, d.howDecided(s))
}

// rangeText writes "0.05 to 0.79 at 95%", or nothing.
func (d *Decision) rangeText(n numbers) string {
	if d.Interval == nil {
		return ""
	}
	return fmt.Sprintf("%s to %s at %s", n.write(d.Interval.Low, n.digits), n.write(d.Interval.High, n.digits), percent(d.Gate.Confidence))
}

// fromWorseToBetter is rangeText for an improvement, whose range as a drop would be full of minus signs.
func (d *Decision) fromWorseToBetter(n numbers) string {
	switch {
	case d.Interval == nil:
		return ""
	case d.Interval.High <= 0:
		return fmt.Sprintf("%s to %s at %s", n.write(-d.Interval.High, n.digits), n.write(-d.Interval.Low, n.digits), percent(d.Gate.Confidence))
	}
	return fmt.Sprintf("from %s worse to %s better at %s", n.write(d.Interval.High, n.digits), n.write(-d.Interval.Low, n.digits), percent(d.Gate.Confidence))
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// howDecided says where a value without an interval decided, though it has an error.
func (d *Decision) howDecided(s *Score) string {
	switch {
	case d.Interval != nil || s.N == 0:
		return ""
	case d.Gate.Confidence > 0:
		return fmt.Sprintf(" (no confidence can be stated for %s)", s.Metric.Name)
	}
	return " (no confidence asked, so the value itself decides)"
}

func (d *Decision) neededText() string {
	if d.Needed == 0 {
		return "that is so close to the limit that no number of samples will do"
	}
	return fmt.Sprintf("about %s would", thousands(d.Needed))
}

func tooFew(s *Score) string {
	return fmt.Sprintf("undecided: %s are too few to state a confidence for %s; it takes %d or more",
		samples(s.N), s.Label(), stats.MinBootstrap)
}

func samples(n int) string {
	if n == 1 {
		return "1 sample"
	}
	return thousands(n) + " samples"
}

// expectMessage says: it holds: artifact.bytes is 81.2 kB, artifact.bits_per_weight is 8.31 bits.
func expectMessage(holds bool, used []Used) string {
	var b strings.Builder
	b.WriteString("it does not hold")
	if holds {
		b.Reset()
		b.WriteString("it holds")
	}
	for i, u := range used {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s is %s", sep, u.Name, amount(u.Unit, u.Value))
	}
	return b.String()
}

// because writes ": note", or nothing.
func because(note string) string {
	if note == "" {
		return ""
	}
	return ": " + note
}

// shown tells whether a number can be shown as one.
func shown(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
