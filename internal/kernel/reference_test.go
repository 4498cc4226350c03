package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

// referenceGemm computes what the comment of Gemm says, word by word.
func referenceGemm(m, n, k int, a []float32, ars, acs int, b []float32, brs, bcs int, c []float32, ldc int, accumulate bool) {
	for i := range m {
		for j := range n {
			var sum float32
			if accumulate {
				sum = c[i*ldc+j]
			}
			for p := range k {
				sum = FMA(a[i*ars+p*acs], b[p*brs+j*bcs], sum)
			}
			c[i*ldc+j] = sum
		}
	}
}

// kinds of contents for the operands of a test.
var kinds = []string{"normal", "short", "tiny", "special"}

// fill returns n floats: drawn from a normal distribution; with few bits, so that sums end halfway between float32;
// with products among the subnormal numbers; or with infinities, NaN and zeros of both signs among them.
func fill(r *rng.Rand, kind string, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		v := r.Normal()
		switch kind {
		case "short":
			v = float64(r.Intn(1<<13)-1<<12) * math.Ldexp(1, r.Intn(8)-4)
		case "tiny":
			v *= math.Ldexp(1, -70-r.Intn(8))
		case "special":
			switch r.Intn(60) {
			case 0:
				v = math.Inf(1 - 2*r.Intn(2))
			case 1:
				v = math.NaN()
			case 2, 3, 4:
				v = math.Copysign(0, v)
			case 5:
				v *= 0x1p-140
			case 6:
				v *= 0x1p120
			}
		}
		x[i] = float32(v)
	}
	return x
}

// sameBits compares bits, taking every NaN for the same, and names the first difference.
func sameBits(got, want []float32) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d floats; want %d", len(got), len(want))
	}
	for i, v := range got {
		if math.Float32bits(v) != math.Float32bits(want[i]) && (v == v || want[i] == want[i]) {
			return fmt.Errorf("at %d of %d: %v (%#x); want %v (%#x)", i, len(got), v, math.Float32bits(v), want[i], math.Float32bits(want[i]))
		}
	}
	return nil
}

// guarded returns a slice of n floats in the middle of a larger one full of a mark, and a function that checks that the
// marks around it still stand.
func guarded(n int) (x []float32, check func() error) {
	const room, mark = 70, 0x7fc0dead
	all := make([]float32, n+2*room)
	for i := range all {
		all[i] = math.Float32frombits(mark)
	}
	return all[room : room+n : room+n], func() error {
		for i, v := range all {
			if (i < room || i >= room+n) && math.Float32bits(v) != mark {
				return fmt.Errorf("wrote %d floats from a slice of %d", i-room, n)
			}
		}
		return nil
	}
}

// eachImplementation calls f with each implementation in use.
func eachImplementation(f func()) {
	defer func(old *implementation) { tiles = old }(tiles)
	for _, tiles = range tileImplementations() {
		f()
	}
}

// withEach runs f as a test with each implementation in use.
func withEach(t *testing.T, f func(t *testing.T)) {
	defer func(old *implementation) { tiles = old }(tiles)
	for _, tiles = range tileImplementations() {
		t.Run(tiles.name, f)
	}
}
