package ggml

import "encoding/binary"

// IQ4_NL: float16 d, 32 codes; x ≈ d·values4[code]. IQ4_XS: 8 sub-blocks of 32, float16 d, scales_h uint16, scales_l[4],
// qs[128]; x ≈ d·(scale-32)·values4[code].

// values4 are the values that the codes of IQ4 stand for.
var values4 = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// middles4 lie halfway between the values; one of them itself belongs to the value above.
var middles4 = [15]float32{-115.5, -93.5, -74, -57, -42, -28.5, -16, -4.5, 7, 19, 31.5, 45.5, 61, 79, 101}

var numerators4 = []float32{-134, -133, -132, -131, -130, -129, -128, -127, -126, -125, -124, -123, -122, -121, -120}

// code4 returns the code whose value is nearest. NaN gets 15.
func code4(x float32) uint8 {
	var c uint8
	if !(x < middles4[7]) {
		c = 8
	}
	if !(x < middles4[c+3]) {
		c += 4
	}
	if !(x < middles4[c+1]) {
		c += 2
	}
	if !(x < middles4[c]) {
		c++
	}
	return c
}

// fit4 finds the scale of 32 elements: of the inverse scales 1/(top/127) and numerators4 over top the one with
// the greatest (Σwqx)²/Σwq² wins, and the scale is Σwqx/Σwq².
func fit4(x, w []float32) float32 {
	w = w[:len(x)]
	top, magnitude := greatest(x)
	if magnitude < epsilon {
		return 0
	}
	try := func(inverse float32) (sumqx, sumq2 float32) {
		for i, v := range x {
			q := values4[code4(float32(inverse*v))&15]
			wq := float32(w[i] * q)
			sumqx += float32(wq * v)
			sumq2 += float32(wq * q)
		}
		return sumqx, sumq2
	}
	var scale float32
	sumqx, sumq2 := try(1 / (-top / -127))
	if sumq2 > 0 {
		scale = sumqx / sumq2
	}
	best := float32(scale * sumqx)
	for _, numerator := range numerators4 {
		sumqx, sumq2 := try(numerator / top)
		if sumq2 > 0 && float32(sumqx*sumqx) > float32(best*sumq2) {
			scale = sumqx / sumq2
			best = float32(scale * sumqx)
		}
	}
	return scale
}

// weights4 sets the weights of 32 elements: squares, or with importance weigh.
func weights4(w, x, importance []float32, sigma2 float32) {
	if importance != nil {
		weigh(w, importance, x, sigma2)
		return
	}
	for i, v := range x {
		w[i] = float32(v * v)
	}
}

func encodeIQ4_NL(dst []byte, x, importance []float32, _ float32) {
	var w [32]float32
	weights4(w[:], x, importance, float32(sumSquares(x)*(2.0/32)))
	scale := fit4(x, w[:])
	putHalf(dst, scale)
	putCodes4(dst[2:], x, inverse(scale))
}

// runIQ4_NL is encodeIQ4_NL for the blocks of a chunk.
func runIQ4_NL(ws *workspace, dst []byte, x, importance []float32, _ float32) {
	kind := squares
	if importance != nil {
		kind = given
		ws.weighBlocks(x, importance, 32, 1, 2.0/32)
	}
	ws.fit4(x, kind)
	for b, scale := range ws.scales[:len(x)/32] {
		putHalf(dst[18*b:], scale)
		ws.inverses[b] = inverse(scale)
	}
	codes4(len(x)/32, &ws.codes[0], &x[0], &ws.inverses[0])
	for b := range len(x) / 32 {
		copy(dst[18*b+2:][:16], ws.codes[16*b:])
	}
}

func encodeIQ4_XS(dst []byte, x, importance []float32, _ float32) {
	var w [32]float32
	var scales, inverses [8]float32
	sigma2 := float32(sumSquares(x) * (2.0 / 256))
	for j := range scales {
		var own []float32
		if importance != nil {
			own = importance[32*j:][:32]
		}
		weights4(w[:], x[32*j:][:32], own, sigma2)
		scales[j] = fit4(x[32*j:][:32], w[:])
	}
	scalesIQ4_XS(dst, scales[:], inverses[:])
	for j, v := range inverses {
		putCodes4(dst[8+16*j:], x[32*j:][:32], v)
	}
}

// scalesIQ4_XS writes d and the scales, and sets inverses to what the codes come from.
func scalesIQ4_XS(dst []byte, scales, inverses []float32) {
	top, _ := greatest(scales)
	d := -top / 32
	id := inverse(d)
	putHalf(dst, d)
	var high uint16
	clear(dst[4:8])
	for j, v := range scales {
		l := clamp(nearest(float32(id*v)), -32, 31)
		inverses[j] = inverse(d * float32(l))
		dst[4+j/2] |= uint8(l+32) & 15 << (j % 2 * 4)
		high |= uint16(l+32) >> 4 << (2 * j)
	}
	binary.LittleEndian.PutUint16(dst[2:], high)
}

// runIQ4_XS is encodeIQ4_XS for the blocks of a chunk.
func runIQ4_XS(ws *workspace, dst []byte, x, importance []float32, _ float32) {
	kind := squares
	if importance != nil {
		kind = given
		ws.weighBlocks(x, importance, 256, 1, 2.0/256)
	}
	ws.fit4(x, kind)
	for b := range len(x) / 256 {
		scalesIQ4_XS(dst[136*b:], ws.scales[8*b:][:8], ws.inverses[8*b:][:8])
	}
	codes4(len(x)/32, &ws.codes[0], &x[0], &ws.inverses[0])
	for b := range len(x) / 256 {
		copy(dst[136*b+8:][:128], ws.codes[128*b:])
	}
}

// putCodes4 writes the codes of 32 elements as putNibbles does.
func putCodes4(dst []byte, x []float32, inverse float32) {
	for j := range 16 {
		dst[j] = code4(float32(inverse*x[j])) | code4(float32(inverse*x[j+16]))<<4
	}
}

func decodeIQ4_NL(dst []float32, src []byte) { getValues4(dst, src[2:18], half(src)) }

func decodeIQ4_XS(dst []float32, src []byte) {
	d, high := half(src), binary.LittleEndian.Uint16(src[2:])
	for j := range 8 {
		l := int32(src[4+j/2]>>(j%2*4)&15) | int32(high>>(2*j)&3)<<4
		getValues4(dst[32*j:], src[8+16*j:][:16], float32(d*float32(l-32)))
	}
}

func getValues4(dst []float32, codes []byte, scale float32) {
	for j, b := range codes {
		dst[j], dst[j+16] = scale*values4[b&15], scale*values4[b>>4]
	}
}
