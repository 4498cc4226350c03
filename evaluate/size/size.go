// Package size holds the metrics of what a model takes: bytes and parameters. They are exact.
package size

import (
	"math"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/ir"
)

// Bytes is the size of the artefact.
var Bytes = &evaluate.Metric{
	Name:  "bytes",
	Doc:   "Bytes of the artefact's files together, as written.",
	Unit:  evaluate.Bytes,
	Needs: evaluate.Needs{Artifact: true},
	Score: func(in *evaluate.Input) (*evaluate.Score, error) {
		return evaluate.FigureOf(float64(in.Model.Files)), nil
	},
}

// BitsPerWeight is the size of the artefact for each parameter that came in.
var BitsPerWeight = &evaluate.Metric{
	Name: "bits_per_weight", Version: 1,
	Doc: "Bits of the artefact's files for each parameter of the baseline: what is removed counts as saved, and scales, zero " +
		"points and the graph itself count as spent.",
	Unit:  evaluate.Bits,
	Needs: evaluate.Needs{Artifact: true, Baseline: true},
	Score: func(in *evaluate.Input) (*evaluate.Score, error) {
		n := params(in.Baseline)
		if n == 0 {
			s := evaluate.FigureOf(math.NaN())
			s.Note = "the baseline has no parameters"
			return s, nil
		}
		return evaluate.FigureOf(8 * float64(in.Model.Files) / float64(n)), nil
	},
}

// Params is the number of parameters.
var Params = &evaluate.Metric{
	Name: "params",
	Doc:  "Elements of all tensors of all layers: weights, biases, statistics of normalizations; zeros included. A weight that several layers share counts once.",
	Unit: evaluate.Count, Version: 1,
	Score: func(in *evaluate.Input) (*evaluate.Score, error) {
		return evaluate.FigureOf(float64(params(in.Model))), nil
	},
}

func params(s *evaluate.Subject) int64 {
	n, _ := ir.Sum(s.Model.Layers())
	return n
}
