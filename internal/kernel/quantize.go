package kernel

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// QuantizeInt8 sets dst to the codes of src as ONNX QuantizeLinear defines them: src / scale (a true division, in
// float32) rounded half to even, plus zero, saturated to [-128, 127]. NaN gives zero, saturated.
func QuantizeInt8(dst []int8, src []float32, scale float32, zero int32) {
	mustMatch(len(dst), len(src))
	if len(dst) > 0 {
		Codes(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), len(dst)), src, scale, zero, -128, 127)
	}
}

// QuantizeUint8 is QuantizeInt8 for codes in [0, 255].
func QuantizeUint8(dst []uint8, src []float32, scale float32, zero int32) {
	Codes(dst, src, scale, zero, 0, 255)
}

// Codes is QuantizeInt8 for codes of one byte each, between lo and hi, of any integer type of at most 8 bits; negative ones as
// two's complement.
func Codes(dst []byte, src []float32, scale float32, zero, lo, hi int32) {
	mustMatch(len(dst), len(src))
	for i := codesVectors(dst, src, scale, zero, lo, hi); i < len(dst); i++ {
		dst[i] = byte(code(src[i], scale, zero, lo, hi))
	}
}

func code(v, scale float32, zero, lo, hi int32) int32 {
	q := v / scale
	switch {
	case q > 1<<20: // far outside any range; a conversion of such a number may differ between machines
		q = 1 << 20
	case q < -1<<20:
		q = -1 << 20
	case q != q:
		q = 0
	}
	const round = 3 << 22 // its neighbours are whole numbers: adding it rounds half to even
	q = float32(q+round) - round
	return int32(min(max(int64(q)+int64(zero), int64(lo)), int64(hi)))
}

// DequantizeInt8 sets dst to (src - zero) · scale, as ONNX DequantizeLinear.
func DequantizeInt8(dst []float32, src []int8, scale float32, zero int32) {
	mustMatch(len(dst), len(src))
	for i := dequantizeInt8Vectors(dst, src, scale, zero); i < len(dst); i++ {
		dst[i] = float32(int64(src[i])-int64(zero)) * scale
	}
}

// DequantizeUint8 is DequantizeInt8 for codes in [0, 255].
func DequantizeUint8(dst []float32, src []uint8, scale float32, zero int32) {
	mustMatch(len(dst), len(src))
	for i := dequantizeUint8Vectors(dst, src, scale, zero); i < len(dst); i++ {
		dst[i] = float32(int64(src[i])-int64(zero)) * scale
	}
}

// DequantizeInt32 is DequantizeInt8 for 32-bit codes; the difference is rounded to float32 before the product.
func DequantizeInt32(dst []float32, src []int32, scale float32, zero int32) {
	mustMatch(len(dst), len(src))
	for i, q := range src {
		dst[i] = float32(int64(q)-int64(zero)) * scale
	}
}

// Float32FromBytes reads float32 numbers, little endian.
func Float32FromBytes(dst []float32, src []byte) {
	mustMatch(4*len(dst), len(src))
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}
