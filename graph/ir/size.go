package ir

import (
	"fmt"
	"math"
	"math/bits"
)

// Elements returns the product of a shape's dimensions, 1 for a scalar. A negative dimension or a product beyond an int
// is an error; a zero beside a dimension that is too large as well, because no honest file needs it.
func Elements(shape []int) (int, error) {
	n, zero := 1, false
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d == 0 {
			zero = true
			continue
		}
		hi, lo := bits.Mul64(uint64(n), uint64(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("shape %v has too many elements", shape)
		}
		n = int(lo)
	}
	if zero {
		return 0, nil
	}
	return n, nil
}

// ByteSize returns the bytes that a tensor takes: elements times bits, rounded up to a whole byte, or its blocks. Strings
// have no fixed size and are an error, as are undefined types, rows of broken blocks and sizes beyond an int64.
func ByteSize(dtype DType, shape []int) (int64, error) {
	n, err := Elements(shape)
	if err != nil {
		return 0, err
	}
	if elements, bytes := dtype.Block(); elements > 0 {
		if len(shape) == 0 || shape[len(shape)-1]%elements != 0 {
			return 0, fmt.Errorf("shape %v of %s: rows are no whole number of blocks of %d", shape, dtype, elements)
		}
		if n > math.MaxInt64/bytes {
			return 0, fmt.Errorf("shape %v of %s has too many bytes", shape, dtype)
		}
		return int64(n / elements * bytes), nil
	}
	b := dtype.Bits()
	if b == 0 {
		return 0, fmt.Errorf("elements of type %s have no fixed size", dtype)
	}
	hi, lo := bits.Mul64(uint64(n), uint64(b))
	if hi != 0 || lo > math.MaxInt64-7 {
		return 0, fmt.Errorf("shape %v of %s has too many bytes", shape, dtype)
	}
	return int64((lo + 7) / 8), nil
}
