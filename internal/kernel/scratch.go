package kernel

import (
	"math/bits"
	"sync"
)

// scratch keeps buffers of 2^i floats that are not in use.
var scratch [48]sync.Pool

// borrow returns a slice of n floats with any contents, to be given back.
func borrow(n int) *[]float32 {
	class := bits.Len(uint(max(n, 1) - 1))
	if p, ok := scratch[class].Get().(*[]float32); ok {
		*p = (*p)[:n]
		return p
	}
	s := make([]float32, n, 1<<class)
	return &s
}

func giveBack(s *[]float32) {
	scratch[bits.Len(uint(cap(*s)-1))].Put(s)
}
