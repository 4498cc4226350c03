package ggml

// Q4_K and Q5_K: 8 sub-blocks of 32. float16 d and dmin, scales[12] (8 scales and minima of 6 bits), in Q5_K qh[32],
// qs[128]; x ≈ d·scale·code - dmin·minimum.

var (
	searchQ4K = affineSearch{n: 15, from: -1, step: 0.1, steps: 20}
	searchQ5K = affineSearch{n: 31, from: -0.5, step: 0.1, steps: 15}
)

func encodeQ4_K(dst []byte, x, importance []float32, _ float32) {
	var codes [256]uint8
	search := &searchQ4K
	if importance != nil {
		search = &searchQ4
	}
	encodeAffine(dst, codes[:], x, importance, search)
	for k := range 4 {
		putHalves(dst[16+32*k:], codes[64*k:])
	}
}

func encodeQ5_K(dst []byte, x, importance []float32, _ float32) {
	var codes [256]uint8
	search := &searchQ5K
	if importance != nil {
		search = &searchQ5
	}
	encodeAffine(dst, codes[:], x, importance, search)
	high := dst[16:48]
	clear(high)
	for e, c := range codes {
		high[e%32] |= c >> 4 << (e / 32)
	}
	for k := range 4 {
		putHalves(dst[48+32*k:], codes[64*k:])
	}
}

// encodeAffine makes the codes and writes d, dmin and the scales.
func encodeAffine(dst []byte, codes []uint8, x, importance []float32, search *affineSearch) {
	var scales, mins [8]float32
	var s, m [8]uint8
	var d, dmin float32
	var w [32]float32
	if importance == nil {
		for j := range scales {
			part := x[32*j:][:32]
			rms := sqrt(sumSquares(part) / 32)
			for i, v := range part {
				w[i] = rms + abs(v)
			}
			scales[j], mins[j] = fitAffine(codes[32*j:][:32], part, w[:], search)
		}
		d = steps6(s[:], scales[:])
		dmin = steps6(m[:], mins[:])
	} else {
		var weight [8]float32
		sigma2 := float32(2*sumSquares(x)) / 256
		for j := range scales {
			part := x[32*j:][:32]
			weigh(w[:], importance[32*j:][:32], part, sigma2)
			weight[j] = sum(w[:])
			scales[j], mins[j] = fitAffine(codes[32*j:][:32], part, w[:], search)
		}
		d = fitPositive(s[:], scales[:], weight[:], 63)
		dmin = fitPositive(m[:], mins[:], weight[:], 63)
	}
	putHalf(dst, d)
	putHalf(dst[2:], dmin)
	putScales(dst[4:16], &s, &m)
	d, dmin = half(dst), half(dst[2:])
	for j := range 8 {
		sc, mn := scaleAndMin(dst[4:16], j)
		recode(codes[32*j:][:32], x[32*j:][:32], float32(d*float32(sc)), float32(dmin*float32(mn)), 0, search.n)
	}
}

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

// putHalves writes 64 codes: byte l has the low nibbles of element l, low, and l+32, high.
func putHalves(dst []byte, codes []uint8) {
	for l := range 32 {
		dst[l] = codes[l]&15 | codes[l+32]<<4
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
