package ggml

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// golden has digests of what ggml's own library wrote; conformance/ggml_vectors.py made it.
type golden struct {
	Rows, Columns        int
	Quantize, Dequantize map[string]string
}

func readGolden(t *testing.T) *golden {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{}
	if err := json.Unmarshal(b, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGolden holds every type, in plain Go and in every vector form, to the bytes of ggml's library.
func TestGolden(t *testing.T) {
	g := readGolden(t)
	if len(g.Quantize) < 20*len(kinds) {
		t.Fatalf("only %d cases", len(g.Quantize))
	}
	withForms(func(form string) {
		for name, want := range g.Quantize {
			words := strings.Fields(name)
			typ, ok := ParseType(words[0])
			if !ok {
				t.Fatalf("%s is no type", words[0])
			}
			var importance []float32
			if len(words) > 2 {
				importance = columns(words[3], 2, g.Columns)
			}
			row, err := typ.RowSize(g.Columns)
			if err != nil {
				t.Fatal(err)
			}
			dst, untouched := guarded(int(row) * g.Rows)
			if err := Quantize(dst, typ, inputs(words[1], 1, g.Rows*g.Columns), g.Columns, importance); err != nil {
				t.Errorf("%s, %s: %v", form, name, err)
				continue
			}
			if !untouched() {
				t.Errorf("%s, %s: bytes outside were written", form, name)
			}
			if sum := sha256.Sum256(dst); hex.EncodeToString(sum[:]) != want {
				t.Errorf("%s, %s: other bytes than ggml's", form, name)
			}
		}
	})
}

func TestGoldenDequantize(t *testing.T) {
	g := readGolden(t)
	withForms(func(form string) {
		for name, want := range g.Dequantize {
			typ, ok := ParseType(name)
			if !ok {
				t.Fatalf("%s is no type", name)
			}
			elements, size := typ.Block()
			src := make([]byte, 64*size)
			for i, z := range mix(3, len(src)) {
				src[i] = byte(z)
			}
			x := make([]float32, 64*elements)
			if err := Dequantize(x, typ, src, elements); err != nil {
				t.Fatal(err)
			}
			h := sha256.New()
			for _, v := range x {
				bits := math.Float32bits(v)
				if v != v {
					bits = 0x7fc00000
				}
				h.Write(binary.LittleEndian.AppendUint32(nil, bits))
			}
			if hex.EncodeToString(h.Sum(nil)) != want {
				t.Errorf("%s, %s: other values than ggml's", form, name)
			}
		}
	})
}
