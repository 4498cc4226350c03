package evaluate

import "fmt"

// Rule says what the gate asks, before anything is measured: "top1 on test falls by at most 1.00 points, at 95%
// confidence". m is the gate's metric; nil for an expression.
func (g GateSpec) Rule(m *Metric) string {
	if m == nil {
		return g.Name
	}
	name, side := label(g.Metric, g.Data), "at most"
	if m.Higher {
		side = "at least"
	}
	worse, _, _ := m.worse()
	var text string
	switch g.Limit {
	case Threshold:
		text = g.label() + " is " + side + " " + amount(m.Unit, g.Value)
	case PercentMaxDegradation:
		text = name + " " + worse + " by at most " + percent(g.Value) + " of the baseline's"
	default:
		text = name + " " + worse + " by at most " + difference(m.Unit, g.Value)
	}
	switch p := percentiles[g.At]; {
	case g.Limit != MaxDegradation:
	case p == 100:
		text += " in every sample"
	case p > 0:
		text += fmt.Sprintf(" in %d%% of the samples", p)
	}
	if g.Confidence > 0 {
		text += ", at " + percent(g.Confidence) + " confidence"
	}
	if g.OnFail == "warn" {
		text += " (warns only)"
	}
	return text
}
