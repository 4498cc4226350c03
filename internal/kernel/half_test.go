package kernel

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/x448/float16"

	"github.com/pare-ml/pare/internal/rng"
)

func TestFloat16FromBits(t *testing.T) {
	for h := range 1 << 16 {
		got, want := Float16FromBits(uint16(h)), float16.Frombits(uint16(h)).Float32()
		if math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("%#x is %v (%#x); want %v (%#x)", h, got, math.Float32bits(got), want, math.Float32bits(want))
		}
		if back := Float16Bits(got); back != uint16(h) && got == got {
			t.Fatalf("%#x came back as %#x", h, back)
		}
	}
}

// TestFloat16Bits compares each exponent with many fractions, and all the places where rounding turns.
func TestFloat16Bits(t *testing.T) {
	check := func(bits uint32) {
		x := math.Float32frombits(bits)
		if got, want := Float16Bits(x), float16.Fromfloat32(x).Bits(); got != want {
			t.Fatalf("%v (%#x) is %#x; want %#x", x, bits, got, want)
		}
	}
	r := rng.New(14)
	for top := range uint32(1 << 16) { // sign, exponent and 7 bits, then the bits around a halfway point
		for _, low := range []uint32{0, 1, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0xffff, uint32(r.Intn(1 << 16))} {
			check(top<<16 | low)
		}
	}
	for h := range uint32(1<<15 - 1) { // halfway between neighbours
		mid := (float64(Float16FromBits(uint16(h))) + float64(Float16FromBits(uint16(h+1)))) / 2
		if b := math.Float32bits(float32(mid)); mid < 65536 {
			check(b - 1)
			check(b)
			check(b + 1)
		}
	}
}

func TestBFloat16(t *testing.T) {
	for h := range 1 << 16 {
		x := BFloat16FromBits(uint16(h))
		if math.Float32bits(x) != uint32(h)<<16 {
			t.Fatalf("%#x is %v", h, x)
		}
		if back := BFloat16Bits(x); back != uint16(h) && back != uint16(h)|0x40 {
			t.Fatalf("%#x came back as %#x", h, back)
		}
	}
	for _, c := range []struct {
		bits uint32
		want uint16
	}{{0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81}, {0x7f7fffff, 0x7f80}, {0x7f800001, 0x7fc0}, {0xff80ffff, 0xffc0},
		{0x00008000, 0}, {0x00018000, 2}, {0x80008001, 0x8001}, {0x7fffffff, 0x7fff}} {
		if got := BFloat16Bits(math.Float32frombits(c.bits)); got != c.want {
			t.Errorf("%#x is %#x; want %#x", c.bits, got, c.want)
		}
	}
}

func TestBulkConversions(t *testing.T) {
	x := []float32{1, -2.5, 65504, 6e-8}
	b := make([]byte, 8)
	back := make([]float32, 4)
	Float32ToFloat16(b, x)
	if got := binary.LittleEndian.Uint16(b[2:]); got != 0xc100 {
		t.Errorf("-2.5 is %#x", got)
	}
	Float16ToFloat32(back, b)
	if err := sameBits(back, []float32{1, -2.5, 65504, 0x1p-24}); err != nil {
		t.Error(err)
	}
	Float32ToBFloat16(b, x)
	BFloat16ToFloat32(back, b)
	if err := sameBits(back, []float32{1, -2.5, 65536, BFloat16FromBits(BFloat16Bits(6e-8))}); err != nil {
		t.Error(err)
	}
}
