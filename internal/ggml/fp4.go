package ggml

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// MXFP4: a scale of 8 exponent bits (E8M0) and 32 numbers of E2M1. NVFP4: four scales of UE4M3 and four runs of 16
// numbers of E2M1. The sign is bit 3 of a code.

// doubled2 are the values of E2M1, doubled so that they are whole; the scales are halved instead.
var doubled2 = [16]float32{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// middles2 lie halfway between the doubled values; one of them itself belongs to the value of less magnitude.
var middles2 = [7]float32{0.5, 1.5, 2.5, 3.5, 5, 7, 10}

// code2 returns the first code whose value, times half the scale, is nearest.
func code2(x, d float32) uint8 {
	a := abs(x)
	if !(a < 0x1p20*d && d < 0x1p120) {
		return search2(x, d)
	}
	var code uint8
	for _, m := range middles2 {
		if a > float32(m*d) {
			code++
		}
	}
	if code > 0 && x < 0 {
		code |= 8
	}
	return code
}

// search2 is code2 as it is defined. Far beyond the greatest value, differences are told apart by rounding alone.
func search2(x, d float32) uint8 {
	var code uint8
	least := abs(float32(doubled2[0]*d) - x)
	for c, v := range doubled2 {
		if e := abs(float32(v*d) - x); e < least {
			code, least = uint8(c), e
		}
	}
	return code
}

func encodeMXFP4(dst []byte, x, _ []float32, _ float32) {
	_, magnitude := greatest(x)
	dst[0] = 0
	if magnitude > 0 {
		dst[0] = uint8(floorLog2(magnitude) + 125)
	}
	putCodes2(dst[1:17], x, halfE8M0(dst[0]))
}

// runMXFP4 is encodeMXFP4 for the blocks of a chunk.
func runMXFP4(ws *workspace, dst []byte, x, _ []float32, _ float32) {
	greatest16(len(x)/16, &ws.scales[0], &x[0])
	for b := range len(x) / 32 {
		var e uint8
		if magnitude := max(ws.scales[2*b], ws.scales[2*b+1]); magnitude > 0 {
			e = uint8(floorLog2(magnitude) + 125)
		}
		dst[17*b] = e
		ws.inverses[2*b] = halfE8M0(e)
		ws.inverses[2*b+1] = halfE8M0(e)
	}
	codes2(len(x)/32, &ws.codes[0], &x[0], &ws.inverses[0])
	for b := range len(x) / 32 {
		if max(ws.scales[2*b], ws.scales[2*b+1]) >= 0x1p127 { // some values may be infinite
			putCodes2(dst[17*b+1:][:16], x[32*b:], ws.inverses[2*b])
		} else {
			putNibbles(dst[17*b+1:], ws.codes[32*b:][:32])
		}
	}
}

// putCodes2 writes 2·len(dst) codes: byte j has element j low, and the one len(dst) on high.
func putCodes2(dst []byte, x []float32, d float32) {
	for j := range dst {
		dst[j] = code2(x[j], d) | code2(x[j+len(dst)], d)<<4
	}
}

// floorLog2 is the greatest whole number not above log2 x, for the log2 that float32 holds: just below 2^e it is e already.
func floorLog2(x float32) int32 {
	b := math.Float32bits(x)
	e := int32(b>>23) - 127
	fraction := b & (1<<23 - 1)
	if e == -127 {
		shift := bits.LeadingZeros32(fraction) - 8
		e -= int32(shift) - 1
		fraction = fraction << shift & (1<<23 - 1)
	}
	// x is 2^(e+1)·(1-δ) with δ = (2^23-fraction)·2^-24, and log2 x is e+1 - δ/ln 2. That is rounded to e+1 if it is
	// within half of the distance from e+1 to the number next to it, 2^(p-23).
	next := uint32(max(e, -e-1))
	if p := bits.Len32(next) - 1; p >= 0 && 1<<23-fraction <= uint32(math.Ln2*float64(uint32(1)<<p)) {
		e++
	}
	return e
}

// halfE8M0 is 2^(e-128).
func halfE8M0(e uint8) float32 {
	if e < 2 {
		return math.Float32frombits(0x200000 << e)
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

func encodeNVFP4(dst []byte, x, _ []float32, _ float32) {
	for s := range 4 {
		part := x[16*s:][:16]
		_, magnitude := greatest(part)
		dst[s] = putUE4M3(magnitude / 6)
		putCodes2(dst[4+8*s:][:8], part, halfUE4M3(dst[s]))
	}
}

// runNVFP4 is encodeNVFP4 for the blocks of a chunk.
func runNVFP4(ws *workspace, dst []byte, x, _ []float32, _ float32) {
	greatest16(len(x)/16, &ws.scales[0], &x[0])
	for g, magnitude := range ws.scales[:len(x)/16] {
		u := putUE4M3(magnitude / 6)
		dst[g/4*36+g%4] = u
		ws.inverses[g] = halfUE4M3(u)
		if u == 0 { // every value is 0, and the first code is taken
			ws.inverses[g] = float32(math.Inf(1))
		}
	}
	codes2(len(x)/32, &ws.codes[0], &x[0], &ws.inverses[0])
	for g := range len(x) / 16 {
		if ws.scales[g] > 0x1p20*ws.inverses[g] { // far beyond the greatest scale, where errors differ by rounding alone
			for i, v := range x[16*g:][:16] {
				ws.codes[16*g+i] = code2(v, ws.inverses[g])
			}
		}
		from, to := ws.codes[16*g:], dst[g/4*36+4+g%4*8:]
		binary.LittleEndian.PutUint64(to, eight(from)|eight(from[8:])<<4)
	}
}

// putUE4M3 rounds to 4 exponent and 3 fraction bits without sign: up where the next bit is set; 256 and above give 448.
func putUE4M3(x float32) uint8 {
	if !(x > 0) {
		return 0
	}
	if x >= 256 {
		return 0x7e
	}
	b := math.Float32bits(x)
	e := int32(b>>23) - 120
	if e <= 0 {
		return uint8(min(7, int32(float32(x*512)+0.5)))
	}
	u := uint8(e<<3) + uint8(b>>20&7) + uint8(b>>19&1) // the fraction's carry goes to the exponent
	if u >= 0x78 {
		return 0x7e
	}
	return u
}

// halfUE4M3 is half the value; 0x7f has none and gives 0.
func halfUE4M3(u uint8) float32 {
	e, m := u>>3&15, u&7
	switch {
	case u == 0x7f:
		return 0
	case e == 0:
		return float32(m) * (0x1p-9 * 0.5)
	}
	return math.Float32frombits((uint32(e)+119)<<23) * (1 + float32(float32(m)/8))
}

func decodeMXFP4(dst []float32, src []byte) { getValues2(dst, src[1:17], halfE8M0(src[0])) }

func decodeNVFP4(dst []float32, src []byte) {
	for s := range 4 {
		getValues2(dst[16*s:], src[4+8*s:][:8], halfUE4M3(src[s]))
	}
}

func getValues2(dst []float32, codes []byte, d float32) {
	for j, b := range codes {
		dst[j], dst[j+len(codes)] = doubled2[b&15]*d, doubled2[b>>4]*d
	}
}
