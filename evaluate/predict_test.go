package evaluate_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
)

// linear is a classifier with 3 inputs and 2 classes: logits = x·w, for batches of this size (-1: any).
func linear(batch int64, w []float32, softmax bool) *ir.Model {
	g := &ir.Graph{
		Name:    "linear",
		Inputs:  []*ir.Value{{Name: "x", DType: ir.Float32, Shape: ir.Shape{{Size: batch}, {Size: 3}}}},
		Outputs: []*ir.Value{{Name: "y", DType: ir.Float32}},
		Nodes:   []*ir.Node{{Name: "fc", Op: "MatMul", Inputs: []string{"x", "fc.weight"}, Outputs: []string{"y"}}},
	}
	if softmax {
		g.Nodes[0].Outputs[0] = "logits"
		g.Nodes = append(g.Nodes, &ir.Node{Op: "Softmax", Inputs: []string{"logits"}, Outputs: []string{"y"}})
	}
	g.SetTensor(ir.FromFloat32s("fc.weight", []int{3, 2}, w))
	return &ir.Model{IRVersion: 8, Opsets: []ir.Opset{{Version: 17}}, Graph: g}
}

var (
	weight = []float32{1, 0, 0, 1, 0.5, 0.25}
	set    = dataset.Memory{Shape: []int{3}, Inputs: []float32{2, 1, 0, 1, 2, 0, 1, 1, 0, 0, 0, 4, 3, 3, -4}, Labels: []int{0, 1, 1, 1, 0}}
	logits = []float32{2, 1, 1, 2, 1, 1, 2, 1, 1, 2}
)

func TestPredict(t *testing.T) {
	for _, c := range []struct {
		name  string
		m     *ir.Model
		batch int
	}{
		{"any batch", linear(-1, weight, false), 0},
		{"one by one", linear(-1, weight, false), 1},
		{"batches that do not divide", linear(-1, weight, false), 2},
		{"fixed batch", linear(3, weight, false), 1},
		{"softmax", linear(-1, weight, true), 4},
	} {
		var progress []int
		p, err := evaluate.Predict(context.Background(), c.m, set, evaluate.PredictOptions{Batch: c.batch, Workers: 2,
			Progress: func(done, total int) { progress = append(progress, done, total) }})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !slices.Equal(p.Logits, logits) || !slices.Equal(p.Labels, set.Labels) || p.Classes != 2 || p.Len() != 5 {
			t.Errorf("%s: %+v", c.name, p)
		}
		if n := len(progress); n < 2 || progress[n-1] != 5 || progress[n-2] != 5 {
			t.Errorf("%s: progress %v", c.name, progress)
		}
	}
}

func TestPredictRefuses(t *testing.T) {
	two := linear(-1, weight, false)
	two.Graph.Inputs = append(two.Graph.Inputs, &ir.Value{Name: "z", DType: ir.Float32})
	two.Graph.Nodes = append(two.Graph.Nodes, &ir.Node{Op: "Relu", Inputs: []string{"z"}, Outputs: []string{"zz"}})
	two.Graph.Outputs = append(two.Graph.Outputs, &ir.Value{Name: "zz"})
	scalar := linear(-1, weight, false)
	scalar.Graph.Nodes = append(scalar.Graph.Nodes, &ir.Node{Op: "ReduceMean", Inputs: []string{"y"}, Outputs: []string{"m"},
		Attrs: []ir.Attr{ir.IntAttr("keepdims", 0)}})
	scalar.Graph.Outputs = []*ir.Value{{Name: "m"}}
	labels := set
	labels.Labels = []int{0, 1, 2, 1, 0}
	for _, c := range []struct {
		name string
		m    *ir.Model
		set  dataset.Set
		want string
	}{
		{"two inputs", two, set, "the model takes 2 inputs; images go into exactly one"},
		{"no row for each sample", scalar, set, "it must have a row for each sample"},
		{"label beyond the classes", linear(-1, weight, false), labels, "sample 2 has label 2; the model tells 2 classes apart"},
		{"empty set", linear(-1, weight, false), dataset.Memory{Shape: []int{3}}, "the data set has no samples"},
		{"other shape", linear(-1, weight, false), dataset.Memory{Shape: []int{4}, Inputs: make([]float32, 4)}, "x"},
	} {
		_, err := evaluate.Predict(context.Background(), c.m, c.set, evaluate.PredictOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := evaluate.Predict(ctx, linear(-1, weight, false), set, evaluate.PredictOptions{}); err == nil {
		t.Error("a cancelled context did not stop it")
	}
}

func TestRanks(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	p := &evaluate.Predictions{Classes: 3, Logits: []float32{1, 3, 2, 5, 5, 5, nan, 9, 1, inf, 0, 0}}
	for i, want := range []int{1, 0, -1, -1} {
		if got := p.Top(i); got != want {
			t.Errorf("top of %v is %d, want %d", p.Row(i), got, want)
		}
	}
	for c, want := range []int{2, 0, 1} {
		if got := p.Rank(0, c); got != want {
			t.Errorf("rank of %d is %d, want %d", c, got, want)
		}
	}
	for c := range 3 {
		if got := p.Rank(1, c); got != c {
			t.Errorf("rank of %d among equals is %d", c, got)
		}
	}
	if p.NonFinite() != 2 || p.NonFiniteNote() != "2 of 4 samples gave logits that are not finite" {
		t.Errorf("%d, %q", p.NonFinite(), p.NonFiniteNote())
	}
}

func TestLogSoftmax(t *testing.T) {
	got := evaluate.LogSoftmax([]float32{1, 2, 3})
	for i, want := range []float64{-2.4076059644443806, -1.4076059644443806, -0.4076059644443806} {
		if math.Abs(got[i]-want) > 1e-15 {
			t.Errorf("%v, want %v", got[i], want)
		}
	}
	if got := evaluate.LogSoftmax([]float32{-3e38, 3e38}); got[0] != -6e38*1 && math.Abs(got[0]/-6e38-1) > 1e-6 || got[1] != 0 {
		t.Errorf("far apart: %v", got)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, v := range evaluate.LogSoftmax([]float32{1, float32(bad), 2}) {
			if !math.IsNaN(v) {
				t.Errorf("with %v: %v", bad, v)
			}
		}
	}
}
