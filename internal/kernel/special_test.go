package kernel

import (
	"encoding/binary"
	"math"
	"testing"
)

// Every number of 16 bits, and float32 around the limits, at every place in a word.
func TestSpecials(t *testing.T) {
	check := func(name string, count func([]byte) (int, bool), size int, bits uint32, zero, finite bool) {
		for _, at := range []int{0, 3, 17, 34} {
			b := make([]byte, 35*size)
			for i := range 35 {
				if size == 2 {
					binary.LittleEndian.PutUint16(b[2*i:], 0x3c00)
				} else {
					binary.LittleEndian.PutUint32(b[4*i:], 0x3f800000)
				}
			}
			if size == 2 {
				binary.LittleEndian.PutUint16(b[2*at:], uint16(bits))
			} else {
				binary.LittleEndian.PutUint32(b[4*at:], bits)
			}
			zeros, ok := count(b)
			if want := map[bool]int{true: 1}[zero]; zeros != want || ok != finite {
				t.Fatalf("%s %#x at %d: %d zeros, finite %t", name, bits, at, zeros, ok)
			}
		}
	}
	finite := func(v float32) bool { return v-v == 0 }
	for i := range 1 << 16 {
		v := Float16FromBits(uint16(i))
		check("float16", SpecialFloat16s, 2, uint32(i), v == 0, finite(v))
		v = BFloat16FromBits(uint16(i))
		check("bfloat16", SpecialBFloat16s, 2, uint32(i), v == 0, finite(v))
		for _, low := range []uint32{0, 1, 0xffff} {
			bits := uint32(i)<<16 | low
			v = math.Float32frombits(bits)
			check("float32", SpecialFloat32s, 4, bits, v == 0, finite(v))
		}
	}
}

// Vectors, counters that would run over, and what is left behind them: against a count of one number after the other.
func TestSpecialsLong(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 33, 1 << 19, 1<<20 + 5} {
		b := make([]byte, 2*n)
		for i := 0; i < n; i += 5 {
			binary.LittleEndian.PutUint16(b[2*i:], 0xbc00)
		}
		want := n - (n+4)/5
		if zeros, ok := SpecialFloat16s(b); zeros != want || !ok {
			t.Errorf("%d float16: %d zeros, finite %t; want %d", n, zeros, ok, want)
		}
		if n > 0 {
			binary.LittleEndian.PutUint16(b[2*((n-1)/5*5):], 0xfc00)
			if _, ok := SpecialFloat16s(b); ok {
				t.Errorf("%d float16, one infinite: all finite", n)
			}
		}
	}
}

func BenchmarkSpecials(b *testing.B) {
	x := make([]byte, 256<<10)
	b.SetBytes(int64(len(x)))
	for b.Loop() {
		SpecialFloat16s(x)
	}
}

func TestZeros(t *testing.T) {
	x := make([]float32, 100)
	for i := range x {
		x[i] = []float32{0, 1, float32(math.Copysign(0, -1)), 1e-45, float32(math.NaN())}[i%5]
	}
	for n := range x {
		want := 0
		for _, v := range x[:n] {
			if v == 0 {
				want++
			}
		}
		if got := Zeros(x[:n]); got != want {
			t.Errorf("%d of %d numbers are zero, want %d", got, n, want)
		}
	}
}
