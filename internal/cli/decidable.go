package cli

import (
	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/internal/dataset"
)

// decidable reports gates that the samples there are can never meet, before anything is computed. Where the recipe itself
// says how many samples a set has, compiling it has done so.
func (s *session) decidable(p *project, plan *graph.Plan) error {
	known := map[string]int{}
	plan.Undecidable(s.suite, func(data string) int {
		if _, ok := known[data]; !ok {
			known[data] = p.samples(data)
		}
		return known[data]
	}, &p.report)
	if p.report.HasErrors() {
		return findingsError{}
	}
	return nil
}

// samples tells how many samples of a data set its files have, for which it reads their headers; 0: the recipe says
// itself how many it takes, or the file is not there or damaged, which is for others to say.
func (p *project) samples(data string) int {
	for _, d := range p.recipe.Data {
		if d.Name != data || d.Samples > 0 || d.Images == "" {
			continue
		}
		f, err := p.lookUp(d.Images, lock.Data)
		if err != nil {
			return 0
		}
		n, err := dataset.LenIDX(d.Name, f.Reader(), idxOptions(d))
		if err != nil {
			return 0
		}
		return n
	}
	return 0
}
