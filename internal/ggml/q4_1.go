package ggml

import "encoding/binary"

// Q4_1 and Q5_1: float16 d and m, then codes; x ≈ code·d + m.

var (
	searchQ4 = newAffineSearch(15, -0.9, 0.05, 36)
	searchQ5 = newAffineSearch(31, -0.9, 0.05, 36)
)

// encodeQ4_1 takes d = (max-min)/15 and m = min; with importance fitAffine.
func encodeQ4_1(dst []byte, x, importance []float32, rowMean float32) {
	var codes [32]uint8
	d, m := affineScale(codes[:], x, importance, rowMean, searchQ4)
	putHalf(dst, d)
	putHalf(dst[2:], m)
	putNibbles(dst[4:], codes[:])
}

// encodeQ5_1 is encodeQ4_1 with a fifth bit for each code in qh.
func encodeQ5_1(dst []byte, x, importance []float32, rowMean float32) {
	var codes [32]uint8
	d, m := affineScale(codes[:], x, importance, rowMean, searchQ5)
	putHalf(dst, d)
	putHalf(dst[2:], m)
	putFifthBits(dst[4:], codes[:])
	putNibbles(dst[8:], codes[:])
}

// runQ4_1 and runQ5_1 are encodeQ4_1 and encodeQ5_1 for the blocks of a chunk.
func runQ4_1(ws *workspace, dst []byte, x, importance []float32, rowMean float32) {
	if importance == nil {
		blocksQ4_1(len(x)/32, &dst[0], &x[0])
		return
	}
	ws.runOffset(x, importance, rowMean, searchQ4)
	for b := range len(x) / 32 {
		putHalf(dst[20*b:], ws.scales[b])
		putHalf(dst[20*b+2:], -ws.offsets[b])
		putNibbles(dst[20*b+4:], ws.codes[32*b:][:32])
	}
}

func runQ5_1(ws *workspace, dst []byte, x, importance []float32, rowMean float32) {
	if importance == nil {
		blocksQ5_1(len(x)/32, &dst[0], &x[0])
		return
	}
	ws.runOffset(x, importance, rowMean, searchQ5)
	for b := range len(x) / 32 {
		putHalf(dst[24*b:], ws.scales[b])
		putHalf(dst[24*b+2:], -ws.offsets[b])
		putFifthBits(dst[24*b+4:], ws.codes[32*b:][:32])
		putNibbles(dst[24*b+8:], ws.codes[32*b:][:32])
	}
}

// runOffset sets ws.scales, ws.offsets and ws.codes with importance.
func (ws *workspace) runOffset(x, importance []float32, rowMean float32, s *affineSearch) {
	ws.weigh(len(x), &ws.weights[0], &importance[0], &x[0], rowMean)
	ws.fitAffine(x, 32, given, s)
	ws.multiply(x, ws.inverses[:], ws.starts[:], 0, s.n)
	for b := range len(x) / 32 {
		if ws.plain[b] {
			ws.plainAffine(ws.codes[32*b:], x[32*b:][:32], 32*b, given, s)
		}
	}
}

// affineScale makes the codes, in [0, s.n], and returns d and m.
func affineScale(codes []uint8, x, importance []float32, rowMean float32, s *affineSearch) (d, m float32) {
	if importance != nil {
		var w [32]float32
		weigh(w[:], importance, x, rowMean)
		d, m = fitAffine(codes, x, w[:], s)
		return d, -m
	}
	lo, hi := x[0], x[0]
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	d = (hi - lo) / float32(s.n)
	id := inverse(d)
	for i, v := range x {
		l := truncate(float32((v-lo)*id) + 0.5)
		if s.n == 15 {
			codes[i] = uint8(min(15, int32(int8(l))))
		} else {
			codes[i] = uint8(l) & 31
		}
	}
	return d, lo
}

func decodeQ4_1(dst []float32, src []byte) {
	d, m := half(src), half(src[2:])
	for j, b := range src[4:20] {
		dst[j] = float32(float32(b&15)*d) + m
		dst[j+16] = float32(float32(b>>4)*d) + m
	}
}

func decodeQ5_1(dst []float32, src []byte) {
	d, m := half(src), half(src[2:])
	bits := binary.LittleEndian.Uint32(src[4:])
	for j, b := range src[8:24] {
		dst[j] = float32(float32(uint32(b&15)|bits>>j&1<<4)*d) + m
		dst[j+16] = float32(float32(uint32(b>>4)|bits>>(j+16)&1<<4)*d) + m
	}
}
