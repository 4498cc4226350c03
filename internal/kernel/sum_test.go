package kernel

import (
	"math"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

// referenceSum adds as the comment in sum.go says.
func referenceSum(x []float64) float64 {
	if len(x) > sumChunk {
		half := sumChunk
		for half*2 < len(x) {
			half *= 2
		}
		return referenceSum(x[:half]) + referenceSum(x[half:])
	}
	var s [8]float64
	for i, v := range x {
		s[i%8] += v
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

func TestSums(t *testing.T) {
	withEach(t, func(t *testing.T) {
		r := rng.New(11)
		for _, n := range []int{0, 1, 7, 8, 9, 31, 100, sumChunk - 1, sumChunk, sumChunk + 1, 2*sumChunk + 5, 3 * sumChunk, 5*sumChunk + 17} {
			x, y := fill(r, "normal", n), fill(r, "normal", n)
			wide, abs, squares, products := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
			for i, v := range x {
				wide[i], abs[i] = float64(v), math.Abs(float64(v))
				squares[i], products[i] = float64(v)*float64(v), float64(v)*float64(y[i])
			}
			for _, c := range []struct {
				name      string
				got, want float64
			}{{"Sum", Sum(x), referenceSum(wide)}, {"SumAbs", SumAbs(x), referenceSum(abs)},
				{"SumSquares", SumSquares(x), referenceSum(squares)}, {"Dot", Dot(x, y), referenceSum(products)}} {
				if c.got != c.want {
					t.Errorf("%s of %d floats is %v; want %v", c.name, n, c.got, c.want)
				}
			}
		}
	})
}

func TestChannelSums(t *testing.T) {
	r := rng.New(12)
	n, c, size := 3, 5, 49
	dy := fill(r, "normal", n*c*size)
	want := make([]float32, c)
	for i := range want {
		var total float64
		for j := range n {
			total += Sum(dy[(j*c+i)*size:][:size])
		}
		want[i] = float32(total)
	}
	for _, workers := range []int{1, 2, 3, 7} {
		got := make([]float32, c)
		ChannelSums(workers, n, c, size, dy, got)
		if err := sameBits(got, want); err != nil {
			t.Error(err)
		}
	}
}

func TestExtremes(t *testing.T) {
	withEach(t, testExtremes)
}

func testExtremes(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	minus := float32(math.Copysign(0, -1))
	for _, c := range []struct {
		x           []float32
		abs, lo, hi float32
	}{
		{nil, 0, inf, -inf},
		{[]float32{-3, 2}, 3, -3, 2},
		{[]float32{minus, minus}, 0, 0, 0},
		{[]float32{1, -inf}, inf, -inf, 1},
		{[]float32{1, nan, -7}, nan, nan, nan},
		{[]float32{1e-45, -1e-45}, 1e-45, -1e-45, 1e-45},
	} {
		lo, hi := MinMax(c.x)
		if err := sameBits([]float32{MaxAbs(c.x), lo, hi}, []float32{c.abs, c.lo, c.hi}); err != nil {
			t.Errorf("%v: %v", c.x, err)
		}
	}
	r := rng.New(17)
	for n := 1; n < 60; n++ {
		x := fill(r, "normal", n)
		lo, hi := x[0], x[0]
		for _, v := range x {
			lo, hi = min(lo, v), max(hi, v)
		}
		gotLo, gotHi := MinMax(x)
		if err := sameBits([]float32{MaxAbs(x), gotLo, gotHi}, []float32{max(-lo, hi), lo, hi}); err != nil {
			t.Errorf("%d floats: %v", n, err)
		}
		x[r.Intn(n)] = nan
		if gotLo, gotHi = MinMax(x); gotLo == gotLo || gotHi == gotHi || MaxAbs(x) == MaxAbs(x) {
			t.Errorf("%d floats, one NaN: %v, %v, %v", n, gotLo, gotHi, MaxAbs(x))
		}
	}
}
