package ggml

import "encoding/binary"

// Q4_K and Q5_K: 8 sub-blocks of 32. float16 d and dmin, scales[12] (8 scales and minima of 6 bits), in Q5_K qh[32],
// qs[128]; x ≈ d·scale·code - dmin·minimum.

var (
	searchQ4K = newAffineSearch(15, -1, 0.1, 20)
	searchQ5K = newAffineSearch(31, -0.5, 0.1, 15)
)

func encodeQ4_K(dst []byte, x, importance []float32, _ float32) {
	var codes [256]uint8
	encodeAffine(dst, codes[:], x, importance, searchQ4K, searchQ4)
	packQ4_K(dst, codes[:])
}

func encodeQ5_K(dst []byte, x, importance []float32, _ float32) {
	var codes [256]uint8
	encodeAffine(dst, codes[:], x, importance, searchQ5K, searchQ5)
	packQ5_K(dst, codes[:])
}

// encodeAffine makes the codes and writes d, dmin and the scales.
func encodeAffine(dst []byte, codes []uint8, x, importance []float32, plain, weighted *affineSearch) {
	var scales, mins, number, add, weight [8]float32
	var w [32]float32
	if importance == nil {
		for j := range scales {
			part := x[32*j:][:32]
			mean := sqrt(sumSquares(part) / 32)
			for i, v := range part {
				w[i] = mean + abs(v)
			}
			scales[j], mins[j] = fitAffine(codes[32*j:][:32], part, w[:], plain)
		}
		scalesQ4_K(dst, scales[:], mins[:], nil, number[:], add[:])
	} else {
		sigma2 := float32(2 * sumSquares(x) / 256)
		for j := range scales {
			part := x[32*j:][:32]
			weigh(w[:], importance[32*j:][:32], part, sigma2)
			weight[j] = sum(w[:])
			scales[j], mins[j] = fitAffine(codes[32*j:][:32], part, w[:], weighted)
		}
		scalesQ4_K(dst, scales[:], mins[:], weight[:], number[:], add[:])
	}
	for j, d := range number {
		recode(codes[32*j:][:32], x[32*j:][:32], d, add[j], 0, plain.n)
	}
}

// scalesQ4_K writes d, dmin and the scales, and sets number and add to the scales and minimums as they are stored. The
// sums of weights are nil without importance.
func scalesQ4_K(dst []byte, scales, mins, sums, number, add []float32) {
	var s, m [8]uint8
	var d, dmin float32
	if sums == nil {
		d, dmin = steps6(s[:], scales), steps6(m[:], mins)
	} else {
		d, dmin = fitPositive(s[:], scales, sums, 63), fitPositive(m[:], mins, sums, 63)
	}
	putHalf(dst, d)
	putHalf(dst[2:], dmin)
	d, dmin = half(dst), half(dst[2:])
	putScales(dst[4:16], &s, &m)
	for j := range s {
		number[j], add[j] = float32(d*float32(s[j])), float32(dmin*float32(m[j]))
	}
}

// runQ4_K and runQ5_K are encodeQ4_K and encodeQ5_K for the blocks of a chunk.
func runQ4_K(ws *workspace, dst []byte, x, importance []float32, _ float32) {
	ws.runAffine(dst, 144, x, importance, searchQ4K, searchQ4)
	for b := range len(x) / 256 {
		packQ4_K(dst[144*b:], ws.codes[256*b:])
	}
}

func runQ5_K(ws *workspace, dst []byte, x, importance []float32, _ float32) {
	ws.runAffine(dst, 176, x, importance, searchQ5K, searchQ5)
	for b := range len(x) / 256 {
		packQ5_K(dst[176*b:], ws.codes[256*b:])
	}
}

