package kernel

import (
	"encoding/binary"
	"math"
)

// The bulk conversions take 16-bit numbers as bytes, little endian, two for each float.

// Float16ToFloat32 widens IEEE 754 binary16 numbers; every one has its float32.
func Float16ToFloat32(dst []float32, src []byte) {
	mustMatch(2*len(dst), len(src))
	for i := range dst {
		dst[i] = Float16FromBits(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// Float32ToFloat16 rounds to binary16, half to even: beyond ±65519.99… to infinity, subnormal numbers kept.
func Float32ToFloat16(dst []byte, src []float32) {
	mustMatch(len(dst), 2*len(src))
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], Float16Bits(v))
	}
}

// BFloat16ToFloat32 widens bfloat16 numbers, the upper halves of float32.
func BFloat16ToFloat32(dst []float32, src []byte) {
	mustMatch(2*len(dst), len(src))
	for i := range dst {
		dst[i] = BFloat16FromBits(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// Float32ToBFloat16 rounds to bfloat16, half to even. NaN stays NaN.
func Float32ToBFloat16(dst []byte, src []float32) {
	mustMatch(len(dst), 2*len(src))
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], BFloat16Bits(v))
	}
}

// Float16FromBits returns the value of a binary16 number. A NaN keeps sign and payload and becomes quiet.
func Float16FromBits(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	bits := uint32(h&0x7fff) << 13
	switch {
	case h&0x7c00 == 0: // subnormal or zero: a multiple of 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(h&0x3ff)*0x1p-24))
	case h&0x7c00 == 0x7c00:
		if h&0x3ff != 0 {
			bits |= 1 << 22
		}
		return math.Float32frombits(sign | 0x7f800000 | bits)
	}
	return math.Float32frombits(sign | bits + (127-15)<<23)
}

// Float16Bits returns the nearest binary16 number. A NaN keeps its sign and the upper bits of its payload and becomes
// quiet.
func Float16Bits(x float32) uint16 {
	b := math.Float32bits(x)
	sign := uint16(b >> 16 & 0x8000)
	b &^= 1 << 31
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13&0x3ff)
	case b >= 0x477ff000: // 65520, halfway between the greatest number and the next
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: adding 0.5 leaves the multiples of 2^-24, rounded
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-math.Float32bits(0.5))
	}
	return sign | uint16((b+0xfff+b>>13&1)>>13-(127-15)<<10)
}

// BFloat16FromBits returns the value of a bfloat16 number.
func BFloat16FromBits(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// BFloat16Bits returns the nearest bfloat16 number. A NaN keeps its sign and the upper bits of its payload and becomes
// quiet.
func BFloat16Bits(x float32) uint16 {
	b := math.Float32bits(x)
	if b&^(1<<31) > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
