package ggml

import (
	"math"
	"slices"
)

// The inputs of conformance/ggml_library.py, number for number.

var kinds = []string{"normal", "float16", "bfloat16", "outliers", "positive", "offset", "ties", "sparse", "wide", "tiny", "special"}

// mix returns n outputs of splitmix64.
func mix(seed uint64, n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		z := uint64(i+1)*0x9E3779B97F4A7C15 + seed
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		out[i] = z ^ z>>31
	}
	return out
}

// inputs returns n numbers of a kind; n is a multiple of 256.
func inputs(kind string, seed uint64, n int) []float32 {
	x := make([]float32, n)
	random, runs, groups, shapes := mix(seed, n), mix(seed+1, n/16), mix(seed+1, n/32), mix(seed+2, n/32)
	bell := func(i int) int {
		z := random[i]
		return int(z&0xffff) + int(z>>16&0xffff) + int(z>>32&0xffff) + int(z>>48) - 131070
	}
	normal := func(i int) float32 { return float32(bell(i)) * 0x1p-21 }
	for i, z := range random {
		first, second := int(z&0xffff), int(z>>16&0xffff)
		switch kind {
		case "normal":
			x[i] = normal(i)
		case "float16":
			x[i] = float32(bell(i)>>7) * 0x1p-14
		case "bfloat16":
			x[i] = math.Float32frombits(math.Float32bits(normal(i)) & 0xffff0000)
		case "outliers":
			x[i] = normal(i)
			if z%67 == 0 {
				x[i] *= 64
			}
		case "positive":
			x[i] = float32(first+1) * 0x1p-14
		case "offset":
			x[i] = float32(first+300000) * -0x1p-18
		case "ties":
			x[i] = float32(first%33-16) * 0.5
		case "sparse":
			if second%8 == 0 {
				x[i] = normal(i)
			}
		case "wide":
			x[i] = math.Float32frombits(uint32(z&0x807fffff | (runs[i/16]%29+z%8+97)<<23))
		case "tiny":
			x[i] = math.Float32frombits(uint32(z&0x807fffff | (groups[i/32]%30+z%4)<<23))
		case "special":
			x[i] = special(int(shapes[i/32]%13), i%32, normal(i), normal(i/32*32), z>>48%2 == 0)
		default:
			panic(kind)
		}
	}
	return x
}

// special returns an element of a block of one of the shapes in which scale searches meet their limits.
func special(shape, place int, v, flat float32, even bool) float32 {
	power := math.Float32bits(flat) & 0x7f800000
	switch shape {
	case 0:
		return 0
	case 1:
		return float32(math.Copysign(0, -1))
	case 2:
		return flat
	case 3:
		return abs(flat)
	case 4:
		if place%2 == 0 {
			return flat
		}
		return -flat
	case 5:
		if place == 5 {
			return flat
		}
		return 0
	case 6:
		return -abs(v)
	case 7:
		return v * 0x1p-140
	case 8:
		return v * 0x1p-48
	case 9:
		return math.Float32frombits(power)
	case 10:
		return math.Float32frombits(power - 1)
	case 11:
		if even {
			return 0
		}
		return float32(math.Copysign(0, -1))
	}
	return v
}

// columns returns the importance of n columns: squares, or squares and zeros.
func columns(kind string, seed uint64, n int) []float32 {
	random, runs := mix(seed, n), mix(seed+1, n/32)
	w := make([]float32, n)
	for i, z := range random {
		root := float32(z>>48) * 0x1p-16
		w[i] = root * root
		if kind == "zeros" && (z&3 == 0 || runs[i/32]%5 == 0) {
			w[i] = 0
		}
	}
	return w
}

// guarded returns a slice of n bytes between others that check finds changed.
func guarded(n int) (inside []byte, check func() bool) {
	all := slices.Repeat([]byte{0xa5}, n+128)
	return all[64 : 64+n : 64+n], func() bool {
		for i, b := range all {
			if (i < 64 || i >= 64+n) && b != 0xa5 {
				return false
			}
		}
		return true
	}
}
