package ggml

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// FuzzDequantize reads any bytes as blocks of any type.
func FuzzDequantize(f *testing.F) {
	for _, t := range Types() {
		_, size := t.Block()
		f.Add(uint32(t), bytes.Repeat([]byte{0xff}, 2*size))
		f.Add(uint32(t), make([]byte, size))
	}
	f.Add(uint32(36), []byte{1})
	f.Fuzz(func(t *testing.T, number uint32, src []byte) {
		typ := Type(number)
		elements, size := typ.Block()
		if elements == 0 {
			if Dequantize(make([]float32, 1), typ, src, 1) == nil {
				t.Fatalf("%s was read", typ)
			}
			return
		}
		count := len(src) / size
		if count == 0 {
			return
		}
		x := make([]float32, count*elements)
		if err := Dequantize(x, typ, src[:count*size], len(x)); err != nil {
			t.Fatal(err)
		}
		if len(src)%size != 0 && Dequantize(x, typ, src, len(x)) == nil {
			t.Fatalf("%d bytes were taken for %d blocks of %d", len(src), count, size)
		}
	})
}

// FuzzQuantize writes any numbers as blocks of any type: in every form the same bytes or the same error, and what is
// written has finite values.
func FuzzQuantize(f *testing.F) {
	for i, t := range Types() {
		seed := make([]byte, 0, 1024)
		for _, v := range inputs(kinds[i%len(kinds)], uint64(i), 256) {
			seed = binary.LittleEndian.AppendUint32(seed, math.Float32bits(v))
		}
		f.Add(uint32(t), i%2 == 0, seed)
	}
	f.Add(uint32(Q4_K), true, bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, number uint32, weigh bool, src []byte) {
		typ := Type(number)
		if !typ.CanQuantize() || len(src) > 1<<14 {
			return
		}
		elements, size := typ.Block()
		blocks := max(1, len(src)/4/elements)
		x := make([]float32, blocks*elements)
		for i := range min(len(x), len(src)/4) {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
		var data []float32
		if weigh {
			data = columns("zeros", uint64(len(src)), (len(x)+31)&^31)[:len(x)]
		}
		var want []byte
		var first error
		withForms(func(form string) {
			dst, untouched := guarded(blocks * size)
			err := Quantize(dst, typ, x, len(x), data)
			if !untouched() {
				t.Fatalf("%s, %s: bytes outside were written", form, typ)
			}
			if form == "plain" {
				want, first = slices.Clone(dst), err
			}
			if (err == nil) != (first == nil) || err != nil && err.Error() != first.Error() {
				t.Fatalf("%s, %s: %v; want %v", form, typ, err, first)
			}
			if err != nil {
				return
			}
			if !bytes.Equal(dst, want) {
				t.Fatalf("%s, %s: other bytes than in plain Go", form, typ)
			}
			back := make([]float32, len(x))
			if err := Dequantize(back, typ, dst, len(x)); err != nil {
				t.Fatal(err)
			}
			for i, v := range back {
				if v-v != 0 {
					t.Fatalf("%s: element %d came back as %v", typ, i, v)
				}
			}
		})
	})
}
