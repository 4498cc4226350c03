package prune

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/internal/parallel"
	"github.com/pare-ml/pare/passes"
)

// quota is how many of n things a sparsity takes: the nearest whole number, ties to even, but never all.
func quota(sparsity float64, n int) int {
	if n == 0 {
		return 0
	}
	return max(0, min(n-1, int(math.RoundToEven(sparsity*float64(n)))))
}

// stretch is a set of weights that are ranked together: every stride-th element of the layer's weight from one index on.
type stretch struct{ from, stride, length int }

// stretches splits a weight into what is ranked together, in the order of the first elements.
func stretches(p *Params, l ir.Layer) []stretch {
	shape := l.Weight.Shape
	switch {
	case p.Structure == "n_m":
		return lines(shape, l.InAxis)
	case p.Scope == "row":
		return rows(shape, l.OutAxis)
	}
	return []stretch{{0, 1, l.Weight.Len()}}
}

// lines are the elements along one axis, for each place on the others.
func lines(shape []int, axis int) []stretch {
	inner := product(shape[axis+1:])
	outer := product(shape[:axis])
	out := make([]stretch, 0, outer*inner)
	for o := range outer {
		for i := range inner {
			out = append(out, stretch{o*shape[axis]*inner + i, inner, shape[axis]})
		}
	}
	return out
}

// rows are the elements that make one output. The output axis is the first, or the last of a matrix.
func rows(shape []int, axis int) []stretch {
	n := shape[axis]
	if axis == 0 {
		each := product(shape[1:])
		out := make([]stretch, n)
		for i := range out {
			out[i] = stretch{i * each, 1, each}
		}
		return out
	}
	if axis == len(shape)-1 {
		out := make([]stretch, n)
		for i := range out {
			out[i] = stretch{i, n, product(shape[:axis])}
		}
		return out
	}
	return nil
}

func product(v []int) int {
	p := 1
	for _, x := range v {
		p *= x
	}
	return p
}

// counts is the number of weights that will be zero in one stretch.
func counts(p *Params, length int) int {
	if p.Sparsity == 0 {
		return 0
	}
	if p.Structure != "n_m" {
		return quota(p.Sparsity, length)
	}
	rest := length % p.M
	return length/p.M*(p.M-p.N) + remainder(p, rest)
}

// remainder is how many of the last, shorter group go: the share of a whole group, rounded down.
func remainder(p *Params, rest int) int { return rest * (p.M - p.N) / p.M }

// planned is the number of weights of a layer that will be zero. Its stretches are equally long.
func planned(p *Params, l ir.Layer) int {
	n, length := l.Weight.Len(), l.Weight.Len()
	switch {
	case p.Structure == "n_m":
		length = inputs(l)
	case p.Scope == "row":
		length = n / max(1, l.Weight.Shape[l.OutAxis])
	}
	if length == 0 {
		return 0
	}
	return n / length * counts(p, length)
}

// idle says why nothing will happen to a layer; empty if something will.
func idle(p *Params, l ir.Layer) string {
	switch {
	case p.Sparsity == 0:
		return "its sparsity is 0"
	case p.Structure == "n_m" && inputs(l) < p.M:
		return fmt.Sprintf("its input dimension is %d, shorter than m = %d", inputs(l), p.M)
	case p.Scope == "row" && l.OutAxis != 0 && l.OutAxis != len(l.Weight.Shape)-1:
		return "its outputs lie on a middle axis of the weight"
	}
	return ""
}

// masks prunes weight by weight: all layers of the unit together for scope global, else each by itself. Without act it
// only says what will happen.
func masks(ctx context.Context, s *passes.Site, u passes.Unit[Params], act bool) ([]passes.Effect, error) {
	var effects []passes.Effect
	var work []*masked
	owners := map[string]string{}
	for _, t := range u.Layers {
		e := passes.Effect{Layer: t.Name, From: passes.StateOf(t.Layer)}
		e.To = e.From
		e.Why = idle(t.Params, t.Layer)
		if first, ok := owners[t.Weight.Name]; ok && e.Why == "" {
			e.Did, e.Why = "pruned with "+first, "the two share their weight"
		} else if e.Why == "" {
			owners[t.Weight.Name] = t.Name
			work = append(work, &masked{layer: t.Layer, params: t.Params, effect: len(effects)})
		}
		effects = append(effects, e)
	}
	late := act && len(work) > 0 && streams(work[0].params)
	if act && !late {
		if err := rank(ctx, s, work); err != nil {
			return nil, err
		}
	}
	choose(s, work, act && !late)
	var written []zeroed
	if late {
		var err error
		if written, err = stream(s, work); err != nil {
			return nil, err
		}
	}
	for i, m := range work {
		e := &effects[m.effect]
		if late {
			s.Model.Graph.SetTensor(written[i].tensor)
			e.Finish = m.finish(written[i])
		}
		if act && !late {
			t, before, after := m.zero()
			s.Model.Graph.SetTensor(t)
			e.From.Zeros, e.To.Zeros = before, after
		} else {
			e.To.Zeros = m.planned
		}
		e.Did = m.did(e.To.Zeros)
		if global(m.params) && (!act || late) {
			e.Did = "about " + e.Did
		}
	}
	return effects, nil
}

