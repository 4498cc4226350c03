package ggml

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestForms compares the vector forms with plain Go on rows of any length, so that groups end in the middle of a row and
// of a chunk, and on rows that are read from other types.
func TestForms(t *testing.T) {
	if len(forms) == 0 {
		t.Skip("this processor has no vector form")
	}
	for _, typ := range Types() {
		if !typ.CanQuantize() {
			continue
		}
		elements, size := typ.Block()
		for seed, blocks := range []int{1, 2, 3, 7, 17, 18, 33} {
			n := blocks * elements
			rows := 1 + 300/n
			if seed == 6 {
				rows = 2 + 9000/n
			}
			kind := kinds[(seed*5+int(typ))%len(kinds)]
			x := inputs(kind, uint64(seed), (n*rows+255)&^255)[:n*rows]
			var data []float32
			if seed%2 == 1 {
				data = columns("zeros", uint64(seed), (n+31)&^31)[:n]
			}
			var want []byte
			withForms(func(form string) {
				name := fmt.Sprintf("%s, %s, %d rows of %d %s elements", form, typ, rows, n, kind)
				dst, untouched := guarded(rows * blocks * size)
				if err := Quantize(dst, typ, x, n, data); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if !untouched() {
					t.Errorf("%s: bytes outside were written", name)
				}
				if want == nil {
					want = slices.Clone(dst)
				}
				if !bytes.Equal(dst, want) {
					t.Errorf("%s: other bytes than in plain Go", name)
				}
				from := make([]byte, 4*len(x))
				if err := Quantize(from, F32, x, n, nil); err != nil {
					t.Fatal(err)
				}
				if err := QuantizeFrom(dst, typ, from, F32, n, data); err != nil || !bytes.Equal(dst, want) {
					t.Errorf("%s: read from bytes: %v, or other bytes", name, err)
				}
			})
		}
	}
}

// TestQuantizeFromHalves compares with the conversion before.
func TestQuantizeFromHalves(t *testing.T) {
	const n, rows = 4864, 2
	x := inputs("wide", 4, n*rows)
	for _, from := range []Type{F16, BF16, Q8_0, Q6_K} {
		size, err := from.RowSize(n)
		if err != nil {
			t.Fatal(err)
		}
		src := make([]byte, size*rows)
		if err := Quantize(src, from, x, n, nil); err != nil {
			t.Fatal(err)
		}
		wide := make([]float32, n*rows)
		if err := Dequantize(wide, from, src, n); err != nil {
			t.Fatal(err)
		}
		for _, to := range []Type{Q4_0, Q4_K, IQ4_NL} {
			for _, data := range [][]float32{nil, columns("squares", 1, n)} {
				size, _ := to.RowSize(n)
				got, want := make([]byte, size*rows), make([]byte, size*rows)
				if err := QuantizeFrom(got, to, src, from, n, data); err != nil {
					t.Fatal(err)
				}
				if err := Quantize(want, to, wide, n, data); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s from %s: other bytes than from its float32", to, from)
				}
			}
		}
	}
}

func TestHalves(t *testing.T) {
	if len(forms) == 0 {
		t.Skip("this processor has no vector form")
	}
	src := make([]byte, 2<<16)
	for h := range 1 << 16 {
		src[2*h], src[2*h+1] = byte(h), byte(h>>8)
	}
	for _, typ := range []Type{F16, BF16} {
		var wide [][]float32
		withForms(func(string) {
			x := make([]float32, 1<<16)
			if err := Dequantize(x, typ, src, len(x)); err != nil {
				t.Fatal(err)
			}
			wide = append(wide, x)
		})
		for h, v := range wide[0] {
			for _, other := range wide[1:] {
				if math.Float32bits(other[h]) != math.Float32bits(v) && (v == v || other[h] == other[h]) {
					t.Fatalf("%s %#x is %v; want %v", typ, h, other[h], v)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	with := func(at int, v float32) []float32 {
		x := inputs("normal", 1, 512)
		x[at] = v
		return x
	}
	withForms(func(form string) {
		for _, c := range []struct {
			t    Type
			x    []float32
			n    int
			data []float32
			want string
		}{
			{Q4_K, with(300, nan), 256, nil, "element 300 is NaN"},
			{Q8_0, with(511, inf), 32, nil, "element 511 is -Inf"},
			{F16, with(7, inf), 1, nil, "element 7 is -Inf"},
			{F32, with(7, nan), 1, nil, "element 7 is NaN"},
			{F16, with(7, 65520), 1, nil, "element 7 is 65520; float16 ends at 65504"},
			{BF16, with(7, -math.MaxFloat32), 1, nil, "element 7 is -3.4028235e+38; bfloat16 ends at 3.39e38"},
			{Q8_0, with(100, 1e8), 32, nil, "elements 96 to 127 are so great"},
			{Q6_K, with(100, 1e15), 256, nil, "elements 0 to 255 are so great"},
			{Q4_K, with(400, -1e30), 256, nil, "elements 256 to 511 are so great"},
			{Q4_K, with(400, 1e30), 512, columns("squares", 1, 512), "elements 256 to 511 are so great"},
			{Q4_K, with(0, 0), 256, with(9, nan)[:256], "the importance of column"},
			{Q4_K, with(0, 0), 256, make([]float32, 255), "there are 255 importance values for 256 columns"},
			{Q4_K, with(0, 0), 128, nil, "rows of 128 elements cannot be cut into the blocks of 256"},
			{Q4_K, with(0, 0), 0, nil, "512 elements are not rows of 0"},
			{Q4_K, with(0, 0), 300, nil, "512 elements are not rows of 300"},
			{IQ2_XS, with(0, 0), 256, nil, "iq2_xs cannot be written"},
			{Type(5), with(0, 0), 256, nil, "type 5 cannot be written"},
			{Type(math.MaxUint32), with(0, 0), 256, nil, "cannot be written"},
		} {
			size, err := c.t.RowSize(512)
			if err != nil {
				size = 0
			}
			err = Quantize(make([]byte, size), c.t, c.x, c.n, c.data)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v; want %q", form, c.t, err, c.want)
			}
		}
	})
	if err := Quantize(make([]byte, 33), Q8_0, make([]float32, 32), 32, nil); err == nil {
		t.Error("33 bytes were taken for a block of 34")
	}
	if err := Dequantize(make([]float32, 31), Q8_0, make([]byte, 34), 32); err == nil {
		t.Error("31 floats were taken for a block of 32")
	}
	if err := QuantizeFrom(make([]byte, 34), Q8_0, make([]byte, 63), F16, 32, nil); err == nil {
		t.Error("63 bytes were taken for a row of 32 float16")
	}
}

func TestTypes(t *testing.T) {
	for _, typ := range Types() {
		if back, ok := ParseType(strings.ToUpper(typ.String())); !ok || back != typ {
			t.Errorf("%s is read as %s", typ, back)
		}
		elements, size := typ.Block()
		if got, err := typ.RowSize(3 * elements); err != nil || got != int64(3*size) {
			t.Errorf("3 blocks of %s have %d bytes, %v", typ, got, err)
		}
	}
	for _, removed := range []Type{4, 5, 31, 32, 33, 36, 37, 38, 43, math.MaxUint32} {
		if _, err := removed.RowSize(0); err == nil || removed.Known() {
			t.Errorf("%d is taken for a type", removed)
		}
	}
	if _, ok := ParseType(""); ok {
		t.Error("no name is the name of a type")
	}
}
