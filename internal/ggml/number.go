package ggml

import (
	"encoding/binary"
	"math"

	"github.com/pare-ml/pare/internal/kernel"
)

// epsilon is the magnitude below which the scale searches take a group for zero.
const epsilon = float32(1e-15)

// nearest rounds half to even by adding 1.5·2^23, where the last bit of a float32 is worth 1. Beyond ±2^22 and for
// infinities and NaN it gives what the bits happen to be, as upstream does: -2^22 for infinities, 0 for the NaN that
// arithmetic makes.
func nearest(x float32) int32 {
	return int32(math.Float32bits(x+12582912)&0x7fffff) - 0x400000
}

// truncate converts towards zero; what int32 does not hold gives the smallest int32, as on x86.
func truncate(x float32) int32 {
	if x > -2147483904 && x < 2147483648 {
		return int32(x)
	}
	return math.MinInt32
}

// round rounds half away from zero.
func round(x float32) int32 {
	return truncate(x + float32(math.Copysign(0.49999997, float64(x))))
}

func clamp(l, lo, hi int32) int32 { return max(lo, min(hi, l)) }

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// inverse is 1/x, and 0 where x is 0.
func inverse(x float32) float32 {
	if x == 0 {
		return 0
	}
	return 1 / x
}

func putHalf(b []byte, x float32) { binary.LittleEndian.PutUint16(b, kernel.Float16Bits(x)) }

func half(b []byte) float32 { return kernel.Float16FromBits(binary.LittleEndian.Uint16(b)) }

// greatest returns the first element of the greatest magnitude, with its sign, and that magnitude.
func greatest(x []float32) (top, magnitude float32) {
	for _, v := range x {
		if a := abs(v); a > magnitude {
			top, magnitude = v, a
		}
	}
	return top, magnitude
}

// sumSquares adds the squares in order.
func sumSquares(x []float32) float32 {
	var sum float32
	for _, v := range x {
		sum += float32(v * v)
	}
	return sum
}

// weigh sets w[i] = importance[i]·√(σ² + x[i]²).
func weigh(w, importance, x []float32, sigma2 float32) {
	for i, v := range x {
		w[i] = importance[i] * sqrt(sigma2+float32(v*v))
	}
}

func sum(x []float32) float32 {
	var s float32
	for _, v := range x {
		s += v
	}
	return s
}

func allFinite(x []float32) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}
