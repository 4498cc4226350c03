//go:build amd64 && !purego

package kernel

import "unsafe"

// The functions below serve where tiles is not plainTiles. They check the slices, then call the assembly.

func transpose8(blocks int, src []float32, lds int, dst []float32, ldd int) {
	_, _ = src[7*lds+8*blocks-1], dst[(8*blocks-1)*ldd+7]
	avx2Transpose8(blocks, &src[0], lds, &dst[0], ldd)
}

func vectorCopyRows(rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	_, _ = src[(rows-1)*lds+cols-1], dst[(rows-1)*ldd+cols-1]
	avx2CopyRows(rows, cols, &src[0], lds, &dst[0], ldd)
}

func vectorAddRows(rows, cols int, src []float32, lds int, dst []float32, ldd int, number float32) {
	_, _ = src[(rows-1)*lds+cols-1], dst[(rows-1)*ldd+cols-1]
	avx2AddRows(rows, cols, &src[0], lds, &dst[0], ldd, number)
}

// The functions below do as many whole vectors as there are, and return how many floats that is; the plain form does the
// rest. Where it serves alone they do nothing.

func whole(n int) int {
	if tiles.plain {
		return 0
	}
	return n &^ 7
}

func addVectors(dst, a, b []float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Add(n, &dst[0], &a[0], &b[0])
	}
	return n
}

func subVectors(dst, a, b []float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Sub(n, &dst[0], &a[0], &b[0])
	}
	return n
}

func mulVectors(dst, a, b []float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Mul(n, &dst[0], &a[0], &b[0])
	}
	return n
}

func divVectors(dst, a, b []float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Div(n, &dst[0], &a[0], &b[0])
	}
	return n
}

func scaleVectors(dst []float32, p float32, x []float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Scale(n, &dst[0], &x[0], p)
	}
	return n
}

func addScalarVectors(dst []float32, p float32, x []float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2AddScalar(n, &dst[0], &x[0], p)
	}
	return n
}

func affineVectors(dst []float32, p float32, x []float32, q float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Affine(n, &dst[0], &x[0], p, q)
	}
	return n
}

func blendVectors(dst []float32, p float32, x []float32, q float32, y []float32, r float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Blend(n, &dst[0], &x[0], &y[0], p, q, r)
	}
	return n
}

func axpyVectors(p float32, x, y []float32) int {
	n := whole(len(x))
	if n > 0 {
		avx2Axpy(n, &x[0], &y[0], p)
	}
	return n
}

func reluVectors(dst, x []float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Relu(n, &dst[0], &x[0])
	}
	return n
}

func reluGradVectors(dst, y, dy []float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2ReluGrad(n, &dst[0], &y[0], &dy[0])
	}
	return n
}

func momentumVectors(s *Momentum, w, v, g []float32) int {
	n := whole(len(w))
	if n > 0 {
		step := avx2Momentum
		if s.Nesterov {
			step = avx2Nesterov
		}
		step(n, &w[0], &v[0], &g[0], s.Rate, s.Momentum, s.Decay)
	}
	return n
}

func adamVectors(s *Adam, w, m, v, g []float32) int {
	n := whole(len(w))
	if n > 0 {
		avx2Adam(n, &w[0], &m[0], &v[0], &g[0], s.Beta1, s.Rest1, s.Beta2, s.Rest2, s.Step, s.Scale, s.Epsilon, s.Shrink)
	}
	return n
}

func sumVectors(x []float32, lanes *[8]float64) int {
	n := whole(len(x))
	if n > 0 {
		avx2Sum(n, &x[0], lanes)
	}
	return n
}

func sumAbsVectors(x []float32, lanes *[8]float64) int {
	n := whole(len(x))
	if n > 0 {
		avx2SumAbs(n, &x[0], lanes)
	}
	return n
}

func dotVectors(x, y []float32, lanes *[8]float64) int {
	n := whole(len(x))
	if n > 0 {
		avx2Dot(n, &x[0], &y[0], lanes)
	}
	return n
}

func extremesVectors(x []float32, lo, hi *[8]float32, abs *[8]uint32) int {
	n := whole(len(x))
	if n > 0 {
		avx2Extremes(n, &x[0], lo, hi, abs)
	}
	return n
}

// specialsVectors counts zeros and finds the greatest magnitude among floats of size bytes; it returns how many bytes it did.
func specialsVectors(b []byte, size int) (n, zeros int, most uint32) {
	n = whole(len(b)/8) * 8
	if n == 0 {
		return 0, 0, 0
	}
	if size == 4 {
		var count, great [8]uint32
		avx2Specials32(n, &b[0], &count, &great)
		for i := range count {
			zeros, most = zeros+int(count[i]), max(most, great[i])
		}
		return n, zeros, most
	}
	n = min(n, 1<<20) // a lane counts to 2¹⁶
	var count, great [16]uint16
	avx2Specials16(n, &b[0], &count, &great)
	for i := range count {
		zeros, most = zeros+int(count[i]), max(most, uint32(great[i]))
	}
	return n, zeros, most
}

func codesVectors(dst []byte, src []float32, scale float32, zero, lo, hi int32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Quantize(n, &dst[0], &src[0], scale, nearZero(zero), lo, hi)
	}
	return n
}

func float8E4M3Vectors(dst []byte, src []float32, scale float32) int {
	n := whole(len(dst))
	if n > 0 {
		avx2Float8E4M3(n, &dst[0], &src[0], scale)
	}
	return n
}

func dequantizeInt8Vectors(dst []float32, src []int8, scale float32, zero int32) int {
	n := whole(len(dst))
	if n == 0 || zero != nearZero(zero) {
		return 0
	}
	avx2DequantizeInt8(n, &dst[0], (*uint8)(unsafe.Pointer(&src[0])), scale, zero)
	return n
}

func dequantizeUint8Vectors(dst []float32, src []uint8, scale float32, zero int32) int {
	n := whole(len(dst))
	if n == 0 || zero != nearZero(zero) {
		return 0
	}
	avx2DequantizeUint8(n, &dst[0], &src[0], scale, zero)
	return n
}

// nearZero brings a zero point near enough for 32-bit sums; codes saturate long before.
func nearZero(zero int32) int32 { return min(max(zero, -1<<21), 1<<21) }
