package ggml

import (
	"math"
	"testing"
)

// TestBits flips one bit of a block and says which element changes, and by how much.
func TestBits(t *testing.T) {
	// block returns a block of zero bits but for these bytes.
	block := func(typ Type, bytes map[int]byte) []byte {
		_, size := typ.Block()
		b := make([]byte, size)
		for at, v := range bytes {
			b[at] = v
		}
		return b
	}
	const one = 0x3c // the upper byte of float16 1
	// Super-blocks in which every group has scale 1 and, if it has one, minimum 0.
	q4k := map[int]byte{1: one, 4: 1, 5: 1, 6: 1, 7: 1, 12: 1, 13: 1, 14: 1, 15: 1}
	q3k := map[int]byte{109: one, 104: 0xaa, 105: 0xaa, 106: 0xaa, 107: 0xaa} // all scales 32
	for j := 96; j < 104; j++ {
		q3k[j] = 0x11 // and one more
	}
	q2k, q6k := map[int]byte{81: one}, map[int]byte{209: one}
	for j := range 16 {
		q2k[j], q6k[192+j] = 1, 1
	}
	xs := map[int]byte{1: one, 2: 0xaa, 3: 0xaa, 4: 0x11, 5: 0x11, 6: 0x11, 7: 0x11}
	for _, c := range []struct {
		typ     Type
		rest    map[int]byte
		at, bit int
		element int
		change  float32
	}{
		{Q4_0, map[int]byte{1: one}, 2 + 3, 0, 3, 1}, {Q4_0, map[int]byte{1: one}, 2 + 3, 6, 19, 4},
		{Q4_1, map[int]byte{1: one}, 4 + 15, 3, 15, 8}, {Q4_1, map[int]byte{1: one}, 4 + 15, 4, 31, 1},
		{Q5_0, map[int]byte{1: one}, 2 + 0, 5, 5, 16}, {Q5_0, map[int]byte{1: one}, 2 + 2, 5, 21, 16}, {Q5_0, map[int]byte{1: one}, 6 + 2, 4, 18, 1},
		{Q5_1, map[int]byte{1: one}, 4 + 3, 7, 31, 16}, {Q5_1, map[int]byte{1: one}, 8, 0, 0, 1},
		{Q8_0, map[int]byte{1: one}, 2 + 31, 6, 31, 64}, {Q8_0, map[int]byte{1: one}, 2, 7, 0, -128},
		{Q2_K, q2k, 16 + 5, 0, 5, 1}, {Q2_K, q2k, 16 + 5, 3, 37, 2}, {Q2_K, q2k, 16 + 32, 6, 128 + 96, 1},
		{Q3_K, q3k, 32 + 1, 4, 65, 1}, {Q3_K, q3k, 7, 3, 96 + 7, 4}, {Q3_K, q3k, 31, 7, 255, 4},
		{Q4_K, q4k, 16, 0, 0, 1}, {Q4_K, q4k, 16 + 33, 5, 64 + 32 + 1, 2},
		{Q5_K, q4k, 48 + 2, 4, 34, 1}, {Q5_K, q4k, 16 + 9, 2, 64 + 9, 16}, {Q5_K, q4k, 16 + 9, 3, 96 + 9, 16},
		{Q6_K, q6k, 5, 0, 5, 1}, {Q6_K, q6k, 5, 4, 69, 1}, {Q6_K, q6k, 37, 7, 101, 8},
		{Q6_K, q6k, 128 + 4, 0, 4, 16}, {Q6_K, q6k, 128 + 4, 3, 36, 32}, {Q6_K, q6k, 128 + 32 + 4, 6, 128 + 100, 16},
		{IQ4_NL, map[int]byte{1: one}, 2, 0, 0, 23}, {IQ4_NL, map[int]byte{1: one}, 2, 7, 16, 128},
		{IQ4_XS, xs, 8 + 16, 3, 32, 128}, {IQ4_XS, xs, 8 + 16 + 1, 4, 32 + 17, 23},
		{MXFP4, map[int]byte{0: 128}, 1 + 3, 1, 3, 2}, {MXFP4, map[int]byte{0: 127}, 1 + 3, 6, 19, 2},
		{NVFP4, map[int]byte{2: 0x38}, 4 + 16 + 1, 0, 33, 0.5}, {NVFP4, map[int]byte{3: 0x40}, 4 + 24 + 1, 5, 48 + 9, 2},
		{TQ2_0, map[int]byte{65: one}, 1, 0, 1, 1}, {TQ2_0, map[int]byte{65: one}, 33, 7, 128 + 96 + 1, 2},
		{Q1_0, map[int]byte{1: one}, 2 + 1, 2, 10, 2}, {Q2_0, map[int]byte{1: one}, 2 + 1, 3, 5, 2},
	} {
		elements, _ := c.typ.Block()
		b := block(c.typ, c.rest)
		x, y := make([]float32, elements), make([]float32, elements)
		decoders[c.typ](x, b)
		b[c.at] ^= 1 << c.bit
		decoders[c.typ](y, b)
		for i := range x {
			want := float32(0)
			if i == c.element {
				want = c.change
			}
			if y[i]-x[i] != want {
				t.Errorf("%s: bit %d of byte %d changes element %d by %v; want %v", c.typ, c.bit, c.at, i, y[i]-x[i], want)
			}
		}
	}
}

