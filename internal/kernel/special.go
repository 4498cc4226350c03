package kernel

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Specials of floats are found in their bytes, several numbers to a word, before they are converted.

// specials says how numbers of one float type lie in a word of 64 bits.
type specials struct {
	magnitude uint64 // all bits but the signs
	exponent  uint64 // the exponents
	one       uint64 // the least bit of each exponent
	sign      uint64
}

var (
	specials16 = specials{0x7fff7fff7fff7fff, 0x7c007c007c007c00, 0x0400040004000400, 0x8000800080008000}
	specialsBF = specials{0x7fff7fff7fff7fff, 0x7f807f807f807f80, 0x0080008000800080, 0x8000800080008000}
	specials32 = specials{0x7fffffff7fffffff, 0x7f8000007f800000, 0x0080000000800000, 0x8000000080000000}
)

// SpecialFloat16s counts the zeros among binary16 numbers, little endian, and tells whether all of them are finite.
func SpecialFloat16s(b []byte) (zeros int, finite bool) { return specials16.count(b, 2) }

// SpecialBFloat16s is SpecialFloat16s for bfloat16.
func SpecialBFloat16s(b []byte) (zeros int, finite bool) { return specialsBF.count(b, 2) }

// SpecialFloat32s is SpecialFloat16s for float32.
func SpecialFloat32s(b []byte) (zeros int, finite bool) { return specials32.count(b, 4) }

// Zeros counts the numbers that are zero.
func Zeros(x []float32) int {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
	n, zeros, _ := specialsVectors(b, 4)
	for _, v := range x[n/4:] {
		if v == 0 {
			zeros++
		}
	}
	return zeros
}

// count counts zeros and tells whether no exponent is the greatest, for numbers of size bytes.
func (s *specials) count(b []byte, size int) (zeros int, finite bool) {
	mustMatch(len(b)%size, 0)
	finite = true
	infinite := uint32(s.exponent & (1<<(8*size) - 1))
	for {
		n, some, most := specialsVectors(b, size)
		if n == 0 {
			break
		}
		zeros, finite, b = zeros+some, finite && most < infinite, b[n:]
	}
	some, rest := s.words(b, size)
	return zeros + some, finite && rest
}

// words is count, several numbers to a word.
func (s *specials) words(b []byte, size int) (zeros int, finite bool) {
	n, some, wild := len(b)/size, 0, uint64(0)
	width := 8 * size
	for len(b) >= 32 {
		// Each number of a word has a counter of its own, which can count to 2¹⁵ without running into the next one's bits.
		part := b[:min(len(b), 1<<17)&^31]
		b = b[len(part):]
		var sum uint64
		for ; len(part) >= 32; part = part[32:] {
			v, w := binary.LittleEndian.Uint64(part), binary.LittleEndian.Uint64(part[8:])
			x, y := binary.LittleEndian.Uint64(part[16:]), binary.LittleEndian.Uint64(part[24:])
			// Adding one carries into the sign where all bits of an exponent are set.
			wild |= (v&s.exponent + s.one) | (w&s.exponent + s.one) | (x&s.exponent + s.one) | (y&s.exponent + s.one)
			sum += ((v&s.magnitude+s.magnitude)&s.sign)>>(width-1) + ((w&s.magnitude+s.magnitude)&s.sign)>>(width-1)
			sum += ((x&s.magnitude+s.magnitude)&s.sign)>>(width-1) + ((y&s.magnitude+s.magnitude)&s.sign)>>(width-1)
		}
		for i := 0; i < 64; i += width {
			some += int(sum >> i & (1<<width - 1))
		}
	}
	for ; len(b) >= size; b = b[size:] {
		var v uint64
		for i := range size {
			v |= uint64(b[i]) << (8 * i)
		}
		wild |= v&s.exponent + s.one
		some += bits.OnesCount64((v&s.magnitude + s.magnitude) & s.sign & (1<<width - 1))
	}
	return n - some, wild&s.sign == 0
}
