// Package fidelity holds the metrics that compare a model with its baseline and need no labels: how far the outputs
// and the weights have moved.
package fidelity

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/internal/kernel"
)

// Agreement is the share of samples on which model and baseline make the same first choice.
var Agreement = &evaluate.Metric{
	Name: "agreement",
	Doc: "Share of samples for which the model's first choice is the baseline's. Equal accuracy hides flips in both " +
		"directions; agreement shows them, and needs no labels.",
	Unit: evaluate.Share, Higher: true, Kind: evaluate.Rate,
	Needs: evaluate.Needs{Data: true, Baseline: true}, Relative: true,
	Score: agreement,
}

func agreement(in *evaluate.Input) (*evaluate.Score, error) {
	if err := sameClasses(in); err != nil {
		return nil, err
	}
	items := make([]float64, in.Preds.Len())
	for i := range items {
		if top := in.Preds.Top(i); top >= 0 && top == in.Base.Top(i) {
			items[i] = 1
		}
	}
	s := evaluate.MeanOf(items)
	s.Note = in.Preds.NonFiniteNote()
	return s, nil
}

// KLDivergence is the mean Kullback-Leibler divergence of the model's classes from the baseline's.
var KLDivergence = &evaluate.Metric{
	Name: "kl_divergence",
	Doc: "Mean of sum p ln(p/q) over the classes, p the baseline's softmax and q the model's. An alarm, not a ranking: near " +
		"lossless it says little about accuracy.",
	Unit: evaluate.Nats, Kind: evaluate.Mean,
	Needs: evaluate.Needs{Data: true, Baseline: true}, Relative: true,
	Score: klDivergence,
}

func klDivergence(in *evaluate.Input) (*evaluate.Score, error) {
	if err := sameClasses(in); err != nil {
		return nil, err
	}
	items := make([]float64, in.Preds.Len())
	for i := range items {
		p, q := evaluate.LogSoftmax(in.Base.Row(i)), evaluate.LogSoftmax(in.Preds.Row(i))
		sum := 0.0
		for c := range p {
			sum += float64(kernel.Exp64(p[c]) * (p[c] - q[c]))
		}
		items[i] = max(0, sum) // rounding may leave a little below zero; NaN stays
	}
	s := evaluate.MeanOf(items)
	s.Note = in.Preds.NonFiniteNote()
	return s, nil
}

// SQNR is the signal-to-quantization-noise ratio of the outputs.
var SQNR = &evaluate.Metric{
	Name: "sqnr",
	Doc: "10 log10 of the energy of the baseline's logits over that of the model's differences from them, on all samples " +
		"together. About 40 dB for good 8-bit and 20 dB for 4-bit weights; infinite if nothing differs. One number for " +
		"all samples, so it has no interval.",
	Unit: evaluate.Decibel, Higher: true, Kind: evaluate.Figure,
	Needs: evaluate.Needs{Data: true, Baseline: true}, Relative: true,
	Score: func(in *evaluate.Input) (*evaluate.Score, error) {
		if err := sameClasses(in); err != nil {
			return nil, err
		}
		s := evaluate.FigureOf(evaluate.SQNR(in.Base.Logits, in.Preds.Logits))
		s.N, s.Note = in.Preds.Len(), in.Preds.NonFiniteNote()
		return s, nil
	},
}

// WeightSQNR is the least signal-to-quantization-noise ratio of any layer's weight.
var WeightSQNR = &evaluate.Metric{
	Name: "weight_sqnr",
	Doc: "The least, over the layers, of 10 log10 of the energy of the baseline's weight over that of its difference from " +
		"the model's. It means something for passes that only round (quantize); training and removal change weights on " +
		"purpose. Layers whose weight changed its shape are left out.",
	Unit: evaluate.Decibel, Higher: true, Kind: evaluate.Figure,
	Needs: evaluate.Needs{Baseline: true}, Relative: true, Detail: true,
	Score: weightSQNR,
}

func weightSQNR(in *evaluate.Input) (*evaluate.Score, error) {
	layers, err := in.Weights()
	if err != nil {
		return nil, err
	}
	s, worst := worstLayer(layers, func(r *evaluate.LayerRounding) float64 { return r.SQNR() }, func(a, b float64) bool { return a < b })
	if worst < 0 {
		return s, nil
	}
	sum, finite := 0.0, 0
	for i := range layers {
		if db := layers[i].SQNR(); layers[i].Compared && !math.IsNaN(db) && !math.IsInf(db, 0) {
			sum += db
			finite++
		}
	}
	left := s.Note
	s.Note = "no weight changed"
	if finite > 0 {
		s.Note = "worst layer " + layers[worst].Layer
		s.Note += fmt.Sprintf("; mean of the layers that changed %.1f dB", sum/float64(finite))
	}
	if left != "" {
		s.Note += "; " + left
	}
	return s, nil
}

func sameClasses(in *evaluate.Input) error {
	if in.Preds.Classes != in.Base.Classes {
		return fmt.Errorf("the model tells %d classes apart and the baseline %d", in.Preds.Classes, in.Base.Classes)
	}
	return nil
}
