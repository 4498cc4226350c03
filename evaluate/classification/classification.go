// Package classification holds the metrics of classifiers that have labels to be right or wrong about.
package classification

import (
	"github.com/pare-ml/pare/evaluate"
)

// Top1 is the share of samples whose label has the largest logit.
var Top1 = &evaluate.Metric{
	Name: "top1",
	Doc: "Share of samples for which the model's first choice is the label. Among equal logits the lowest class is the " +
		"first choice; a sample with a logit that is not finite counts as wrong.",
	Unit: evaluate.Share, Higher: true, Kind: evaluate.Rate,
	Needs: evaluate.Needs{Data: true, Labels: true},
	Score: func(in *evaluate.Input) (*evaluate.Score, error) { return within(in.Preds, 1), nil },
}

// Top5 is the share of samples whose label has one of the five largest logits.
var Top5 = &evaluate.Metric{
	Name: "top5",
	Doc: "Share of samples for which the label is among the model's first five choices. Ties go to the lowest class; a " +
		"sample with a logit that is not finite counts as wrong.",
	Unit: evaluate.Share, Higher: true, Kind: evaluate.Rate,
	Needs: evaluate.Needs{Data: true, Labels: true},
	Score: func(in *evaluate.Input) (*evaluate.Score, error) { return within(in.Preds, 5), nil },
}

func within(p *evaluate.Predictions, choices int) *evaluate.Score {
	items := make([]float64, p.Len())
	for i := range items {
		if p.Finite(i) && p.Rank(i, p.Labels[i]) < choices {
			items[i] = 1
		}
	}
	s := evaluate.MeanOf(items)
	s.Note = p.NonFiniteNote()
	return s
}

// CrossEntropy is the mean negative log-likelihood of the label.
var CrossEntropy = &evaluate.Metric{
	Name: "cross_entropy",
	Doc: "Mean of -ln p(label), p being the softmax of the logits. It moves before top-1 does: it sees the model lose " +
		"its certainty. It is not a number if any logit is not finite.",
	Unit: evaluate.Nats, Kind: evaluate.Mean,
	Needs: evaluate.Needs{Data: true, Labels: true},
	Score: crossEntropy,
}

func crossEntropy(in *evaluate.Input) (*evaluate.Score, error) {
	p := in.Preds
	items := make([]float64, p.Len())
	for i := range items {
		items[i] = -evaluate.LogSoftmax(p.Row(i))[p.Labels[i]]
	}
	s := evaluate.MeanOf(items)
	s.Note = p.NonFiniteNote()
	return s, nil
}