// TestScales places the 6 bits of scales and minimums of Q4_K, and of scales of Q3_K.
func TestScales(t *testing.T) {
	var s, m [8]uint8
	s[2], m[2], s[6], m[6] = 0b101011, 0b110001, 0b110101, 0b011110
	b := make([]byte, 12)
	putScales(b, &s, &m)
	if b[2] != 0b11_101011 || b[6] != 0b01_110001 || b[10] != 0b1110_0101 {
		t.Errorf("the scales are %08b", b)
	}
	for j := range 8 {
		if sc, mn := scaleAndMin(b, j); sc != s[j] || mn != m[j] {
			t.Errorf("group %d: %06b and %06b", j, sc, mn)
		}
	}
	var six [16]uint8
	six[1], six[5], six[9], six[13] = 0b110101, 0b100110, 0b011001, 0b111111
	putSixBits(b, &six)
	if b[1] != 0b1001_0101 || b[5] != 0b1111_0110 || b[9] != 0b11_01_10_11 {
		t.Errorf("the scales are %08b", b)
	}
	for j, v := range six {
		if got := sixBits(b, j); got != int32(v) {
			t.Errorf("scale %d is %06b; want %06b", j, got, v)
		}
	}
}

func TestTrits(t *testing.T) {
	codes := make([]uint8, 256)
	for n, trit := range []uint8{2, 0, 1, 2, 1} { // 20121 in base 3 is 178
		codes[7+32*n] = trit
	}
	codes[241], codes[245], codes[249], codes[253] = 1, 2, 0, 1 // 12010 is 138
	b := make([]byte, 54)
	packTQ1_0(b, codes)
	if b[7] != 188 || b[49] != 146 {
		t.Errorf("the bytes are %d and %d; want 188 and 146", b[7], b[49])
	}
	b[53] = 0x3c
	x := make([]float32, 256)
	decodeTQ1_0(x, b)
	for i, c := range codes {
		if x[i] != float32(c)-1 {
			t.Fatalf("element %d is %v; its trit was %d", i, x[i], c)
		}
	}
}

func TestUE4M3(t *testing.T) {
	for _, c := range []struct {
		x    float32
		want uint8
	}{{0, 0}, {-1, 0}, {1, 0x38}, {1.0624, 0x38}, {1.0625, 0x39}, {1.1874, 0x39}, {448, 0x7e}, {256, 0x7e}, {239, 0x77}, {248, 0x7e}, {1e30, 0x7e},
		{0x1p-6, 8}, {0x1p-9, 1}, {0x1p-10, 1}, {0x1.fffffep-11, 1}, {0x1.fp-11, 0}, {0x1.fp-7, 7}, {float32(math.NaN()), 0}} {
		if got := putUE4M3(c.x); got != c.want {
			t.Errorf("%v is %#x; want %#x", c.x, got, c.want)
		}
	}
	for u := range 0x7f {
		if v := 2 * halfUE4M3(uint8(u)); u < 0x78 && putUE4M3(v) != uint8(u) {
			t.Errorf("%#x is %v, which is %#x", u, v, putUE4M3(v))
		}
	}
	if halfUE4M3(0x7f) != 0 || halfUE4M3(0x7e) != 224 {
		t.Errorf("the last two are %v and %v", halfUE4M3(0x7e), halfUE4M3(0x7f))
	}
}

// TestFloorLog2 has the numbers below powers of two that the logarithm, as float32, does not tell from them.
func TestFloorLog2(t *testing.T) {
	for _, c := range []struct {
		power float32
		e     int32
		below uint32 // so many numbers
	}{{1, 0, 0}, {2, 1, 0}, {4, 2, 0}, {8, 3, 1}, {0x1p-2, -2, 1}, {0x1p-4, -4, 2}, {0x1p-8, -8, 5}, {0x1p17, 17, 11}, {0x1p-125, -125, 44},
		{0x1p127, 127, 44}, {0x1p-126, -126, 22}, {0x1p-130, -130, 2}} {
		bits := math.Float32bits(c.power)
		for i, want := range map[uint32]int32{0: c.e, c.below: c.e, c.below + 1: c.e - 1} {
			if got := floorLog2(math.Float32frombits(bits - i)); got != want {
				t.Errorf("%d below %v: %d; want %d", i, c.power, got, want)
			}
		}
	}
}

// TestCode4 compares with the nearest value, of two as near the greater.
func TestCode4(t *testing.T) {
	for i := -1400; i <= 1400; i++ {
		x := float32(i) / 10
		want := 0
		for c, v := range values4 {
			if abs(v-x) <= abs(values4[want]-x) {
				want = c
			}
		}
		if got := code4(x); int(got) != want {
			t.Errorf("%v is %d; want %d", x, got, want)
		}
	}
	if code4(float32(math.NaN())) != 15 {
		t.Error("NaN is not 15")
	}
}

// TestCode2 compares with the search over all values, around the middles and at any scale.
func TestCode2(t *testing.T) {
	for i, z := range mix(11, 200000) {
		d := math.Float32frombits(uint32(z) & 0x7f800000)
		if i%2 == 0 {
			d = halfUE4M3(uint8(z >> 32 & 127))
		}
		x := middles2[z>>40%7] * d
		if i%3 == 0 {
			x *= float32(z>>48) * 0x1p-14
		}
		x = math.Float32frombits(math.Float32bits(x) + uint32(z>>44&3) - 1)
		if z>>47&1 != 0 {
			x = -x
		}
		if x-x != 0 || d-d != 0 {
			continue
		}
		if got, want := code2(x, d), search2(x, d); got != want {
			t.Fatalf("%v with %v is %d; want %d", x, d, got, want)
		}
	}
}
