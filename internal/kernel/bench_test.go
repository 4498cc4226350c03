package kernel

import (
	"fmt"
	"testing"
	"time"

	"github.com/pare-ml/pare/internal/rng"
)

// peaks are the loops that measure an implementation's peak: they do the floating-point operations they return.
var peaks = map[string]func() float64{}

// peak returns the GFLOP/s of an implementation's loop of multiply-adds, the best of a few, 0 without one.
func peak(name string) float64 {
	loop := peaks[name]
	if loop == nil {
		return 0
	}
	var best float64
	for range 20 {
		start := clock()
		flops := loop()
		best = max(best, flops/float64(clock()-start))
	}
	return best
}

// BenchmarkPeak measures what the processor can do on registers alone.
func BenchmarkPeak(b *testing.B) {
	for _, t := range tileImplementations() {
		if loop := peaks[t.name]; loop != nil {
			b.Run(t.name, func(b *testing.B) {
				for range b.N {
					loop()
				}
				b.ReportMetric(peak(t.name), "GFLOP/s")
			})
		}
	}
}

// benchEach runs f, which does the given floating-point operations, with each implementation, and reports the best of
// its runs.
func benchEach(b *testing.B, name string, flops float64, f func()) {
	defer func(old *implementation) { tiles = old }(tiles)
	for _, tiles = range tileImplementations() {
		b.Run(tiles.name+"/"+name, func(b *testing.B) {
			top := peak(tiles.name)
			best := time.Duration(1 << 62)
			for range b.N {
				start := clock()
				f()
				best = min(best, clock()-start)
			}
			b.ReportMetric(flops/float64(best), "GFLOP/s")
			if top > 0 {
				b.ReportMetric(100*flops/float64(best)/top, "%peak")
			}
		})
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range []gemmShape{{256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {64, 10, 1024}, {32, 784, 288}} {
		r := rng.New(1)
		x, y, c := fill(r, "normal", s.m*s.k), fill(r, "normal", s.k*s.n), make([]float32, s.m*s.n)
		name := fmt.Sprint(s.m)
		if s.m != s.n || s.n != s.k {
			name = fmt.Sprintf("%dx%dx%d", s.m, s.n, s.k)
		}
		benchEach(b, name, 2*float64(s.m*s.n*s.k), func() {
			Gemm(1, s.m, s.n, s.k, x, s.k, 1, y, s.n, 1, c, s.n, false)
		})
	}
}

// BenchmarkConv measures the convolutions of a small residual network over a batch of 64.
func BenchmarkConv(b *testing.B) {
	shapes := []struct {
		name string
		p    Conv
	}{
		{"1-16x28", square(64, 1, 28, 28, 16, 3, 1, 1, 1, 1)},
		{"16-16x28", square(64, 16, 28, 28, 16, 3, 1, 1, 1, 1)},
		{"16-32x28s2", square(64, 16, 28, 28, 32, 3, 2, 1, 1, 1)},
		{"32-32x14", square(64, 32, 14, 14, 32, 3, 1, 1, 1, 1)},
		{"32-64x14p1s2", square(64, 32, 14, 14, 64, 1, 2, 0, 1, 1)},
		{"64-64x7", square(64, 64, 7, 7, 64, 3, 1, 1, 1, 1)},
		{"96-96x7", square(64, 96, 7, 7, 96, 3, 1, 1, 1, 1)},
		{"64-128x14p1", square(64, 64, 14, 14, 128, 1, 1, 0, 1, 1)},
		{"32dw14", square(64, 32, 14, 14, 32, 3, 1, 1, 1, 32)},
	}
	for _, s := range shapes {
		p := s.p
		oh, ow := p.Out()
		r := rng.New(1)
		x, w := fill(r, "normal", p.N*p.C*p.H*p.W), fill(r, "normal", p.O*(p.C/p.Groups)*p.KH*p.KW)
		y, bias := fill(r, "normal", p.N*p.O*oh*ow), fill(r, "normal", p.O)
		dx, dw := make([]float32, len(x)), make([]float32, len(w))
		flops := 2 * float64(len(y)*(p.C/p.Groups)*p.KH*p.KW)
		out := make([]float32, len(y))
		benchEach(b, s.name+"/forward", flops, func() { ConvForward(1, p, x, w, bias, out) })
		benchEach(b, s.name+"/input", flops, func() { ConvBackwardInput(1, p, w, y, dx) })
		benchEach(b, s.name+"/weight", flops, func() { ConvBackwardWeight(1, p, x, y, dw) })
	}
}
