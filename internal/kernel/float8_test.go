package kernel

import (
	"math"
	"testing"
)

// nearest finds the code of the value nearest to x among those of rising codes; of two the even code.
func nearest(values []float32, x float64) uint8 {
	best, least := 0, math.Inf(1)
	for i, v := range values {
		d := math.Abs(float64(v) - x)
		if d < least || d == least && i%2 == 0 {
			best, least = i, d
		}
	}
	return uint8(best)
}

// Trust F6: every code stands for itself, and what lies between goes to the nearest, half to even, saturating.
func TestSmallFloats(t *testing.T) {
	for _, f := range []struct {
		name   string
		values []float32 // of the codes that are finite and not negative
		sign   uint8
		bits   func(float32) uint8
	}{
		{"e4m3", Float8E4M3[:0x7f], 0x80, Float8E4M3Bits},
		{"e5m2", Float8E5M2[:0x7c], 0x80, Float8E5M2Bits},
		{"e2m1", Float4[:8], 8, Float4Bits},
	} {
		for i, v := range f.values {
			if got := f.bits(v); got != uint8(i) {
				t.Errorf("%s: code %d is %g, whose code is %d", f.name, i, v, got)
			}
			if got := f.bits(-v); got != uint8(i)|f.sign && i > 0 {
				t.Errorf("%s: the code of %g is %d", f.name, -v, got)
			}
			next := 2 * v
			if i+1 < len(f.values) {
				next = f.values[i+1]
			}
			for _, x := range []float32{v + (next-v)/2, math.Nextafter32(v+(next-v)/2, 0), math.Nextafter32(v+(next-v)/2, 1e9), v + (next-v)/3} {
				if got, want := f.bits(x), nearest(f.values, float64(x)); got != want {
					t.Errorf("%s: the code of %g is %d, want %d", f.name, x, got, want)
				}
			}
		}
		most := uint8(len(f.values) - 1)
		for _, x := range []float32{464, 1e6, 61440, math.MaxFloat32, float32(math.Inf(1))} {
			if x > f.values[most] && (f.bits(x) != most || f.bits(-x) != most|f.sign) {
				t.Errorf("%s: %g gives %d", f.name, x, f.bits(x))
			}
		}
	}
	nan := float32(math.NaN())
	if Float8E4M3Bits(nan)&0x7f != 0x7f || Float8E5M2Bits(nan)&0x7f != 0x7f || Float4Bits(nan) != 0 {
		t.Error("NaN")
	}
	if Float8E4M3[0x7e] != 448 || Float8E4M3[1] != 0x1p-9 || Float8E5M2[0x7b] != 57344 || Float8E5M2[1] != 0x1p-16 || !math.IsInf(float64(Float8E5M2[0x7c]), 1) || Float8E8M0[127] != 1 {
		t.Error("values")
	}
}

// Vectors give the codes of the plain form: all numbers whose lower half is one of a few, which has every code's ties.
func TestFloat8E4M3s(t *testing.T) {
	lows := []uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff}
	x, codes := make([]float32, 1<<16), make([]byte, 1<<16)
	for _, low := range lows {
		for _, scale := range []float32{1, 0.37, 1e-30, 3e38} {
			for i := range x {
				x[i] = math.Float32frombits(uint32(i)<<16 | low)
			}
			Float8E4M3s(codes, x, scale)
			for i, v := range x {
				if want := Float8E4M3Bits(v / scale); codes[i] != want {
					t.Fatalf("%g / %g: %#x, want %#x", v, scale, codes[i], want)
				}
			}
		}
	}
}
