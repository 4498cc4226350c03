package measure

import (
	"math"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

// see feeds x to an observer as two batches and returns the range that it chooses.
func see(t *testing.T, o Observer, x []float32) Range {
	t.Helper()
	choose, err := observer(o)
	if err != nil {
		t.Fatal(err)
	}
	v := &observed{bins: make([]int64, histogramBins)}
	half := len(x) / 2
	for _, part := range [][]float32{x[:half], x[half:]} {
		if fault := v.extend(part); fault != "" {
			t.Fatal(fault)
		}
	}
	v.bin(x[:half], o.Symmetric)
	v.bin(x[half:], o.Symmetric)
	return choose(v)
}

func TestExtremes(t *testing.T) {
	x := []float32{1, 2, -0.5, 8} // batches 1, 2 and -0.5, 8
	tests := []struct {
		o    Observer
		want Range
	}{
		{Observer{Kind: "minmax"}, Range{-0.5, 8}},
		{Observer{Kind: "minmax", Symmetric: true}, Range{-8, 8}},
		{Observer{Kind: "ema_minmax"}, Range{0.99*0 - 0.01*0.5, 0.99*2 + 0.01*8}},
		{Observer{Kind: "percentile", Percentile: 100}, Range{-0.5, 8}},
		{Observer{Kind: "mse"}, Range{-0.5, 8}},
	}
	for _, tt := range tests {
		got := see(t, tt.o, x)
		if math.Abs(got.Lo-tt.want.Lo) > 1e-9 || math.Abs(got.Hi-tt.want.Hi) > 1e-9 {
			t.Errorf("%+v gives %v, want %v", tt.o, got, tt.want)
		}
	}
}

// A range always holds zero, and values that are all zero give an empty range.
func TestRangeHoldsZero(t *testing.T) {
	for _, kind := range []string{"minmax", "ema_minmax", "percentile", "mse", "entropy"} {
		for _, symmetric := range []bool{false, true} {
			o := Observer{Kind: kind, Percentile: 99.9, Symmetric: symmetric}
			for _, x := range [][]float32{{3, 4, 5, 6}, {-3, -4, -5, -6}, {0, 0, 0, 0}, {1e-45, 1e-45}, {7, 7}} {
				r := see(t, o, x)
				if !(r.Lo <= 0 && r.Hi >= 0) || math.IsInf(r.Lo, 0) || math.IsInf(r.Hi, 0) {
					t.Errorf("%+v on %v gives %v", o, x, r)
				}
			}
		}
	}
}

func TestPercentileCutsTails(t *testing.T) {
	x := make([]float32, 100_000)
	for i := range x {
		x[i] = float32(i) / 100_000 // uniform in [0, 1)
	}
	r := see(t, Observer{Kind: "percentile", Percentile: 90}, x)
	if r.Lo != 0 || math.Abs(r.Hi-0.9) > 0.001 {
		t.Errorf("positive values: %v, want 0 to 0.9", r)
	}
	for i := range x {
		x[i] -= 0.5
	}
	r = see(t, Observer{Kind: "percentile", Percentile: 90}, x)
	if math.Abs(r.Lo+0.45) > 0.001 || math.Abs(r.Hi-0.45) > 0.001 {
		t.Errorf("both signs: %v, want -0.45 to 0.45", r)
	}
	r = see(t, Observer{Kind: "percentile", Percentile: 90, Symmetric: true}, x)
	if math.Abs(r.Lo+0.45) > 0.001 || math.Abs(r.Hi-0.45) > 0.001 {
		t.Errorf("magnitudes: %v, want -0.45 to 0.45", r)
	}
}

// One far outlier among many small values: minmax keeps it, the others cut it, down to what each allows.
func TestOutlier(t *testing.T) {
	r := rng.New(1, "test", "outlier")
	x := make([]float32, 200_000)
	for i := range x {
		x[i] = float32(r.Normal())
	}
	x[77] = 40
	for _, tt := range []struct {
		kind   string
		lo, hi float64
	}{{"minmax", 40, 40}, {"percentile", 3, 5}, {"mse", 19.9, 39}, {"entropy", 3, 12}} {
		got := see(t, Observer{Kind: tt.kind, Percentile: 99.99}, x)
		if got.Hi < tt.lo || got.Hi > tt.hi {
			t.Errorf("%s gives %v, want a top between %g and %g", tt.kind, got, tt.lo, tt.hi)
		}
	}
}

func TestNonFinite(t *testing.T) {
	v := &observed{}
	fault := v.extend([]float32{1, float32(math.NaN()), float32(math.Inf(-1)), 2})
	if want := "1 NaN and 1 infinite of 4 numbers"; fault != want {
		t.Errorf("fault is %q, want %q", fault, want)
	}
}

func TestUnknownObserver(t *testing.T) {
	for _, o := range []Observer{{Kind: "maxmin"}, {Kind: "percentile"}, {Kind: "minmax", Bits: 4}} {
		if _, err := observer(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
