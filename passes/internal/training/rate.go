package training

import "github.com/pare-ml/pare/graph/exec"

// optimizer makes the rule of the recipe. Both rules spare vectors (biases, normalizations) the weight decay.
func optimizer(o *Optimizer, masks exec.Masks) exec.Optimizer {
	if o.Kind == "sgd" {
		return &exec.SGD{LearningRate: o.LearningRate, Momentum: o.Momentum, WeightDecay: o.WeightDecay, Masks: masks}
	}
	return &exec.AdamW{LearningRate: o.LearningRate, WeightDecay: o.WeightDecay, Masks: masks}
}

// schedule makes the curve of the recipe: a straight rise over the warm-up, then the curve over the steps that are left,
// down to the end's share.
func schedule(p *Params) exec.Schedule {
	rest := p.Steps - p.Optimizer.Warmup
	curve := exec.Constant()
	switch p.Schedule.Kind {
	case "cosine":
		curve = lift(exec.Cosine(rest), p.Schedule.End)
	case "linear":
		curve = lift(exec.Linear(rest), p.Schedule.End)
	}
	return exec.Warmup(p.Optimizer.Warmup, curve)
}

// lift maps a curve from 1 to 0 to one from 1 to end.
func lift(s exec.Schedule, end float64) exec.Schedule {
	return func(step int) float64 { return end + float64((1-end)*s(step)) }
}
