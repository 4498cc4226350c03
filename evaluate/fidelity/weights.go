package fidelity

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/evaluate"
)

// The metrics of this file look at weights alone, so they need no data: the worst layer speaks. Of large weights that are
// quantized as they are written every eighth band of 131,072 elements is compared.

// WeightCosine is the least cosine between the weight of a layer and what it became.
var WeightCosine = &evaluate.Metric{
	Name: "weight_cosine",
	Doc: "The least, over the layers, of the cosine of the angle between the baseline's weight and the model's: 1 if nothing " +
		"differs. Unlike weight_sqnr it does not see a change of scale.",
	Unit: evaluate.Share, Higher: true, Kind: evaluate.Figure,
	Needs: evaluate.Needs{Baseline: true}, Relative: true, Detail: true,
	Score: func(in *evaluate.Input) (*evaluate.Score, error) {
		return ofWorst(in, func(r *evaluate.LayerRounding) float64 { return r.Cosine() }, func(a, b float64) bool { return a < b })
	},
}

// WeightMeanError is the largest mean difference of a layer's weights.
var WeightMeanError = &evaluate.Metric{
	Name: "weight_mean_error",
	Doc: "The largest, over the layers, of the mean absolute difference between the baseline's weights and the model's, in units " +
		"of the root mean square of the baseline's.",
	Unit: evaluate.Share, Kind: evaluate.Figure,
	Needs: evaluate.Needs{Baseline: true}, Relative: true, Detail: true,
	Score: func(in *evaluate.Input) (*evaluate.Score, error) {
		return ofWorst(in, func(r *evaluate.LayerRounding) float64 { return r.MeanError() }, func(a, b float64) bool { return a > b })
	},
}

// WeightMaxError is the largest difference of a single weight.
var WeightMaxError = &evaluate.Metric{
	Name: "weight_max_error",
	Doc: "The largest, over the layers, of the largest absolute difference between a weight of the baseline and the model's, in " +
		"units of the root mean square of the layer's weights: what happened to outliers.",
	Unit: evaluate.Share, Kind: evaluate.Figure,
	Needs: evaluate.Needs{Baseline: true}, Relative: true, Detail: true,
	Score: func(in *evaluate.Input) (*evaluate.Score, error) {
		return ofWorst(in, func(r *evaluate.LayerRounding) float64 { return r.MaxError() }, func(a, b float64) bool { return a > b })
	},
}

func ofWorst(in *evaluate.Input, value func(*evaluate.LayerRounding) float64, worse func(a, b float64) bool) (*evaluate.Score, error) {
	layers, err := in.Weights()
	if err != nil {
		return nil, err
	}
	s, worst := worstLayer(layers, value, worse)
	if worst >= 0 {
		left := s.Note
		s.Note = "worst layer " + layers[worst].Layer
		if left != "" {
			s.Note += "; " + left
		}
	}
	return s, nil
}

// worstLayer returns the score of the worst layer and its number, -1 if there is none. The note says how many layers have no
// value.
func worstLayer(layers []evaluate.LayerRounding, value func(*evaluate.LayerRounding) float64, worse func(a, b float64) bool) (*evaluate.Score, int) {
	worst, left := -1, 0
	var least float64
	for i := range layers {
		v := math.NaN()
		if layers[i].Compared {
			v = value(&layers[i])
		}
		if math.IsNaN(v) {
			left++
			continue
		}
		if worst < 0 || worse(v, least) {
			worst, least = i, v
		}
	}
	s := evaluate.FigureOf(math.NaN())
	if worst < 0 {
		s.Note = "no layer has a weight of the same shape in both models"
		return s, worst
	}
	s.Value = least
	if left > 0 {
		s.Note = fmt.Sprintf("left out, for want of a weight of the same shape: %d", left)
	}
	return s, worst
}
