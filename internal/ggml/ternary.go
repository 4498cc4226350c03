package ggml

// TQ1_0 and TQ2_0 have codes 0, 1, 2 for -d, 0, d, with float16 d = max|x| last. Q1_0 has a bit for -d, d with
// d = mean|x|; Q2_0 codes 0…3 for -d, 0, d, 2d with d = max|x|; d comes first in both.

func encodeTQ1_0(dst []byte, x, _ []float32, _ float32) {
	_, d := greatest(x)
	id := inverse(d)
	trits := func(first, distance, count int) byte {
		var v uint8
		for n := range count {
			v = v*3 + uint8(round(float32(x[first+distance*n]*id))+1)
		}
		if count == 4 {
			v *= 3
		}
		return uint8((uint16(v)*256 + 242) / 243)
	}
	for m := range 32 {
		dst[m] = trits(m, 32, 5)
	}
	for m := range 16 {
		dst[32+m] = trits(160+m, 16, 5)
	}
	for m := range 4 {
		dst[48+m] = trits(240+m, 4, 4)
	}
	putHalf(dst[52:], d)
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

func decodeQ2_0(dst []float32, src []byte) {
	d := half(src)
	for i := range 64 {
		dst[i] = float32(int32(src[2+i/4]>>(i%4*2)&3)-1) * d
	}
}
