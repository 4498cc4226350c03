package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Explanation is everything that a recipe says about one layer.
type Explanation struct {
	Layer ir.Layer // as it came in
	Steps []*Explained
	To    passes.State // after the last step
}

// Explained is what one step says about the layer.
type Explained struct {
	Step      *Step
	Picked    bool
	Reason    string     // why it is picked or not, in words
	Rule      diag.Span  // the text that decides it: a selector, a condition; may be nowhere
	Treatment *Treatment // nil if the step does nothing to the layer
	Overrides []Matched  // in order
	Params    []Param    // of a layer that is treated with parameters of its own
}

// Matched is an override with what became of it on this layer.
type Matched struct {
	Override *recipe.Override
	Matches  bool
	Why      string // it does not match
	Sets     []Set
}

// Set is one parameter that an override sets.
type Set struct {
	Path  string
	Value string // as written
	Rule  diag.Span
	Lost  diag.Span // the later override that sets it again; nowhere if this one decides
}

// Param is an effective parameter.
type Param struct {
	Path    string
	Value   string
	Rule    diag.Span // where it is written; nowhere for a default
	Default bool      // not written in the recipe
}

// LayerNames lists the names of AllLayers.
func (p *Plan) LayerNames() []string { return namesOf(p.AllLayers()) }

// Explain tells every rule that touches a layer. It returns nil if there is no layer of this name.
func (p *Plan) Explain(name string) *Explanation {
	if !slices.Contains(p.LayerNames(), name) {
		return nil
	}
	x := &Explanation{To: passes.State{Gone: true}}
	x.Layer, _ = layerOf(p.first, name)
	if l, ok := layerOf(p.final, name); ok {
		x.To = passes.StateOf(l)
	}
	gone := ""
	for _, s := range p.Steps {
		e := &Explained{Step: s}
		x.Steps = append(x.Steps, e)
		if s.Skipped != "" {
			e.Reason = "the step is left out: " + s.Skipped
			if s.Step.When != nil {
				e.Rule = s.Step.When.Node.Span
			}
			continue
		}
		l, ok := layerOf(s.Found, name)
		switch {
		case ok && x.Layer.Name == "":
			x.Layer = l
		case !ok && gone != "":
			e.Reason = "the layer is no longer there since step " + gone
			continue
		case !ok:
			e.Reason = "the layer is not there yet"
			continue
		}
		p.explain(e, l)
		if t := e.Treatment; t != nil && t.Effect.To.Gone {
			gone = s.Step.ID
		}
	}
	return x
}

func layerOf(layers []ir.Layer, name string) (ir.Layer, bool) {
	if i := slices.IndexFunc(layers, func(l ir.Layer) bool { return l.Name == name }); i >= 0 {
		return layers[i], true
	}
	return ir.Layer{}, false
}

// explain tells what a step that runs does with a layer that it finds.
func (p *Plan) explain(e *Explained, l ir.Layer) {
	s := e.Step
	if i := slices.IndexFunc(s.Layers, func(t *Treatment) bool { return t.Layer.Name == l.Name }); i >= 0 {
		e.Treatment = s.Layers[i]
	}
	i := slices.IndexFunc(s.Passed, func(q Passed) bool { return q.Layer.Name == l.Name })
	switch {
	case i >= 0:
		e.Reason, e.Rule = s.Passed[i].reason(s)
	case e.Treatment == nil || len(e.Treatment.Rules) == 0: // it only follows another
		e.Reason = "not picked"
	default:
		e.picked(s)
	}
}

// reason tells why a layer is not picked.
func (q Passed) reason(s *Step) (string, diag.Span) {
	switch {
	case q.Ignored != nil:
		return fmt.Sprintf("ignored: %q matches it", q.Ignored.Text), q.Ignored.Node.Span
	case q.Refused != "":
		return "not picked: " + q.Refused, diag.Span{}
	}
	var texts []string
	for _, sel := range s.Step.Targets {
		text := fmt.Sprintf("%q", sel.Text)
		if sel.When != nil {
			text += " when " + oneLine(sel.When.Text)
		}
		texts = append(texts, text)
	}
	verb := "does"
	if len(texts) > 1 {
		verb = "do"
	}
	return fmt.Sprintf("not picked: %s %s not match it", strings.Join(texts, ", "), verb), s.Step.Targets[0].Node.Span
}

func (e *Explained) picked(s *Step) {
	t := e.Treatment
	e.Picked = true
	switch {
	case t.Target != nil:
		e.Reason, e.Rule = fmt.Sprintf("picked by %q", t.Target.Text), t.Target.Node.Span
		if t.Target.When != nil {
			e.Reason += " when " + oneLine(t.Target.When.Text)
		}
	case s.Pass.Whole:
		e.Reason = fmt.Sprintf("picked: %s treats the model as a whole", s.Pass.Name)
	default:
		e.Reason = fmt.Sprintf("picked: the step has no targets, and %s can treat the layer", s.Pass.Name)
	}
	if s.Pass.Whole || t.Params == nil {
		return
	}
	e.overrides(s)
	e.params()
}

func (e *Explained) overrides(s *Step) {
	t := e.Treatment
	for _, o := range s.Step.Overrides {
		m := Matched{Override: o, Matches: slices.Contains(t.Overrides, o)}
		if !m.Matches {
			m.Why = whyNot(o, t.Layer)
			e.Overrides = append(e.Overrides, m)
			continue
		}
		at := slices.Index(t.Overrides, o)
		for _, l := range leaves(o.Set, "") {
			set := Set{Path: l.path, Value: written(l.node), Rule: l.node.Span}
			for _, later := range t.Overrides[at+1:] {
				if slices.ContainsFunc(leaves(later.Set, ""), func(x leaf) bool { return covers(x.path, l.path) }) {
					set.Lost = later.Node.Head()
				}
			}
			m.Sets = append(m.Sets, set)
		}
		e.Overrides = append(e.Overrides, m)
	}
}

// whyNot tells what of an override does not match.
func whyNot(o *recipe.Override, l ir.Layer) string {
	if len(o.Targets) > 0 && !slices.ContainsFunc(o.Targets, func(s *recipe.Selector) bool { return fits(s, &l) }) {
		var texts []string
		for _, s := range o.Targets {
			texts = append(texts, fmt.Sprintf("%q", s.Text))
		}
		return "its targets are " + strings.Join(texts, ", ")
	}
	if o.When != nil {
		return oneLine(o.When.Text) + " is false"
	}
	return "the condition of its targets is false"
}

// written is a value as it stands in the recipe, in one line.
func written(n *syntax.Node) string {
	if n == nil || n.Span.Source == nil {
		return ""
	}
	return oneLine(n.Span.Text())
}

// params lists the effective parameters with the places they come from.
func (e *Explained) params() {
	from := leaves(e.Treatment.node, "")
	for _, p := range flat(e.Treatment.Params.Settings()) {
		p.Default = true
		for _, l := range from {
			if l.node != nil && l.path != "" && (covers(l.path, p.Path) || covers(p.Path, l.path)) {
				p.Rule, p.Default = l.node.Span, false
			}
		}
		e.Params = append(e.Params, p)
	}
}
