package ggml

// Q8_0: float16 d, then 32 signed bytes; x ≈ q·d.

// encodeQ8_0 takes d = max|x|/127 and rounds half away from zero.
func encodeQ8_0(dst []byte, x, _ []float32, _ float32) {
	_, magnitude := greatest(x)
	d := magnitude / 127
	id := inverse(d)
	putHalf(dst, d)
	dst = dst[2:34]
	for i, v := range x {
		dst[i] = uint8(round(float32(v * id)))
	}
}

func runQ8_0(_ *workspace, dst []byte, x, _ []float32, _ float32) {
	blocksQ8_0(len(x)/32, &dst[0], &x[0])
}

func decodeQ8_0(dst []float32, src []byte) {
	d := half(src)
	for i, b := range src[2:34] {
		dst[i] = float32(int8(b)) * d
	}
}
