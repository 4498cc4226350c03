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

// runQ4_0 and runQ5_0 are encodeQ4_0 and encodeQ5_0 for the blocks of a chunk.
func runQ4_0(ws *workspace, dst []byte, x, importance []float32, rowMean float32) {
	if importance == nil {
		blocksQ4_0(len(x)/32, &dst[0], &x[0])
		return
	}
	ws.runSigned(x, importance, rowMean, searchQ4Signed)
	for b := range len(x) / 32 {
		putHalf(dst[18*b:], ws.scales[b])
		putNibbles(dst[18*b+2:], ws.codes[32*b:][:32])
	}
}

func runQ5_0(ws *workspace, dst []byte, x, importance []float32, rowMean float32) {
	if importance == nil {
		blocksQ5_0(len(x)/32, &dst[0], &x[0])
		return
	}
	ws.runSigned(x, importance, rowMean, searchQ5Signed)
	for b := range len(x) / 32 {
		putHalf(dst[22*b:], ws.scales[b])
		putFifthBits(dst[22*b+2:], ws.codes[32*b:][:32])
		putNibbles(dst[22*b+6:], ws.codes[32*b:][:32])
	}
}

// runSigned sets ws.scales and ws.codes with importance.
func (ws *workspace) runSigned(x, importance []float32, rowMean float32, s *symmetricSearch) {
	ws.weigh(len(x), &ws.weights[0], &importance[0], &x[0], rowMean)
	ws.fitSymmetric(x, 32, given, s)
	ws.multiply(x, ws.inverses[:], nil, -s.n, s.n-1)
	for b, inverse := range ws.inverses[:len(x)/32] {
		if inverse == 0 { // a group of zeros
			clear(ws.codes[32*b:][:32])
		}
	}
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
	for k := 0; k < len(codes); k += 32 {
		from, to := codes[k:][:32], dst[k/2:][:16]
		for j := 0; j < 16; j += 8 {
			binary.LittleEndian.PutUint64(to[j:], eight(from[j:])&(15*ones)|eight(from[j+16:])&(15*ones)<<4)
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
