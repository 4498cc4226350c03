// Package prune sets the least important weights of a model to zero, or takes the least important filters out of it.
//
// There are two ways through this package. Unstructured and n:m pruning (mask.go) decide weight by weight and touch
// nothing but the layer itself. Where a weight ranks by its size alone it is pruned when it is written, a band at a time
// (stream.go), and only counts of sizes (limit.go, rows.go) or nothing at all (groups.go) has to be known before. Filter pruning (filter.go) decides over whole output channels, which live in several
// layers at once: a block (block.go) is the channels that rank against each other, and which of them belong together is
// the matter of graph/ir/dims.
package prune

import (
	"context"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/passes"
)

// Pass is the record of prune.
var Pass = passes.Define(passes.Info{
	Name:    "prune",
	Doc:     "Sets the least important weights to zero, or removes the least important filters with everything that depends on them.",
	Version: 1,
	Zeroes:  true,
	Order: []passes.Order{
		{Before: "quantize", Why: "quantized weights no longer rank by size"},
	},
	Accepts: accepts,
}, passes.Spec[Params]{
	Fields:  fields,
	Check:   check,
	Needs:   needs,
	Draws:   func(p *Params) bool { return p.Criterion == "random" },
	Join:    join,
	Foresee: foresee,
	Apart:   func(layers []passes.Treated[Params]) bool { return !structured(layers) },
	Local:   func(layers []passes.Treated[Params]) bool { return !structured(layers) },
	Streams: func(layers []passes.Treated[Params]) bool {
		return !structured(layers) && !slices.ContainsFunc(layers, func(t passes.Treated[Params]) bool { return !streams(t.Params) })
	},
	Run: run,
})

func accepts(l ir.Layer) (bool, string) {
	if l.Type != "conv" && l.Type != "linear" {
		return false, fmt.Sprintf("it is a layer of type %s; prune treats conv and linear", l.Type)
	}
	switch l.Weight.DType {
	case ir.Float32, ir.Float16, ir.BFloat16:
		return true, ""
	}
	return false, fmt.Sprintf("its weight is %s; prune ranks floating-point weights", l.Weight.DType)
}

// check finds what the header of one layer rules out. Relations between parameters are checked when they are decoded.
func check(p *Params, l ir.Layer) []passes.Problem {
	if p.Structure != "n_m" || p.Sparsity == 0 {
		return nil
	}
	if k := inputs(l); k >= p.M && k%p.M != 0 {
		return []passes.Problem{{Code: "n-m-does-not-divide", Field: "m", Warning: true, Message: fmt.Sprintf(
			"m is %d and the layer has %d input channels; the last %d are pruned in the same proportion, which hardware for %d:%d does not use",
			p.M, k, k%p.M, p.N, p.M)}}
	}
	return nil
}

// inputs is the length of the dimension along which n:m groups lie.
func inputs(l ir.Layer) int { return l.Weight.Shape[l.InAxis] }

func needs(p *Params) []measure.Need {
	if p.Sparsity == 0 {
		return nil
	}
	n := measure.Need{Data: p.Data, Samples: p.Samples, Batch: p.Batch}
	switch p.Criterion {
	case "taylor":
		n.Kind = "taylor"
	case "apoz", "mean_activation":
		n.Kind = "activation"
	default:
		return nil
	}
	return []measure.Need{n}
}

func foresee(s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
	if structured(u.Layers) {
		return filters(context.Background(), s, u, false)
	}
	return masks(context.Background(), s, u, false)
}

func run(ctx context.Context, s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
	if structured(u.Layers) {
		return filters(ctx, s, u, true)
	}
	return masks(ctx, s, u, true)
}

func structured(layers []passes.Treated[Params]) bool {
	for _, l := range layers {
		if l.Params.Structure == "filter" {
			return true
		}
	}
	return false
}
