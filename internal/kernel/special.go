package kernel

import (
	"encoding/binary"
	"math/bits"
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

func (s *specials) count(b []byte, size int) (zeros int, finite bool) {
	mustMatch(len(b)%size, 0)
	n, some, wild := len(b)/size, 0, uint64(0)
	for ; len(b) >= 16; b = b[16:] {
		v, w := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		wild |= (v&s.exponent + s.one) | (w&s.exponent + s.one) // carries into the sign where all bits of an exponent are set
		some += bits.OnesCount64((v&s.magnitude+s.magnitude)&s.sign) + bits.OnesCount64((w&s.magnitude+s.magnitude)&s.sign)
	}
	for ; len(b) >= size; b = b[size:] {
		var v uint64
		for i := range size {
			v |= uint64(b[i]) << (8 * i)
		}
		wild |= v&s.exponent + s.one
		some += bits.OnesCount64((v&s.magnitude + s.magnitude) & s.sign & (1<<(8*size) - 1))
	}
	return n - some, wild&s.sign == 0
}
