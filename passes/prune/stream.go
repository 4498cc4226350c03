package prune

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
)

// streams tells whether weights are pruned when they are written, a band at a time, for they rank by nothing but their own
// size.
func streams(p *Params) bool { return p.Criterion == "magnitude" || p.Criterion == "l2" }

// zeroed is a weight whose zeros are set when it is read.
type zeroed struct {
	tensor *ir.Tensor
	zeros  func() (before, after int, err error) // how many of it are zero, once it has been read
}

// stream plans the pruning of the weights of a unit.
func stream(s *passes.Site, work []*masked) ([]zeroed, error) {
	list := make([]*ranked, len(work))
	total := 0
	for i, m := range work {
		var err error
		if list[i], err = newRanked(m.layer.Weight, s.Model.Path, s.Workers); err != nil {
			return nil, err
		}
		total += m.layer.Weight.Len()
	}
	out := make([]zeroed, len(work))
	if len(work) > 0 && global(work[0].params) {
		for i, l := range rankTogether(list, quota(work[0].params.Sparsity, total)) {
			out[i] = l.pruned()
		}
		return out, nil
	}
	for i, m := range work {
		switch n := list[i].t.Len(); {
		case m.params.Structure == "n_m":
			out[i] = rankGroups(list[i], m.layer, m.params).pruned()
		case m.params.Scope == "row":
			r := rankRows(list[i], m.layer, 0)
			r.drop = quota(m.params.Sparsity, r.length)
			out[i] = r.pruned()
		default:
			out[i] = rankTogether(list[i:i+1], quota(m.params.Sparsity, n))[0].pruned()
		}
	}
	return out, nil
}

// finish returns what completes the effect on a layer when its weight has been written.
func (m *masked) finish(z zeroed) func(e *passes.Effect) {
	return func(e *passes.Effect) {
		before, after, err := z.zeros()
		if err != nil {
			return // the weight is not in what was written, or that would have failed
		}
		e.From.Zeros, e.To.Zeros = before, after
		e.Did = m.did(after)
	}
}
