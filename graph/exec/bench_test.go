package exec

import (
	"context"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/rng"
)

// residual is a network of the size of the example model: 28x28 images, 10 classes.
func residual(widths []int, blocks int) *ir.Model { return residualOf(28, widths, blocks) }

func residualOf(size int, widths []int, blocks int) *ir.Model {
	b := build.New("residual", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: size, Widths: widths, Blocks: blocks, Classes: 10})
	return b.Model()
}

// images makes a batch of random images and labels.
func images(seed uint64, n, size int) (*Array, []int) {
	r := rng.New(seed, "images")
	x, labels := NewArray(ir.Float32, n, 1, size, size), make([]int, n)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(r.Normal())
	}
	for i := range labels {
		labels[i] = r.Intn(10)
	}
	return x, labels
}

const benchBatch = 64

func benchProgram(b *testing.B) (*Program, map[string]*Array, []int) {
	p, err := Compile(residual([]int{16, 32, 64}, 2), Options{})
	if err != nil {
		b.Fatal(err)
	}
	x, labels := images(1, benchBatch, 28)
	return p, map[string]*Array{"image": x}, labels
}

func BenchmarkForward(b *testing.B) {
	p, in, _ := benchProgram(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Run(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(benchBatch)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}

func BenchmarkTrainingStep(b *testing.B) {
	p, in, labels := benchProgram(b)
	optim := &SGD{LearningRate: 0.01, Momentum: 0.9, WeightDecay: 1e-4}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := trainingStep(p, in, labels, optim, TrainNorm); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(benchBatch)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}

// trainingStep moves all trainable parameters once and returns the loss.
func trainingStep(p *Program, in map[string]*Array, labels []int, optim Optimizer, mode Mode) (float64, error) {
	ctx := context.Background()
	tape, err := p.Forward(ctx, in, mode)
	if err != nil {
		return 0, err
	}
	defer tape.Release()
	loss, _, seed, err := CrossEntropy(tape.Value("logits"), labels)
	if err != nil {
		return 0, err
	}
	grads, err := tape.Backward(ctx, map[string]*Array{"logits": seed}, p.Trainable())
	if err != nil {
		return 0, err
	}
	return loss, optim.Step(p, grads, 1)
}
