package measure_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/dataset"
)

// double computes relu(2x + 1) and leaves a branch on constants alone beside it.
func double() *ir.Model {
	b := build.New("double", 17)
	x := b.Input("x", ir.Float32, "batch", 2)
	c := b.Op("Sqrt", "root", []string{b.Floats("four", nil, 4)})
	y := b.Mul(x, c)
	y = b.Add(y, b.Floats("one", nil, 1))
	b.Output(b.Relu(y), ir.Float32, "batch", 2)
	return b.Model()
}

var samples = dataset.Memory{Shape: []int{2}, Inputs: []float32{1, 2, -3, 0.5, 10, 0, -1, 4}}

func TestRanges(t *testing.T) {
	n := measure.Need{Kind: "range", Batch: 3, Observer: measure.Observer{Kind: "minmax"}}
	r, err := measure.Make(context.Background(), double(), samples, n, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]measure.Range{"x": {-3, 10}, "Mul_0_out": {-6, 20}, "Add_0_out": {-5, 21}, "Relu_0_out": {0, 21}}
	if !reflect.DeepEqual(r.Ranges, want) || r.Samples != 4 {
		t.Errorf("%d samples, ranges %v, want %v", r.Samples, r.Ranges, want)
	}
	n.Samples = 2
	if r, err = measure.Make(context.Background(), double(), samples, n, 1); err != nil {
		t.Fatal(err)
	}
	if got := r.Ranges["x"]; got != (measure.Range{Lo: -3, Hi: 2}) || r.Samples != 2 {
		t.Errorf("of %d samples x has %v", r.Samples, got)
	}
}

// The same numbers for any number of workers, with every observer.
func TestWorkersDoNotMatter(t *testing.T) {
	b := build.New("resnet", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: []int{4, 8}, Blocks: 1, Classes: 3})
	m := b.Model()
	set := dataset.Memory{Shape: []int{1, 8, 8}, Inputs: make([]float32, 64*20)}
	for i := range set.Inputs {
		set.Inputs[i] = float32(math.Sin(float64(i) * 1.7))
	}
	for _, kind := range []string{"minmax", "ema_minmax", "percentile", "mse", "entropy"} {
		n := measure.Need{Kind: "range", Batch: 6, Observer: measure.Observer{Kind: kind, Percentile: 99.9}}
		one, err := measure.Make(context.Background(), m, set, n, 1)
		if err != nil {
			t.Fatal(err)
		}
		three, err := measure.Make(context.Background(), m, set, n, 3)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(one, three) {
			t.Errorf("%s differs between 1 and 3 workers", kind)
		}
		if len(one.Ranges) < 20 {
			t.Errorf("%s saw only %d values", kind, len(one.Ranges))
		}
	}
}

// A value that is not a number anywhere is named, with how many there are.
func TestNonFiniteIsNamed(t *testing.T) {
	b := build.New("bad", 17)
	x := b.Input("x", ir.Float32, "batch", 2)
	b.Output(b.Op("Sqrt", "root", []string{x}), ir.Float32, "batch", 2)
	n := measure.Need{Kind: "range", Batch: 4, Observer: measure.Observer{Kind: "mse"}}
	_, err := measure.Make(context.Background(), b.Model(), samples, n, 2)
	var d *format.Damaged
	if !errors.As(err, &d) {
		t.Fatalf("error is %v, want a *format.Damaged", err)
	}
	if want := `value "root_out": holds 2 NaN and 0 infinite of 8 numbers on calibration samples of batch 1`; d.Error() != want {
		t.Errorf("error is %q, want %q", d, want)
	}
}

// A model whose batch size is fixed gets whole batches of that size.
func TestFixedBatch(t *testing.T) {
	m := double()
	m.Graph.Inputs[0].Shape[0] = ir.Dim{Size: 3}
	n := measure.Need{Kind: "range", Batch: 1, Observer: measure.Observer{Kind: "minmax"}}
	r, err := measure.Make(context.Background(), m, samples, n, 1)
	if err != nil {
		t.Fatal(err)
	}
	if r.Samples != 3 {
		t.Errorf("%d samples taken, want 3", r.Samples)
	}
}

func TestNothingToMeasure(t *testing.T) {
	n := measure.Need{Kind: "range", Batch: 1, Observer: measure.Observer{Kind: "minmax"}}
	if _, err := measure.Make(context.Background(), double(), dataset.Memory{Shape: []int{2}}, n, 1); err == nil {
		t.Error("an empty set is accepted")
	}
	n.Kind = "hessian"
	if _, err := measure.Make(context.Background(), double(), samples, n, 1); err == nil {
		t.Error("an unknown measurement is accepted")
	}
}
