package kernel

import "math"

// Erf returns the error function of x: Taylor polynomials on sixteen intervals of width ¼, worked in float64.
func Erf(x float32) float32 {
	a := math.Abs(float64(x))
	switch {
	case x != x:
		return x
	case a >= 4: // erf(4) is 1 - 1.5e-8
		return float32(math.Copysign(1, float64(x)))
	case a < 0.25:
		return float32(float64(x) * horner(&erfTable[0], float64(a*a)))
	}
	i := int(a * 4)
	return float32(math.Copysign(horner(&erfTable[i], a-float64((float64(i)+0.5)/4)), float64(x)))
}

func horner(c *[10]float64, x float64) float64 {
	s := c[9]
	for i := 8; i >= 0; i-- {
		s = mad(s, x, c[i])
	}
	return s
}
