package stats

import (
	"fmt"
	"math"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

func TestPercentile(t *testing.T) {
	x := []float64{5, 1, 4, 2, 3, 10, 9, 8, 7, 6}
	for _, c := range []struct {
		percent int
		want    float64
	}{{1, 1}, {10, 1}, {11, 2}, {50, 5}, {90, 9}, {95, 10}, {99, 10}, {100, 10}} {
		if got := Percentile(x, c.percent); got != c.want {
			t.Errorf("percentile %d is %v, want %v", c.percent, got, c.want)
		}
	}
	if !math.IsNaN(Percentile(nil, 50)) {
		t.Error("nothing has a percentile")
	}
	if x[0] != 5 {
		t.Error("the list was sorted in place")
	}
}

// The ranks of the bounds, from tables of the binomial distribution: Conover, "Practical Nonparametric Statistics", 1999,
// table A3, gives 6 and 15 of 20 as a two-sided interval of the median at 95.9%, so each at 97.9%.
func TestPercentileBounds(t *testing.T) {
	for _, c := range []struct {
		n, percent int
		confidence float64
		low, high  float64
	}{
		{20, 50, 0.979, 6, 15},
		{5, 50, 0.95, 1, 5},
		{4, 50, 0.95, math.Inf(-1), math.Inf(1)},
		{298, 99, 0.95, 292, math.Inf(1)},
		{299, 99, 0.95, 293, 299},
		{59, 95, 0.95, 53, 59},
		{0, 99, 0.95, math.Inf(-1), math.Inf(1)},
	} {
		x := make([]float64, c.n)
		for i := range x {
			x[i] = float64(c.n - i)
		}
		b := PercentileBounds(x, c.percent, c.confidence)
		if b.Low != c.low || b.High != c.high || b.Method != "exact" {
			t.Errorf("%+v: %+v", c, b)
		}
	}
}

// Each bound holds at least as often as it says, whatever the distribution, ties too.
func TestPercentileBoundsHold(t *testing.T) {
	r := rng.New(3, "percentiles")
	const trials = 2000
	for _, percent := range []int{50, 90, 99} {
		for _, n := range []int{40, 400} {
			for _, steps := range []float64{1e9, 20} { // nearly continuous, and twenty values
				low, high := 0, 0
				truth := math.Ceil(float64(percent)/100*steps) / steps
				x := make([]float64, n)
				for range trials {
					for i := range x {
						x[i] = math.Floor(r.Float64()*steps+1) / steps
					}
					b := PercentileBounds(x, percent, 0.95)
					if b.Low <= truth {
						low++
					}
					if b.High >= truth {
						high++
					}
				}
				name := fmt.Sprintf("p%d of %d samples, %v values", percent, n, steps)
				if low < 94*trials/100 || high < 94*trials/100 {
					t.Errorf("%s: the lower bound holds in %d, the upper in %d of %d", name, low, high, trials)
				}
			}
		}
	}
}

func TestPercentileNeeds(t *testing.T) {
	for percent, want := range map[int][2]int{50: {5, 2}, 90: {29, 10}, 95: {59, 20}, 99: {299, 100}} {
		sure, any := PercentileNeeds(percent, 0.95), PercentileNeeds(percent, 0)
		if sure != want[0] || any != want[1] {
			t.Errorf("p%d needs %d and %d, want %d", percent, sure, any, want)
		}
		x := make([]float64, sure)
		if math.IsInf(PercentileBounds(x, percent, 0.95).High, 0) || !math.IsInf(PercentileBounds(x[1:], percent, 0.95).High, 0) {
			t.Errorf("p%d: %d samples are not the fewest that have a bound", percent, sure)
		}
	}
}