func global(p *Params) bool { return p.Scope == "global" }

// masked is a layer whose single weights are pruned.
type masked struct {
	layer   ir.Layer
	params  *Params
	effect  int
	weights []float32
	bytes   []byte
	scores  []float64 // of each weight; zero weights score below all others
	zeros   []bool    // chosen
	planned int
}

func (m *masked) did(zeros int) string {
	n := m.layer.Weight.Len()
	did := fmt.Sprintf("%s of %s weights zero", percent(zeros, n), human.Count(int64(n)))
	if m.params.Structure == "n_m" {
		did += fmt.Sprintf(", %d of every %d kept", m.params.N, m.params.M)
	}
	return did
}

// choose marks the weights that go, or counts them when there are no scores.
func choose(s *passes.Site, work []*masked, act bool) {
	if len(work) == 0 {
		return
	}
	if global(work[0].params) && act {
		chooseGlobal(work)
		return
	}
	parallel.For(s.Workers, len(work), func(i int) {
		m := work[i]
		m.planned = planned(m.params, m.layer)
		if !act {
			return
		}
		m.zeros = make([]bool, len(m.scores))
		for _, r := range stretches(m.params, m.layer) {
			m.chooseStretch(r)
		}
	})
}

func (m *masked) chooseStretch(r stretch) {
	if m.params.Structure != "n_m" {
		m.lowest(r, counts(m.params, r.length))
		return
	}
	for from := 0; from < r.length; from += m.params.M {
		n := min(m.params.M, r.length-from)
		drop := m.params.M - m.params.N
		if n < m.params.M {
			drop = remainder(m.params, n)
		}
		m.lowest(stretch{r.from + from*r.stride, r.stride, n}, drop)
	}
}

// lowest marks the k weights of a stretch with the lowest scores; among equals, those with the lowest index.
func (m *masked) lowest(r stretch, k int) {
	if k == 0 {
		return
	}
	sorted := make([]float64, r.length)
	for i := range sorted {
		sorted[i] = m.scores[r.from+i*r.stride]
	}
	limit, ties := threshold(sorted, k)
	for i := range r.length {
		at := r.from + i*r.stride
		switch v := m.scores[at]; {
		case v < limit:
			m.zeros[at] = true
		case v == limit && ties > 0:
			m.zeros[at] = true
			ties--
		}
	}
}

// threshold returns the k-th lowest score and how many of those that equal it are among the k lowest. It sorts scores.
func threshold(scores []float64, k int) (limit float64, ties int) {
	slices.Sort(scores)
	limit = scores[k-1]
	below, _ := slices.BinarySearch(scores, limit)
	return limit, k - below
}

// chooseGlobal ranks the weights of all layers together; among equals, those of the earlier layer, then of the lower
// index.
func chooseGlobal(work []*masked) {
	total := 0
	for _, m := range work {
		total += len(m.scores)
		m.zeros = make([]bool, len(m.scores))
	}
	k := quota(work[0].params.Sparsity, total)
	if k == 0 {
		return
	}
	all := make([]float64, 0, total)
	for _, m := range work {
		all = append(all, m.scores...)
	}
	limit, ties := threshold(all, k)
	for _, m := range work {
		for i, v := range m.scores {
			if v < limit {
				m.zeros[i] = true
			} else if v == limit && ties > 0 {
				m.zeros[i] = true
				ties--
			}
		}
	}
}

// zero returns the weight with the chosen elements set to zero, and the numbers of zeros before and after.
func (m *masked) zero() (t *ir.Tensor, before, after int) {
	w := m.layer.Weight
	size := w.DType.Bits() / 8
	b := slices.Clone(m.bytes)
	for i, v := range m.weights {
		if v == 0 {
			before++
		}
		if m.zeros[i] {
			clear(b[i*size : (i+1)*size])
		}
		if v == 0 || m.zeros[i] {
			after++
		}
	}
	out := ir.NewTensor(w.Name, w.DType, w.Shape, b)
	out.Doc = w.Doc
	return out, before, after
}
