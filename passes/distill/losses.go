package distill

import (
	"context"
	"fmt"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes/internal/training"
)

// objective is the weighted sum of the losses of the recipe.
type objective struct {
	params  *Params
	teacher *teacher
	logits  string   // the student's
	hidden  []string // the student's
}

func (o *objective) taps() []string { return append([]string{o.logits}, o.hidden...) }

// loss computes the sum for one batch, and the seeds of its gradients.
func (o *objective) loss(ctx context.Context, b *training.Batch, tape *exec.Tape) (float64, map[string]*exec.Array, error) {
	a, err := o.teacher.ask(ctx, b)
	if err != nil {
		return 0, nil, err
	}
	sum := &total{seeds: map[string]*exec.Array{}}
	logits := tape.Value(o.logits)
	for _, l := range o.params.Losses {
		switch l.Kind {
		case "logits":
			if logits.Len() != a.logits.Len() {
				return 0, nil, fmt.Errorf("the model gives logits of shape %v, the teacher %v", logits.Shape, a.logits.Shape)
			}
			loss, seed, err := exec.SoftKL(logits, a.logits, o.params.Temperature)
			if err := sum.add(l.Weight, o.logits, loss, seed, err); err != nil {
				return 0, nil, err
			}
		case "labels":
			if b.Labels == nil {
				return 0, nil, fmt.Errorf("data set %s has no labels; leave out the loss of kind labels", o.params.Data)
			}
			loss, _, seed, err := exec.CrossEntropy(logits, b.Labels)
			if err := sum.add(l.Weight, o.logits, loss, seed, err); err != nil {
				return 0, nil, err
			}
		case "hidden":
			for i, name := range o.hidden {
				loss, seed, err := exec.MSE(tape.Value(name), a.hidden[i])
				if err := sum.add(l.Weight/float64(len(o.hidden)), name, loss, seed, err); err != nil {
					return 0, nil, err
				}
			}
		}
	}
	return sum.loss, sum.seeds, nil
}

// total adds losses up.
type total struct {
	loss  float64
	seeds map[string]*exec.Array
}

// add takes weight·loss in, whose gradient by the value name is weight·seed.
func (t *total) add(weight float64, name string, loss float64, seed *exec.Array, err error) error {
	if err != nil {
		return err
	}
	t.loss += float64(weight * loss)
	w, x := float32(weight), seed.Float32s()
	old := t.seeds[name]
	if old == nil {
		old = exec.NewArray(ir.Float32, seed.Shape...)
		t.seeds[name] = old
	}
	y := old.Float32s()
	for i, v := range x {
		y[i] += float32(w * v)
	}
	return nil
}
