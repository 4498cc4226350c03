package kernel

import "math"

// A product of float32 numbers x and y is a multiple of 2^(fineness(x) + fineness(y) - 300). Where that is no finer than
// 2^-149, the least subnormal number, sums of such products and float32 numbers are multiples of 2^-149 too, so that
// float32 holds those exactly that are smaller than a normal number. A rounded float64 sum then needs only the first of
// the two tests in settled.
const coarse = 300 - 149

// fineness returns the least exponent field of a nonzero number among the four floats at each of x[offs[p]], 255 if all
// are zero. A number with the field e is a multiple of 2^(e-150).
func fineness(x []float32, offs []int) int {
	a := uint32(255)<<24 + 1 // twice the bits less 1: zero becomes the greatest
	b, c, d := a, a, a
	for _, off := range offs {
		v := (*[4]float32)(x[off:])
		a = min(a, math.Float32bits(v[0])<<1-1)
		b = min(b, math.Float32bits(v[1])<<1-1)
		c = min(c, math.Float32bits(v[2])<<1-1)
		d = min(d, math.Float32bits(v[3])<<1-1)
	}
	return max(1, int((min(a, b, c, d)+1)>>24))
}

// finenessOfPair is fineness of the first floats, one or two, at each x[p*step].
func finenessOfPair(x []float32, step, steps, floats int) int {
	a := uint32(255)<<24 + 1
	b := a
	for p := range steps {
		a = min(a, math.Float32bits(x[p*step])<<1-1)
		b = min(b, math.Float32bits(x[p*step+floats-1])<<1-1)
	}
	return max(1, int((min(a, b)+1)>>24))
}

// halfway is the first test of settled, on the lower half of the bits.
func halfway(s float64) bool { return uint32(math.Float64bits(s))<<3 == 1<<31 }

// coarse1x4 takes the steps of offs in four chains from c, with operands fit for that. It gives up, leaving c alone, when a
// sum is halfway between two float32, where only FMA knows how to round.
func coarse1x4(a []float32, lda int, b []float32, offs []int, c *[4]float32) bool {
	c0, c1, c2, c3 := float64(c[0]), float64(c[1]), float64(c[2]), float64(c[3])
	for p, off := range offs {
		x := float64(a[p*lda])
		y := (*[4]float32)(b[off:])
		s0 := float64(x*float64(y[0])) + c0
		s1 := float64(x*float64(y[1])) + c1
		s2 := float64(x*float64(y[2])) + c2
		s3 := float64(x*float64(y[3])) + c3
		if halfway(s0) || halfway(s1) || halfway(s2) || halfway(s3) {
			return false
		}
		c0, c1, c2, c3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
	}
	c[0], c[1], c[2], c[3] = float32(c0), float32(c1), float32(c2), float32(c3)
	return true
}

// coarse2x4 is coarse1x4 for two rows of A, side by side.
func coarse2x4(a []float32, lda int, b []float32, offs []int, c, d *[4]float32) bool {
	c0, c1, c2, c3 := float64(c[0]), float64(c[1]), float64(c[2]), float64(c[3])
	d0, d1, d2, d3 := float64(d[0]), float64(d[1]), float64(d[2]), float64(d[3])
	for p, off := range offs {
		x := (*[2]float32)(a[p*lda:])
		y := (*[4]float32)(b[off:])
		x0, x1 := float64(x[0]), float64(x[1])
		y0, y1, y2, y3 := float64(y[0]), float64(y[1]), float64(y[2]), float64(y[3])
		s0 := float64(x0*y0) + c0
		s1 := float64(x0*y1) + c1
		s2 := float64(x0*y2) + c2
		s3 := float64(x0*y3) + c3
		if halfway(s0) || halfway(s1) || halfway(s2) || halfway(s3) {
			return false
		}
		c0, c1, c2, c3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
		s0 = float64(x1*y0) + d0
		s1 = float64(x1*y1) + d1
		s2 = float64(x1*y2) + d2
		s3 = float64(x1*y3) + d3
		if halfway(s0) || halfway(s1) || halfway(s2) || halfway(s3) {
			return false
		}
		d0, d1, d2, d3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
	}
	c[0], c[1], c[2], c[3] = float32(c0), float32(c1), float32(c2), float32(c3)
	d[0], d[1], d[2], d[3] = float32(d0), float32(d1), float32(d2), float32(d3)
	return true
}
