package graph

import (
	"slices"

	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/recipe"
)

// actions lays a plan's work out: for each step the measurements it needs and its units of layers, then writing,
// reading back and the gates. The order is one in which they may run; Inputs say what each has to wait for.
func actions(p *Plan) []*Action {
	var all []*Action
	add := func(a *Action) *Action {
		a.ID = len(all) + 1
		all = append(all, a)
		return a
	}
	var state []*Action // what made the model as it stands
	for _, s := range p.Steps {
		if s.Skipped != "" {
			continue
		}
		before := slices.Clone(state)
		for _, n := range s.Needs {
			if i := slices.IndexFunc(all, func(a *Action) bool { return a.Do == Measure && a.Step == p.sharedWith(s, n) && a.Need == n }); i >= 0 {
				before = append(before, all[i])
				continue
			}
			before = append(before, add(&Action{Do: Measure, Step: s, Need: n, Inputs: state}))
		}
		var done []*Action
		for _, u := range s.Units {
			a := add(&Action{Do: Treat, Step: s, Layers: u, Inputs: before})
			if !s.local { // each changes the model for the next
				before, done = []*Action{a}, nil
			}
			done = append(done, a)
		}
		if len(done) > 0 {
			state = done
		}
	}
	var files []*Action
	for i := range p.Recipe.Outputs {
		files = append(files, add(&Action{Do: Write, Output: &p.Recipe.Outputs[i], Inputs: state}))
	}
	var scores []*Action
	for _, d := range p.Tests() {
		scores = append(scores, add(&Action{Do: Evaluate, Data: d, Inputs: files}))
	}
	if len(p.Recipe.Gates) > 0 {
		add(&Action{Do: Decide, Inputs: slices.Concat(files, scores)})
	}
	return all
}

// sharedWith returns the first step before s that makes the same measurement on the same state of the model, or nil: no
// step from there on changes the model.
func (p *Plan) sharedWith(s *Step, n measure.Need) *Step {
	var first *Step
	for _, other := range p.Steps {
		switch {
		case other == s:
			return first
		case other.Skipped != "":
			continue
		case first == nil && slices.Contains(other.Needs, n):
			first = other
		}
		if other.changes() {
			first = nil
		}
	}
	return nil
}

// changes tells whether a step does anything to the model, as far as it is foreseen.
func (s *Step) changes() bool {
	return s.Did != "" || slices.ContainsFunc(s.Layers, func(t *Treatment) bool { return t.Effect.Did != "" })
}

// Tests returns the data sets to measure the artefact on: those that gates name, else every one that no step reads.
func (p *Plan) Tests() []string {
	var named []string
	for _, g := range p.allGates() {
		if g.Data != "" && !slices.Contains(named, g.Data) {
			named = append(named, g.Data)
		}
	}
	if len(named) > 0 {
		return named
	}
	read := p.Reads()
	for _, d := range p.Recipe.Data {
		if d.Importance == "" && !slices.Contains(read, d.Name) {
			named = append(named, d.Name)
		}
	}
	return named
}

// Weighs returns the data sets whose importance matrices the steps look into, in the order of the recipe.
func (p *Plan) Weighs() []string {
	var out []string
	for _, d := range p.matrices(p.Steps...) {
		out = append(out, d.Name)
	}
	return out
}

// matrices lists the importance matrices that some of the steps look into, in the order of the recipe.
func (p *Plan) matrices(steps ...*Step) []recipe.Data {
	used := map[string]bool{}
	for _, s := range steps {
		if s.Skipped == "" {
			for _, name := range s.matrices {
				used[name] = true
			}
		}
	}
	var out []recipe.Data
	for _, d := range p.Recipe.Data {
		if used[d.Name] {
			out = append(out, d)
		}
	}
	return out
}

// Reads returns the data sets that the steps calibrate and train with, in the order of the recipe.
func (p *Plan) Reads() []string {
	used := map[string]bool{}
	for _, s := range p.Steps {
		if s.Skipped != "" {
			continue
		}
		for _, n := range s.Needs {
			used[n.Data] = true
		}
		for _, d := range s.Pass.Uses(s.Params) {
			used[d] = true
		}
	}
	var out []string
	for _, d := range p.Recipe.Data {
		if used[d.Name] {
			out = append(out, d.Name)
		}
	}
	return out
}
