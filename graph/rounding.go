package graph

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/parallel"
	"github.com/pare-ml/pare/passes"
)

// settled is the size in elements from which on a weight is not read again to see what became of it, if the pass that made
// it has looked while it was written: the bytes that it looked at are those that were hashed.
const settled = 1 << 18

// known returns what passes saw of the rounding of large weights on their way from a state of the model to the one that was
// written: only where one step alone changed the weight.
func (b *build) known(done []*Done, since *ir.Model) map[string]measure.Rounding {
	out := map[string]measure.Rounding{}
	first, last := byName(since.Layers()), byName(b.model.Layers())
	for name, was := range first {
		if is, ok := last[name]; ok && was.Weight.Len() >= settled && was.Weight.SharesBytes(is.Weight) {
			out[name] = measure.Rounding{Count: int64(was.Weight.Len()), Signal: 1, Energy: 1} // nobody changed it
		}
	}
	for _, d := range done {
		var from, to map[string]ir.Layer
		for _, t := range d.Layers {
			r, name := t.Effect.Rounding, t.Layer.Name
			if r == nil {
				continue
			}
			if from == nil {
				from, to = byName(d.from.Layers()), byName(d.to.Layers())
			}
			was, ok := first[name]
			is, there := last[name]
			if ok && there && was.Weight.Len() >= settled && was.Weight.SharesBytes(from[name].Weight) && to[name].Weight.SharesBytes(is.Weight) {
				out[name] = *r
			}
		}
	}
	return out
}

// layers tells for each layer that came in, step by step, what happened to it.
func (b *build) layers(done []*Done, before, after *ir.Model) error {
	rounded, err := b.rounding(done, after)
	if err != nil {
		return err
	}
	last := after.Layers()
	zeros, err := b.zeros(done, last, after)
	if err != nil {
		return err
	}
	at := placesOf(last)
	counted := map[*ir.Tensor]bool{} // shared weights
	for i, l := range last {
		if weighted(l) && !counted[l.Weight] {
			counted[l.Weight] = l.Tied
			b.report.After.Zeros += int64(zeros[i])
		}
	}
	for _, l := range before.Layers() {
		row := evaluate.LayerReport{Name: l.Name, Type: l.Type, From: layerState(passes.StateOf(l)), SQNR: math.NaN()}
		if i, ok := at[l.Name]; ok {
			row.To = layerState(passes.StateOf(last[i]))
			row.To.Zeros = zeros[i]
		} else {
			row.Gone = true
		}
		if r, ok := rounded[l.Name]; ok {
			row.Rounded, row.SQNR, row.Cosine, row.MeanError, row.MaxError = true, r.SQNR(), r.Cosine(), r.MeanError(), r.MaxError()
		}
		for _, d := range done {
			if e := d.effect(l.Name); e != nil && (e.Did != "" || e.Why != "") {
				row.Steps = append(row.Steps, evaluate.LayerStep{Step: d.Step.Step.ID, Did: e.Did, Why: e.Why})
			}
		}
		b.report.Layers = append(b.report.Layers, row)
	}
	return nil
}

// rounding measures how well the weights survived the change of type: the artefact against the model before the first
// step that changed one.
func (b *build) rounding(done []*Done, after *ir.Model) (map[string]measure.Rounding, error) {
	for _, d := range done {
		if d.Before == nil {
			continue
		}
		list, err := evaluate.RoundWeights(d.Before, after, b.known(done, d.Before), b.workers())
		if err != nil {
			return nil, err
		}
		out := map[string]measure.Rounding{}
		for _, r := range list {
			if r.Compared {
				out[r.Layer] = r.Rounding
			}
		}
		return out, nil
	}
	return nil, nil
}

// zeros counts the zeros of the artefact's layers, in their order.
func (b *build) zeros(done []*Done, layers []ir.Layer, after *ir.Model) ([]int, error) {
	written := byName(b.model.Layers())
	seen := map[string]int{}
	for _, d := range done {
		var to map[string]ir.Layer
		for _, t := range d.Layers {
			name := t.Layer.Name
			if t.Effect.Rounding == nil {
				continue
			}
			if to == nil {
				to = byName(d.to.Layers())
			}
			if w := written[name].Weight; w != nil && w.Len() >= settled && to[name].Weight.SharesBytes(w) {
				seen[name] = int(t.Effect.Rounding.Zeros)
			}
		}
	}
	evaluate.Index(after, layers)
	out, errs := make([]int, len(layers)), make([]error, len(layers))
	parallel.For(b.workers(), len(layers), func(i int) {
		n, ok := seen[layers[i].Name]
		if !ok {
			n, errs[i] = evaluate.Zeros(after, layers[i])
		}
		out[i] = n
	})
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", layers[i].Name, err)
		}
	}
	return out, nil
}
