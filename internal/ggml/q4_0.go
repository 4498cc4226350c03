package ggml

import "encoding/binary"

// Q4_0 and Q5_0: float16 d, then codes; x ≈ (code-8)·d, (code-16)·d.

var (
	searchQ4Signed = newSymmetricSearch(8)
	searchQ5Signed = newSymmetricSearch(16)
)

// encodeQ4_0 takes d = top/-8; with importance fitSymmetric.
func encodeQ4_0(dst []byte, x, importance []float32, rowMean float32) {
	var codes [32]uint8
	putHalf(dst, signedScale(codes[:], x, importance, rowMean, searchQ4Signed))
	putNibbles(dst[2:], codes[:])
}

// encodeQ5_0 is encodeQ4_0 with a fifth bit for each code in qh.
func encodeQ5_0(dst []byte, x, importance []float32, rowMean float32) {
	var codes [32]uint8
	putHalf(dst, signedScale(codes[:], x, importance, rowMean, searchQ5Signed))
	putFifthBits(dst[2:], codes[:])
	putNibbles(dst[6:], codes[:])
}

// signedScale makes the codes, in [0, 2·s.n-1], and returns d.
func signedScale(codes []uint8, x, importance []float32, rowMean float32, s *symmetricSearch) float32 {
	n := s.n
	if importance != nil {
		var w [32]float32
		weigh(w[:], importance, x, rowMean)
		return fitSymmetric(codes, x, w[:], s)
	}
	top, _ := greatest(x)
	d := top / -float32(n)
	id := inverse(d)
	for i, v := range x {
		codes[i] = uint8(min(2*n-1, int32(int8(truncate(float32(v*id)+(float32(n)+0.5))))))
	}
	return d
}

// putNibbles writes blocks of 32 codes: byte j has element j low and j+16 high.
func putNibbles(dst []byte, codes []uint8) {
	for ; len(codes) > 0; dst, codes = dst[16:], codes[32:] {
		for j, c := range codes[:16] {
			dst[j] = c&15 | codes[j+16]<<4
		}
	}
}

// putFifthBits writes the fifth bits of 32 codes as a little-endian number, element j in bit j.
func putFifthBits(dst []byte, codes []uint8) {
	var bits uint32
	for j, c := range codes {
		bits |= uint32(c>>4&1) << j
	}
	binary.LittleEndian.PutUint32(dst, bits)
}

func decodeQ4_0(dst []float32, src []byte) {
	d := half(src)
	for j, b := range src[2:18] {
		dst[j] = float32(int32(b&15)-8) * d
		dst[j+16] = float32(int32(b>>4)-8) * d
	}
}

func decodeQ5_0(dst []float32, src []byte) {
	d := half(src)
	bits := binary.LittleEndian.Uint32(src[2:])
	for j, b := range src[6:22] {
		dst[j] = float32(int32(b&15)|int32(bits>>j&1)<<4-16) * d
		dst[j+16] = float32(int32(b>>4)|int32(bits>>(j+16)&1)<<4-16) * d
	}
}
