package evaluate

import "fmt"

// summaryRow is one line of the table before and after, in words for the text and the Markdown report alike.
type summaryRow struct {
	what, before, after, change string
	worse                       bool
}

const rangesNote = "Ranges in brackets: each bound by itself holds at 95%. Changes are paired: both models saw the same samples."

func (r *Report) hasRanges() bool {
	for _, m := range r.Metrics {
		if m.Score.Interval != nil {
			return true
		}
	}
	return false
}

// summary lists sizes first, then what was measured on data.
func (r *Report) summary() []summaryRow {
	var rows, onData []summaryRow
	for i := range r.Metrics {
		switch m := &r.Metrics[i]; {
		case m.Score.Metric.Detail:
		case m.Score.Data == "":
			rows = append(rows, m.summary())
		default:
			onData = append(onData, m.summary())
		}
	}
	if len(r.Artifacts) > 0 && r.Baseline.Bytes > 0 && !r.hasMetric("bytes") {
		var n int64
		for _, f := range r.Artifacts {
			n += f.Bytes
		}
		rows = append(rows, sizeRow("bytes", Bytes, r.Baseline.Bytes, n))
	}
	if r.Before.Params > 0 {
		if !r.hasMetric("params") {
			rows = append(rows, sizeRow("params", Count, r.Before.Params, r.After.Params))
		}
		rows = append(rows, summaryRow{
			what: "zeros", before: percentRounded(r.Before.zeroShare()), after: percentRounded(r.After.zeroShare()),
			change: fmt.Sprintf("%s of %s parameters", thousands(int(r.After.Zeros)), thousands(int(r.After.Params))),
		})
	}
	return append(rows, onData...)
}

func (r *Report) hasMetric(name string) bool {
	for _, m := range r.Metrics {
		if m.Score.Metric.Name == name {
			return true
		}
	}
	return false
}

func sizeRow(what string, u Unit, before, after int64) summaryRow {
	return summaryRow{
		what: what, before: amount(u, float64(before)), after: amount(u, float64(after)), change: relative(float64(before), float64(after)),
	}
}

// relative writes a change of something without error: -75.4%.
func relative(before, after float64) string {
	switch {
	case before == after:
		return "the same"
	case before == 0:
		return ""
	}
	return signed((after/before-1)*100, 1) + "%"
}

func signed(v float64, digits int) string {
	s := fixed(v, digits)
	if v > 0 {
		return "+" + s
	}
	return s
}

func (row *Row) summary() summaryRow {
	s := row.Score
	u := s.Metric.Unit
	out := summaryRow{what: s.Label(), before: "–", after: amount(u, s.Value), change: s.rangeText()}
	if s.Note != "" {
		out.change = joinNonEmpty(out.change, plain(s.Note))
	}
	c := row.Change
	if c == nil {
		return out
	}
	out.before = amount(u, row.Baseline.Value)
	if c.kind == Figure {
		out.change = relative(row.Baseline.Value, s.Value)
		return out
	}
	// A drop is how much worse the model is; a change is after less before.
	sign := 1.0
	if s.Metric.Higher {
		sign = -1
	}
	n := differenceNumbers(u)
	out.change = "the same"
	if c.Drop != 0 {
		out.change = plus(sign*c.Drop) + n.text(sign*c.Drop)
	}
	if iv := row.Interval; iv != nil {
		low, high := iv.Low, iv.High
		if s.Metric.Higher {
			low, high = -high, -low
		}
		out.change += fmt.Sprintf(" (%s to %s)", plus(low)+n.write(low, n.digits), plus(high)+n.write(high, n.digits))
		out.worse = iv.Low > 0
	}
	if c.kind == Rate && c.Losses+c.Gains > 0 {
		out.change += fmt.Sprintf("; %s lost, %s gained", thousands(c.Losses), thousands(c.Gains))
	}
	if s.Note != "" {
		out.change += "; " + plain(s.Note)
	}
	return out
}

func plus(v float64) string {
	if v > 0 {
		return "+"
	}
	return ""
}

// rangeText writes (97.85% to 98.51%) for a score that stands alone.
func (s *Score) rangeText() string {
	if s.Interval == nil {
		return ""
	}
	n := amountNumbers(s.Metric.Unit)
	return fmt.Sprintf("(%s to %s)", n.write(s.Interval.Low, n.digits), n.write(s.Interval.High, n.digits))
}

func joinNonEmpty(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
