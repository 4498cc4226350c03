package kernel

import (
	"math"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

func TestQuantize(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		x, scale float32
		zero     int32
		int8     int8
		uint8    uint8
	}{
		{0, 1, 0, 0, 0}, {0.5, 1, 0, 0, 0}, {1.5, 1, 0, 2, 2}, {2.5, 1, 0, 2, 2}, {-0.5, 1, 7, 7, 7}, {-1.5, 1, 7, 5, 5},
		{127.49, 1, 0, 127, 127}, {127.5, 1, 0, 127, 128}, {300, 1, 0, 127, 255}, {-300, 1, 0, -128, 0}, {300, 1, -100, 127, 200},
		{1e30, 1, -50, 127, 255}, {-1e30, 1, 50, -128, 0}, {inf, 2, 0, 127, 255}, {-inf, 2, 0, -128, 0}, {nan, 1, 3, 3, 3}, {nan, 1, 200, 127, 200},
		{1, 0, 0, 127, 255}, {0, 0, 5, 5, 5}, {3e-45, 1e-45, 0, 2, 2}, {0.3, 0.1, 0, 3, 3},
	} {
		if got := quantizedInt8([]float32{c.x}, c.scale, c.zero)[0]; got != c.int8 {
			t.Errorf("QuantizeInt8 of %v, scale %v, zero %d is %d; want %d", c.x, c.scale, c.zero, got, c.int8)
		}
		if got := quantizedUint8([]float32{c.x}, c.scale, c.zero)[0]; got != c.uint8 {
			t.Errorf("QuantizeUint8 of %v, scale %v, zero %d is %d; want %d", c.x, c.scale, c.zero, got, c.uint8)
		}
	}
}

// TestQuantizeRounding compares with math.RoundToEven.
func TestQuantizeRounding(t *testing.T) {
	r := rng.New(13)
	x := make([]float32, 20000)
	for i := range x {
		x[i] = float32(r.Intn(1200)-600) / 4
	}
	for i, q := range quantizedInt8(x, 0.5, 3) {
		want := min(max(math.RoundToEven(float64(x[i]/0.5))+3, -128), 127)
		if float64(q) != want {
			t.Fatalf("%v gives %d; want %v", x[i], q, want)
		}
	}
}

func TestDequantize(t *testing.T) {
	got := make([]float32, 3)
	DequantizeInt8(got, []int8{-128, 0, 127}, 0.1, 5)
	s := float32(0.1)
	if err := sameBits(got, []float32{-133 * s, -5 * s, 122 * s}); err != nil {
		t.Error(err)
	}
	DequantizeUint8(got, []uint8{0, 128, 255}, 0.1, 128)
	if err := sameBits(got, []float32{-128 * s, 0, 127 * s}); err != nil {
		t.Error(err)
	}
	DequantizeInt32(got, []int32{math.MinInt32, 1<<24 + 1, math.MaxInt32}, 1, 1)
	if err := sameBits(got, []float32{-0x1p31, 1 << 24, 0x1p31}); err != nil {
		t.Error(err)
	}
}

// TestCodesAreEqual compares the implementations with the rule for one code, in slices of all lengths.
func TestCodesAreEqual(t *testing.T) {
	withEach(t, func(t *testing.T) {
		r := rng.New(16)
		for n := range 45 {
			for _, zero := range []int32{0, -3, 119, 1 << 20, -1 << 25, math.MaxInt32, math.MinInt32} {
				for _, scale := range []float32{0.013, 1, 0, 1e-40, float32(math.Inf(1)), -0.5} {
					src := fill(r, kinds[n%len(kinds)], n)
					signed, unsigned := make([]int8, n+1), make([]uint8, n+1)
					signed[n], unsigned[n] = 77, 77
					QuantizeInt8(signed[:n], src, scale, zero)
					QuantizeUint8(unsigned[:n], src, scale, zero)
					back, backUnsigned := make([]float32, n), make([]float32, n)
					DequantizeInt8(back, signed[:n], scale, zero)
					DequantizeUint8(backUnsigned, unsigned[:n], scale, zero)
					for i, v := range src {
						if want := int8(code(v, scale, zero, -128, 127)); signed[i] != want {
							t.Fatalf("int8 %d of %d: %v, scale %v, zero %d gives %d; want %d", i, n, v, scale, zero, signed[i], want)
						}
						if want := uint8(code(v, scale, zero, 0, 255)); unsigned[i] != want {
							t.Fatalf("uint8 %d of %d: %v, scale %v, zero %d gives %d; want %d", i, n, v, scale, zero, unsigned[i], want)
						}
						want := []float32{float32(int64(signed[i])-int64(zero)) * scale, float32(int64(unsigned[i])-int64(zero)) * scale}
						if err := sameBits([]float32{back[i], backUnsigned[i]}, want); err != nil {
							t.Fatalf("scale %v, zero %d: %v", scale, zero, err)
						}
					}
					if signed[n] != 77 || unsigned[n] != 77 {
						t.Fatalf("wrote beyond %d codes", n)
					}
				}
			}
		}
	})
}

// Codes are those of the slow form, for every range that is in use.
func TestCodes(t *testing.T) {
	src := make([]float32, 1000)
	for i := range src {
		src[i] = float32(i-500) * 0.37
	}
	for _, r := range [][3]int32{{0, -128, 127}, {0, -127, 127}, {128, 0, 255}, {128, 1, 255}, {0, -7, 7}, {8, 0, 15}, {0, -1, 1}} {
		dst := make([]byte, len(src))
		Codes(dst, src, 0.9, r[0], r[1], r[2])
		for i, v := range src {
			if want := byte(code(v, 0.9, r[0], r[1], r[2])); dst[i] != want {
				t.Fatalf("%v: the code of %g is %d, want %d", r, v, dst[i], want)
			}
		}
	}
}
