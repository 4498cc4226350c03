package ggml

import "math"

// TQ1_0 and TQ2_0 have codes 0, 1, 2 for -d, 0, d, with float16 d = max|x| last. Q1_0 has a bit for -d, d with
// d = mean|x|; Q2_0 codes 0…3 for -d, 0, d, 2d with d = max|x|; d comes first in both.

func encodeTQ1_0(dst []byte, x, _ []float32, _ float32) {
	_, d := greatest(x)
	id := inverse(d)
	var codes [256]uint8
	for i, v := range x {
		codes[i] = uint8(round(float32(v*id)) + 1)
	}
	packTQ1_0(dst, codes[:])
	putHalf(dst[52:], d)
}

// packTQ1_0 writes 256 codes, eight bytes of five at a time.
func packTQ1_0(dst []byte, codes []uint8) {
	for m := 0; m < 48; m += 8 {
		first, distance := m, 32
		if m >= 32 {
			first, distance = 160+m-32, 16
		}
		var v uint64
		for n := range 5 {
			v = v*3 + eight(codes[first+n*distance:])
		}
		for i := range 8 {
			dst[m+i] = fifths[uint8(v>>(8*i))]
		}
	}
	for m := range 4 {
		dst[48+m] = fifths[((codes[240+m]*3+codes[244+m])*3+codes[248+m])*9+codes[252+m]*3]
	}
}

// fifths has v·256/243, rounded up, for five trits v.
var fifths = func() (t [243]uint8) {
	for v := range t {
		t[v] = uint8((v*256 + 242) / 243)
	}
	return t
}()

// ternaryCodes sets ws.codes to the codes 0, 1, 2 of blocks of n elements, and ws.scales to their scales.
func (ws *workspace) ternaryCodes(x []float32, n int) {
	greatest16(len(x)/16, &ws.offsets[0], &x[0])
	for b := range len(x) / n {
		var d float32
		for _, v := range ws.offsets[b*n/16:][:n/16] {
			d = max(d, v)
		}
		ws.scales[b] = d
		id := inverse(d)
		if id-id != 0 { // infinite: what rounding makes of it counts as 0
			id = 0
		}
		for g := range n / 16 {
			ws.inverses[b*n/16+g] = id
		}
	}
	roundedCodes(len(x)/32, &ws.codes[0], &x[0], &ws.inverses[0])
}

// runTQ1_0 is encodeTQ1_0 for the blocks of a chunk.
func runTQ1_0(ws *workspace, dst []byte, x, _ []float32, _ float32) {
	ws.ternaryCodes(x, 256)
	for b := range len(x) / 256 {
		packTQ1_0(dst[54*b:], ws.codes[256*b:])
		putHalf(dst[54*b+52:], ws.scales[b])
	}
}

func decodeTQ1_0(dst []float32, src []byte) {
	d := half(src[52:])
	trits := func(b byte, first, distance, count int) {
		for n := range count {
			dst[first+distance*n] = float32(int32(uint16(b)*3>>8)-1) * d
			b *= 3
		}
	}
	for m := range 32 {
		trits(src[m], m, 32, 5)
	}
	for m := range 16 {
		trits(src[32+m], 160+m, 16, 5)
	}
	for m := range 4 {
		trits(src[48+m], 240+m, 4, 4)
	}
}

func encodeTQ2_0(dst []byte, x, _ []float32, _ float32) {
	_, d := greatest(x)
	id := inverse(d)
	var codes [256]uint8
	for i, v := range x {
		codes[i] = uint8(round(float32(v*id)) + 1)
	}
	putQuarters(dst[:64], codes[:])
	putHalf(dst[64:], d)
}

// runTQ2_0 is encodeTQ2_0 for the blocks of a chunk.
func runTQ2_0(ws *workspace, dst []byte, x, _ []float32, _ float32) {
	ws.ternaryCodes(x, 256)
	for b := range len(x) / 256 {
		putQuarters(dst[66*b:][:64], ws.codes[256*b:])
		putHalf(dst[66*b+64:], ws.scales[b])
	}
}

func decodeTQ2_0(dst []float32, src []byte) {
	d := half(src[64:])
	for i := range 256 {
		dst[i] = float32(int32(src[i/128*32+i%32]>>(i%128/32*2)&3)-1) * d
	}
}

func encodeQ1_0(dst []byte, x, _ []float32, _ float32) {
	var total float32
	for _, v := range x {
		total += abs(v)
	}
	putHalf(dst, total/128)
	clear(dst[2:18])
	for i, v := range x {
		if v >= 0 {
			dst[2+i/8] |= 1 << (i % 8)
		}
	}
}

// runQ1_0 is encodeQ1_0 for the blocks of a chunk: the sums of four blocks side by side.
func runQ1_0(ws *workspace, dst []byte, x, _ []float32, _ float32) {
	magnitudes := ws.weights[:len(x)]
	for i, v := range x {
		magnitudes[i] = abs(v)
	}
	ws.sumWeights(len(x), 128)
	for b := range len(x) / 128 {
		block := dst[18*b:][:18]
		putHalf(block, ws.sums[b]/128)
		for i := range 16 {
			var bits uint64
			for j, v := range x[128*b+8*i:][:8] {
				bits |= (uint64(math.Float32bits(v)) - 0x80000001) >> 63 << j // 1 where v >= 0, as -0 is
			}
			block[2+i] = uint8(bits)
		}
	}
}

func decodeQ1_0(dst []float32, src []byte) {
	d := half(src)
	for i := range 128 {
		if src[2+i/8]>>(i%8)&1 != 0 {
			dst[i] = d
		} else {
			dst[i] = -d
		}
	}
}

func encodeQ2_0(dst []byte, x, _ []float32, _ float32) {
	_, d := greatest(x)
	id := inverse(d)
	putHalf(dst, d)
	clear(dst[2:18])
	for i, v := range x {
		dst[2+i/4] |= uint8(clamp(round(float32(v*id))+1, 0, 3)) << (i % 4 * 2)
	}
}

// runQ2_0 is encodeQ2_0 for the blocks of a chunk. No code is 3, for no element is greater than d.
func runQ2_0(ws *workspace, dst []byte, x, _ []float32, _ float32) {
	ws.ternaryCodes(x, 64)
	for b := range len(x) / 64 {
		block, codes := dst[18*b:][:18], ws.codes[64*b:][:64]
		d := ws.scales[b]
		putHalf(block, d)
		if d != 0 && ws.inverses[4*b] == 0 { // an infinite inverse, cut to the least code
			clear(block[2:])
			continue
		}
		for i := 0; i < 16; i += 2 {
			v := eight(codes[4*i:])
			v |= v>>6 | v>>12 | v>>18
			block[2+i], block[3+i] = uint8(v), uint8(v>>32)
		}
	}
}

func decodeQ2_0(dst []float32, src []byte) {
	d := half(src)
	for i := range 64 {
		dst[i] = float32(int32(src[2+i/4]>>(i%4*2)&3)-1) * d
	}
}
