package graph

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/stats"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
)

// gates finds gates that make no sense for their metric, and puts them in words.
func (c *compiler) gates(plan *Plan) {
	plan.Gates, plan.rules = []string{}, map[*recipe.Gate]string{}
	for _, g := range plan.allGates() {
		m := c.suite.Metric(g.Metric)
		if m != nil {
			if err := gateSpec(g).Check(m); err != nil {
				at := g.Node.Head()
				var wrong *evaluate.Misfit
				if errors.As(err, &wrong) && g.Node.Pair(wrong.Key) != nil {
					at = g.Node.KeySpan(wrong.Key)
				}
				c.report.Errorf(at, "gate-does-not-fit", "%v", err)
			}
		}
		plan.rules[g] = gateSpec(g).Rule(m)
	}
	for _, s := range plan.Steps {
		for _, g := range s.Step.Gates {
			if what := c.ofArtifact(g.Metric, g.Expr); what != "" {
				c.report.Errorf(g.Node.Head(), "gate-does-not-fit", "%s is known once the file is written; write this gate below the recipe's own gates", what)
			}
		}
	}
	for _, g := range c.recipe.Gates {
		plan.Gates = append(plan.Gates, plan.rules[g])
	}
}

// ofArtifact returns what a metric or an expression asks of the file that is written, or nothing.
func (c *compiler) ofArtifact(metric string, expr *condition.Condition) string {
	names := []string{"metrics." + metric}
	if expr != nil {
		names = expr.Uses
	}
	for _, use := range names {
		space, name, _ := strings.Cut(use, ".")
		if m := c.suite.Metric(name); space == "artifact" || m != nil && m.Needs.Artifact {
			return strings.TrimPrefix(use, "metrics.")
		}
	}
	return ""
}

// allGates lists the gates of the steps that are not left out, then those of the recipe.
func (p *Plan) allGates() []*recipe.Gate {
	var out []*recipe.Gate
	for _, s := range p.Steps {
		if s.Skipped == "" {
			out = append(out, s.Step.Gates...)
		}
	}
	return append(out, p.Recipe.Gates...)
}

// decidable checks gates against the number of samples that the recipe declares.
func (c *compiler) decidable(plan *Plan) {
	plan.Undecidable(c.suite, func(data string) int {
		for _, d := range c.recipe.Data {
			if d.Name == data {
				return d.Samples
			}
		}
		return 0
	}, c.report)
}

// Undecidable reports gates that cannot be met on so few samples, even if not one of them is worse than before. samples
// tells how many a data set has; 0: not known.
func (p *Plan) Undecidable(s *Suite, samples func(data string) int, report *diag.List) {
	for _, g := range p.allGates() {
		m := s.Metric(g.Metric)
		if m == nil || !asksSamples(g) {
			continue
		}
		n := samples(g.Data)
		if n <= 0 {
			continue
		}
		if needed := enough(m, g, n); needed > n {
			severity := diag.Error
			if g.OnFail == "warn" {
				severity = diag.Warning
			}
			report.Add(diag.Diagnostic{Severity: severity, Code: "gate-undecidable", Span: asksMuch(g), Message: tooFew(g, n, needed)})
		}
	}
}

// asksSamples tells whether a number of samples can be too small for a gate.
func asksSamples(g *recipe.Gate) bool { return g.Confidence > 0 || gateSpec(g).EnoughAt() > 0 }

// asksMuch is what of a gate asks for more samples.
func asksMuch(g *recipe.Gate) diag.Span {
	for _, key := range []string{"confidence", "at"} {
		if v := g.Node.Get(key); v != nil {
			return v.Span
		}
	}
	return g.Node.Head()
}

func tooFew(g *recipe.Gate, n, needed int) string {
	noun := " samples"
	if n == 1 {
		noun = " sample"
	}
	text := human.Count(int64(n)) + noun + " cannot decide this gate even if none of them is worse than before"
	switch {
	case needed >= stats.TooMany:
	case g.Confidence == 0:
		text += fmt.Sprintf("; %s takes %s at least", g.At, human.Count(int64(needed)))
	case g.At != "":
		text += fmt.Sprintf("; %s at %s confidence takes %s at least", g.At, human.Percent(g.Confidence), human.Count(int64(needed)))
	default:
		text += fmt.Sprintf("; at %s confidence it takes %s at least", human.Percent(g.Confidence), human.Count(int64(needed)))
	}
	return text
}

// enough returns how many samples can meet a gate in the best case, n if so many can.
func enough(m *evaluate.Metric, g *recipe.Gate, n int) int {
	if g.At != "" {
		return max(n, gateSpec(g).EnoughAt())
	}
	if m.Kind == evaluate.Mean {
		return max(n, stats.MinBootstrap)
	}
	if m.Kind != evaluate.Rate {
		return n
	}
	meets := func(n int) bool {
		switch {
		case g.Limit != recipe.Threshold: // of a share of the baseline's value, which is 1 at most
			return stats.PairedDrop(0, 0, n, g.Confidence).High < g.Value
		case m.Higher:
			return stats.Rate(n, n, g.Confidence).Low > g.Value
		}
		return stats.Rate(0, n, g.Confidence).High < g.Value
	}
	if meets(n) {
		return n
	}
	lo, hi := n, n
	for !meets(hi) {
		if hi *= 2; hi >= stats.TooMany {
			return stats.TooMany
		}
	}
	for lo+1 < hi {
		if mid := (lo + hi) / 2; meets(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

// measurable checks that steps whose conditions ask about metrics have one data set to measure them on.
func (c *compiler) measurable(plan *Plan) {
	tests := plan.Tests()
	for _, s := range plan.Steps {
		if s.AtRun == "" {
			continue
		}
		if what := c.ofArtifact("", s.Step.When); what != "" {
			c.report.Errorf(s.Step.When.Node.Span, "metrics-without-data", "%s is known once the file is written, and a step comes before that", what)
			continue
		}
		if len(tests) == 1 {
			continue
		}
		what := "the recipe has no data set for that: one that no step reads"
		if len(tests) > 1 {
			what = fmt.Sprintf("there are %d data sets for that: %s; let the gates name one of them", len(tests), strings.Join(tests, ", "))
		}
		c.report.Errorf(s.Step.When.Node.Span, "metrics-without-data", "%s asks about metrics of the model, and %s", s.AtRun, what)
	}
}
