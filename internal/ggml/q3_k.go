package ggml

import "encoding/binary"

// Q3_K: 16 sub-blocks of 16. hmask[32], qs[64], scales[12] of 6 bits, float16 d; x ≈ d·(scale-32)·(code-4).

var (
	searchQ3K       = newSymmetricSearch(4)
	searchQ3KScales = newSymmetricSearch(32)
)

func encodeQ3_K(dst []byte, x, importance []float32, _ float32) {
	var codes [256]uint8
	var scales, number [16]float32
	if importance == nil {
		for j := range scales {
			scales[j] = fitSymmetricSweeps(codes[16*j:][:16], x[16*j:][:16], 4)
		}
		scalesQ3_K(dst, scales[:], nil, number[:])
	} else {
		var w, weight [16]float32
		sigma2 := float32(2 * sumSquares(x) / 256)
		for j := range scales {
			part := x[16*j:][:16]
			weigh(w[:], importance[16*j:][:16], part, sigma2)
			weight[j] = sum(w[:])
			scales[j] = fitSymmetric(codes[16*j:][:16], part, w[:], searchQ3K)
		}
		scalesQ3_K(dst, scales[:], weight[:], number[:])
	}
	for j, d := range number {
		recode(codes[16*j:][:16], x[16*j:][:16], d, 0, -4, 3)
	}
	packQ3_K(dst, codes[:])
}

// runQ3_K is encodeQ3_K for the blocks of a chunk.
func runQ3_K(ws *workspace, dst []byte, x, importance []float32, _ float32) {
	if importance == nil {
		ws.fitSweeps(x, 4)
	} else {
		ws.weighBlocks(x, importance, 256, 2, 1.0/256)
		ws.fitSymmetric(x, 16, given, searchQ3K)
	}
	var number [chunk / 16]float32
	blocks := len(x) / 256
	if importance == nil {
		for b := range blocks {
			scalesQ3_K(dst[110*b:], ws.scales[16*b:][:16], nil, number[16*b:][:16])
		}
	} else {
		// The scales of a block are a group themselves, whose weights are the sums of weights.
		scales := ws.scales
		weights := ws.weights
		sums := ws.sums
		copy(ws.weights[:], sums[:16*blocks])
		ws.fitSymmetric(scales[:16*blocks], 16, given, searchQ3KScales)
		ws.weights = weights
		var s [16]uint8
		for b := range blocks {
			d := ws.scales[b]
			if !allFinite(scales[16*b:][:16]) { // sums that overflowed
				scalesQ3_K(dst[110*b:], scales[16*b:][:16], sums[16*b:][:16], number[16*b:][:16])
				continue
			}
			if inverse := ws.inverses[b]; inverse == 0 {
				clear(s[:])
			} else {
				for j, v := range scales[16*b:][:16] {
					s[j] = uint8(32 + clamp(nearest(float32(inverse*v)), -32, 31))
				}
			}
			storeQ3_K(dst[110*b:], d, &s, number[16*b:][:16])
		}
	}
	ws.divide(x, 16, number[:], zeros[:], -4, 3)
	for g, d := range number[:len(x)/16] {
		if d != 0 {
			continue
		}
		if importance == nil {
			fitSymmetricSweeps(ws.codes[16*g:][:16], x[16*g:][:16], 4)
		} else {
			ws.plainSymmetric(ws.codes[16*g:], x[16*g:][:16], 16*g, given, searchQ3K)
		}
	}
	for b := range len(x) / 256 {
		packQ3_K(dst[110*b:], ws.codes[256*b:])
	}
}

// scalesQ3_K writes d and the scales, and sets number to the scales as they are stored. The sums of weights are nil
// without importance.
func scalesQ3_K(dst []byte, scales, sums, number []float32) {
	var s [16]uint8
	if sums != nil {
		storeQ3_K(dst, fitSymmetric(s[:], scales, sums, searchQ3KScales), &s, number)
		return
	}
	var d float32
	if top, _ := greatest(scales); top != 0 {
		per := -32 / top
		for j, v := range scales {
			s[j] = uint8(clamp(int32(int8(nearest(float32(per*v)))), -32, 31) + 32)
		}
		d = 1 / per
	}
	storeQ3_K(dst, d, &s, number)
}

func storeQ3_K(dst []byte, d float32, s *[16]uint8, number []float32) {
	putHalf(dst[108:], d)
	d = half(dst[108:])
	putSixBits(dst[96:108], s)
	for j, c := range s {
		number[j] = d * float32(int32(c)-32)
	}
}

// packQ3_K writes the codes, the third bits to hmask: byte e%32, bit e/32.
func packQ3_K(dst []byte, codes []uint8) {
	for l := 0; l < 32; l += 8 {
		var high uint64
		for k := range 8 {
			high |= eight(codes[32*k+l:]) >> 2 & ones << k
		}
		binary.LittleEndian.PutUint64(dst[l:], high)
	}
	putQuarters(dst[32:96], codes)
}

// putSixBits writes 16 numbers of 6 bits: the low nibbles in bytes 0 to 7, j and j+8 in one; the top bits of j, j+4, j+8
// and j+12 in byte 8 + j.
func putSixBits(dst []byte, s *[16]uint8) {
	for j := range 8 {
		dst[j] = s[j]&15 | s[j+8]<<4
	}
	for j := range 4 {
		dst[8+j] = s[j]>>4&3 | s[j+4]>>4&3<<2 | s[j+8]>>4&3<<4 | s[j+12]>>4&3<<6
	}
}

func sixBits(src []byte, j int) int32 {
	return int32(src[j%8]>>(j/8*4)&15 | src[8+j%4]>>(j/4*2)&3<<4)
}

func decodeQ3_K(dst []float32, src []byte) {
	d := half(src[108:])
	for j := range 16 {
		scale := float32(d * float32(sixBits(src[96:108], j)-32))
		qs, high := src[32+j/8*32+j%2*16:][:16], src[j%2*16:][:16]
		for i, b := range qs {
			q := int32(b>>(j%8/2*2)&3) | int32(high[i]>>(j/2)&1)<<2
			dst[16*j+i] = scale * float32(q-4)
		}
	}
}
