package graph

import "testing"

// What arithmetic leaves in the last digits is not shown.
func TestRounded(t *testing.T) {
	for v, want := range map[float64]float64{0.48999999999999994: 0.49, 0.3: 0.3, 1.0 / 3: 0.333333333333, 1e-30: 1e-30, 0: 0, 12345678: 12345678} {
		if got := rounded(v); got != want {
			t.Errorf("%v is %v, want %v", v, got, want)
		}
	}
}
