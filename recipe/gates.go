package recipe

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// gates returns the gates that are complete.
func (p *parser) gates(list []gateText) []*Gate {
	var out []*Gate
	for i := range list {
		if g := p.gate(&list[i]); g != nil {
			out = append(out, g)
		}
	}
	return out
}

// gate checks that a gate is a metric with one limit, or an expression.
func (p *parser) gate(t *gateText) *Gate {
	if t.Node == nil || t.Node.Kind != syntax.Mapping || misspelled(t.Node) {
		return nil // reported
	}
	if t.expect != nil {
		return p.expression(t)
	}
	if t.Node.Get("metric") == nil {
		p.report.Errorf(t.Node.Head(), "missing-key", "a gate needs metric, with one limit, or expect, with an expression")
		return nil
	}
	limit := p.limit(t)
	if limit == nil || t.Metric == "" {
		return nil
	}
	metric := word(p.lang.Metrics, t.Metric)
	data := t.Node.Get("data")
	switch {
	case data == nil && !metric.NoData:
		p.report.Errorf(t.Node.Get("metric").Span, "missing-key", "a gate on %s needs data: the data set that it is measured on", t.Metric)
		return nil
	case data != nil && metric.NoData:
		p.report.Errorf(data.Span, "keys-conflict", "%s is not measured on data; leave data out", t.Metric)
		return nil
	}
	if !p.decodeLimit(t, limit, metric) || !p.confidence(t) {
		return nil
	}
	g := t.Gate
	if g.Name == "" {
		g.Name = g.Metric
		if g.Data != "" {
			g.Name += " on " + g.Data
		}
		if g.At != "" {
			g.Name += " at " + g.At
		}
	}
	return &g
}

// expression checks a gate that is an expression.
func (p *parser) expression(t *gateText) *Gate {
	for _, key := range []string{"metric", "data", "at", "confidence", string(Threshold), string(MaxDegradation), string(PercentMaxDegradation)} {
		if pair := t.Node.Pair(key); pair != nil {
			p.report.Errorf(pair.Key.Span, "keys-conflict", "a gate is either a metric with a limit or an expression; %s does not go with expect", key)
			return nil
		}
	}
	g := t.Gate
	if g.Expr = p.condition(t.expect, "expect", gateFacts); g.Expr == nil {
		return nil
	}
	p.needsDataSet(g.Expr)
	if g.Name == "" {
		g.Name = strings.Join(strings.Fields(g.Expr.Text), " ")
	}
	return &g
}

// limit finds the one limit of a gate, or reports that there is none, or more.
func (p *parser) limit(t *gateText) *syntax.Node {
	var found *syntax.Node
	for _, l := range []struct {
		limit GateLimit
		node  *syntax.Node
	}{{Threshold, t.threshold}, {MaxDegradation, t.maxDegradation}, {PercentMaxDegradation, t.percent}} {
		switch {
		case l.node == nil:
		case found != nil:
			p.report.Errorf(t.Node.Pair(string(l.limit)).Key.Span, "keys-conflict", "a gate has one limit, and %s already stands here; write a second gate", t.Limit)
			return nil
		default:
			found, t.Limit = l.node, l.limit
		}
	}
	if found == nil {
		p.report.Errorf(t.Node.Head(), "missing-key", "a gate on a metric needs a limit: threshold, max_degradation or percent_max_degradation")
	}
	return found
}

// confidence checks that a gate asks for a confidence that can be computed.
func (p *parser) confidence(t *gateText) bool {
	if t.Confidence == 0 || t.Confidence >= 0.5 && t.Confidence <= 0.9999 {
		return true
	}
	n := t.Node.Get("confidence")
	p.report.Errorf(n.Span, "gate-does-not-fit", "confidence is %s; it must lie between 50%% and 99.99%%", schema.FormatValue(t.Confidence, schema.KindRatio))
	return false
}

// misspelled tells whether a gate has an unknown key that is near to one it may have. It has been reported; what seems
// to be missing is probably that key.
func misspelled(n *syntax.Node) bool {
	fields := gateFields(new(gateText), &Language{}).Fields
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.Name
	}
	return slices.ContainsFunc(n.Pairs, func(p syntax.Pair) bool {
		return !slices.Contains(known, p.Key.Text) && diag.Near(p.Key.Text, known) != ""
	})
}

// decodeLimit reads the limit's value in the unit of the metric.
func (p *parser) decodeLimit(t *gateText, n *syntax.Node, metric *Word) bool {
	name := string(t.Limit)
	f := schema.Float(&t.Value, name, 0, "")
	var size int64
	switch {
	case t.Limit == PercentMaxDegradation, metric.Unit == "share":
		f = schema.Ratio(&t.Value, name, 0, "").Between(0, 1)
	case metric.Unit == "bytes":
		f = schema.Bytes(&size, name, 0, "")
	case metric.Unit == "": // not known: a number or a percentage
		f = schema.Ratio(&t.Value, name, 0, "").Between(-math.MaxFloat64, math.MaxFloat64)
	}
	if t.Limit != Threshold && f.Max == nil {
		f.AtLeast(0)
	}
	ok := p.decoder(varFacts, nil, p.report).DecodeValue(n, f.Require())
	if f.Kind == schema.KindBytes {
		t.Value = float64(size)
	}
	return ok
}

// count writes a number with its noun: "1 number", "3 numbers".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
