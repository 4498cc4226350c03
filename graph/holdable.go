package graph

import (
	"strings"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// holdable asks the format of each output whether it can hold what the steps leave. What is said of several layers is one
// finding.
func (c *compiler) holdable(plan *Plan) {
	for i := range c.recipe.Outputs {
		o := &c.recipe.Outputs[i]
		f := c.suite.Format(o.Format)
		if f == nil || f.Cannot == nil {
			continue
		}
		layers := map[string][]string{}
		var messages []string
		for _, p := range f.Cannot(plan.output) {
			if _, ok := layers[p.Message]; !ok {
				messages = append(messages, p.Message)
				layers[p.Message] = nil
			}
			if p.Layer != "" {
				layers[p.Message] = append(layers[p.Message], p.Layer)
			}
		}
		for _, m := range messages {
			d := diag.Diagnostic{Severity: diag.Error, Code: "output-cannot-hold", Span: formatAt(o), Message: m}
			switch list := layers[m]; len(list) {
			case 0:
			case 1:
				d.Subject = "layer " + list[0]
			default:
				d.Message += "; this is so of " + plural(len(list), "layer") + ": " + strings.Join(shorten(list, 3), ", ")
			}
			c.report.Add(d)
		}
	}
}

// formatAt is where an output says its format.
func formatAt(o *recipe.Output) diag.Span {
	if n := o.Node.Get("format"); n != nil {
		return n.Span
	}
	if n := o.Node.Get("path"); n != nil {
		return n.Span
	}
	return o.Node.Span
}
