package graph

import (
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Unlike is a parameter that is not what somebody expects.
type Unlike struct {
	Param     string
	Got, Want string
	At        diag.Span // of the value that is expected
	From      diag.Span // of the text that gave the value found; nowhere for a default
}

// Compare holds the effective parameters of a step on a layer against a mapping of some of them, read as the step's own
// would be: 25% is 0.25, and a short form stands for its mapping. t is nil for a step's own parameters. Keys that the
// pass does not have and values that it cannot take are reported.
func (p *Plan) Compare(s *Step, t *Treatment, got *passes.Params, want *syntax.Node, report *diag.List) []Unlike {
	node := s.node
	if t != nil && got == t.Params {
		node = t.node
	}
	var found diag.List
	expected, _ := s.Pass.Decode(p.Recipe.Decoder(p.facts, &found), s.Pass.Fields().Merge(node, want))
	for _, d := range found {
		if d.Severity == diag.Error && d.Span.Source == want.Span.Source {
			report.Add(d)
		}
	}
	if report.HasErrors() {
		return nil
	}
	var out []Unlike
	is, wants := flat(got.Settings()), flat(expected.Settings())
	for _, l := range leaves(want, "") {
		a, b := below(is, l.path), below(wants, l.path)
		if a == b {
			continue
		}
		u := Unlike{Param: l.path, Got: a, Want: b, At: l.node.Span}
		for _, x := range leaves(node, "") {
			if x.node != nil && x.path != "" && (covers(x.path, l.path) || covers(l.path, x.path)) {
				u.From = x.node.Span
			}
		}
		out = append(out, u)
	}
	return out
}

// below writes the values of a parameter, or of those inside it.
func below(list []Param, path string) string {
	var words []string
	for _, p := range list {
		switch {
		case p.Path == path:
			return p.Value
		case covers(path, p.Path):
			words = append(words, strings.TrimPrefix(p.Path, path+".")+": "+p.Value)
		}
	}
	return strings.Join(words, ", ")
}

// Treated returns the layers that a step treats, in model order.
func (s *Step) Treated() []*Treatment { return s.acting() }

// Treatment returns what a step does to a layer, or nil.
func (s *Step) Treatment(layer string) *Treatment {
	if i := slices.IndexFunc(s.Layers, func(t *Treatment) bool { return t.Layer.Name == layer }); i >= 0 {
		return s.Layers[i]
	}
	return nil
}

// Rule is the last place of the recipe that decided a treatment.
func (t *Treatment) Rule() diag.Span { return t.rule() }

// AllLayers lists the layers that any of the steps finds, each once, as it is first found.
func (p *Plan) AllLayers() []ir.Layer {
	var out []ir.Layer
	seen := map[string]bool{}
	add := func(layers []ir.Layer) {
		for _, l := range layers {
			if !seen[l.Name] {
				seen[l.Name] = true
				out = append(out, l)
			}
		}
	}
	add(p.first)
	for _, s := range p.Steps {
		add(s.Found)
	}
	return out
}

// Final returns the state of a layer after the last step.
func (p *Plan) Final(layer string) passes.State {
	if l, ok := layerOf(p.final, layer); ok {
		return passes.StateOf(l)
	}
	return passes.State{Gone: true}
}

// PeakMemory is the largest estimate of the memory that a build takes, in bytes.
func (p *Plan) PeakMemory() int64 {
	p.Estimate()
	memory, _ := p.peak()
	return memory
}

// Fits tells whether a selector's pattern picks a layer, whatever its condition says.
func Fits(s *recipe.Selector, l ir.Layer) bool { return fits(s, &l) }
