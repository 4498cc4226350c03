package golden

import (
	"context"
	"fmt"
	"hash"
	"math"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/passes/passtest"
)

// network is a small model with a batch of inputs for it.
type network struct {
	name  string
	model func() *ir.Model
	input map[string]*exec.Array
}

func networks() []network {
	x, _, err := passtest.Samples(6, 1, 8, 8).Batch([]int{0, 1, 2, 3, 4, 5})
	if err != nil {
		panic(err)
	}
	all := []network{{"resnet", resnet, map[string]*exec.Array{"image": x}}}
	tokens := exec.FromInts([]int64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}, 2, 6)
	for _, t := range []struct {
		name  string
		shape build.Transformer
	}{
		{"llama", build.Transformer{KVHeads: 2, Tied: true}},
		{"gpt2", build.Transformer{Names: "gpt2", LayerNorm: true, Plain: true, Fused: "Split"}},
		{"neox", build.Transformer{Names: "neox", LayerNorm: true, Plain: true, Parallel: true}},
		{"bert", build.Transformer{Names: "bert", LayerNorm: true, Plain: true, PostNorm: true, NoHead: true}},
	} {
		t.shape.Spelled = true // in the operators of ONNX, which the executor runs
		t.shape.Vocabulary, t.shape.Width, t.shape.Hidden, t.shape.Blocks, t.shape.Heads = 11, 16, 24, 1, 4
		all = append(all, network{t.name, func() *ir.Model { return transformer(t.shape) }, map[string]*exec.Array{"input_ids": tokens}})
	}
	return all
}

// resnet is passtest.ResNet with one block a stage.
func resnet() *ir.Model {
	b := build.New("resnet", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: []int{8, 16}, Blocks: 1, Classes: 5})
	m := b.Model()
	passtest.Shake(m)
	return m
}

func transformer(shape build.Transformer) *ir.Model {
	b := build.New("transformer", 23)
	b.Transformer(shape)
	m := b.Model()
	passtest.Shake(m)
	return m
}

// executorCases are a forward and a backward pass of each network and 20 steps of training with each optimizer.
func executorCases() (cases []testCase) {
	for _, n := range networks() {
		cases = append(cases, testCase{name: n.name, compute: func(t *testing.T, h how) result {
			return n.runAndTrain(t, h)
		}})
	}
	return cases
}

func (n network) runAndTrain(t *testing.T, h how) result {
	ctx := context.Background()
	r := result{}
	m := n.model()
	compile := func() *exec.Program {
		p, err := exec.Compile(m, exec.Options{Workers: h.workers})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := compile()
	out, err := p.Run(ctx, n.input)
	if err != nil {
		t.Fatal(err)
	}
	r["forward"] = ofArrays(out)
	_, grads := n.gradients(t, p, exec.Train)
	r["gradient"] = ofArrays(grads)
	for _, o := range []struct {
		name  string
		optim exec.Optimizer
		mode  exec.Mode
	}{
		{"sgd", &exec.SGD{LearningRate: 0.02, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-3}, exec.TrainNorm},
		{"adamw", &exec.AdamW{LearningRate: 0.01, WeightDecay: 0.1}, exec.Train},
	} {
		p := compile()
		schedule := exec.Warmup(3, exec.Cosine(20))
		first, last := 0.0, 0.0
		for step := range 20 {
			loss, grads := n.gradients(t, p, o.mode)
			if err := o.optim.Step(p, grads, schedule(step)); err != nil {
				t.Fatal(err)
			}
			if last = loss; step == 0 {
				first = loss
			}
		}
		if !(last < first) {
			t.Errorf("%s: the loss went from %v to %v", o.name, first, last)
		}
		params := map[string]*exec.Array{}
		for _, name := range p.Params() {
			params[name] = p.Param(name)
		}
		r["20 steps of "+o.name] = sum(func(h hash.Hash) {
			fmt.Fprintf(h, "%s %x", ofArrays(params), math.Float64bits(last))
		})
	}
	return r
}

// gradients of the mean cross-entropy of the rows of the first output with labels 0, 1, 2 …
func (n network) gradients(t *testing.T, p *exec.Program, mode exec.Mode) (float64, map[string]*exec.Array) {
	t.Helper()
	ctx := context.Background()
	tape, err := p.Forward(ctx, n.input, mode)
	if err != nil {
		t.Fatal(err)
	}
	defer tape.Release()
	name := p.OutputNames()[0]
	y := tape.Value(name)
	classes := y.Shape[len(y.Shape)-1]
	labels := make([]int, y.Len()/classes)
	for i := range labels {
		labels[i] = (3*i + 1) % min(classes, 5)
	}
	loss, _, seed, err := exec.CrossEntropy(exec.FromFloats(y.Float32s(), len(labels), classes), labels)
	if err != nil {
		t.Fatal(err)
	}
	seed.Shape = y.Shape
	grads, err := tape.Backward(ctx, map[string]*exec.Array{name: seed}, p.Trainable())
	if err != nil {
		t.Fatal(err)
	}
	return loss, grads
}
