package graph

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/store"
)

// Look marks the actions whose results a store has, as far as the files are known that go in: what a build will find. It
// reads no result, so that one that is damaged counts.
func (p *Plan) Look(s *store.Store, digest Digest, suite *Suite) error {
	k, err := p.keys(digest)
	if err != nil {
		return err
	}
	has := func(key store.Digest) bool { return !key.IsZero() && s.Has(key) }
	units := map[*Step][]bool{}
	for step, keys := range k.steps {
		for _, key := range keys.units {
			units[step] = append(units[step], has(key))
		}
	}
	next := map[*Step]int{} // the step's unit that comes next
	for _, a := range p.Actions {
		switch a.Do {
		case Measure:
			// Who needs it will not ask for it if all that it is for is there.
			a.Cached = has(k.measured(k.steps[a.Step].before, a.Need)) || p.idle(a, units)
		case Treat:
			a.Cached = units[a.Step][next[a.Step]]
			next[a.Step]++
		case Evaluate:
			f := suite.Format(p.Recipe.Outputs[0].Format)
			a.Cached = f != nil && has(k.predicted(k.final, f.Name, f.Version, a.Data)) && has(k.predicted(k.input, "", 0, a.Data))
		}
	}
	return nil
}

// idle tells whether all steps that a measurement is for have their results.
func (p *Plan) idle(a *Action, units map[*Step][]bool) bool {
	for _, s := range p.Steps {
		if s.Skipped == "" && slices.Contains(s.Needs, a.Need) && (s == a.Step || p.sharedWith(s, a.Need) == a.Step) && slices.Contains(units[s], false) {
			return false
		}
	}
	return true
}

// found tells how many of a step's units the store has.
func (p *Plan) found(s *Step) int {
	n := 0
	for _, a := range p.Actions {
		if a.Do == Treat && a.Step == s && a.Cached {
			n++
		}
	}
	return n
}

// cachedNote says in a plan what of a step a build will find.
func (p *Plan) cachedNote(s *Step) string {
	switch n := p.found(s); {
	case n == 0:
		return ""
	case n == len(s.Units):
		return "  cached"
	default:
		return fmt.Sprintf("  %d of %s cached", n, plural(len(s.Units), "unit"))
	}
}
