package graph

import (
	"fmt"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
)

// gatherer holds findings about layers back until all layers have been looked at: what one place of the recipe does to
// many layers is one finding, not one for each.
type gatherer struct {
	first  []diag.Diagnostic // by code and place
	others [][]diag.Diagnostic
	at     map[gathered]int
}

type gathered struct {
	code string
	span diag.Span
}

// add takes a finding in, unless the same was said of another layer.
func (g *gatherer) add(d diag.Diagnostic) {
	if g.at == nil {
		g.at = map[gathered]int{}
	}
	key := gathered{d.Code, d.Span}
	i, ok := g.at[key]
	if !ok {
		g.at[key] = len(g.first)
		g.first, g.others = append(g.first, d), append(g.others, nil)
		return
	}
	if d.Message == g.first[i].Message {
		return
	}
	for _, o := range g.others[i] {
		if o.Message == d.Message {
			return
		}
	}
	g.others[i] = append(g.others[i], d)
}

// report reports what was gathered, each place once; also says of the others at a place what is to be said of them.
func (g *gatherer) report(to *diag.List, also func(others []diag.Diagnostic) string) {
	for i, d := range g.first {
		if len(g.others[i]) > 0 {
			d.Message += "; " + also(g.others[i])
		}
		to.Add(d)
	}
}

// alsoWrong names the other layers of which something else is wrong at the same place, and what, without the advice.
func alsoWrong(others []diag.Diagnostic) string {
	var parts []string
	for _, d := range others[:min(2, len(others))] {
		what, _, _ := strings.Cut(d.Message, ";")
		parts = append(parts, fmt.Sprintf("%s: %s", d.Subject, what))
	}
	text := "also " + strings.Join(parts, ", and ")
	if n := len(others) - len(parts); n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

// alsoSplit counts the other groups that the same place splits.
func alsoSplit(others []diag.Diagnostic) string {
	if len(others) == 1 {
		return "another group is split so: that of " + others[0].Subject
	}
	return fmt.Sprintf("%d other groups are split so, the first that of %s", len(others), others[0].Subject)
}
