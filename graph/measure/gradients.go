package measure

import (
	"context"
	"fmt"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/parallel"
)

// Gradients measures for every parameter of the model the mean over batches of (g·w)², element by element: the square
// of the change of the loss, to first order, if the element were zero (Molchanov et al. 2019, "Importance Estimation for
// Neural Network Pruning", eq. 8). The loss is the mean cross-entropy of a batch; batch normalizations keep their stored
// statistics. The set must have labels, and the model one output of [samples, classes].
func Gradients(ctx context.Context, m *ir.Model, set dataset.Set, n Need, workers int) (*Result, error) {
	f, err := newFeeder(m, set, n.Samples, n.Batch)
	if err != nil {
		return nil, err
	}
	if set.Classes() == 0 {
		return nil, fmt.Errorf("data set %s has no labels; taylor measures the gradient of their loss", n.Data)
	}
	out, err := Logits(m)
	if err != nil {
		return nil, err
	}
	p, err := exec.Compile(m, exec.Options{Workers: workers, Taps: []string{out}})
	if err != nil {
		return nil, err
	}
	r := &Result{Samples: f.samples, Taylor: map[string][]float64{}}
	var names []string
	for _, l := range m.MainLayers() {
		for _, t := range []*ir.Tensor{l.Weight, l.Bias} {
			if t == nil || r.Taylor[t.Name] != nil || p.Param(t.Name) == nil {
				continue
			}
			names = append(names, t.Name)
			r.Taylor[t.Name] = make([]float64, t.Len())
		}
	}
	batches := 0
	for from := 0; from < f.samples; from += f.batch {
		grads, err := gradients(ctx, p, f, out, from, names)
		if err != nil {
			return nil, err
		}
		faults := make([]bool, len(names))
		parallel.For(workers, len(names), func(i int) {
			faults[i] = !addTaylor(r.Taylor[names[i]], grads[names[i]].Float32s(), p.Param(names[i]).Float32s())
		})
		for i, fault := range faults {
			if fault {
				return nil, &format.Damaged{Path: m.Path, Where: fmt.Sprintf("tensor %q", names[i]),
					Reason: fmt.Sprintf("it or its gradient on batch %d of the samples is NaN or infinite", batches+1)}
			}
		}
		batches++
	}
	for _, name := range names {
		for i := range r.Taylor[name] {
			r.Taylor[name][i] /= float64(batches)
		}
	}
	return r, nil
}

// gradients of the loss of one batch.
func gradients(ctx context.Context, p *exec.Program, f *feeder, out string, from int, names []string) (map[string]*exec.Array, error) {
	index := make([]int, 0, f.batch)
	for i := from; i < min(from+f.batch, f.samples); i++ {
		index = append(index, i)
	}
	in, labels, err := f.set.Batch(index)
	if err != nil {
		return nil, err
	}
	tape, err := p.Forward(ctx, map[string]*exec.Array{f.input: in}, exec.Train)
	if err != nil {
		return nil, err
	}
	defer tape.Release()
	_, _, seed, err := exec.CrossEntropy(tape.Value(out), labels)
	if err != nil {
		return nil, err
	}
	return tape.Backward(ctx, map[string]*exec.Array{out: seed}, names)
}

// addTaylor adds (g·w)² and reports whether all of them are finite.
func addTaylor(sum []float64, g, w []float32) bool {
	fine := true
	for i := range sum {
		x := float64(float64(g[i]) * float64(w[i])) // exact
		y := float64(x * x)
		fine = fine && y-y == 0
		sum[i] += y
	}
	return fine
}
