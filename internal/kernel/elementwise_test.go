package kernel

import (
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

// elementwise lists the functions of elementwise.go, each with what it means for one element; run makes its results
// from operands of one length.
var elementwise = []struct {
	name string
	run  func(x, y []float32) []float32
	one  func(x, y float32) float32
}{
	{"Add", into(Add), func(x, y float32) float32 { return x + y }},
	{"Sub", into(Sub), func(x, y float32) float32 { return x - y }},
	{"Mul", into(Mul), func(x, y float32) float32 { return x * y }},
	{"Div", into(Div), func(x, y float32) float32 { return x / y }},
	{"Scale", into(func(dst, x, _ []float32) { Scale(dst, 0.37, x) }), func(x, _ float32) float32 { return 0.37 * x }},
	{"AddScalar", into(func(dst, x, _ []float32) { AddScalar(dst, 0.37, x) }), func(x, _ float32) float32 { return 0.37 + x }},
	{"Affine", into(func(dst, x, _ []float32) { Affine(dst, 0.37, x, -1.1) }), func(x, _ float32) float32 { return float32(0.37*x) + -1.1 }},
	{"Blend", into(func(dst, x, y []float32) { Blend(dst, 0.37, x, -2.3, y, 0.7) }), func(x, y float32) float32 {
		return float32(float32(0.37*x)+float32(-2.3*y)) + 0.7
	}},
	{"Axpy", into(func(dst, x, y []float32) { copy(dst, y); Axpy(-1.7, x, dst) }), func(x, y float32) float32 { return float32(-1.7*x) + y }},
	{"Relu", into(func(dst, x, _ []float32) { Relu(dst, x) }), func(x, _ float32) float32 {
		if x <= 0 {
			return 0
		}
		return x
	}},
	{"ReluGrad", into(ReluGrad), func(x, y float32) float32 {
		if x <= 0 {
			return 0
		}
		return y
	}},
}

func into(f func(dst, x, y []float32)) func(x, y []float32) []float32 {
	return func(x, y []float32) []float32 {
		dst := make([]float32, len(x))
		f(dst, x, y)
		return dst
	}
}

func TestElementwise(t *testing.T) {
	withEach(t, func(t *testing.T) {
		for _, f := range elementwise {
			r := rng.New(8, f.name)
			for n := range 4*32 + 4 {
				for offset := range 3 {
					kind := kinds[(n+offset)%len(kinds)]
					x, y := fill(r, kind, n+offset)[offset:], fill(r, kind, n+offset)[offset:]
					want := make([]float32, n)
					for i := range want {
						want[i] = f.one(x[i], y[i])
					}
					if err := sameBits(f.run(x, y), want); err != nil {
						t.Fatalf("%s of %d floats: %v", f.name, n, err)
					}
				}
			}
		}
	})
}

// TestElementwiseInPlace checks that dst may be an operand, and that nothing beyond it is written.
func TestElementwiseInPlace(t *testing.T) {
	withEach(t, func(t *testing.T) {
		r := rng.New(9)
		for n := range 70 {
			x, y := fill(r, "special", n), fill(r, "special", n)
			for _, f := range []struct {
				name    string
				inPlace func(x, y []float32)
				want    []float32
			}{
				{"Add", func(x, y []float32) { Add(x, x, y) }, into(Add)(x, y)},
				{"Mul", func(x, y []float32) { Mul(y, x, y); copy(x, y) }, into(Mul)(x, y)},
				{"Relu", func(x, _ []float32) { Relu(x, x) }, into(func(dst, x, _ []float32) { Relu(dst, x) })(x, y)},
				{"ReluGrad", func(x, y []float32) { ReluGrad(y, x, y); copy(x, y) }, into(ReluGrad)(x, y)},
				{"Axpy", func(x, y []float32) { Axpy(3, y, x) }, into(func(dst, x, y []float32) { copy(dst, x); Axpy(3, y, dst) })(x, y)},
			} {
				a, checkA := guarded(n)
				b, checkB := guarded(n)
				copy(a, x)
				copy(b, y)
				f.inPlace(a, b)
				if err := sameBits(a, f.want); err != nil {
					t.Fatalf("%s of %d floats: %v", f.name, n, err)
				}
				if checkA() != nil || checkB() != nil {
					t.Fatalf("%s of %d floats writes beyond them", f.name, n)
				}
			}
		}
	})
}

func TestMoves(t *testing.T) {
	withEach(t, func(t *testing.T) {
		r := rng.New(10)
		for rows := 1; rows <= 20; rows++ {
			for cols := 1; cols <= 75; cols += 1 + cols/20 {
				lds, ldd := cols+r.Intn(3), cols+r.Intn(3)
				src := fill(r, "normal", (rows-1)*lds+cols)
				check := func(name string, n int, at func(i, j int) int, value func(v float32) float32, run func(dst []float32)) {
					t.Helper()
					dst, guard := guarded(n)
					run(dst)
					for i := range rows {
						for j := range cols {
							if got, want := dst[at(i, j)], value(src[i*lds+j]); got != want {
								t.Fatalf("%s of %d×%d at %d, %d: %v; want %v", name, rows, cols, i, j, got, want)
							}
						}
					}
					if err := guard(); err != nil {
						t.Fatalf("%s of %d×%d: %v", name, rows, cols, err)
					}
				}
				same := func(v float32) float32 { return v }
				check("copyRows", (rows-1)*ldd+cols, func(i, j int) int { return i*ldd + j }, same,
					func(dst []float32) { copyRows(rows, cols, dst, ldd, src, lds) })
				check("addRows", (rows-1)*ldd+cols, func(i, j int) int { return i*ldd + j }, func(v float32) float32 { return v + 0.3 },
					func(dst []float32) { addRows(rows, cols, dst, ldd, src, lds, 0.3) })
				ldt := rows + r.Intn(3)
				check("transpose", (cols-1)*ldt+rows, func(i, j int) int { return j*ldt + i }, same,
					func(dst []float32) { transpose(rows, cols, src, lds, dst, ldt) })
			}
		}
	})
}
