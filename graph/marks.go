package graph

import bitwise "math/bits"

// marks is a set of small numbers, such as the places of layers.
type marks []uint64

func newMarks(n int) marks { return make(marks, (n+63)/64) }

func (m marks) add(i int) { m[i/64] |= 1 << (i % 64) }

func (m marks) has(i int) bool { return m[i/64]&(1<<(i%64)) != 0 }

func (m marks) count() int {
	n := 0
	for _, w := range m {
		n += bitwise.OnesCount64(w)
	}
	return n
}

// meets tells whether two sets for as many numbers have one in common.
func (m marks) meets(o marks) bool {
	for i, w := range m {
		if w&o[i] != 0 {
			return true
		}
	}
	return false
}
