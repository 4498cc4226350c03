package ggml

import (
	"testing"
	"time"

	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/rng"
)

// weights returns numbers like those of a float16 model: normal, 0.02 wide.
func weights(seed uint64, n int) []float32 {
	r := rng.New(seed)
	x := make([]float32, n)
	for i := range x {
		var s float64
		for range 12 {
			s += r.Float64()
		}
		x[i] = kernel.Float16FromBits(kernel.Float16Bits(float32((s - 6) * 0.02)))
	}
	return x
}

func importance(seed uint64, n int) []float32 {
	r := rng.New(seed)
	w := make([]float32, n)
	for i := range w {
		u := float32(r.Float64())
		w[i] = u * u
	}
	return w
}

// withForms runs f with plain Go and with each vector form in use.
func withForms(f func(form string)) {
	defer func(old *lanes) { vectors = old }(vectors)
	for _, v := range append([]*lanes{nil}, forms...) {
		vectors = v
		name := "plain"
		if v != nil {
			name = v.name
		}
		f(name)
	}
}

// BenchmarkQuantize has a sub-benchmark for each type, form and with importance data; million elements a second of
// processor time, of the best run, are their metric.
func BenchmarkQuantize(b *testing.B) {
	const n, rows = 4096, 64
	x := weights(1, n*rows)
	data := importance(2, n)
	for _, t := range Types() {
		for _, own := range [][]float32{nil, data} {
			if !t.CanQuantize() || own != nil && !t.UsesImportance() {
				continue
			}
			withForms(func(form string) {
				name := t.String() + "/" + form
				if own != nil {
					name += "/importance"
				}
				b.Run(name, func(b *testing.B) {
					size, _ := t.RowSize(n)
					dst := make([]byte, size*rows)
					best := time.Duration(1 << 62)
					for b.Loop() {
						start := clock()
						if err := Quantize(dst, t, x, n, own); err != nil {
							b.Fatal(err)
						}
						best = min(best, clock()-start)
					}
					b.ReportMetric(float64(len(x))/float64(best)*1000, "Melem/s")
				})
			})
		}
	}
}
