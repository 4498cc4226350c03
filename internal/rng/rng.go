// Package rng is the only source of random numbers in pare. A generator is seeded from names, never from time or
// iteration order, so that a build draws the same numbers on every machine.
package rng

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"strconv"
)

// Rand is xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018). It is not safe
// for concurrent use.
type Rand struct{ s [4]uint64 }

// New returns a generator whose state is the SHA-256 of the seed and the names, each name preceded by its length.
func New(seed uint64, names ...string) *Rand {
	h := sha256.New()
	h.Write([]byte("pare rng 1\n" + strconv.FormatUint(seed, 10) + "\n"))
	for _, n := range names {
		h.Write([]byte(strconv.Itoa(len(n)) + ":" + n))
	}
	sum := h.Sum(nil)
	r := &Rand{}
	for i := range r.s {
		r.s[i] = binary.LittleEndian.Uint64(sum[8*i:])
	}
	return r
}

// Uint64 returns 64 random bits.
func (r *Rand) Uint64() uint64 {
	s := &r.s
	out := bits.RotateLeft64(s[1]*5, 7) * 9
	t := s[1] << 17
	s[2] ^= s[0]
	s[3] ^= s[1]
	s[1] ^= s[2]
	s[0] ^= s[3]
	s[2] ^= t
	s[3] = bits.RotateLeft64(s[3], 45)
	return out
}

// Intn returns a number in [0, n), without bias (Lemire's method). It panics if n < 1.
func (r *Rand) Intn(n int) int {
	if n < 1 {
		panic("rng: Intn of a number below 1")
	}
	bound := uint64(n)
	hi, lo := bits.Mul64(r.Uint64(), bound)
	if lo < bound {
		for threshold := -bound % bound; lo < threshold; {
			hi, lo = bits.Mul64(r.Uint64(), bound)
		}
	}
	return int(hi)
}

// Float64 returns a number in [0, 1) with 53 random bits.
func (r *Rand) Float64() float64 { return float64(float64(r.Uint64()>>11) / (1 << 53)) }

// Float32 returns a number in [0, 1) with 24 random bits.
func (r *Rand) Float32() float32 { return float32(float32(r.Uint64()>>40) / (1 << 24)) }

// Normal returns a draw that is close to the standard normal distribution: the sum of twelve uniform draws less six
// (Irwin-Hall), exact in the mean and the variance and bounded by six. It needs no logarithm, so it is the same bits
// everywhere.
func (r *Rand) Normal() float64 {
	sum := -6.0
	for range 12 {
		sum += r.Float64()
	}
	return sum
}

// Perm returns a random permutation of 0 … n-1 (Fisher-Yates).
func (r *Rand) Perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := r.Intn(i + 1)
		p[i], p[j] = p[j], p[i]
	}
	return p
}
