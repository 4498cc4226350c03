// Package training is what passes that train share: the parameters in the recipe, batches, augmentation, masks and the
// loop. A pass brings its losses (Objective); distill brings the teacher's, finetune and quantization-aware training bring
// theirs.
package training

import (
	"fmt"
	"github.com/pare-ml/pare/passes"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Params are the parameters that every pass that trains takes.
type Params struct {
	Steps     int
	Batch     int
	Data      string
	Optimizer Optimizer
	Schedule  Schedule
	Trainable string
	Augment   *Augment
	Mask      string
}

// Load tells how often training runs the model.
func (p *Params) Load() passes.Load {
	l := passes.Load{Batch: p.Batch, Samples: p.Steps * p.Batch, Backward: true}
	switch {
	case p.Optimizer.Kind == "adam" || p.Optimizer.Kind == "adamw":
		l.State = 2
	case p.Optimizer.Momentum > 0:
		l.State = 1
	}
	return l
}

// Optimizer says how gradients move weights.
type Optimizer struct {
	Kind         string
	LearningRate float64
	Momentum     float64
	WeightDecay  float64
	Warmup       int
}

// Schedule says how the learning rate moves.
type Schedule struct {
	Kind string
	End  float64
}

// Augment says how images are varied.
type Augment struct {
	Shift int
	Flip  bool
}

// Fields describes the parameters. A pass puts them among its own.
func Fields(p *Params) []*schema.Field {
	return []*schema.Field{
		schema.Int(&p.Steps, "steps", 0, "number of batches to train on; each moves the weights once").AtLeast(1).Require(),
		schema.Int(&p.Batch, "batch", 64, "samples in a batch").AtLeast(1).In("samples"),
		schema.Data(&p.Data, "data", "", "data set to train on").Require(),
		schema.Nested("optimizer", "how gradients move the weights", optimizerFields(&p.Optimizer)),
		schema.Nested("schedule", "how the learning rate moves after the warm-up", scheduleFields(&p.Schedule)),
		schema.Enum(&p.Trainable, "trainable", "all", "which tensors move",
			schema.Choice{Name: "all", Doc: "weights and biases of all layers that the step covers"},
			schema.Choice{Name: "norms_and_scales", Doc: "scales and biases of normalizations only: cheap, and small changes suffice"}),
		schema.Optional(&p.Augment, "augment", "random variation of images, seeded; needs inputs of [batch, channel, height, width]", augmentFields),
		schema.Enum(&p.Mask, "mask", "keep", "what becomes of weights that are exactly zero at the start",
			schema.Choice{Name: "keep", Doc: "they stay zero: what was pruned stays pruned"},
			schema.Choice{Name: "release", Doc: "they train like all others"}),
	}
}

func optimizerFields(o *Optimizer) schema.Object {
	return schema.Object{
		Short: "kind",
		Fields: []*schema.Field{
			schema.Enum(&o.Kind, "kind", "adamw", "the rule",
				schema.Choice{Name: "adamw", Doc: "Adam with decoupled weight decay; moments 0.9 and 0.999, epsilon 1e-8"},
				schema.Choice{Name: "sgd", Doc: "stochastic gradient descent with momentum"}),
			schema.Float(&o.LearningRate, "learning_rate", 1e-3, "size of a step; sgd usually wants ten times as much as adamw").
				Above(0).Usual(1e-7, 1).Written(),
			schema.Float(&o.Momentum, "momentum", 0.9, "sgd: share of the last step carried on").AtLeast(0).Below(1),
			schema.Float(&o.WeightDecay, "weight_decay", 0, "pull towards zero on weight matrices; biases and normalizations have none").AtLeast(0),
			schema.Int(&o.Warmup, "warmup", 0, "steps over which the learning rate rises from zero in a straight line").AtLeast(0).In("steps"),
		},
		Check: func(n *syntax.Node, report *diag.List) {
			if x := n.Get("momentum"); x != nil && o.Kind != "sgd" {
				report.Warningf(x.Span, "parameter-unused", "momentum belongs to kind: sgd; with %s it has no effect", o.Kind)
			}
		},
	}
}

func scheduleFields(s *Schedule) schema.Object {
	return schema.Object{
		Short: "kind",
		Fields: []*schema.Field{
			schema.Enum(&s.Kind, "kind", "cosine", "the curve",
				schema.Choice{Name: "constant", Doc: "the learning rate stays"},
				schema.Choice{Name: "cosine", Doc: "it falls along half a cosine"},
				schema.Choice{Name: "linear", Doc: "it falls in a straight line"}),
			schema.Ratio(&s.End, "end", 0, "cosine, linear: share of the learning rate that the curve falls to").Between(0, 1),
		},
		Check: func(n *syntax.Node, report *diag.List) {
			if x := n.Get("end"); x != nil && s.Kind == "constant" {
				report.Warningf(x.Span, "parameter-unused", "a constant learning rate has no end; it has no effect")
			}
		},
	}
}

func augmentFields(a *Augment) schema.Object {
	return schema.Object{
		Fields: []*schema.Field{
			schema.Int(&a.Shift, "shift", 0, "moves each image by up to this many pixels up, down, left or right; the border is repeated").
				Between(0, 64).In("pixels"),
			schema.Bool(&a.Flip, "flip", false, "mirrors every second image, by chance, left to right"),
		},
	}
}

// Relate checks the parameters against each other; a pass calls it from its own check.
func (p *Params) Relate(n *syntax.Node, report *diag.List) {
	if p.Optimizer.Warmup >= p.Steps && p.Steps > 0 {
		at := n.At("optimizer.warmup")
		report.Errorf(at.Span, "warmup-too-long", "warmup is %d steps of %d; the full learning rate would never be reached",
			p.Optimizer.Warmup, p.Steps)
	}
}

// Text is one line about the training, for plans and reports.
func (p *Params) Text() string {
	return fmt.Sprintf("%d steps of %d samples", p.Steps, p.Batch)
}
