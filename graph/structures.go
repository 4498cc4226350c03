package graph

import (
	"fmt"

	"github.com/pare-ml/pare/graph/patch"
	"github.com/pare-ml/pare/passes"
)

// structures foresees the plan again and returns, for each step whose units are local, the digest of the header that it
// finds: the part of the model on which all its units depend.
func (p *Plan) structures() (map[*Step][32]byte, error) {
	last := -1
	for i, s := range p.Steps {
		if s.Skipped == "" && s.local {
			last = i
		}
	}
	out := map[*Step][32]byte{}
	m := p.Model.Clone()
	for i, s := range p.Steps[:last+1] {
		if s.Skipped != "" {
			continue
		}
		if s.local {
			out[s] = patch.Structure(m, true)
		}
		if i == last {
			break
		}
		find := newFinder(m)
		site := &passes.Site{Step: s.Step.ID, Model: m, Input: p.Model, Seed: p.Recipe.Seed, Stream: s.stream, Open: p.open.Model, Importance: p.open.Importance}
		for _, unit := range s.atOnce(find) {
			if _, err := s.Pass.Foresee(site, s.Params, find.params(unit)); err != nil {
				return nil, fmt.Errorf("step %s: %w", s.Step.ID, err)
			}
		}
	}
	return out, nil
}
