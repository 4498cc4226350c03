package graph

import (
	"fmt"
	"math"
	wordbits "math/bits"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/parallel"
)

// masks remember which weights a pass set to zero, layer by layer, to hold later passes to it: masks survive. Only layers
// that a pass with Info.Zeroes treated have one, so a model that nobody pruned costs nothing. The mask of a layer is
// found when its weight changes again, from the model as it was.
type masks struct {
	pruned map[string]bool      // by layer
	stale  map[string]*ir.Model // layers that a step left to be computed when they are written, with the model before: held against the artefact
}

func newMasks() *masks { return &masks{map[string]bool{}, map[string]*ir.Model{}} }

// mask has a bit for each element of a weight: set where it stands for zero.
type mask struct {
	words []uint64
	n     int
}

// maskOf tells for each element of a layer's weight whether it stands for zero. Of weights that come in ranges it holds no
// more than a few at a time.
func maskOf(m *ir.Model, l ir.Layer) (mask, error) {
	if !exec.Ranged(m, l) {
		w, err := exec.LayerWeight(m, l)
		if err != nil {
			return mask{}, err
		}
		out := newMask(len(w))
		out.put(0, w)
		return out, nil
	}
	out := newMask(l.Weight.Len())
	read, err := exec.WeightReader(m, l)
	if err != nil {
		return mask{}, err
	}
	for from := 0; from < out.n; from += exec.WeightChunk {
		w, err := read(from, min(out.n, from+exec.WeightChunk))
		if err != nil {
			return mask{}, err
		}
		out.put(from, w)
	}
	return out, nil
}

func newMask(n int) mask { return mask{make([]uint64, (n+63)/64), n} }

// put takes in elements, of which the first is number from. It does not branch: which weights are zero cannot be foretold.
func (z mask) put(from int, w []float32) {
	for len(w) > 0 {
		at := from % 64
		part := w[:min(len(w), 64-at)]
		var word uint64
		for i, v := range part {
			word |= (uint64(math.Float32bits(v)<<1) - 1) >> 63 << i // both zeros have no bit but the sign
		}
		z.words[from/64] |= word << at
		from, w = from+len(part), w[len(part):]
	}
}

// lost counts the elements that are zero here and not there. Masks of other sizes have nothing in common.
func (z mask) lost(now mask) int {
	if z.n != now.n {
		return 0
	}
	n := 0
	for i, w := range z.words {
		n += wordbits.OnesCount64(w &^ now.words[i])
	}
	return n
}

func weighted(l ir.Layer) bool { return l.Type == "conv" || l.Type == "linear" }

// check looks at the layers after a step: a weight that a pass set to zero in a layer of the same shape must still be,
// unless the step says `mask: release`. Of a step that was found in the store, so not made, that is known.
func (z *masks) check(before, after *ir.Model, d *Done, made bool) error {
	if err := z.compare(before, after, releases(d.Step), made); err != nil {
		return err
	}
	for _, t := range d.Layers {
		if e := &t.Effect; d.Step.Pass.Zeroes && e.Did != "" && !e.To.Gone {
			z.pruned[t.Layer.Name] = true
		}
	}
	return nil
}

// compare holds the layers that were pruned against the model before.
func (z *masks) compare(before, after *ir.Model, release, made bool) error {
	if len(z.pruned) == 0 {
		return nil
	}
	was := byName(before.Layers())
	for _, l := range after.Layers() {
		w, ok := was[l.Name]
		switch {
		case !z.pruned[l.Name] || !ok || !weighted(l) || w.Weight.SharesBytes(l.Weight):
		case release:
			delete(z.pruned, l.Name)
			delete(z.stale, l.Name)
		case l.Weight.Align() > 0:
			if z.stale[l.Name] == nil {
				z.stale[l.Name] = before
			}
		case made:
			if err := keepsMask(before, w, after, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// written holds the layers that were computed only when they were written against the artefact: those that come in ranges
// beside each other, the others, which take memory, one after another.
func (z *masks) written(artefact *ir.Model, workers int) error {
	type pair struct {
		before  *ir.Model
		was, is ir.Layer
	}
	states := map[*ir.Model]map[string]ir.Layer{}
	var beside, alone []pair
	all := artefact.Layers()
	evaluate.Index(artefact, all)
	for _, l := range all {
		before := z.stale[l.Name]
		if before == nil {
			continue
		}
		if states[before] == nil {
			list := before.Layers()
			states[before] = byName(list)
			evaluate.Index(before, list)
		}
		was, ok := states[before][l.Name]
		switch {
		case !ok:
		case exec.Ranged(before, was) && exec.Ranged(artefact, l):
			beside = append(beside, pair{before, was, l})
		default:
			alone = append(alone, pair{before, was, l})
		}
	}
	errs := make([]error, len(beside), len(beside)+len(alone))
	parallel.For(workers, len(beside), func(i int) {
		p := beside[i]
		errs[i] = keepsMask(p.before, p.was, artefact, p.is)
	})
	for _, p := range alone {
		errs = append(errs, keepsMask(p.before, p.was, artefact, p.is))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func byName(layers []ir.Layer) map[string]ir.Layer {
	out := make(map[string]ir.Layer, len(layers))
	for _, l := range layers {
		out[l.Name] = l
	}
	return out
}

// keepsMask compares the masks of a layer in two models.
func keepsMask(before *ir.Model, was ir.Layer, after *ir.Model, is ir.Layer) error {
	if !exec.HasLayerWeight(before, was) || !exec.HasLayerWeight(after, is) {
		return nil
	}
	old, err := maskOf(before, was)
	if err != nil {
		return fmt.Errorf("layer %s: %w", was.Name, err)
	}
	now, err := maskOf(after, is)
	if err != nil {
		return fmt.Errorf("layer %s: %w", is.Name, err)
	}
	if lost := old.lost(now); lost > 0 {
		return fmt.Errorf("layer %s: %d weights that were zero no longer are; a pass must keep masks, unless its step says mask: release", is.Name, lost)
	}
	return nil
}
