package kernel

// The functions of this file apply a function of one number to each element, with the bits of its scalar form; dst may
// be src.

// ExpSlice sets dst to Exp of src.
func ExpSlice(dst, src []float32) { apply(dst, src, Exp) }

// LogSlice sets dst to Log of src.
func LogSlice(dst, src []float32) { apply(dst, src, Log) }

// TanhSlice sets dst to Tanh of src.
func TanhSlice(dst, src []float32) { apply(dst, src, Tanh) }

// SigmoidSlice sets dst to Sigmoid of src.
func SigmoidSlice(dst, src []float32) { apply(dst, src, Sigmoid) }

// ErfSlice sets dst to Erf of src.
func ErfSlice(dst, src []float32) { apply(dst, src, Erf) }

func apply(dst, src []float32, f func(float32) float32) {
	mustMatch(len(dst), len(src))
	for i, v := range src {
		dst[i] = f(v)
	}
}
