// Package affine holds the arithmetic of integer codes: a number is scale·(code − zero). Observers choose ranges with
// it, quantizers weights and biases; it knows no tensor and no model.
//
// A scale is worked out in float64, rounded once to the type that it is stored in, and only then used for codes, so that
// code and scale agree on any machine. Zero is always exactly one of the representable numbers: pruned weights stay zero.
package affine

import "math"

// Type is a range of codes.
type Type struct{ Min, Max int32 }

var (
	Int8  = Type{-128, 127}
	Uint8 = Type{0, 255}
)

// Scale is the type that a scale is stored in.
type Scale int

const (
	Float32 Scale = iota
	Float16
	BFloat16
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
func Symmetric(limit float64, t Type) Grid { return symmetric(limit, t, Float32) }

func symmetric(limit float64, t Type, s Scale) Grid {
	half := (t.Max - t.Min) / 2 // 127
	zero := t.Max - half
	return Grid{Scale: s.Round(limit/float64(half), half), Zero: zero, Min: zero - half, Max: zero + half}
}

// Asymmetric returns the grid that reaches from lo to hi, widened to hold zero: scale (hi−lo)/255 and
// zero = rne(min code − lo/scale). An empty range gives scale 1.
func Asymmetric(lo, hi float64, t Type) Grid { return asymmetric(lo, hi, t, Float32) }

func asymmetric(lo, hi float64, t Type, s Scale) Grid {
	lo, hi = min(lo, 0), max(hi, 0)
	g := Grid{Scale: s.Round((hi-lo)/float64(t.Max-t.Min), t.Max-t.Min), Min: t.Min, Max: t.Max}
	zero := math.RoundToEven(float64(t.Min) - lo/float64(g.Scale))
	g.Zero = int32(min(max(zero, float64(t.Min)), float64(t.Max)))
	return g
}

// New is Symmetric or Asymmetric.
func New(lo, hi float64, symmetric bool, t Type) Grid { return NewIn(lo, hi, symmetric, t, Float32) }

// NewIn is New with a scale that is stored in s.
func NewIn(lo, hi float64, even bool, t Type, s Scale) Grid {
	if even {
		return symmetric(max(-lo, hi), t, s)
	}
	return asymmetric(lo, hi, t, s)
}

// Round rounds a scale to its type. It is positive: 1 for none, else at least the least normal float32, or the least
// float16 above zero; where float16 has few digits it is rounded up, so that no range is cut. It is small enough for so many
// steps of it to be finite.
func (t Scale) Round(s float64, steps int32) float32 {
	switch {
	case s <= 0 || s != s:
		return 1
	case t == Float16:
		return roundHalf(s)
	case s < leastScale:
		return leastScale
	case t == BFloat16:
		return roundBrain(s, steps)
	}
	for f := float32(min(s, math.MaxFloat32/float64(steps))); ; f = math.Nextafter32(f, 0) {
		if finite(f, steps) {
			return f
		}
	}
}

func finite(f float32, steps int32) bool { return !math.IsInf(float64(f*float32(steps)), 0) }

// roundHalf rounds to float16. Numbers are multiples of 2^-24 below 2^-14 and have 11 digits above.
func roundHalf(s float64) float32 {
	switch {
	case s < 0x1p-14:
		return float32(math.Ceil(s*0x1p24) * 0x1p-24)
	case s > 65504:
		return 65504
	}
	return float32(math.Min(digits(s, 11), 65504))
}

// roundBrain rounds to bfloat16: the exponents of float32 and 8 digits.
func roundBrain(s float64, steps int32) float32 {
	for f := digits(min(s, math.MaxFloat32/float64(steps)), 8); ; f = f * (1 - 0x1p-8) {
		if g := float32(digits(f, 8)); finite(g, steps) {
			return g
		}
	}
}

// digits rounds to so many binary digits, half to even.
func digits(s float64, n int) float64 {
	f, e := math.Frexp(s)
	return math.Ldexp(math.RoundToEven(math.Ldexp(f, n)), e-n)
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
