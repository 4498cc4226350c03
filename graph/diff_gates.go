package graph

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/internal/lazyregexp"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// gates compares the gates of two plans, those of steps too. Gates on the same metric, data, percentile and kind of limit are
// one gate; so are expressions that compare the same with something else.
func (d *Difference) gates(s *Suite) {
	type entry struct {
		gate *recipe.Gate
		text string
		used bool
	}
	var was []*entry
	byKey := map[string][]*entry{}
	eachGate(d.A, func(step string, g *recipe.Gate) {
		e := &entry{gate: g, text: d.A.rules[g]}
		was = append(was, e)
		key := gateKey(step, g)
		byKey[key] = append(byKey[key], e)
	})
	eachGate(d.B, func(step string, g *recipe.Gate) {
		text := d.B.rules[g]
		for _, e := range byKey[gateKey(step, g)] {
			if e.used {
				continue
			}
			e.used = true
			if kind := compareGates(s, e.gate, g); kind != "" {
				d.Gates = append(d.Gates, GateChange{kind, g.Name, e.text, text, g.Node.Head()})
			}
			return
		}
		d.Gates = append(d.Gates, GateChange{Kind: Added, Gate: g.Name, To: text, Rule: g.Node.Head()})
	})
	for _, e := range was {
		if !e.used {
			d.Gates = append(d.Gates, GateChange{Kind: Removed, Gate: e.gate.Name, From: e.text, Rule: e.gate.Node.Head()})
		}
	}
}

func eachGate(p *Plan, visit func(step string, g *recipe.Gate)) {
	for _, s := range p.Steps {
		for _, g := range s.Step.Gates {
			visit(s.Step.ID, g)
		}
	}
	for _, g := range p.Recipe.Gates {
		visit("", g)
	}
}

func gateKey(step string, g *recipe.Gate) string {
	if g.Expr == nil {
		return strings.Join([]string{step, g.Metric, g.Data, g.At, string(g.Limit)}, "\x00")
	}
	var parts []string
	for _, c := range comparisons(g.Expr.Text) {
		parts = append(parts, c.left+c.op)
	}
	if parts == nil {
		parts = []string{oneLine(g.Expr.Text)}
	}
	return step + "\x00" + strings.Join(parts, "\x00")
}

// compareGates tells in which direction a gate changed; "" if it did not.
func compareGates(s *Suite, a, b *recipe.Gate) GateKind {
	looser, tighter := false, false
	compare := func(from, to float64, moreIsLooser bool) {
		looser = looser || from != to && (to > from) == moreIsLooser
		tighter = tighter || from != to && (to > from) != moreIsLooser
	}
	if a.Expr != nil && b.Expr != nil {
		x, y := comparisons(a.Expr.Text), comparisons(b.Expr.Text)
		for i := range x {
			compare(x[i].right, y[i].right, x[i].op[0] == '<')
		}
	} else {
		m := s.Metric(b.Metric)
		compare(a.Value, b.Value, b.Limit != recipe.Threshold || m == nil || !m.Higher)
		compare(a.Confidence, b.Confidence, false)
	}
	if a.OnFail != b.OnFail {
		looser = looser || b.OnFail == "warn"
		tighter = tighter || b.OnFail != "warn"
	}
	switch {
	case looser && tighter:
		return Other
	case looser:
		return Loosened
	case tighter:
		return Tightened
	}
	return ""
}

// comparison is `artifact.bytes <= 270kB`.
type comparison struct {
	left, op string
	right    float64
}

var comparisonForm = lazyregexp.New(`^\s*([a-z_]+\.[a-z0-9_]+)\s*(<=|>=|<|>)\s*([0-9][0-9A-Za-z.%+-]*)\s*$`)

// comparisons reads an expression that joins comparisons of facts with literals by &&. Nil: it is of another form.
func comparisons(text string) []comparison {
	var out []comparison
	for _, part := range strings.Split(text, "&&") {
		m := comparisonForm.FindStringSubmatch(part)
		if m == nil {
			return nil
		}
		v, ok := literal(m[3])
		if !ok {
			return nil
		}
		out = append(out, comparison{m[1], m[2], v})
	}
	return out
}

// literal reads a number, a share or a size.
func literal(text string) (float64, bool) {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v, true
	}
	d := &schema.Decoder{Report: new(diag.List)}
	n := &syntax.Node{Kind: syntax.Scalar, Text: text, Plain: true}
	var share float64
	if strings.HasSuffix(text, "%") {
		ok := d.DecodeValue(n, schema.Ratio(&share, "", 0, ""))
		return share, ok
	}
	var size int64
	ok := d.DecodeValue(n, schema.Bytes(&size, "", 0, ""))
	return float64(size), ok
}

// Findings are what a reviewer must not miss, as findings in the new recipe: gates loosened and removed.
func (d *Difference) Findings() diag.List {
	var out diag.List
	for _, g := range d.Gates {
		switch g.Kind {
		case Loosened:
			out.Warningf(g.Rule, "gate-loosened", "gate %s is loosened: it was %q and is %q", g.Gate, g.From, g.To)
		case Removed:
			out.Warningf(d.B.Recipe.Root.KeySpan("gates"), "gate-removed", "gate %s is gone: it was %q", g.Gate, g.From)
		}
	}
	return out
}

// changeText writes a change in one line.
func changeText(c Change) string {
	switch {
	case c.From == "":
		return fmt.Sprintf("%s: %s", c.What, c.To)
	case c.To == "" && c.What == "was":
		return "was: " + c.From
	case c.To == "":
		return fmt.Sprintf("%s: no longer %s", c.What, c.From)
	}
	return fmt.Sprintf("%s: %s -> %s", c.What, c.From, c.To)
}
