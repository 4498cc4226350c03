package main

import (
	"context"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/internal/rng"
)

func noise(n int) *exec.Array {
	x := exec.NewArray(1, n, 1, 28, 28)
	r := rng.New(1, "noise")
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(r.Normal())
	}
	return x
}

// BenchmarkForward is one image a operation, in batches of 100.
func BenchmarkForward(b *testing.B) {
	p, err := exec.Compile(network(), exec.Options{})
	if err != nil {
		b.Fatal(err)
	}
	in := map[string]*exec.Array{"image": noise(100)}
	for b.Loop() {
		if _, err := p.Run(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "images/s")
}

// BenchmarkStep is a training step on a batch of 128 images with statistics of the batch.
func BenchmarkStep(b *testing.B) {
	p, err := exec.Compile(network(), exec.Options{})
	if err != nil {
		b.Fatal(err)
	}
	labels := make([]int, batch)
	in, out := map[string]*exec.Array{"image": noise(batch)}, p.OutputNames()[0]
	for b.Loop() {
		tape, err := p.Forward(context.Background(), in, exec.TrainNorm)
		if err != nil {
			b.Fatal(err)
		}
		_, _, grad, err := exec.CrossEntropy(tape.Value(out), labels)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tape.Backward(context.Background(), map[string]*exec.Array{out: grad}, p.Params()); err != nil {
			b.Fatal(err)
		}
		tape.Release()
	}
	b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "images/s")
}
