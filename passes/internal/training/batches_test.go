package training

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/rng"
	"github.com/pare-ml/pare/passes"
)

func TestBatchesDrawWithoutReplacement(t *testing.T) {
	set := dataset.Memory{Shape: []int{1}, Inputs: make([]float32, 10), Labels: make([]int, 10)}
	b, err := newBatches(set, &Params{Batch: 4}, (&passes.Site{Seed: 7}).Rand)
	if err != nil {
		t.Fatal(err)
	}
	var drawn []int
	for step := range 4 {
		batch, err := b.at(step)
		if err != nil {
			t.Fatal(err)
		}
		drawn = append(drawn, batch.Index...)
	}
	for _, epoch := range [][]int{drawn[:8], drawn[8:]} {
		sorted := slices.Sorted(slices.Values(epoch))
		if len(slices.Compact(sorted)) != 8 {
			t.Errorf("an epoch draws %v", epoch)
		}
	}
	if slices.Equal(drawn[:8], drawn[8:]) {
		t.Error("two epochs have one order")
	}
}

// Every image that augmenting can make of a 2x3 image is there, and no other.
func TestAugment(t *testing.T) {
	seen := map[string]bool{}
	r := rng.New(1)
	for range 400 {
		out, err := (&Augment{Shift: 1, Flip: true}).apply(exec.FromFloats([]float32{1, 2, 3, 4, 5, 6}, 1, 1, 2, 3), r)
		if err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprint(out.Float32s())] = true
	}
	if len(seen) != 18 { // 3 shifts down, 3 to the side, mirrored or not
		t.Errorf("%d images", len(seen))
	}
	for _, want := range []string{"[1 2 3 4 5 6]", "[3 2 1 6 5 4]", "[2 3 3 5 6 6]", "[4 5 6 4 5 6]"} {
		if !seen[want] {
			t.Errorf("%s is not among them", want)
		}
	}
	if _, err := (&Augment{}).apply(exec.FromFloats(make([]float32, 4), 2, 2), r); err == nil {
		t.Error("a vector was augmented")
	}
}

func TestSchedule(t *testing.T) {
	for _, c := range []struct {
		p    Params
		want string
	}{
		{Params{Steps: 4, Schedule: Schedule{Kind: "constant"}}, "1.000 1.000 1.000 1.000 "},
		{Params{Steps: 4, Schedule: Schedule{Kind: "linear"}}, "1.000 0.750 0.500 0.250 "},
		{Params{Steps: 4, Schedule: Schedule{Kind: "linear", End: 0.2}}, "1.000 0.800 0.600 0.400 "},
		{Params{Steps: 4, Schedule: Schedule{Kind: "cosine"}}, "1.000 0.854 0.500 0.146 "},
		{Params{Steps: 5, Schedule: Schedule{Kind: "linear"}, Optimizer: Optimizer{Warmup: 3}}, "0.250 0.500 0.750 1.000 0.500 "},
	} {
		s, got := schedule(&c.p), ""
		for step := range c.p.Steps {
			got += fmt.Sprintf("%.3f ", s(step))
		}
		if got != c.want {
			t.Errorf("%+v: %s, want %s", c.p, got, c.want)
		}
	}
}
