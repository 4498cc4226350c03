package kernel

import (
	"math"
	"math/big"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

const bigPrec = 300

func bigOf(x float64) *big.Float { return new(big.Float).SetPrec(bigPrec).SetFloat64(x) }

func bigAdd(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(bigPrec).Add(a, b) }
func bigSub(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(bigPrec).Sub(a, b) }
func bigMul(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(bigPrec).Mul(a, b) }
func bigQuo(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(bigPrec).Quo(a, b) }

// bigExp is e^x by the series for x/2^40.
func bigExp(x *big.Float) *big.Float {
	const halvings = 40
	r := new(big.Float).SetPrec(bigPrec).SetMantExp(x, -halvings)
	sum, term := bigOf(1), bigOf(1)
	for n := 1; n < 40; n++ {
		term = bigQuo(bigMul(term, r), bigOf(float64(n)))
		sum = bigAdd(sum, term)
	}
	for range halvings {
		sum = bigMul(sum, sum)
	}
	return sum
}

// mathLog is math.Log, which on amd64 is wrong for subnormal numbers.
func mathLog(x float64) float64 {
	if x > 0 && x < 0x1p-1022 {
		return math.Log(x*0x1p54) - 54*math.Ln2
	}
	return math.Log(x)
}

// bigLog solves e^y = x by Newton's steps from math.Log.
func bigLog(x *big.Float) *big.Float {
	f, _ := x.Float64()
	y := bigOf(mathLog(f))
	for range 4 {
		y = bigAdd(y, bigSub(bigQuo(x, bigExp(y)), bigOf(1)))
	}
	return y
}

// bigSeries is Σ (-1)^n x^(2n+first)/(2n+first)!: the sine for first = 1, the cosine for first = 0.
func bigSeries(x float64, first int) *big.Float {
	sum, term := bigOf(0), bigOf(1)
	for n := range 200 {
		if n > 0 {
			term = bigQuo(bigMul(term, bigOf(x)), bigOf(float64(n)))
		}
		if n%2 == first {
			if n/2%2 == 0 {
				sum = bigAdd(sum, term)
			} else {
				sum = bigSub(sum, term)
			}
		}
	}
	return sum
}

// bigErf is the odd series of the error function; coefficients n! (2n+1) are made step by step.
func bigErf(x float64) *big.Float {
	pi := new(big.Float).SetPrec(bigPrec)
	pi.SetString("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651")
	sum, power := bigOf(0), bigOf(x)
	for n := range 300 {
		sum = bigAdd(sum, bigQuo(power, bigOf(float64(2*n+1))))
		power = bigQuo(bigMul(power, bigMul(bigOf(-x), bigOf(x))), bigOf(float64(n+1)))
	}
	return bigQuo(bigMul(sum, bigOf(2)), new(big.Float).SetPrec(bigPrec).Sqrt(pi))
}

// ulps returns how far got lies from want, in units of the last place of a number with these bits of precision and
// this least exponent.
func ulps(got float64, want *big.Float, bits, least int) float64 {
	if want.Sign() == 0 {
		return math.Abs(got) * math.MaxFloat64
	}
	d := bigSub(bigOf(got), want)
	unit := max(want.MantExp(nil)-bits, least)
	f, _ := d.SetMantExp(d, -unit).Float64()
	return math.Abs(f)
}

func TestFunctionsAreNear(t *testing.T) {
	r := rng.New(1, "functions")
	uniform := func(lo, hi float64) func() float64 {
		return func() float64 { return lo + (hi-lo)*r.Float64() }
	}
	logUniform := func(lo, hi float64) func() float64 { // powers of two
		return func() float64 { return math.Exp2(lo + (hi-lo)*r.Float64()) }
	}
	either := func(f func() float64) func() float64 {
		return func() float64 {
			if r.Intn(2) == 0 {
				return -f()
			}
			return f()
		}
	}
	bexp := func(x float64) *big.Float { return bigExp(bigOf(x)) }
	blog := func(x float64) *big.Float { return bigLog(bigOf(x)) }
	btanh := func(x float64) *big.Float {
		e := bigExp(bigOf(2 * x))
		return bigQuo(bigSub(e, bigOf(1)), bigAdd(e, bigOf(1)))
	}
	bsigmoid := func(x float64) *big.Float { return bigQuo(bigOf(1), bigAdd(bigOf(1), bigExp(bigOf(-x)))) }
	widen := func(f func(float32) float32) func(float64) float64 {
		return func(x float64) float64 { return float64(f(float32(x))) }
	}
	for _, c := range []struct {
		name  string
		f     func(float64) float64
		want  func(float64) *big.Float
		draw  func() float64
		bits  int
		limit float64
	}{
		{"Exp", widen(Exp), bexp, uniform(-104, 88.7), 24, 0.501},
		{"Exp small", widen(Exp), bexp, either(logUniform(-30, 0)), 24, 0.501},
		{"Log", widen(Log), blog, logUniform(-149, 128), 24, 0.501},
		{"Log near 1", widen(Log), blog, uniform(0.9, 1.1), 24, 0.501},
		{"Tanh", widen(Tanh), btanh, either(logUniform(-30, 4.4)), 24, 0.501},
		{"Sigmoid", widen(Sigmoid), bsigmoid, uniform(-100, 20), 24, 0.501},
		{"Erf", widen(Erf), bigErf, either(logUniform(-30, 2.1)), 24, 0.501},
		{"Exp64", Exp64, bexp, uniform(-745, 709.7), 53, 0.52},
		{"Exp64 small", Exp64, bexp, either(logUniform(-50, 0)), 53, 0.52},
		{"Log64", Log64, blog, logUniform(-1070, 1023), 53, 0.51},
		{"Log64 near 1", Log64, blog, uniform(0.9, 1.1), 53, 0.51},
		{"Tanh64", Tanh64, btanh, either(logUniform(-27, 4.4)), 53, 2},
		{"Sin64", Sin64, func(x float64) *big.Float { return bigSeries(x, 1) }, uniform(-30, 30), 53, 1},
		{"Cos64", Cos64, func(x float64) *big.Float { return bigSeries(x, 0) }, uniform(-30, 30), 53, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			least, worst, where := -1074, 0.0, 0.0
			if c.bits == 24 {
				least = -149
			}
			for range 100 {
				x := c.draw()
				if c.bits == 24 {
					x = float64(float32(x))
				}
				if u := ulps(c.f(x), c.want(x), c.bits, least); u > worst || u != u {
					worst, where = u, x
				}
			}
			if !(worst <= c.limit) {
				t.Errorf("at %v (%x) the result is %.3f units in the last place away; want %v", where, where, worst, c.limit)
			}
		})
	}
}

