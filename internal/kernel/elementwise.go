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
	for i, v := range a {
		dst[i] = v + b[i]
	}
}

// Sub sets dst to a - b.
func Sub(dst, a, b []float32) {
	mustMatch(len(dst), len(a))
	mustMatch(len(dst), len(b))
	for i, v := range a {
		dst[i] = v - b[i]
	}
}

// Mul sets dst to a · b.
func Mul(dst, a, b []float32) {
	mustMatch(len(dst), len(a))
	mustMatch(len(dst), len(b))
	for i, v := range a {
		dst[i] = v * b[i]
	}
}

// Div sets dst to a / b.
func Div(dst, a, b []float32) {
	mustMatch(len(dst), len(a))
	mustMatch(len(dst), len(b))
	for i, v := range a {
		dst[i] = v / b[i]
	}
}

// Scale sets dst to alpha · src.
func Scale(dst []float32, alpha float32, src []float32) {
	mustMatch(len(dst), len(src))
	for i, v := range src {
		dst[i] = alpha * v
	}
}

// AddScalar sets dst to alpha + src.
func AddScalar(dst []float32, alpha float32, src []float32) {
	mustMatch(len(dst), len(src))
	for i, v := range src {
		dst[i] = alpha + v
	}
}

// Axpy adds alpha · x to y, rounding the product and then the sum.
func Axpy(alpha float32, x, y []float32) {
	mustMatch(len(x), len(y))
	for i, v := range x {
		y[i] += float32(alpha * v)
	}
}

// Relu sets dst to src where that is above zero or NaN, and to +0 elsewhere.
func Relu(dst, src []float32) {
	mustMatch(len(dst), len(src))
	for i, v := range src {
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
	for i, v := range dy {
		if y[i] <= 0 {
			v = 0
		}
		dst[i] = v
	}
}
