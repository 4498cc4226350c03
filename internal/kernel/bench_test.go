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
		start := time.Now()
		flops := loop()
		best = max(best, flops/float64(time.Since(start).Nanoseconds()))
	}
	return best
}

// BenchmarkPeak measures what the processor can do on registers alone.
func BenchmarkPeak(b *testing.B) {
	for _, t := range tileImplementations() {
		if loop := peaks[t.name]; loop != nil {
			b.Run(t.name, func(b *testing.B) {
				var flops float64
				for range b.N {
					flops += loop()
				}
				b.ReportMetric(flops/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
	}
}

// benchEach runs f, which does the given floating-point operations, with each implementation, and reports the best of
// its runs: other work on the machine only makes a run slower.
func benchEach(b *testing.B, name string, flops float64, f func()) {
	defer func(old *implementation) { tiles = old }(tiles)
	for _, tiles = range tileImplementations() {
		b.Run(tiles.name+"/"+name, func(b *testing.B) {
			top := peak(tiles.name)
			best := time.Duration(1 << 62)
			for range b.N {
				start := time.Now()
				f()
				best = min(best, time.Since(start))
			}
			b.ReportMetric(flops/float64(best.Nanoseconds()), "GFLOP/s")
			if top > 0 {
				b.ReportMetric(100*flops/float64(best.Nanoseconds())/top, "%peak")
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