// runAffine is encodeAffine for the blocks of a chunk, which have size bytes each.
func (ws *workspace) runAffine(dst []byte, size int, x, importance []float32, plain, weighted *affineSearch) {
	search, kind := plain, rms
	if importance != nil {
		search, kind = weighted, given
		ws.weighBlocks(x, importance, 256, 2, 1.0/256)
		ws.sumWeights(len(x), 32)
	}
	ws.fitAffine(x, 32, kind, search)
	var number, add [chunk / 32]float32
	for b := range len(x) / 256 {
		g := 8 * b
		var sums []float32
		if importance != nil {
			sums = ws.sums[g:][:8]
		}
		scalesQ4_K(dst[size*b:], ws.scales[g:][:8], ws.offsets[g:][:8], sums, number[g:][:8], add[g:][:8])
	}
	ws.recodeAffine(x, 32, kind, search, number[:], add[:])
}

func packQ4_K(dst []byte, codes []uint8) { putHalves(dst[16:144], codes) }

// packQ5_K writes the low nibbles as packQ4_K does, and the fifth bits to qh: byte e%32, bit e/32.
func packQ5_K(dst []byte, codes []uint8) {
	putHalves(dst[48:176], codes)
	for l := 0; l < 32; l += 8 {
		var high uint64
		for k := range 8 {
			high |= eight(codes[32*k+l:]) >> 4 & ones << k
		}
		binary.LittleEndian.PutUint64(dst[16+l:], high)
	}
}

// ones has a 1 in each byte: codes are packed eight at a time.
const ones = 0x0101010101010101

func eight(codes []uint8) uint64 { return binary.LittleEndian.Uint64(codes) }

// steps6 is steps for 6 bits. The codes are cut to 63 after they were cut to a byte.
func steps6(codes []uint8, numbers []float32) float32 {
	var top float32
	for _, v := range numbers {
		if v > top {
			top = v
		}
	}
	var per float32
	if top > 0 {
		per = 63 / top
	}
	for i, v := range numbers {
		codes[i] = min(63, uint8(nearest(float32(per*v))))
	}
	return top / 63
}

// putScales writes 8 scales and 8 minima of 6 bits: those of j < 4 in bytes j and j+4; of the others the low nibbles in
// byte j+4, and the top bits above those of j-4.
func putScales(dst []byte, s, m *[8]uint8) {
	for j := range 4 {
		dst[j] = s[j] | s[j+4]>>4<<6
		dst[j+4] = m[j] | m[j+4]>>4<<6
		dst[j+8] = s[j+4]&15 | m[j+4]<<4
	}
}

func scaleAndMin(src []byte, j int) (scale, minimum uint8) {
	if j < 4 {
		return src[j] & 63, src[j+4] & 63
	}
	return src[j+4]&15 | src[j-4]>>6<<4, src[j+4]>>4 | src[j]>>6<<4
}

// putHalves writes 2·len(dst) codes; of each 64, byte l has the low nibbles of element l, low, and l+32, high.
func putHalves(dst []byte, codes []uint8) {
	for k := 0; k < len(dst); k += 32 {
		from, to := codes[2*k:][:64], dst[k:][:32]
		for l := 0; l < 32; l += 8 {
			binary.LittleEndian.PutUint64(to[l:], eight(from[l:])&(15*ones)|eight(from[l+32:])&(15*ones)<<4)
		}
	}
}

func decodeQ4_K(dst []float32, src []byte) {
	d, dmin := half(src), half(src[2:])
	for j := range 8 {
		sc, mn := scaleAndMin(src[4:16], j)
		scale, minimum := float32(d*float32(sc)), float32(dmin*float32(mn))
		for i, b := range src[16+j/2*32:][:32] {
			dst[32*j+i] = float32(scale*float32(b>>(j%2*4)&15)) - minimum
		}
	}
}

func decodeQ5_K(dst []float32, src []byte) {
	d, dmin := half(src), half(src[2:])
	high := src[16:48]
	for j := range 8 {
		sc, mn := scaleAndMin(src[4:16], j)
		scale, minimum := float32(d*float32(sc)), float32(dmin*float32(mn))
		for i, b := range src[48+j/2*32:][:32] {
			dst[32*j+i] = float32(scale*float32(b>>(j%2*4)&15|high[i]>>j&1<<4)) - minimum
		}
	}
}
