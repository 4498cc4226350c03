package evaluate

import "fmt"

// Text writes the value with its unit: 91.68%.
func (s *Score) Text() string { return amount(s.Metric.Unit, s.Value) }

// IntervalText writes the interval that stands beside the value: "90.88% to 92.43% at 95%"; nothing if there is none.
func (s *Score) IntervalText() string {
	if s.Interval == nil {
		return ""
	}
	n := amountNumbers(s.Metric.Unit)
	low, high := n.apart(s.Interval.Low, s.Interval.High)
	return fmt.Sprintf("%s to %s at %s", low, n.with(high), percent(s.Interval.Confidence))
}
