package affine

import (
	"math"
	"testing"
)

func TestGrids(t *testing.T) {
	tests := []struct {
		name   string
		got    Grid
		want   Grid
		lo, hi float32
	}{
		{"symmetric int8", Symmetric(2.54, Int8), Grid{0.02, 0, -127, 127}, -2.54, 2.54},
		{"symmetric uint8", Symmetric(127, Uint8), Grid{1, 128, 1, 255}, -127, 127},
		{"asymmetric uint8", Asymmetric(-1, 254, Uint8), Grid{1, 1, 0, 255}, -1, 254},
		{"asymmetric int8", Asymmetric(-1, 254, Int8), Grid{1, -127, -128, 127}, -1, 254},
		{"after a ReLU", Asymmetric(0, 51, Int8), Grid{0.2, -128, -128, 127}, 0, 51},
		{"all positive, widened to zero", Asymmetric(3, 25.5, Uint8), Grid{0.1, 0, 0, 255}, 0, 25.5},
		{"all negative", Asymmetric(-25.5, -3, Uint8), Grid{0.1, 255, 0, 255}, -25.5, 0},
		{"nothing but zeros", Symmetric(0, Int8), Grid{1, 0, -127, 127}, -127, 127},
		{"nothing but zeros", Asymmetric(0, 0, Uint8), Grid{1, 0, 0, 255}, 0, 255},
		{"a half rounds to even", Asymmetric(-0.5, 254.5, Uint8), Grid{1, 0, 0, 255}, 0, 255},
		{"too small for a scale", Symmetric(1e-44, Int8), Grid{0x1p-126, 0, -127, 127}, -127 * 0x1p-126, 127 * 0x1p-126},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, tt.got, tt.want)
		}
		if tt.got.Lo() != tt.lo || tt.got.Hi() != tt.hi {
			t.Errorf("%s reaches from %g to %g, want %g to %g", tt.name, tt.got.Lo(), tt.got.Hi(), tt.lo, tt.hi)
		}
	}
}

func TestCodes(t *testing.T) {
	g := Grid{Scale: 0.5, Zero: 3, Min: 0, Max: 255}
	for _, tt := range []struct {
		x    float32
		want int32
	}{{0, 3}, {0.25, 3}, {0.26, 4}, {0.75, 5}, {-0.25, 3}, {-0.75, 1}, {1e30, 255}, {-1e30, 0}, {126, 255}, {-1.5, 0}} {
		if got := g.Code(tt.x); got != tt.want {
			t.Errorf("code of %g is %d, want %d", tt.x, got, tt.want)
		}
	}
	big := Symmetric(math.MaxFloat32, Int8)
	if got := big.Round(math.MaxFloat32); math.IsInf(float64(got), 0) {
		t.Errorf("the largest float becomes %g", got)
	}
}

// Inside the range the error is at most half a step, and zero is exact.
func TestErrorBound(t *testing.T) {
	for _, typ := range []Type{Int8, Uint8} {
		for _, symmetric := range []bool{true, false} {
			for i := range 200 {
				lo, hi := -float64(i%7)*0.37, float64(i)*0.113
				g := New(lo, hi, symmetric, typ)
				if g.Round(0) != 0 {
					t.Fatalf("%+v makes %g of zero", g, g.Round(0))
				}
				for j := range 101 {
					x := float32(lo + (hi-lo)*float64(j)/100)
					if e := math.Abs(float64(x - g.Round(x))); e > float64(g.Scale)*0.5001+1e-7 && x >= g.Lo() && x <= g.Hi() {
						t.Fatalf("%+v: %g becomes %g, off by %g of a step", g, x, g.Round(x), e/float64(g.Scale))
					}
				}
			}
		}
	}
}

func TestClipRatios(t *testing.T) {
	r := ClipRatios()
	if len(r) != 100 || r[0] != 1 || r[99] != 0.5 {
		t.Errorf("%d ratios from %g to %g", len(r), r[0], r[len(r)-1])
	}
}
