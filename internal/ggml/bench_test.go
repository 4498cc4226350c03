package ggml

import (
	"testing"

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

// BenchmarkQuantize has a sub-benchmark for each type; elements a second are its metric.
func BenchmarkQuantize(b *testing.B) {
	const n, rows = 4096, 64
	x := weights(1, n*rows)
	for _, data := range []struct {
		name       string
		importance []float32
	}{{"plain", nil}, {"importance", importance(2, n)}} {
		for _, t := range Types() {
			if !t.CanQuantize() || data.importance != nil && !t.UsesImportance() {
				continue
			}
			b.Run(t.String()+"/"+data.name, func(b *testing.B) {
				size, _ := t.RowSize(n)
				dst := make([]byte, size*rows)
				for b.Loop() {
					if err := Quantize(dst, t, x, n, data.importance); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Melem/s")
			})
		}
	}
}
