package kernel

import "math"

// mad is a·b + c with both roundings, on every machine.
func mad(a, b, c float64) float64 { return float64(a*b) + c }

// Exp returns e^x. The work is done in float64 and rounded once, so the result is almost always the nearest float32.
func Exp(x float32) float32 { return float32(exp32(float64(x))) }

// exp32 is e^x to about 2^-36, for an x that came from a float32. What float32 cannot hold becomes 0 or +Inf when it
// is rounded.
func exp32(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 200:
		x = 200
	case x < -200:
		x = -200
	}
	q, scale := expm1Reduced(x)
	return mad(scale, q, scale)
}

// expm1Reduced returns q and scale, a power of two, such that scale·(1+q) is e^x and q is accurate near 0, for |x| ≤ 200.
// q is the Taylor polynomial of degree 10 in the remainder of x by ln 2, which is at most 0.347.
func expm1Reduced(x float64) (q, scale float64) {
	k := roundWhole(float64(x * (1 / math.Ln2)))
	r := mad(-k, 64*ln2Over64[0], x)
	r = mad(-k, 64*ln2Over64[1], r)
	r2 := float64(r * r)
	r4 := float64(r2 * r2)
	a := mad(r, 1.0/6, 1.0/2)
	b := mad(r, 1.0/120, 1.0/24)
	c := mad(r, 1.0/5040, 1.0/720)
	d := mad(r, 1.0/362880, 1.0/40320)
	a = mad(b, r2, a)
	c = mad(mad(r2, 1.0/3628800, d), r2, c)
	p := mad(c, r4, a)
	return mad(p, r2, r), math.Float64frombits(uint64(int64(k)+1023) << 52)
}

// roundWhole rounds half to even, for |x| < 2^51.
func roundWhole(x float64) float64 {
	const round = 3 << 51 // its neighbours are whole numbers
	return float64(x+round) - round
}

// Exp64 returns e^x to within about 0.51 units in the last place.
func Exp64(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 709.79:
		return math.Inf(1)
	case x < -745.2:
		return 0
	}
	t, u, k := expParts(x, 0)
	return scaleBy(t+u, k)
}

// expParts returns t, u and k such that 2^k·(t+u) is e^(x+y), where y is small beside x and |x| < 800. t is in [1, 2)
// and exactly 1 where k and the result's fraction allow; u is at most a hundredth of it.
func expParts(x, y float64) (t, u float64, k int) {
	n := roundWhole(float64(x * (64 / math.Ln2)))
	r := mad(-n, ln2Over64[0], x)
	r = mad(-n, ln2Over64[1], r) + y
	p := mad(r, 1.0/720, 1.0/120)
	p = mad(p, r, 1.0/24)
	p = mad(p, r, 1.0/6)
	p = mad(p, r, 1.0/2)
	p = mad(float64(p*r), r, r)
	i := int64(n)
	e := &exp2Table[i&63]
	return e[0], mad(e[0], p, e[1]), int(i >> 6)
}

// scaleBy returns x·2^k for x in [1/2, 4] and |k| < 1100, rounding a subnormal result.
func scaleBy(x float64, k int) float64 {
	half := k / 2
	return float64(float64(x*powerOfTwo(half)) * powerOfTwo(k-half))
}

func powerOfTwo(k int) float64 { return math.Float64frombits(uint64(k+1023) << 52) }

// Tanh returns the hyperbolic tangent of x, worked in float64.
func Tanh(x float32) float32 {
	switch {
	case x != x:
		return x
	case x > 20:
		return 1
	case x < -20:
		return -1
	}
	q, scale := expm1Reduced(float64(2 * float64(x)))
	m := mad(scale, q, scale-1)
	if m == 0 {
		return x // keeps -0
	}
	return float32(m / (m + 2))
}

// Tanh64 returns the hyperbolic tangent of x to within about 2 units in the last place.
func Tanh64(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 22:
		return 1
	case x < -22:
		return -1
	case math.Abs(x) < 0x1p-28:
		return x
	}
	t, u, k := expParts(float64(2*math.Abs(x)), 0)
	s := powerOfTwo(k)
	m := mad(s, t, -1) + float64(s*u) // e^2|x| - 1
	return math.Copysign(m/(m+2), x)
}

// Sigmoid returns 1/(1+e^-x), worked in float64.
func Sigmoid(x float32) float32 {
	if x < -200 { // there exp32 is cut off
		return 0
	}
	return float32(1 / (1 + exp32(-float64(x))))
}
