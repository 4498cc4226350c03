package kernel

import "math"

// Log returns the natural logarithm of x, worked in float64: -Inf for ±0, NaN below.
func Log(x float32) float32 {
	switch {
	case x != x || x > math.MaxFloat32:
		return x
	case x == 0:
		return float32(math.Inf(-1))
	case x < 0:
		return float32(math.NaN())
	}
	m, k, i := logReduced(float64(x)) // every float32 is a normal float64
	e := &logTable[i]
	f := float64(m*e.c) - 1 // exact: 24 + 10 bits
	p := mad(f, -1.0/6, 1.0/5)
	p = mad(p, f, -1.0/4)
	p = mad(p, f, 1.0/3)
	p = mad(p, f, -1.0/2)
	p = mad(float64(p*f), f, f)
	return float32((mad(k, ln2[0], e.hi) + p) + mad(k, ln2[1], e.lo))
}

// logReduced splits x, positive and normal, into m·2^k with m in [0.707, 1.414]; i is m's place in logTable.
func logReduced(x float64) (m, k float64, i int) {
	b := math.Float64bits(x)
	i = int(b >> 45 & 127)
	exponent := int64(b>>52) - 1023
	one := uint64(1023) << 52
	if i >= 53 {
		exponent++
		one = 1022 << 52
	}
	return math.Float64frombits(b&(1<<52-1) | one), float64(exponent), i
}

// Log64 returns the natural logarithm of x to within about 0.51 units in the last place: -Inf for ±0, NaN below.
func Log64(x float64) float64 {
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x == 0:
		return math.Inf(-1)
	case x < 0:
		return math.NaN()
	}
	hi, _ := logParts(x)
	return hi
}

// logParts returns the logarithm of x, positive and finite, as hi + lo, to about 66 bits. It is that of the table's c
// with the series of ln(1+f), f = m·c - 1, whose first two terms are kept in two parts.
func logParts(x float64) (hi, lo float64) {
	var shift float64
	if x < 0x1p-1022 {
		x *= 0x1p54
		shift = 54
	}
	m, k, i := logReduced(x)
	k -= shift
	e := &logTable[i]
	mc := float64(m * e.c)
	fl := math.FMA(m, e.c, -mc)
	f := mc - 1 // exact
	q := float64(f * f)
	ql := mad(2*f, fl, math.FMA(f, f, -q))
	p := mad(f, -1.0/10, 1.0/9)
	p = mad(p, f, -1.0/8)
	p = mad(p, f, 1.0/7)
	p = mad(p, f, -1.0/6)
	p = mad(p, f, 1.0/5)
	p = mad(p, f, -1.0/4)
	p = mad(p, f, 1.0/3)
	s, e1 := twoSum(mad(k, ln2[0], e.hi), f) // the first is exact: both multiples of 2^-42
	s, e2 := twoSum(s, -float64(q/2))
	rest := (e1 + e2) + mad(k, ln2[1], e.lo)
	rest += fl - float64(ql/2)
	rest = mad(float64(p*f), q, rest)
	hi = s + rest
	return hi, rest - (hi - s)
}

// twoSum returns the rounded sum and its error (Knuth, Møller).
func twoSum(a, b float64) (s, e float64) {
	s = a + b
	t := s - a
	return s, (a - (s - t)) + (b - t)
}

// Pow returns x^y, worked in float64, with the special cases of Pow64.
func Pow(x, y float32) float32 { return float32(Pow64(float64(x), float64(y))) }

// Pow64 returns x^y to within about 0.6 units in the last place. The special cases are those of math.Pow.
func Pow64(x, y float64) float64 {
	whole := math.Floor(y) == y
	odd := whole && math.Abs(y) < 0x1p53 && int64(y)&1 == 1
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y:
		return math.NaN()
	case math.IsInf(y, 0):
		switch a := math.Abs(x); {
		case a == 1:
			return 1
		case (a > 1) == (y > 0):
			return math.Inf(1)
		}
		return 0
	case x == 0 || math.IsInf(x, 0):
		z := math.Abs(x)
		if y < 0 {
			z = 1 / z
		}
		if odd {
			return math.Copysign(z, x)
		}
		return z
	case x < 0 && !whole:
		return math.NaN()
	}
	z := powPositive(math.Abs(x), y)
	if x < 0 && odd {
		return -z
	}
	return z
}

// powPositive returns x^y for finite x > 0 and y.
func powPositive(x, y float64) float64 {
	lh, ll := logParts(x)
	p := float64(y * lh)
	switch {
	case p > 709.79:
		return math.Inf(1)
	case p < -745.2:
		return 0
	}
	t, u, k := expParts(p, mad(y, ll, math.FMA(y, lh, -p)))
	return scaleBy(t+u, k)
}
