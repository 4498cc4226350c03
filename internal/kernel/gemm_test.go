package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

type gemmShape struct{ m, n, k int }

// gemmShapes has every number of rows of a tile, columns around its vectors, and few, many and no steps.
func gemmShapes() (list []gemmShape) {
	for m := 1; m <= 31; m++ {
		list = append(list, gemmShape{m, 35, 5})
	}
	for n := 1; n <= 67; n++ {
		list = append(list, gemmShape{3, n, 7})
	}
	for _, n := range []int{15, 16, 17, 32, 33} {
		for _, m := range []int{1, 6, 14, 15, 29} {
			list = append(list, gemmShape{m, n, 0}, gemmShape{m, n, 1}, gemmShape{m, n, 64}, gemmShape{m, n, 65})
		}
	}
	return append(list, gemmShape{13, 290, 20}, gemmShape{70, 40, 385}, gemmShape{20, 300, 800}, gemmShape{1, 1, 1000}, gemmShape{300, 1, 3})
}

func TestGemm(t *testing.T) {
	for i, s := range gemmShapes() {
		kind := kinds[i%len(kinds)]
		r := rng.New(1, "gemm", kind, fmt.Sprint(s))
		for layout := range 4 {
			a, b := fill(r, kind, s.m*s.k), fill(r, kind, s.k*s.n)
			ars, acs, brs, bcs := s.k, 1, s.n, 1
			if layout&1 != 0 {
				ars, acs = 1, s.m
			}
			if layout&2 != 0 {
				brs, bcs = 1, s.k
			}
			ldc := s.n + layout
			c := fill(r, kind, (s.m-1)*ldc+s.n)
			want := append([]float32(nil), c...)
			accumulate := i%3 == 0
			referenceGemm(s.m, s.n, s.k, a, ars, acs, b, brs, bcs, want, ldc, accumulate)
			workers := []int{1, 2, 3, 7}[(i+layout)%4]
			eachImplementation(func() {
				got, check := guarded(len(c))
				copy(got, c)
				Gemm(workers, s.m, s.n, s.k, a, ars, acs, b, brs, bcs, got, ldc, accumulate)
				if err := sameBits(got, want); err != nil {
					t.Fatalf("%s %+v, layout %d, %s, %d workers: %v", tiles.name, s, layout, kind, workers, err)
				}
				if err := check(); err != nil {
					t.Fatalf("%s %+v: %v", tiles.name, s, err)
				}
			})
		}
	}
}

func TestGemmWithOddStrides(t *testing.T) {
	withEach(t, func(t *testing.T) {
		r := rng.New(2)
		m, n, k := 17, 37, 11
		a, b := fill(r, "normal", m*k*3), fill(r, "normal", k*n*5)
		got, want := make([]float32, m*n), make([]float32, m*n)
		Gemm(2, m, n, k, a, 3*k, 3, b, 5*n, 5, got, n, false)
		referenceGemm(m, n, k, a, 3*k, 3, b, 5*n, 5, want, n, false)
		if err := sameBits(got, want); err != nil {
			t.Error(err)
		}
	})
}

// TestGemmManyRows crosses the limit of packedFloats.
func TestGemmManyRows(t *testing.T) {
	if testing.Short() || tiles.plain {
		t.Skip("too slow")
	}
	r := rng.New(3)
	m, n, k := 3, 5, packedFloats/100
	m = 8*tiles.rows + 10
	a, b := fill(r, "normal", m*k), fill(r, "normal", k*n)
	got, want := make([]float32, m*n), make([]float32, m*n)
	Gemm(2, m, n, k, a, k, 1, b, n, 1, got, n, false)
	withEach(t, func(t *testing.T) {
		if tiles.plain {
			return
		}
		Gemm(1, m, n, k, a, k, 1, b, n, 1, want, n, false)
		if err := sameBits(got, want); err != nil {
			t.Error(err)
		}
	})
	for _, at := range []int{0, m*n - 1} {
		var sum float32
		for p := range k {
			sum = FMA(a[at/n*k+p], b[p*n+at%n], sum)
		}
		if sum != got[at] {
			t.Errorf("at %d: %v; want %v", at, got[at], sum)
		}
	}
}

func TestGemmRefuses(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a matrix larger than its slice was taken")
		}
	}()
	Gemm(1, 2, 2, 2, make([]float32, 3), 2, 1, make([]float32, 4), 2, 1, make([]float32, 4), 2, false)
}

// TestFMA compares with the definition: the exact value, rounded once by math/big, and with the processor where the
// assembly can be asked.
func TestFMA(t *testing.T) {
	r := rng.New(4)
	draw := func() float32 {
		switch r.Intn(4) {
		case 0:
			return math.Float32frombits(uint32(r.Uint64()))
		case 1: // few bits: halfway cases
			return float32(r.Intn(1<<13)-1<<12) * float32(math.Ldexp(1, r.Intn(60)-30))
		case 2:
			return float32(r.Normal())
		default:
			return float32(math.Ldexp(r.Normal(), -75-r.Intn(60)))
		}
	}
	type triple [3]float32
	cases := []triple{{1 + 0x1p-12, 1 + 0x1p-12, 0x1p-80}, {1 + 0x1p-12, 1 + 0x1p-12, -0x1p-80}, {0x1p-75, 0x1p-75, 0}, {0x1.8p-75, 0x1p-75, 0},
		{0x1p-75, -0x1p-75, 0}, {math.MaxFloat32, 1, 0x1p103}, {math.MaxFloat32, 1, 0x1.fffffep102}, {math.MaxFloat32, 2, -math.MaxFloat32}}
	for range 30000 {
		a, b := draw(), draw()
		c := draw()
		if r.Intn(4) == 0 { // near the product
			c = -float32(float64(a)*float64(b)) * float32(r.Intn(3))
		}
		cases = append(cases, triple{a, b, c})
	}
	n := len(cases)
	a, b, c := make([]float32, n), make([]float32, n), make([]float32, n)
	for i, v := range cases {
		a[i], b[i], c[i] = v[0], v[1], v[2]
		if got, want := FMA(v[0], v[1], v[2]), exactFMA(v[0], v[1], v[2]); math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
			t.Fatalf("FMA(%x, %x, %x) is %x; want %x", v[0], v[1], v[2], got, want)
		}
	}
	withEach(t, func(t *testing.T) {
		for i := range cases {
			got := []float32{c[i]}
			if i > 40000 {
				break
			}
			Gemm(1, 1, 1, 1, a[i:], 1, 1, b[i:], 1, 1, got, 1, true)
			if err := sameBits(got, []float32{FMA(a[i], b[i], c[i])}); err != nil {
				t.Fatalf("%x·%x + %x: %v", a[i], b[i], c[i], err)
			}
		}
	})
}

// exactFMA rounds the exact value once, by math/big.
func exactFMA(a, b, c float32) float32 {
	if x := float64(a) * float64(b); x-x != 0 || c-c != 0 {
		return float32(x + float64(c))
	}
	exact := bigAdd(bigMul(bigOf(float64(a)), bigOf(float64(b))), bigOf(float64(c)))
	if exact.Sign() == 0 {
		return float32(float64(a)*float64(b) + float64(c)) // for the sign of zero
	}
	f, _ := exact.Float32()
	return f
}
