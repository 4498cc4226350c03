package ggml

import (
	"encoding/binary"
	"math"

	"github.com/pare-ml/pare/internal/kernel"
)

// The types of one number are blocks of one element; runs of them are converted at once.

func encodeF32(dst []byte, x, _ []float32, _ float32) {
	binary.LittleEndian.PutUint32(dst, math.Float32bits(x[0]))
}

func encodeF16(dst []byte, x, _ []float32, _ float32) { putHalf(dst, x[0]) }

func encodeBF16(dst []byte, x, _ []float32, _ float32) {
	binary.LittleEndian.PutUint16(dst, kernel.BFloat16Bits(x[0]))
}

// runF32, runF16 and runBF16 convert a chunk.
func runF32(_ *workspace, dst []byte, x, _ []float32, _ float32) { toF32(dst, x) }

func runF16(_ *workspace, dst []byte, x, _ []float32, _ float32) {
	n := len(x) &^ 15
	if n > 0 {
		toF16(n, &dst[0], &x[0])
	}
	kernel.Float32ToFloat16(dst[2*n:], x[n:])
}

func runBF16(_ *workspace, dst []byte, x, _ []float32, _ float32) {
	n := len(x) &^ 15
	if n > 0 {
		toBF16(n, &dst[0], &x[0])
	}
	kernel.Float32ToBFloat16(dst[2*n:], x[n:])
}

func decodeF32(dst []float32, src []byte) {
	dst[0] = math.Float32frombits(binary.LittleEndian.Uint32(src))
}

func decodeF16(dst []float32, src []byte) { dst[0] = half(src) }

func decodeBF16(dst []float32, src []byte) {
	dst[0] = kernel.BFloat16FromBits(binary.LittleEndian.Uint16(src))
}

func decodeF64(dst []float32, src []byte) {
	dst[0] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src)))
}

func decodeI8(dst []float32, src []byte) { dst[0] = float32(int8(src[0])) }

func decodeI16(dst []float32, src []byte) { dst[0] = float32(int16(binary.LittleEndian.Uint16(src))) }

func decodeI32(dst []float32, src []byte) { dst[0] = float32(int32(binary.LittleEndian.Uint32(src))) }

func decodeI64(dst []float32, src []byte) { dst[0] = float32(int64(binary.LittleEndian.Uint64(src))) }

func decodeQ8_1(dst []float32, src []byte) {
	d := half(src)
	for i, b := range src[4:36] {
		dst[i] = float32(int8(b)) * d
	}
}

func decodeQ8_K(dst []float32, src []byte) {
	d := math.Float32frombits(binary.LittleEndian.Uint32(src))
	for i, b := range src[4:260] {
		dst[i] = d * float32(int8(b))
	}
}
