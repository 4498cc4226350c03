package lsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// namesShown is how many layers help lists by name.
const namesShown = 20

// step returns the recipe's step that stands at an offset, or nil.
func (r *Result) step(offset int) *recipe.Step {
	if r == nil || r.Recipe == nil {
		return nil
	}
	for _, s := range r.Recipe.Steps {
		if r.covers(s.Node.Span, offset) {
			return s
		}
	}
	return nil
}

// planned returns the plan's step of a recipe's, or nil.
func (r *Result) planned(s *recipe.Step) *graph.Step {
	if r.Plan == nil {
		return nil
	}
	for _, p := range r.Plan.Steps {
		if p.Step == s {
			return p
		}
	}
	return nil
}

func (r *Result) covers(at diag.Span, offset int) bool {
	return at.Source == r.Source && at.Start <= offset && offset <= at.End
}

// layers returns the layers that a step finds: by the plan, else those of the model that goes in.
func (r *Result) layers(s *recipe.Step) []ir.Layer {
	if p := r.planned(s); p != nil && p.Skipped == "" {
		return p.Found
	}
	if r.Model == nil {
		return nil
	}
	return r.Model.Layers()
}

// holds evaluates a condition on a layer. One that cannot be evaluated holds for none.
func (r *Result) holds(when *condition.Condition, l ir.Layer, facts condition.Facts) bool {
	if when == nil {
		return true
	}
	facts["layer"] = graph.FactsOfLayer(l)
	yes, err := when.Bool(facts)
	return err == nil && yes
}

func (r *Result) facts() condition.Facts {
	return condition.Facts{"model": graph.FactsOfModel(r.Model), "vars": r.Recipe.VarFacts()}
}

// selectors lists those of a step, with the parts of those that have parts.
func selectors(s *recipe.Step) []*recipe.Selector {
	out := slices.Concat(s.Targets, s.Ignore)
	for _, o := range s.Overrides {
		out = append(out, o.Targets...)
	}
	for _, x := range out {
		out = append(out, x.Parts()...)
	}
	return out
}

// selector says which layers the selector at an offset picks.
func (h *hovering) selector(start int) string {
	s := h.result.step(start)
	if s == nil || h.result.Model == nil {
		return ""
	}
	for _, sel := range selectors(s) {
		if at := sel.Node.Span; at.Source != h.result.Source || at.Start != start {
			continue
		}
		facts := h.result.facts()
		var names []string
		all := h.result.layers(s)
		for _, l := range all {
			if sel.Match(l.Name, l.Type, l.Role) && h.result.holds(sel.When, l, facts) {
				names = append(names, l.Name)
			}
		}
		return fmt.Sprintf("`%s` matches %d of %d layers%s", sel.Text, len(names), len(all), listed(names))
	}
	return ""
}

// listed lists names, the first ones if there are many.
func listed(names []string) string {
	if len(names) == 0 {
		return "."
	}
	shown := names
	if len(shown) > namesShown {
		shown = shown[:namesShown]
	}
	text := ":\n\n`" + strings.Join(shown, "`, `") + "`"
	if n := len(names) - len(shown); n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// treated says which layers the step at e treats.
func (h *hovering) treated(e *entry) string {
	s := h.result.step(e.first())
	if s == nil {
		return ""
	}
	p := h.result.planned(s)
	switch {
	case p == nil:
		return ""
	case p.Skipped != "":
		return "\n\nThis step is left out: " + p.Skipped + "."
	}
	var names []string
	for _, t := range p.Layers {
		if t.Params != nil {
			names = append(names, t.Layer.Name)
		}
	}
	if p.Pass.Whole && len(names) == len(p.Found) {
		return "\n\nThis step treats the model as a whole."
	}
	return fmt.Sprintf("\n\nThis step treats %d of %d layers%s", len(names), len(p.Found), listed(names))
}

// override says which layers the override at e matches, and with which parameters they end up.
func (h *hovering) override(e *entry) string {
	at := e.first()
	s := h.result.step(at)
	if s == nil {
		return ""
	}
	for _, o := range s.Overrides {
		if h.result.covers(o.Node.Span, at) {
			return h.effective(s, o)
		}
	}
	return ""
}

func (h *hovering) effective(s *recipe.Step, o *recipe.Override) string {
	p := h.result.planned(s)
	if p == nil || p.Skipped != "" {
		return ""
	}
	var names []string
	layers := map[string][]string{} // by effective parameters
	var order []string
	for _, t := range p.Layers {
		if t.Params == nil || !slices.Contains(t.Rules, o.Node.Span) {
			continue
		}
		names = append(names, t.Layer.Name)
		text := settings(t.Params.Settings(), "")
		if layers[text] == nil {
			order = append(order, text)
		}
		layers[text] = append(layers[text], t.Layer.Name)
	}
	text := fmt.Sprintf("\n\nThis override matches %d of the step's layers%s", len(names), listed(names))
	for i, params := range order {
		if i == 3 {
			return text + fmt.Sprintf("\n\nand %d more sets of parameters.", len(order)-i)
		}
		of := "Effective parameters"
		if len(order) > 1 {
			of += " of `" + strings.Join(layers[params][:min(3, len(layers[params]))], "`, `") + "`"
			if n := len(layers[params]) - 3; n > 0 {
				of += fmt.Sprintf(" and %d more", n)
			}
		}
		text += "\n\n" + of + ":\n\n```yaml\n" + params + "```"
	}
	return text
}

// settings writes parameters as YAML, one a line.
func settings(list []schema.Setting, indent string) string {
	text := ""
	for _, s := range list {
		text += indent + s.Name + ": " + s.Inline() + "\n"
	}
	return text
}

// scalarAt returns the scalar of a tree that begins at an offset of a source, or nil.
func scalarAt(root *syntax.Node, src *diag.Source, start int) *syntax.Node {
	for todo := []*syntax.Node{root}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n.Kind == syntax.Scalar && n.Span.Source == src && n.Span.Start == start {
			return n
		}
		todo = append(todo, n.Items...)
		for _, p := range n.Pairs {
			todo = append(todo, p.Value)
		}
	}
	return nil
}
