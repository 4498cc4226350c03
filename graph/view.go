package graph

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
)

// view is the layers of a model as one step finds them, with what selectors and conditions say of each. Every question
// is answered once, for a recipe asks it again and again.
type view struct {
	layers []ir.Layer
	at     map[string]int                     // layer by name
	facts  []map[string]any                   // by layer; nil: not asked for yet
	match  map[*recipe.Selector][]bool        // pattern and condition
	plain  map[*recipe.Selector][]bool        // pattern alone
	holds  map[*condition.Condition][]verdict // by layer
}

// verdict is what a condition says of a layer.
type verdict uint8

const (
	notAsked verdict = iota
	holdsNot
	itHolds
)

func newView(m *ir.Model) *view {
	v := &view{layers: m.Layers(), match: map[*recipe.Selector][]bool{}, plain: map[*recipe.Selector][]bool{},
		holds: map[*condition.Condition][]verdict{}}
	v.at = placesOf(v.layers)
	v.facts = make([]map[string]any, len(v.layers))
	return v
}

// placesOf finds layers by name.
func placesOf(layers []ir.Layer) map[string]int {
	at := make(map[string]int, len(layers))
	for i := range layers {
		at[layers[i].Name] = i
	}
	return at
}

// patterns tells for each layer whether a selector's pattern fits it, whatever its condition says.
func (c *compiler) patterns(s *recipe.Selector) []bool {
	v := c.view
	got, ok := v.plain[s]
	if !ok {
		got = make([]bool, len(v.layers))
		for i := range v.layers {
			got[i] = fits(s, &v.layers[i])
		}
		v.plain[s] = got
	}
	return got
}

// fits tells whether a selector's pattern picks a layer; a layer may have several roles.
func fits(s *recipe.Selector, l *ir.Layer) bool {
	if s.Match(l.Name, l.Type, l.Role) {
		return true
	}
	if s.ByName() {
		return false
	}
	for _, role := range l.Roles {
		if role != l.Role && s.Match(l.Name, l.Type, role) {
			return true
		}
	}
	return false
}

// picks tells for each layer whether a selector picks it: by its pattern, and by its condition if it has one.
func (c *compiler) picks(s *recipe.Selector) []bool {
	if s.When == nil {
		return c.patterns(s)
	}
	v := c.view
	got, ok := v.match[s]
	if !ok {
		got = make([]bool, len(v.layers))
		for i, fits := range c.patterns(s) {
			got[i] = fits && c.holds(s.When, i)
		}
		v.match[s] = got
	}
	return got
}

// picker finds the first of some selectors that picks a layer. It asks those behind only where it has to.
type picker struct {
	compiler *compiler
	sels     []*recipe.Selector
	picks    [][]bool // by selector; nil: not asked for yet
}

func (c *compiler) picker(sels []*recipe.Selector) picker {
	return picker{c, sels, make([][]bool, len(sels))}
}

// first returns the first of the selectors that picks layer i, or nil.
func (p picker) first(i int) *recipe.Selector {
	for j, s := range p.sels {
		if p.picks[j] == nil {
			p.picks[j] = p.compiler.picks(s)
		}
		if p.picks[j][i] {
			return s
		}
	}
	return nil
}

// holds evaluates a condition on layer i; no condition holds always. One that cannot be evaluated is reported.
func (c *compiler) holds(when *condition.Condition, i int) bool {
	if when == nil {
		return true
	}
	v := c.view
	known := v.holds[when]
	if known == nil {
		known = make([]verdict, len(v.layers))
		v.holds[when] = known
	}
	if known[i] != notAsked {
		return known[i] == itHolds
	}
	if v.facts[i] == nil {
		v.facts[i] = FactsOfLayer(v.layers[i])
	}
	yes, err := when.Bool(condition.Facts{"layer": v.facts[i], "model": c.facts["model"], "target": c.facts["target"], "vars": c.facts["vars"]})
	if err != nil {
		c.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "condition-fails", Span: when.Node.Span,
			Subject: "layer " + v.layers[i].Name, Message: fmt.Sprintf("the condition cannot be evaluated: %v", err)})
	}
	if known[i] = holdsNot; yes && err == nil {
		known[i] = itHolds
	}
	return known[i] == itHolds
}
