package kernel

import "math"

// FMA returns a·b + c rounded once, as the fused multiply-add instruction of every processor does, also for
// subnormal numbers, infinities and NaN.
//
// The product of two float32 is exact in float64. Its sum with c, rounded to float64 and again to float32, is wrong
// only where the first rounding ended on a boundary of the second: halfway between two float32. There the sum is
// made again, rounded to odd (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
func FMA(a, b, c float32) float32 {
	p := float64(float64(a) * float64(b))
	s := p + float64(c)
	if settled(s) {
		return float32(s)
	}
	return fmaOdd(p, float64(c), s)
}

const (
	belowFloat32 = 1<<29 - 1 // the bits of a float64 that a normal float32 lacks
	halfFloat32  = 1 << 28   // and their value halfway between two float32
)

// settled reports whether s, a rounded float64 sum, gives the same float32 as the exact sum would: it is not
// halfway, and either zero (then the sum was exact) or of normal float32 size, where halfway looks like that.
func settled(s float64) bool {
	b := math.Float64bits(s)
	return b&belowFloat32 != halfFloat32 && (b>>52&0x7ff >= 1023-126 || s == 0)
}

// fmaOdd returns p + c, whose float64 sum is s, rounded to odd and then to float32.
func fmaOdd(p, c, s float64) float32 {
	if s != s {
		return float32(s)
	}
	t := s - p
	e := (p - (s - t)) + (c - t) // s + e is the exact sum (Knuth, Møller)
	b := math.Float64bits(s)
	if e != 0 && b&1 == 0 {
		if (e > 0) == (s > 0) {
			b++
		} else {
			b--
		}
	}
	return float32(math.Float64frombits(b))
}
