// Package affine holds the arithmetic of integer codes: a number is scale·(code − zero). Observers choose ranges with
// it, quantizers weights and biases; it knows no tensor and no model.
//
// A scale is worked out in float64, rounded once to float32, and only then used for codes, so that code and scale
// agree on any machine. Zero is always exactly one of the representable numbers: pruned weights stay zero.
package affine

import "math"

// Type is a range of codes.
type Type struct{ Min, Max int32 }

var (
	Int8  = Type{-128, 127}
	Uint8 = Type{0, 255}
)

// Grid is the numbers that codes stand for.
type Grid struct {
	Scale    float32
	Zero     int32 // the code of 0
	Min, Max int32 // codes in use: symmetric int8 leaves −128 out
}

// leastScale is the smallest normal float32: a smaller scale would lose digits, or be zero.
const leastScale = 0x1p-126

// Symmetric returns the grid of codes that reaches from −limit to limit with zero in its middle: scale limit/127 for
// both types, codes in [−127, 127] for int8 and in [1, 255] around 128 for uint8. A limit of zero gives scale 1.
func Symmetric(limit float64, t Type) Grid {
	half := (t.Max - t.Min) / 2 // 127
	zero := t.Max - half
	return Grid{Scale: roundScale(limit/float64(half), half), Zero: zero, Min: zero - half, Max: zero + half}
}

// Asymmetric returns the grid that reaches from lo to hi, widened to hold zero: scale (hi−lo)/255 and
// zero = rne(min code − lo/scale). An empty range gives scale 1.
func Asymmetric(lo, hi float64, t Type) Grid {
	lo, hi = min(lo, 0), max(hi, 0)
	g := Grid{Scale: roundScale((hi-lo)/float64(t.Max-t.Min), t.Max-t.Min), Min: t.Min, Max: t.Max}
	zero := math.RoundToEven(float64(t.Min) - lo/float64(g.Scale))
	g.Zero = int32(min(max(zero, float64(t.Min)), float64(t.Max)))
	return g
}

// New is Symmetric or Asymmetric.
func New(lo, hi float64, symmetric bool, t Type) Grid {
	if symmetric {
		return Symmetric(max(-lo, hi), t)
	}
	return Asymmetric(lo, hi, t)
}

// roundScale rounds a scale to float32. It is at least the least normal float32, and small enough for steps of it to be
// finite.
func roundScale(s float64, steps int32) float32 {
	switch {
	case s <= 0 || s != s:
		return 1
	case s < leastScale:
		return leastScale
	}
	for f := float32(min(s, math.MaxFloat32/float64(steps))); ; f = math.Nextafter32(f, 0) {
		if !math.IsInf(float64(f*float32(steps)), 0) {
			return f
		}
	}
}

// Code returns the code of a finite number: x/scale, divided in float32 as ONNX QuantizeLinear does, rounded half to
// even, plus the zero, saturated.
func (g Grid) Code(x float32) int32 {
	q := math.RoundToEven(float64(x / g.Scale))
	q = min(max(q, -1<<20), 1<<20)
	return min(max(int32(q)+g.Zero, g.Min), g.Max)
}

// Value returns the number that a code stands for, in float32 as ONNX DequantizeLinear computes it.
func (g Grid) Value(code int32) float32 { return float32(float32(code-g.Zero) * g.Scale) }

// Round returns the number nearest to x that has a code.
func (g Grid) Round(x float32) float32 { return g.Value(g.Code(x)) }

// Lo and Hi are the least and the greatest number that has a code.
func (g Grid) Lo() float32 { return g.Value(g.Min) }
func (g Grid) Hi() float32 { return g.Value(g.Max) }

// ClipRatios are the shares of a range that a search for the least error tries, the whole range first: 1 down to 0.5 in
// 100 steps of equal size.
func ClipRatios() []float64 {
	ratios := make([]float64, 100)
	for i := range ratios {
		ratios[i] = 1 - 0.5*float64(i)/99
	}
	return ratios
}
