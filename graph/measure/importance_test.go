package measure_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/dataset"
)

// linear is y = x·w with two inputs and two classes, w = [1 2; 3 4].
func linear(softmax bool) *ir.Model {
	b := build.New("linear", 17)
	x := b.Input("x", ir.Float32, "batch", 2)
	y := b.Op("MatMul", "fc", []string{x, b.Floats("fc.weight", []int{2, 2}, 1, 2, 3, 4)})
	if softmax {
		y = b.Softmax(y)
	}
	b.Output(y, ir.Float32, "batch", 2)
	return b.Model()
}

// The gradient of the cross-entropy of a linear classifier is xᵀ(p − onehot), averaged over the batch.
func TestGradients(t *testing.T) {
	set := dataset.Memory{Shape: []int{2}, Inputs: []float32{1, 0, 0, 2, 1, 1}, Labels: []int{0, 1, 0}}
	w := []float64{1, 2, 3, 4}
	want := make([]float64, 4)
	for _, batch := range [][]int{{0, 1}, {2}} {
		g := make([]float64, 4)
		for _, i := range batch {
			x := set.Inputs[2*i : 2*i+2]
			z0 := float64(x[0])*w[0] + float64(x[1])*w[2]
			z1 := float64(x[0])*w[1] + float64(x[1])*w[3]
			p := [2]float64{1 / (1 + math.Exp(z1-z0)), 1 / (1 + math.Exp(z0-z1))}
			p[set.Labels[i]]--
			for k := range g {
				g[k] += float64(x[k/2]) * p[k%2] / float64(len(batch))
			}
		}
		for k := range want {
			want[k] += g[k] * w[k] * g[k] * w[k] / 2
		}
	}
	for _, softmax := range []bool{false, true} {
		n := measure.Need{Kind: "taylor", Data: "d", Batch: 2}
		r, err := measure.Make(context.Background(), linear(softmax), set, n, 1)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range r.Taylor["fc.weight"] {
			if math.Abs(v-want[k]) > 1e-6 {
				t.Errorf("element %d: %v, want %v", k, v, want[k])
			}
		}
		if r.Samples != 3 {
			t.Errorf("%d samples", r.Samples)
		}
	}
	set.Labels = nil
	if _, err := measure.Make(context.Background(), linear(false), set, measure.Need{Kind: "taylor", Data: "d"}, 1); err == nil || !strings.Contains(err.Error(), "data set d has no labels") {
		t.Error(err)
	}
}

func TestActivations(t *testing.T) {
	b := build.New("m", 17)
	x := b.Input("x", ir.Float32, "batch", 1, 1, 2)
	y := b.Op("Conv", "c", []string{x, b.Floats("c.weight", []int{2, 1, 1, 1}, 1, -2)})
	y = b.Relu(y)
	y = b.Flatten(y)
	y = b.Op("MatMul", "fc", []string{y, b.Floats("fc.weight", []int{4, 1}, 1, 1, 1, 1)})
	b.Output(y, ir.Float32, "batch", 1)
	set := dataset.Memory{Shape: []int{1, 1, 2}, Inputs: []float32{1, -3, 2, 5}}
	for _, batch := range []int{1, 2, 10} {
		r, err := measure.Make(context.Background(), b.Model(), set, measure.Need{Kind: "activation", Data: "d", Batch: batch}, 2)
		if err != nil {
			t.Fatal(err)
		}
		// Behind the Relu: channel 0 is 1 0 2 5, channel 1 is 0 6 0 0.
		if c := r.Channels["c"]; fmt.Sprint(c) != "{[0.25 0.75] [2 1.5]}" {
			t.Errorf("conv: %v", c)
		}
		// No function behind it: 1+6, 2+5.
		if c := r.Channels["fc"]; c.APoZ != nil || fmt.Sprint(c.Mean) != "[7]" {
			t.Errorf("linear: %v", c)
		}
	}
}

func TestAfter(t *testing.T) {
	b := build.New("m", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: []int{4}, Blocks: 1, Classes: 3})
	m := b.Model()
	for layer, want := range map[string]measure.Activation{
		"stem.conv":           {Value: "Relu_0_out", Op: "Relu", Zeros: true},
		"stage1.block1.conv1": {Value: "Relu_1_out", Op: "Relu", Zeros: true},
		"stage1.block1.conv2": {Value: "Relu_2_out", Op: "Relu", Zeros: true}, // behind the addition
		"head":                {Value: "logits"},
	} {
		l, _ := m.Layer(layer)
		if got := measure.After(m.Graph, l); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", layer, got, want)
		}
	}
	for bound, zeros := range map[float32]bool{0: true, -1: false} {
		b := build.New("m", 17)
		x := b.Input("x", ir.Float32, "batch", 1, 2, 2)
		y := b.Clip(b.Conv("c", x, build.Conv{In: 1, Out: 2, Kernel: 1}), bound, 6)
		b.Output(y, ir.Float32, "batch", 2, 2, 2)
		set := dataset.Memory{Shape: []int{1, 2, 2}, Inputs: make([]float32, 8)}
		r, err := measure.Make(context.Background(), b.Model(), set, measure.Need{Kind: "activation"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Channels["c"].APoZ != nil; got != zeros {
			t.Errorf("Clip from %v: share of zeros known %v", bound, got)
		}
	}
}
