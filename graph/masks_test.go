package graph

import (
	"math"
	"testing"
)

func TestMaskPut(t *testing.T) {
	w := make([]float32, 300)
	for i := range w {
		w[i] = []float32{0, 1, float32(math.Copysign(0, -1)), 1e-45, float32(math.NaN()), -3}[i*i%6]
	}
	for _, step := range []int{1, 7, 64, 100, 300} {
		z := newMask(len(w))
		for from := 0; from < len(w); from += step {
			z.put(from, w[from:min(len(w), from+step)])
		}
		for i, v := range w {
			if got := z.words[i/64]>>(i%64)&1 == 1; got != (v == 0) {
				t.Fatalf("%d at a time: element %d, %g, is zero: %t", step, i, v, got)
			}
		}
	}
}
