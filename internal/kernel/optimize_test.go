package kernel

import (
	"math"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

func TestMomentum(t *testing.T) {
	for _, nesterov := range []bool{false, true} {
		s := Momentum{Rate: 0.1, Momentum: 0.9, Decay: 0.01, Nesterov: nesterov}
		w, v := []float32{2}, []float32{0.5}
		s.Update(w, v, []float32{-1})
		d := -1 + 0.01*2.0
		velocity := 0.9*0.5 + d
		step := velocity
		if nesterov {
			step = d + 0.9*velocity
		}
		if math.Abs(float64(v[0])-velocity) > 1e-6 || math.Abs(float64(w[0])-(2-0.1*step)) > 1e-6 {
			t.Errorf("nesterov %v: w is %v, v is %v; want %v, %v", nesterov, w[0], v[0], 2-0.1*step, velocity)
		}
	}
}

func TestAdam(t *testing.T) {
	s := Adam{Beta1: 0.9, Rest1: 0.1, Beta2: 0.99, Rest2: 0.01, Step: 0.5, Scale: 3, Epsilon: 1e-3, Shrink: 0.02}
	w, m, v := []float32{2}, []float32{0.5}, []float32{0.25}
	s.Update(w, m, v, []float32{-1})
	mean, square := 0.9*0.5-0.1, 0.99*0.25+0.01
	want := 2 - 0.5*mean/(math.Sqrt(square)*3+1e-3) - 0.02*2
	if math.Abs(float64(w[0])-want) > 1e-6 || math.Abs(float64(m[0])-mean) > 1e-6 || math.Abs(float64(v[0])-square) > 1e-6 {
		t.Errorf("w is %v, m is %v, v is %v; want %v, %v, %v", w[0], m[0], v[0], want, mean, square)
	}
}

// TestUpdatesAreEqual compares the implementations with the plain one, in slices of all lengths between guards.
func TestUpdatesAreEqual(t *testing.T) {
	updates := []struct {
		name  string
		slots int
		run   func(x [][]float32)
	}{
		{"Momentum", 3, func(x [][]float32) { (&Momentum{Rate: 0.1, Momentum: 0.9, Decay: 0.01}).Update(x[0], x[1], x[2]) }},
		{"Nesterov", 3, func(x [][]float32) {
			(&Momentum{Rate: 0.1, Momentum: 0.9, Decay: 0.01, Nesterov: true}).Update(x[0], x[1], x[2])
		}},
		{"Adam", 4, func(x [][]float32) {
			for i, v := range x[2] {
				x[2][i] = float32(math.Abs(float64(v)))
			}
			(&Adam{Beta1: 0.9, Rest1: 0.1, Beta2: 0.99, Rest2: 0.01, Step: 0.5, Scale: 3, Epsilon: 1e-3, Shrink: 0.02}).Update(x[0], x[1], x[2], x[3])
		}},
	}
	for _, u := range updates {
		for n := range 40 {
			results := map[string][][]float32{}
			eachImplementation(func() {
				r := rng.New(15, u.name)
				x := make([][]float32, u.slots)
				guards := make([]func() error, u.slots)
				for i := range x {
					x[i], guards[i] = guarded(n)
					copy(x[i], fill(r, kinds[n%len(kinds)], n))
				}
				u.run(x)
				for _, guard := range guards {
					if err := guard(); err != nil {
						t.Fatalf("%s %s of %d floats: %v", tiles.name, u.name, n, err)
					}
				}
				results[tiles.name] = x
			})
			for name, x := range results {
				for i := range x {
					if err := sameBits(x[i], results["plain"][i]); err != nil {
						t.Fatalf("%s %s of %d floats, slice %d: %v", name, u.name, n, i, err)
					}
				}
			}
		}
	}
}
