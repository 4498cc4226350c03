package kernel

import "math"

// Sin64 returns the sine of x, and Cos64 its cosine, to within about a unit in the last place while |x| < 2^20;
// beyond that the remainder by 2π is less and less accurate, but the same everywhere. Infinities give NaN.
func Sin64(x float64) float64 {
	if math.Abs(x) < 0x1p-27 {
		return x // keeps -0
	}
	return sine(x, 0)
}

// Cos64 returns the cosine of x; see Sin64.
func Cos64(x float64) float64 { return sine(x, 1) }

// sine returns sin(x + quarters·π/2).
func sine(x float64, quarters int64) float64 {
	if x-x != 0 { // NaN or infinite
		return math.NaN()
	}
	if math.Abs(x) >= 1<<20 {
		x = math.Mod(x, 2*math.Pi)
	}
	n := roundWhole(float64(x * (2 / math.Pi)))
	a := mad(-n, halfPi[0], x) // exact, like the product inside
	h, e := twoSum(a, -float64(n*halfPi[1]))
	r, e2 := twoSum(h, -float64(n*halfPi[2]))
	e += e2
	r2 := float64(r * r)
	switch i := int64(n) + quarters; i & 3 {
	case 0:
		return sinSeries(r, r2, e)
	case 1:
		return cosSeries(r, r2, e)
	case 2:
		return -sinSeries(r, r2, e)
	default:
		return -cosSeries(r, r2, e)
	}
}

// sinSeries returns sin(r + e) for |r| ≤ π/4 and a tiny e.
func sinSeries(r, r2, e float64) float64 {
	p := mad(r2, -1.0/1307674368000, 1.0/6227020800)
	p = mad(p, r2, -1.0/39916800)
	p = mad(p, r2, 1.0/362880)
	p = mad(p, r2, -1.0/5040)
	p = mad(p, r2, 1.0/120)
	p = mad(p, r2, -1.0/6)
	return r + mad(float64(p*r2), r, e)
}

// cosSeries returns cos(r + e) for |r| ≤ π/4 and a tiny e.
func cosSeries(r, r2, e float64) float64 {
	p := mad(r2, 1.0/20922789888000, -1.0/87178291200)
	p = mad(p, r2, 1.0/479001600)
	p = mad(p, r2, -1.0/3628800)
	p = mad(p, r2, 1.0/40320)
	p = mad(p, r2, -1.0/720)
	p = mad(p, r2, 1.0/24)
	h := float64(r2 / 2)
	w := 1 - h
	return w + (((1 - w) - h) + mad(float64(p*r2), r2, -float64(r*e)))
}
