package recipe

import (
	"fmt"

	"github.com/pare-ml/pare/recipe/diag"
)

// order checks the rules about the order of passes. Of two steps in the wrong order the later one is reported, once.
func (p *parser) order() {
	for i, s := range p.recipe.Steps {
		said := map[string]bool{} // passes that s has been reported against
		for _, earlier := range p.recipe.Steps[:i] {
			if said[earlier.Pass] {
				continue
			}
			if message, why := p.mustPrecede(s.Pass, earlier.Pass); why != "" {
				said[earlier.Pass] = true
				p.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "pass-order", Span: s.Node.Pair(s.Pass).Key.Span,
					Message: fmt.Sprintf("%s: %s", message, why),
					Related: []diag.Related{{Span: earlier.Node.Pair(earlier.Pass).Key.Span, Message: "step " + earlier.ID}}})
			}
		}
	}
}

// mustPrecede tells whether pass a must stand before pass b, by a rule of either, and why.
func (p *parser) mustPrecede(a, b string) (message, why string) {
	if a == b {
		return "", ""
	}
	for _, rule := range p.lang.pass(a).Order {
		if rule.Before == b {
			return fmt.Sprintf("%s must stand before %s", a, b), rule.Why
		}
	}
	for _, rule := range p.lang.pass(b).Order {
		if rule.After == a {
			return fmt.Sprintf("%s must stand before %s", a, b), rule.Why
		}
	}
	return "", ""
}
