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

// BenchmarkQuantizeFrom reads 32 million elements of memory that no cache holds.
func BenchmarkQuantizeFrom(b *testing.B) {
	const n, rows = 4096, 8192
	row := weights(1, n)
	for _, from := range []Type{F32, F16, BF16} {
		size, _ := from.RowSize(n)
		src := make([]byte, size*rows)
		for r := range rows {
			if err := Quantize(src[int64(r)*size:][:size], from, row, n, nil); err != nil {
				b.Fatal(err)
			}
		}
		for _, to := range []Type{F16, Q8_0, Q4_0, Q4_K} {
			b.Run(from.String()+"/"+to.String(), func(b *testing.B) {
				size, _ := to.RowSize(n)
				dst := make([]byte, size*rows)
				best := time.Duration(1 << 62)
				for b.Loop() {
					start := clock()
					if err := QuantizeFrom(dst, to, src, from, n, nil); err != nil {
						b.Fatal(err)
					}
					best = min(best, clock()-start)
				}
				b.ReportMetric(n*rows/float64(best)*1000, "Melem/s")
			})
		}
	}
}

// BenchmarkDequantize has a sub-benchmark for each type.
func BenchmarkDequantize(b *testing.B) {
	const n, rows = 4096, 16
	x := weights(1, n*rows)
	for _, t := range Types() {
		if !t.CanDequantize() {
			continue
		}
		b.Run(t.String(), func(b *testing.B) {
			size, _ := t.RowSize(n)
			src := make([]byte, size*rows)
			if t.CanQuantize() {
				if err := Quantize(src, t, x, n, nil); err != nil {
					b.Fatal(err)
				}
			}
			best := time.Duration(1 << 62)
			for b.Loop() {
				start := clock()
				if err := Dequantize(x, t, src, n); err != nil {
					b.Fatal(err)
				}
				best = min(best, clock()-start)
			}
			b.ReportMetric(float64(len(x))/float64(best)*1000, "Melem/s")
		})
	}
}
