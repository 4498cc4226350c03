package training

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
)

// Objective turns what the model gave for a batch into the loss and the seeds of its gradients, by value. It is called
// from one goroutine; the tape is valid during the call.
type Objective func(ctx context.Context, b *Batch, tape *exec.Tape) (loss float64, seeds map[string]*exec.Array, err error)

// Job is one training.
type Job struct {
	Site      *passes.Site
	Params    *Params
	Model     *ir.Model  // what runs; usually Site.Model
	Layers    []ir.Layer // whose tensors move
	Taps      []string   // inner values that the objective reads
	Objective Objective
	Memory    Memory // of the objective; nil: it has none
}

// Memory is what an objective carries from step to step and cannot find out again, such as the ranges that it observes.
type Memory interface {
	Save() []byte
	Load([]byte) error
}

// Result of a training.
type Result struct {
	First, Last float64 // mean loss over the first and the last steps, a tenth of all each
}

// Run trains and stores the moved tensors in Job.Model. Batch normalizations keep their stored statistics: with the
// small batches and few steps of a repair they are better than new ones. The result is the same for any number of
// workers.
func Run(ctx context.Context, j *Job) (*Result, error) {
	l, err := newLoop(j)
	if err != nil {
		return nil, err
	}
	losses := make([]float64, j.Params.Steps)
	keep := newKeeper(l, losses)
	first, err := keep.load()
	if err != nil {
		return nil, err
	}
	for step := first; step < len(losses); step++ {
		if losses[step], err = l.step(ctx, step); err != nil {
			if ctx.Err() != nil {
				err = errors.Join(err, keep.save(step))
			}
			return nil, err
		}
		if err := keep.done(step + 1); err != nil {
			return nil, err
		}
		if report := j.Site.Progress; report != nil {
			report(step+1, len(losses), fmt.Sprintf("loss %.4f, rate %.2g", recent(losses[:step+1]), j.Params.Optimizer.LearningRate*l.factor(step)))
		}
	}
	if err := l.program.Store(j.Model); err != nil {
		return nil, err
	}
	n := max(1, len(losses)/10)
	return &Result{First: mean(losses[:n]), Last: mean(losses[len(losses)-n:])}, nil
}

// loop is a training in progress.
type loop struct {
	*Job
	program *exec.Program
	input   string
	batches *batches
	names   []string // of the tensors that move
	optim   exec.Optimizer
	factor  exec.Schedule
}

func newLoop(j *Job) (*loop, error) {
	feeds := j.Model.Graph.Feeds()
	if len(feeds) != 1 {
		return nil, fmt.Errorf("the model has %d inputs; training needs exactly one", len(feeds))
	}
	set, err := j.Site.Data(j.Params.Data)
	if err != nil {
		return nil, err
	}
	l := &loop{Job: j, input: feeds[0].Name}
	if l.batches, err = newBatches(set, j.Params, j.Site.Rand); err != nil {
		return nil, err
	}
	if l.program, err = exec.Compile(j.Model, exec.Options{Workers: j.Site.Workers, Taps: j.Taps}); err != nil {
		return nil, err
	}
	var masks exec.Masks
	if l.names, masks, err = moved(l.program, j.Layers, j.Params); err != nil {
		return nil, err
	}
	l.optim, l.factor = optimizer(&j.Params.Optimizer, masks), schedule(j.Params)
	return l, nil
}

// step trains on one batch and returns its loss.
func (l *loop) step(ctx context.Context, step int) (float64, error) {
	b, err := l.batches.at(step)
	if err != nil {
		return 0, err
	}
	tape, err := l.program.Forward(ctx, map[string]*exec.Array{l.input: b.Input}, exec.Train)
	if err != nil {
		return 0, err
	}
	defer tape.Release()
	loss, seeds, err := l.Objective(ctx, b, tape)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, fmt.Errorf("the loss is %v at step %d of %d: the training diverged; a lower optimizer.learning_rate (it is %g) "+
			"or a warmup may help", loss, step+1, l.Params.Steps, l.Params.Optimizer.LearningRate)
	}
	grads, err := tape.Backward(ctx, seeds, l.names)
	if err != nil {
		return 0, err
	}
	return loss, l.optim.Step(l.program, grads, l.factor(step))
}

// recent is the mean loss of the last steps, as many as make it steady enough to read.
func recent(losses []float64) float64 { return mean(losses[max(0, len(losses)-20):]) }

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
