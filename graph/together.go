package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
)

// ties finds layers that share one weight and that the step treats differently.
func (c *compiler) ties(step *Step) {
	if step.Pass.Whole {
		return
	}
	groups := map[string][]string{}
	for _, l := range c.view.layers {
		if l.Tied {
			groups[l.Weight.Name] = append(groups[l.Weight.Name], l.Name)
		}
	}
	if len(groups) == 0 {
		return
	}
	treatment := step.treatments()
	for _, t := range step.Layers {
		if group := groups[t.Layer.Weight.Name]; len(group) > 1 {
			delete(groups, t.Layer.Weight.Name)
			c.tied(step, group, treatment)
		}
	}
}

// siblings finds layers whose products a runtime computes as one and that leave the step in different types, or with
// different parameters for one type.
func (c *compiler) siblings(step *Step) {
	if step.Pass.Whole {
		return
	}
	if t := c.suite.Target(c.recipe.Target); t != nil && t.Apart {
		return // its runtime computes them apart
	}
	changes := map[string]bool{} // layers whose type changes
	for _, t := range step.Layers {
		changes[t.Layer.Name] = !t.Effect.To.Gone && t.Effect.From.DType != t.Effect.To.DType
	}
	var treatment map[string]string
	var found gatherer
	seen := map[string]bool{}
	for _, t := range step.Layers {
		group := siblingsOf(t.Layer)
		if seen[t.Layer.Name] || len(group) < 2 || !slices.ContainsFunc(group, func(name string) bool { return changes[name] }) {
			continue
		}
		for _, name := range group {
			seen[name] = true
		}
		if treatment == nil {
			treatment = step.treatments()
		}
		if a, b := differ(group, treatment); a != "" {
			found.add(diag.Diagnostic{Severity: diag.Warning, Code: "siblings-split", Span: step.placeOf(a, b), Subject: "layer " + a,
				Message: fmt.Sprintf("runtimes compute %s as one product, and step %s %s; give them one treatment",
					strings.Join(group, ", "), step.Step.ID, differently(treatment[a], treatment[b], a, b))})
		}
	}
	found.report(c.report, alsoSplit)
}

// treatments gives for each layer that the step treats a text that is equal for equal parameters.
func (s *Step) treatments() map[string]string {
	out := map[string]string{}
	text := map[*passes.Params]string{}
	for _, t := range s.acting() {
		if _, ok := text[t.Params]; !ok {
			text[t.Params] = string(t.Params.Canonical())
		}
		out[t.Layer.Name] = text[t.Params]
	}
	return out
}

// siblingsOf lists a layer and its siblings; nothing if it has none.
func siblingsOf(l ir.Layer) []string {
	if len(l.Siblings) == 0 || slices.Contains(l.Siblings, l.Name) {
		return l.Siblings
	}
	return append([]string{l.Name}, l.Siblings...)
}

func (c *compiler) tied(step *Step, layers []string, treatment map[string]string) {
	a, b := differ(layers, treatment)
	if a == "" {
		return
	}
	c.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "tied-split", Span: step.placeOf(a, b), Subject: "layer " + a,
		Message: fmt.Sprintf("%s and %s share one weight, and step %s %s; give both the same treatment, or ignore both",
			a, b, step.Step.ID, differently(treatment[a], treatment[b], a, b))})
}

// differ returns the first two layers that are treated differently, or nothing.
func differ(layers []string, treatment map[string]string) (a, b string) {
	for _, name := range layers[1:] {
		if treatment[name] != treatment[layers[0]] {
			return layers[0], name
		}
	}
	return "", ""
}

func differently(a, b, nameA, nameB string) string {
	switch {
	case a == "":
		return fmt.Sprintf("treats %s and leaves %s", nameB, nameA)
	case b == "":
		return fmt.Sprintf("treats %s and leaves %s", nameA, nameB)
	}
	return "treats them with different parameters"
}

// placeOf is the smallest place that made two layers differ: the last override of one of them, the entry of ignore that
// took one out, the selector that picked one, else the pass.
func (s *Step) placeOf(a, b string) diag.Span {
	for _, name := range []string{b, a} {
		for _, t := range s.Layers {
			if n := len(t.Overrides); t.Layer.Name == name && n > 0 {
				return t.Overrides[n-1].Node.Head()
			}
		}
		for _, p := range s.Passed {
			if p.Layer.Name == name && p.Ignored != nil {
				return p.Ignored.Node.Span
			}
		}
	}
	for _, name := range []string{a, b} {
		for _, t := range s.Layers {
			if t.Layer.Name == name && t.Target != nil {
				return t.Target.Node.Span
			}
		}
	}
	return problemAt(s)
}
