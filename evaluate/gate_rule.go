package evaluate

// Rule says what the gate asks, before anything is measured: "top1 on test falls by at most 1.00 points, at 95%
// confidence". m is the gate's metric; nil for an expression.
func (g GateSpec) Rule(m *Metric) string {
	name := label(g.Metric, g.Data)
	if m == nil {
		return g.Name
	}
	worse, side := "rises", "at most"
	if m.Higher {
		worse, side = "falls", "at least"
	}
	var text string
	switch g.Limit {
	case Threshold:
		text = name + " is " + side + " " + amount(m.Unit, g.Value)
	case PercentMaxDegradation:
		text = name + " " + worse + " by at most " + percent(g.Value) + " of the baseline's"
	default:
		text = name + " " + worse + " by at most " + difference(m.Unit, g.Value)
	}
	if g.Confidence > 0 {
		text += ", at " + percent(g.Confidence) + " confidence"
	}
	if g.OnFail == "warn" {
		text += " (warns only)"
	}
	return text
}
