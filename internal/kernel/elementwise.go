package kernel

import "fmt"

// The functions of this file work element by element on slices of one length; dst may be one of the operands.

func mustMatch(a, b int) {
	if a != b {
		panic(fmt.Sprintf("kernel: %d floats beside %d", a, b))
	}
}

// Add sets dst to a + b.
func Add(dst, a, b []float32) {
	mustMatch(len(dst), len(a))
	mustMatch(len(dst), len(b))
	for i := addVectors(dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] + b[i]
	}
}

// Sub sets dst to a - b.
func Sub(dst, a, b []float32) {
	mustMatch(len(dst), len(a))
	mustMatch(len(dst), len(b))
	for i := subVectors(dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] - b[i]
	}
}

// Mul sets dst to a · b.
func Mul(dst, a, b []float32) {
	mustMatch(len(dst), len(a))
	mustMatch(len(dst), len(b))
	for i := mulVectors(dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] * b[i]
	}
}

// Div sets dst to a / b.
func Div(dst, a, b []float32) {
	mustMatch(len(dst), len(a))
	mustMatch(len(dst), len(b))
	for i := divVectors(dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] / b[i]
	}
}

// Scale sets dst to p · x.
func Scale(dst []float32, p float32, x []float32) {
	mustMatch(len(dst), len(x))
	for i := scaleVectors(dst, p, x); i < len(dst); i++ {
		dst[i] = p * x[i]
	}
}

// AddScalar sets dst to p + x.
func AddScalar(dst []float32, p float32, x []float32) {
	mustMatch(len(dst), len(x))
	for i := addScalarVectors(dst, p, x); i < len(dst); i++ {
		dst[i] = p + x[i]
	}
}

// Affine sets dst to p · x + q, rounding the product and then the sum.
func Affine(dst []float32, p float32, x []float32, q float32) {
	mustMatch(len(dst), len(x))
	for i := affineVectors(dst, p, x, q); i < len(dst); i++ {
		dst[i] = float32(p*x[i]) + q
	}
}

// Blend sets dst to p · x + q · y + r, rounding each product, their sum and the whole.
func Blend(dst []float32, p float32, x []float32, q float32, y []float32, r float32) {
	mustMatch(len(dst), len(x))
	mustMatch(len(dst), len(y))
	for i := blendVectors(dst, p, x, q, y, r); i < len(dst); i++ {
		dst[i] = float32(float32(p*x[i])+float32(q*y[i])) + r
	}
}

// Axpy adds p · x to y, rounding the product and then the sum.
func Axpy(p float32, x, y []float32) {
	mustMatch(len(x), len(y))
	for i := axpyVectors(p, x, y); i < len(x); i++ {
		y[i] += float32(p * x[i])
	}
}

// Relu sets dst to x where that is above zero or NaN, and to +0 elsewhere.
func Relu(dst, x []float32) {
	mustMatch(len(dst), len(x))
	for i := reluVectors(dst, x); i < len(dst); i++ {
		v := x[i]
		if v <= 0 {
			v = 0
		}
		dst[i] = v
	}
}

// ReluGrad sets dst to dy where y, the output of Relu, is above zero or NaN, and to +0 elsewhere.
func ReluGrad(dst, y, dy []float32) {
	mustMatch(len(dst), len(y))
	mustMatch(len(dst), len(dy))
	for i := reluGradVectors(dst, y, dy); i < len(dst); i++ {
		v := dy[i]
		if y[i] <= 0 {
			v = 0
		}
		dst[i] = v
	}
}
