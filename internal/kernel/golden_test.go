package kernel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

var update = flag.Bool("update", false, "write testdata/digests.txt")

// TestGolden compares digests of results with those committed, so that a machine that cannot be compared with another
// side by side can be compared with all that came before: run it on arm64, with -tags purego, with GOAMD64=v3.
func TestGolden(t *testing.T) {
	const file = "testdata/digests.txt"
	withEach(t, func(t *testing.T) {
		got := digests()
		if *update {
			if err := os.WriteFile(file, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		committed := map[string]string{}
		for line := range strings.Lines(string(want)) {
			digest, name, _ := strings.Cut(line, " ")
			committed[name] = digest
		}
		for line := range strings.Lines(string(got)) {
			digest, name, _ := strings.Cut(line, " ")
			if committed[name] != digest {
				t.Errorf("digest of %s is %s; want %q", strings.TrimSpace(name), digest, committed[name])
			}
		}
	})
}

// digests returns a line for each kernel: its name and the digest of results.
func digests() []byte {
	var out bytes.Buffer
	r := rng.New(7, "golden")
	line := func(name string, results any) {
		h := sha256.New()
		if err := binary.Write(h, binary.LittleEndian, oneNaN(results)); err != nil {
			panic(err)
		}
		fmt.Fprintf(&out, "%x %s\n", h.Sum(nil)[:16], name)
	}
	for _, kind := range kinds {
		m, n, k := 37, 75, 401
		a, b, c := fill(r, kind, m*k), fill(r, kind, k*n), fill(r, kind, m*n)
		Gemm(2, m, n, k, a, k, 1, b, 1, k, c, n, true)
		line("Gemm "+kind, c)
		for i, p := range []Conv{square(9, 5, 15, 13, 18, 3, 1, 1, 1, 1), square(3, 8, 12, 12, 16, 3, 2, 1, 1, 2)} {
			oh, ow := p.Out()
			x, w, bias := fill(r, kind, p.N*p.C*p.H*p.W), fill(r, kind, p.O*p.C/p.Groups*p.KH*p.KW), fill(r, kind, p.O)
			y, dy := make([]float32, p.N*p.O*oh*ow), fill(r, kind, p.N*p.O*oh*ow)
			dx, dw, db := make([]float32, len(x)), make([]float32, len(w)), make([]float32, p.O)
			ConvForward(2, p, x, w, bias, y)
			ConvBackwardInput(2, p, w, dy, dx)
			ConvBackwardWeight(2, p, x, dy, dw)
			ChannelSums(2, p.N, p.O, oh*ow, dy, db)
			line(fmt.Sprintf("ConvForward %d %s", i, kind), y)
			line(fmt.Sprintf("ConvBackwardInput %d %s", i, kind), dx)
			line(fmt.Sprintf("ConvBackwardWeight %d %s", i, kind), dw)
			line(fmt.Sprintf("ChannelSums %d %s", i, kind), db)
		}
		x, y := fill(r, kind, 10000), fill(r, kind, 10000)
		line("sums "+kind, []float64{Sum(x), SumAbs(x), SumSquares(x), Dot(x, y), float64(MaxAbs(x))})
		for _, f := range elementwise {
			line(f.name+" "+kind, f.run(x, y))
		}
		line("QuantizeInt8 "+kind, quantizedInt8(x, 0.013, -3))
		line("QuantizeUint8 "+kind, quantizedUint8(x, 0.017, 119))
		line("Float16 "+kind, halves(x, Float32ToFloat16))
		line("BFloat16 "+kind, halves(x, Float32ToBFloat16))
	}
	x := fill(r, "normal", 3000)
	for i := range x {
		x[i] *= float32(i) * 0.05
	}
	functions := func(name string, f func(float32) float32) {
		y := make([]float32, len(x))
		for i, v := range x {
			y[i] = f(v)
		}
		line(name, y)
	}
	functions("Exp", Exp)
	functions("Log", func(x float32) float32 { return Log(x * x) })
	functions("Tanh", Tanh)
	functions("Sigmoid", Sigmoid)
	functions("Erf", Erf)
	functions("Pow", func(x float32) float32 { return Pow(x*x, 1.7) })
	for _, f := range []struct {
		name string
		f    func(float64) float64
	}{{"Exp64", Exp64}, {"Log64", Log64}, {"Tanh64", Tanh64}, {"Sin64", Sin64}, {"Cos64", Cos64},
		{"Pow64", func(x float64) float64 { return Pow64(math.Abs(x), -0.77) }}} {
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = f.f(float64(v) * 1.000000123)
		}
		line(f.name, y)
	}
	return out.Bytes()
}

// oneNaN replaces each NaN by the same.
func oneNaN(results any) any {
	switch x := results.(type) {
	case []float32:
		for i, v := range x {
			if v != v {
				x[i] = math.Float32frombits(0x7fc00000)
			}
		}
	case []float64:
		for i, v := range x {
			if v != v {
				x[i] = math.Float64frombits(0x7ff8 << 48)
			}
		}
	}
	return results
}

func quantizedInt8(x []float32, scale float32, zero int32) []int8 {
	q := make([]int8, len(x))
	QuantizeInt8(q, x, scale, zero)
	return q
}

func quantizedUint8(x []float32, scale float32, zero int32) []uint8 {
	q := make([]uint8, len(x))
	QuantizeUint8(q, x, scale, zero)
	return q
}

// halves converts x without its NaN, whose payloads differ.
func halves(x []float32, convert func(dst []byte, src []float32)) []byte {
	x = append([]float32(nil), x...)
	oneNaN(x)
	b := make([]byte, 2*len(x))
	convert(b, x)
	return b
}
