package ggml

import (
	_ "embed"
	"encoding/binary"
	"math/bits"
	"sync"
)

// The types IQ1, IQ2 and IQ3 choose runs of 8 or 4 magnitudes from grids, tables of points which their authors found
// by experiment. They are read, not written.

// packedGrids has the six grids one after the other: 2 bits for each number of grids of 8, 4 bits for grids of 4, lowest
// bits first, each an index into the grid's magnitudes.
//
//go:embed grids.bin
var packedGrids []byte

// The grids are unpacked when they are first needed.
var (
	gridIQ2XXS = unpack(0, 256, 8, 8, 25, 43)
	gridIQ2XS  = unpack(512, 512, 8, 8, 25, 43)
	gridIQ2S   = unpack(1536, 1024, 8, 8, 25, 43)
	gridIQ3XXS = unpack(3584, 256, 4, 4, 12, 20, 28, 36, 44, 52, 62)
	gridIQ3S   = unpack(4096, 512, 4, 1, 3, 5, 7, 9, 11, 13, 15)
	gridIQ1    = unpack(5120, 2048, 8, -1, 0, 1)
)

// unpack returns the points of a grid, one after the other, from its first byte on.
func unpack(first, points, length int, magnitudes ...float32) func() []float32 {
	return sync.OnceValue(func() []float32 {
		width := 16 / length
		grid := make([]float32, points*length)
		for i := range grid {
			bit := i * width
			grid[i] = magnitudes[packedGrids[first+bit/8]>>(bit%8)&(1<<width-1)]
		}
		return grid
	})
}

// evenSigns returns 8 sign bits of which 7 are given: the eighth makes their number even.
func evenSigns(seven uint32) uint8 {
	return uint8(seven&127) | uint8(bits.OnesCount32(seven&127)&1)<<7
}

// signed sets dst to scale times a point, negative where a bit of signs is set.
func signed(dst, point []float32, scale float32, signs uint8) {
	for i, v := range point {
		dst[i] = scale * v
		if signs>>i&1 != 0 {
			dst[i] = -dst[i]
		}
	}
}

// IQ2_XXS: float16 d; for each 32 elements 4 bytes of points, then 4·7 bits of signs and 4 of scale.
func decodeIQ2_XXS(dst []float32, src []byte) {
	d := half(src)
	for j := range 8 {
		points := src[2+8*j:][:4]
		word := binary.LittleEndian.Uint32(src[6+8*j:])
		scale := float32(d*(0.5+float32(word>>28))) * 0.25
		for l, p := range points {
			signed(dst[32*j+8*l:], gridIQ2XXS()[8*int(p):][:8], scale, evenSigns(word>>(7*l)))
		}
	}
}

// IQ2_XS: float16 d, 32 words with 9 bits of point and 7 of signs, scales[8] with two nibbles.
func decodeIQ2_XS(dst []float32, src []byte) {
	d := half(src)
	for k := range 32 {
		word := binary.LittleEndian.Uint16(src[2+2*k:])
		scale := float32(d*(0.5+float32(src[66+k/4]>>(k%4/2*4)&15))) * 0.25
		signed(dst[8*k:], gridIQ2XS()[8*int(word&511):][:8], scale, evenSigns(uint32(word>>9)))
	}
}

// IQ2_S: float16 d, qs[32] low bits of points, signs[32], qh[8] with 2 more bits for each point, scales[8].
func decodeIQ2_S(dst []float32, src []byte) {
	d := half(src)
	for k := range 32 {
		point := int(src[2+k]) | int(src[66+k/4]>>(k%4*2)&3)<<8
		scale := float32(d*(0.5+float32(src[74+k/4]>>(k%4/2*4)&15))) * 0.25
		signed(dst[8*k:], gridIQ2S()[8*point:][:8], scale, src[34+k])
	}
}

// IQ3_XXS: float16 d, qs[64] points of 4, then for each 32 elements 4·7 bits of signs and 4 of scale.
func decodeIQ3_XXS(dst []float32, src []byte) {
	d := half(src)
	for j := range 8 {
		word := binary.LittleEndian.Uint32(src[66+4*j:])
		scale := float32(d*(0.5+float32(word>>28))) * 0.5
		for l := range 4 {
			signs, p := evenSigns(word>>(7*l)), src[2+8*j+2*l:]
			signed(dst[32*j+8*l:], gridIQ3XXS()[4*int(p[0]):][:4], scale, signs)
			signed(dst[32*j+8*l+4:], gridIQ3XXS()[4*int(p[1]):][:4], scale, signs>>4)
		}
	}
}

// IQ3_S: float16 d, qs[64] low bits of points of 4, qh[8] their ninth bits, signs[32], scales[4] with two nibbles.
func decodeIQ3_S(dst []float32, src []byte) {
	d := half(src)
	for k := range 64 {
		point := int(src[2+k]) | int(src[66+k/8]>>(k%8)&1)<<8
		scale := d * float32(1+2*(src[106+k/16]>>(k%16/8*4)&15))
		signed(dst[4*k:], gridIQ3S()[4*point:][:4], scale, src[74+k/2]>>(k%2*4))
	}
}

// shift1 is what IQ1 adds to every number of a point, or subtracts.
const shift1 = 0.125

// IQ1_S: float16 d, qs[32] low bits of points; for each 32 elements a word with 4·3 more bits, 3 of scale, 1 for the sign
// of the shift.
func decodeIQ1_S(dst []float32, src []byte) {
	d := half(src)
	for k := range 32 {
		word := binary.LittleEndian.Uint16(src[34+k/4*2:])
		point := int(src[2+k]) | int(word>>(k%4*3)&7)<<8
		shifted(dst[8*k:], point, d*float32(2*(word>>12&7)+1), word>>15 != 0)
	}
}

// IQ1_M: qs[32] low bits of points; qh[16] with a nibble for each, 3 more bits and the sign of the shift; four words of
// scales, which have 4 scales of 3 bits and, at the top, a nibble of the float16 d.
func decodeIQ1_M(dst []float32, src []byte) {
	var words [4]uint16
	var top uint16
	for i := range words {
		words[i] = binary.LittleEndian.Uint16(src[48+2*i:])
		top |= words[i] >> 12 << (4 * i)
	}
	d := half(binary.LittleEndian.AppendUint16(nil, top))
	for k := range 32 {
		more := src[32+k/2] >> (k % 2 * 4)
		point := int(src[k]) | int(more&7)<<8
		shifted(dst[8*k:], point, d*float32(2*(words[k/8]>>(k%8/2*3)&7)+1), more&8 != 0)
	}
}

func shifted(dst []float32, point int, scale float32, negative bool) {
	shift := float32(shift1)
	if negative {
		shift = -shift
	}
	for i, v := range gridIQ1()[8*point:][:8] {
		dst[i] = scale * (v + shift)
	}
}
