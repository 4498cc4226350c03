package kernel

import "math"

// Floats of 8 and 4 bits, as the Open Compute Project defines them (OFP8 1.0, MX 1.0) and ONNX takes them. Rounding is
// half to even and saturates: weights have no use for infinities.

// Float8E4M3Bits returns the nearest number of 4 bits of exponent and 3 of fraction; beyond 448 that is ±448. NaN is 0x7f
// with its sign.
func Float8E4M3Bits(x float32) uint8 {
	b := math.Float32bits(x)
	sign := uint8(b >> 24 & 0x80)
	b &^= 1 << 31
	switch {
	case b > 0x7f800000:
		return sign | 0x7f
	case b >= 0x43e00000: // 448
		return sign | 0x7e
	case b < 0x3c800000: // below 2^-6: adding 2^14 leaves the multiples of 2^-9, rounded
		return sign | uint8(math.Float32bits(math.Float32frombits(b)+0x1p14)-0x46800000)
	}
	return sign | uint8((b+0x7ffff+b>>20&1)>>20-(127-7)<<3)
}

// Float8E5M2Bits returns the nearest number of 5 bits of exponent and 2 of fraction; beyond 57,344 that is ±57,344. NaN
// is 0x7f with its sign.
func Float8E5M2Bits(x float32) uint8 {
	b := math.Float32bits(x)
	sign := uint8(b >> 24 & 0x80)
	b &^= 1 << 31
	switch {
	case b > 0x7f800000:
		return sign | 0x7f
	case b >= 0x47600000: // 57344
		return sign | 0x7b
	case b < 0x38800000: // below 2^-14: adding 2^7 leaves the multiples of 2^-16, rounded
		return sign | uint8(math.Float32bits(math.Float32frombits(b)+0x1p7)-0x43000000)
	}
	return sign | uint8((b+0xfffff+b>>21&1)>>21-(127-15)<<2)
}

// Float4Bits returns the nearest of 0, 0.5, 1, 1.5, 2, 3, 4, 6 with its sign (E2M1), as a code of 4 bits. NaN gives 0.
func Float4Bits(x float32) uint8 {
	b := math.Float32bits(x)
	sign := uint8(b >> 28 & 8)
	b &^= 1 << 31
	switch {
	case b > 0x7f800000:
		return 0
	case b >= 0x40c00000: // 6
		return sign | 7
	case b < 0x3f800000: // below 1: adding 2^22 leaves the multiples of 0.5, rounded
		return sign | uint8(math.Float32bits(math.Float32frombits(b)+0x1p22)-0x4a800000)
	}
	return sign | uint8((b+0x1fffff+b>>22&1)>>22-(127-1)<<1)
}

// Float8E4M3, Float8E5M2 and Float4 hold the values of all codes; Float8E8M0 those of exponents alone, of which 255 is
// NaN and 0 is 2^-127.
var (
	Float8E4M3 = valuesOf(3, 7, 0x7f, false)
	Float8E5M2 = valuesOf(2, 15, 0x7c, true)
	Float4     = [16]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, float32(math.Copysign(0, -1)), -0.5, -1, -1.5, -2, -3, -4, -6}
	Float8E8M0 = func() (t [256]float32) {
		for i := range t {
			t[i] = math.Float32frombits(uint32(i) << 23)
		}
		t[0], t[255] = 0x1p-127, float32(math.NaN())
		return t
	}()
)

// valuesOf lists the values of the codes of a small float. From special on codes are NaN, or the first of them is
// infinity.
func valuesOf(fraction, bias, special int, infinite bool) (t [256]float32) {
	for i := range 128 {
		e, f := i>>fraction, i&(1<<fraction-1)
		v := float32(math.Ldexp(float64(f), 1-bias-fraction))
		switch {
		case i == special && infinite:
			v = float32(math.Inf(1))
		case i >= special:
			v = float32(math.NaN())
		case e > 0:
			v = float32(math.Ldexp(float64(f+1<<fraction), e-bias-fraction))
		}
		t[i], t[i+128] = v, -v
	}
	return t
}

// Float8E4M3s sets dst to Float8E4M3Bits of src / scale, a true division in float32.
func Float8E4M3s(dst []byte, src []float32, scale float32) {
	mustMatch(len(dst), len(src))
	for i := float8E4M3Vectors(dst, src, scale); i < len(dst); i++ {
		dst[i] = Float8E4M3Bits(src[i] / scale)
	}
}
