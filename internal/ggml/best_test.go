package ggml

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// relative returns the root of the weighted squared error over that of the squares.
func relative(t *testing.T, typ Type, blocks []byte, x, w []float32, n int) float64 {
	t.Helper()
	y := make([]float32, len(x))
	if err := Dequantize(y, typ, blocks, n); err != nil {
		t.Fatal(err)
	}
	var e, s float64
	for i, v := range x {
		own := 1.0
		if w != nil {
			own = float64(w[i%n])
		}
		d := float64(v) - float64(y[i])
		e += own * d * d
		s += own * float64(v) * float64(v)
	}
	return math.Sqrt(e / s)
}

// TestBest holds QuantizeBest to less error than Quantize: on weights, with and without importance, less on the whole;
// on numbers of any kind not more for any block. With -v it prints the table of the documentation.
func TestBest(t *testing.T) {
	const n, rows = 2048, 8
	x, data := weights(5, n*rows), importance(6, n)
	var table strings.Builder
	fmt.Fprintf(&table, "\n| type | bits | reference | mse | less by | reference, importance | mse, importance | less by |\n|---|---|---|---|---|---|---|---|\n")
	for _, typ := range Types() {
		if improvers[typ] == nil {
			continue
		}
		size, err := typ.RowSize(n)
		if err != nil {
			t.Fatal(err)
		}
		elements, bytes := typ.Block()
		fmt.Fprintf(&table, "| %s | %.4g", typ, 8*float64(bytes)/float64(elements))
		for _, w := range [][]float32{nil, data} {
			plain, best := make([]byte, size*rows), make([]byte, size*rows)
			if err := Quantize(plain, typ, x, n, w); err != nil {
				t.Fatal(err)
			}
			if err := QuantizeBest(best, typ, x, n, w); err != nil {
				t.Fatal(err)
			}
			a, b := relative(t, typ, plain, x, w, n), relative(t, typ, best, x, w, n)
			fmt.Fprintf(&table, " | %.5f | %.5f | %.1f %%", a, b, 100*(1-b/a))
			// The mean of the magnitudes is already the best scale of one bit.
			if !(b < a) && (typ != Q1_0 || w != nil || b > a) {
				t.Errorf("%s: error %v, not less than %v", typ, b, a)
			}
		}
		fmt.Fprintf(&table, " |\n")
	}
	t.Log(table.String())
}

func TestBestOfAnyKind(t *testing.T) {
	const n, rows = 1024, 2
	for _, typ := range Types() {
		if !typ.CanQuantize() {
			continue
		}
		elements, size := typ.Block()
		row, _ := typ.RowSize(n)
		for i, kind := range kinds {
			x := inputs(kind, uint64(i), n*rows)
			var data []float32
			w := slices.Repeat([]float32{1}, n)
			if i%2 == 1 {
				data = columns("zeros", uint64(i), n)
				w = data
			}
			plain := make([]byte, row*rows)
			if err := Quantize(plain, typ, x, n, data); err != nil {
				t.Fatal(err)
			}
			var want []byte
			withForms(func(form string) {
				best, untouched := guarded(len(plain))
				if err := QuantizeBest(best, typ, x, n, data); err != nil {
					t.Fatal(err)
				}
				if !untouched() {
					t.Errorf("%s, %s: bytes outside were written", form, typ)
				}
				if want == nil {
					want = slices.Clone(best)
				}
				if !bytes.Equal(best, want) {
					t.Errorf("%s, %s, %s: other bytes than in plain Go", form, typ, kind)
				}
				room := make([]float32, elements)
				for b := range n * rows / elements {
					at := b * elements
					own := w[at%n:][:elements]
					a, c := blockError(plain[b*size:][:size], typ, x[at:][:elements], own, room), blockError(best[b*size:][:size], typ, x[at:][:elements], own, room)
					if c > a {
						t.Errorf("%s, %s, block %d: error %v, more than %v", typ, kind, b, c, a)
					}
				}
			})
		}
	}
}

// TestGoldenBest holds QuantizeBest to the same bytes on every processor. The digest is our own: there is no other
// program that writes these.
func TestGoldenBest(t *testing.T) {
	const n, want = 1024, "33214c3f25b70713d9fb5890eb54908738e3f1e47fff673eea497ebf83931e8c"
	h := sha256.New()
	for i, typ := range Types() {
		if improvers[typ] == nil {
			continue
		}
		size, _ := typ.RowSize(n)
		dst := make([]byte, size)
		if err := QuantizeBest(dst, typ, inputs(kinds[i%len(kinds)], 9, n), n, columns("squares", 9, n)); err != nil {
			t.Fatal(err)
		}
		h.Write(dst)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("the digest is %s; want %s", got, want)
	}
}

// BenchmarkBest is BenchmarkQuantize for QuantizeBest.
func BenchmarkBest(b *testing.B) {
	const n, rows = 4096, 4
	x := weights(1, n*rows)
	for _, typ := range Types() {
		if improvers[typ] == nil {
			continue
		}
		b.Run(typ.String(), func(b *testing.B) {
			size, _ := typ.RowSize(n)
			dst := make([]byte, size*rows)
			best := math.Inf(1)
			for b.Loop() {
				start := clock()
				if err := QuantizeBest(dst, typ, x, n, nil); err != nil {
					b.Fatal(err)
				}
				best = min(best, float64(clock()-start))
			}
			b.ReportMetric(float64(len(x))/best*1000, "Melem/s")
		})
	}
}