func TestPow64IsNear(t *testing.T) {
	r := rng.New(2, "pow")
	worst := 0.0
	for range 200 {
		x := math.Exp2(20*r.Float64() - 10)
		y := (2*r.Float64() - 1) * 700 / max(1, math.Abs(math.Log(x)))
		want := bigExp(bigMul(bigOf(y), bigLog(bigOf(x))))
		worst = max(worst, ulps(Pow64(x, y), want, 53, -1074))
	}
	if worst > 0.6 {
		t.Errorf("%.3f units in the last place away", worst)
	}
	for _, c := range [][3]float64{{2, 10, 1024}, {10, 2, 100}, {3, 4, 81}, {0.5, -3, 8}, {-2, 3, -8}, {9, 0.5, 3}, {2, -1074, 0x1p-1074}, {2, 1024, math.Inf(1)}, {1.0000001, 1e300, math.Inf(1)}, {0.99, 1e300, 0}} {
		if got := Pow64(c[0], c[1]); got != c[2] {
			t.Errorf("Pow64(%v, %v) is %v; want %v", c[0], c[1], got, c[2])
		}
	}
}

// TestFunctionsMatchMath compares with package math, which is near enough wherever nothing is hashed, on a grid of all
// magnitudes and on the special cases.
func TestFunctionsMatchMath(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	xs := []float64{0, math.Copysign(0, -1), 1, -1, 2, -2, 0.5, -0.5, 3, -3, inf, -inf, nan, 5e-324, -5e-324, 1e-310, math.MaxFloat64, -math.MaxFloat64,
		709.78, 709.79, 709.8, 710, -745.1, -745.2, -746, 88.72, 88.73, 89, -103.9, -104, -150, 200, 201, -201, 1e-300, 1e300, 0x1p53, 0x1p53 + 2, 1 << 20, 0x1p-28, 0x1p-27, math.MaxFloat32, 1e-45}
	for e := -40; e < 40; e++ {
		xs = append(xs, math.Ldexp(1.37, e), -math.Ldexp(1.91, e))
	}
	same := func(got, want, tol float64) bool {
		if want != want {
			return got != got
		}
		if got == want {
			return math.Signbit(got) == math.Signbit(want)
		}
		return math.Abs(got-want) <= tol*math.Abs(want)+5e-324
	}
	for _, x := range xs {
		for _, c := range []struct {
			name string
			f, g func(float64) float64
		}{{"Exp64", Exp64, math.Exp}, {"Log64", Log64, mathLog}, {"Tanh64", Tanh64, math.Tanh}} {
			if got, want := c.f(x), c.g(x); !same(got, want, 5e-16) {
				t.Errorf("%s(%v) is %v; want %v", c.name, x, got, want)
			}
		}
		if math.Abs(x) < 1<<20 || x-x != 0 {
			if got, want := Sin64(x), math.Sin(x); !same(got, want, 4e-16) {
				t.Errorf("Sin64(%v) is %v; want %v", x, got, want)
			}
			if got, want := Cos64(x), math.Cos(x); !same(got, want, 4e-16) {
				t.Errorf("Cos64(%v) is %v; want %v", x, got, want)
			}
		}
		f := float32(x)
		for _, c := range []struct {
			name string
			f    func(float32) float32
			g    func(float64) float64
		}{{"Exp", Exp, math.Exp}, {"Log", Log, math.Log}, {"Tanh", Tanh, math.Tanh}, {"Erf", Erf, math.Erf},
			{"Sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }}} {
			if got, want := c.f(f), float32(c.g(float64(f))); !same(float64(got), float64(want), 1.2e-7) && math.Abs(float64(got-want)) > 1.5e-45 {
				t.Errorf("%s(%v) is %v; want %v", c.name, f, got, want)
			}
		}
		if x != 0 && math.Abs(x) < 0x1p-1022 {
			continue
		}
		for _, y := range xs {
			if got, want := Pow64(x, y), math.Pow(x, y); !same(got, want, 3e-13) { // math.Pow is the less exact
				t.Errorf("Pow64(%v, %v) is %v; want %v", x, y, got, want)
			}
		}
	}
}

func TestTables(t *testing.T) {
	near := func(name string, hi, lo float64, want *big.Float) {
		t.Helper()
		d, _ := bigSub(bigAdd(bigOf(hi), bigOf(lo)), want).Float64()
		if math.Abs(d) > 0x1p-91 {
			t.Errorf("%s is off by %g", name, d)
		}
	}
	two := bigLog(bigOf(2))
	near("ln2Over64", ln2Over64[0], ln2Over64[1], bigQuo(two, bigOf(64)))
	near("ln2", ln2[0], ln2[1], two)
	for j, e := range exp2Table {
		near("exp2Table", e[0], e[1], bigExp(bigQuo(bigMul(two, bigOf(float64(j))), bigOf(64))))
	}
	for i, e := range logTable {
		near("logTable", e.hi, e.lo, bigSub(bigOf(0), bigLog(bigOf(e.c))))
		if x := e.hi * 0x1p42; x != math.Floor(x) {
			t.Errorf("logTable[%d].hi is no multiple of 2^-42", i)
		}
	}
}

func BenchmarkFunctions(b *testing.B) {
	x := make([]float32, 1024)
	r := rng.New(1)
	for i := range x {
		x[i] = float32(4*r.Float64()) + 0.01
	}
	y := make([]float32, len(x))
	for _, c := range []struct {
		name string
		f    func(dst, src []float32)
	}{{"Exp", ExpSlice}, {"Log", LogSlice}, {"Tanh", TanhSlice}, {"Sigmoid", SigmoidSlice}, {"Erf", ErfSlice}} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				c.f(y, x)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/float")
		})
	}
}
