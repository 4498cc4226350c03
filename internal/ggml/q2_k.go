package ggml

import "encoding/binary"

// Q2_K: 16 sub-blocks of 16. scales[16] (scale low, minimum high nibble), qs[64], float16 d and dmin;
// x ≈ d·scale·code - dmin·minimum.

var (
	searchQ2K       = newAbsoluteSearch()
	searchQ2KWeight = newAffineSearch(3, -0.9, 0.05, 36)
)

func newAbsoluteSearch() *affineSearch {
	s := newAffineSearch(3, -0.5, 0.1, 15)
	s.absolute = true
	return s
}

func encodeQ2_K(dst []byte, x, importance []float32, _ float32) {
	var codes [256]uint8
	var scales, mins, weight, number, add [16]float32
	var w [16]float32
	if importance == nil {
		for j := range scales {
			part := x[16*j:][:16]
			for i, v := range part {
				w[i] = abs(v)
			}
			scales[j], mins[j] = fitAffine(codes[16*j:][:16], part, w[:], searchQ2K)
		}
		scalesQ2_K(dst, scales[:], mins[:], nil, number[:], add[:])
	} else {
		sigma2 := float32(sumSquares(x) / 256)
		for j := range scales {
			part := x[16*j:][:16]
			weigh(w[:], importance[16*j:][:16], part, sigma2)
			weight[j] = sum(w[:])
			scales[j], mins[j] = fitAffine(codes[16*j:][:16], part, w[:], searchQ2KWeight)
		}
		scalesQ2_K(dst, scales[:], mins[:], weight[:], number[:], add[:])
	}
	for j, d := range number {
		recode(codes[16*j:][:16], x[16*j:][:16], d, add[j], 0, 3)
	}
	putQuarters(dst[16:80], codes[:])
}

// scalesQ2_K writes d, dmin and the scales, and sets number and add to the scales and minimums as they are stored. The
// sums of weights are nil without importance.
func scalesQ2_K(dst []byte, scales, mins, sums, number, add []float32) {
	var s, m [16]uint8
	var d, dmin float32
	if sums == nil {
		d, dmin = steps(s[:], scales, 15), steps(m[:], mins, 15)
	} else {
		d, dmin = fitPositive(s[:], scales, sums, 15), fitPositive(m[:], mins, sums, 15)
	}
	putHalf(dst[80:], d)
	putHalf(dst[82:], dmin)
	d, dmin = half(dst[80:]), half(dst[82:])
	for j := range s {
		dst[j] = s[j] | m[j]<<4
		number[j] = float32(d * float32(dst[j]&15))
		add[j] = float32(dmin * float32(dst[j]>>4))
	}
}

// runQ2_K is encodeQ2_K for the blocks of a chunk.
func runQ2_K(ws *workspace, dst []byte, x, importance []float32, _ float32) {
	search, kind := searchQ2K, magnitudes
	if importance != nil {
		search, kind = searchQ2KWeight, given
		ws.weighBlocks(x, importance, 256, 1, 1.0/256)
		ws.sumWeights(len(x), 16)
	}
	ws.fitAffine(x, 16, kind, search)
	var number, add [chunk / 16]float32
	for b := range len(x) / 256 {
		g := 16 * b
		var sums []float32
		if importance != nil {
			sums = ws.sums[g:][:16]
		}
		scalesQ2_K(dst[84*b:], ws.scales[g:][:16], ws.offsets[g:][:16], sums, number[g:][:16], add[g:][:16])
	}
	ws.recodeAffine(x, 16, kind, search, number[:], add[:])
	for b := range len(x) / 256 {
		putQuarters(dst[84*b+16:][:64], ws.codes[256*b:][:256])
	}
}

// steps sets codes to numbers, none of them negative, in units of the greatest over n, and returns the unit.
func steps(codes []uint8, numbers []float32, n float32) float32 {
	var top float32
	for _, v := range numbers {
		if v > top {
			top = v
		}
	}
	if top == 0 {
		clear(codes)
		return 0
	}
	per := n / top
	for i, v := range numbers {
		codes[i] = uint8(nearest(float32(per * v)))
	}
	return top / n
}

// recode makes the codes again from the scale and minimum as they are stored; a scale of 0 leaves them.
func recode(codes []uint8, x []float32, d, minimum float32, lo, hi int32) {
	if d == 0 {
		return
	}
	for i, v := range x {
		codes[i] = uint8(clamp(nearest((v+minimum)/d), lo, hi) - lo)
	}
}

// putQuarters writes 4·len(dst) codes of 2 bits; of each 128, byte l has elements l, l+32, l+64, l+96 from the low bits up.
func putQuarters(dst []byte, codes []uint8) {
	for k := 0; k < len(dst); k += 32 {
		from, to := codes[4*k:][:128], dst[k:][:32]
		for l := 0; l < 32; l += 8 {
			a, b, c, d := eight(from[l:]), eight(from[l+32:]), eight(from[l+64:]), eight(from[l+96:])
			binary.LittleEndian.PutUint64(to[l:], a&(3*ones)|b&(3*ones)<<2|c&(3*ones)<<4|d&(3*ones)<<6)
		}
	}
}

func decodeQ2_K(dst []float32, src []byte) {
	d, dmin := half(src[80:]), half(src[82:])
	for j := range 16 {
		scale, minimum := float32(d*float32(src[j]&15)), float32(dmin*float32(src[j]>>4))
		qs := src[16+j/8*32+j%2*16:][:16]
		for i, b := range qs {
			dst[16*j+i] = float32(scale*float32(b>>(j%8/2*2)&3)) - minimum
		}
	}
}
