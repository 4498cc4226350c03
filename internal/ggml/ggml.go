// Package ggml reads and writes the block types of GGUF files.
//
// The bytes are those of llama.cpp built for x86-64, with importance data and without: its quantizers are plain C there,
// one float32 operation after the other, and so is the Go here. The plain form of each type says what the type means;
// where a processor has vectors, assembly computes the same bytes, with candidates or blocks side by side in the lanes
// and never with the terms of one sum.
//
// How the parts hang together: type.go has numbers and sizes; each family of types has a file that encodes and decodes
// one block, and writes the blocks of a chunk in vectors; search_*.go are the scale searches that they share, lanes*.go
// the same with a group of elements in each lane. run.go goes over rows and chunks, and checks what comes in and goes
// out. best*.go is the search for less error, which llama.cpp does not have. The assembly of kernels_amd64.s is written
// by the generator in _asm (go generate); the tag purego leaves it out.
//
// What vectors could not do with the same bits, they leave to the plain form, group by group: codes so great that rounding
// by addition fails, scales stored as 0, sums that overflow.
package ggml

import (
	"fmt"
	"sync"
)

// Quantize writes rows of n elements each to dst as blocks of type t: len(src) is rows·n and dst holds the blocks of as
// many rows. n is a multiple of the block. importance is nil or has n entries, finite and not negative, which weigh the
// errors of the columns; types that do not use it ignore it.
//
// Every element must be finite, and so must every scale: values near the end of float16's range are refused.
func Quantize(dst []byte, t Type, src []float32, n int, importance []float32) error {
	return quantize(dst, t, func(first, n int) []float32 { return src[first : first+n] }, len(src), n, importance)
}

// QuantizeFrom is Quantize for elements stored as another type, which are read piece by piece: src has the blocks of
// rows of n elements.
func QuantizeFrom(dst []byte, t Type, src []byte, srcType Type, n int, importance []float32) error {
	if !srcType.CanDequantize() {
		return fmt.Errorf("%s cannot be read", srcType)
	}
	row, err := srcType.RowSize(n)
	if err != nil {
		return err
	}
	if row == 0 || int64(len(src))%row != 0 {
		return fmt.Errorf("%d bytes are not rows of %d elements in %s", len(src), n, srcType)
	}
	elements, bytes := srcType.Block()
	piece := pieces.Get().(*[chunk]float32)
	defer pieces.Put(piece)
	read := func(first, n int) []float32 {
		from := first / elements * bytes
		decode(piece[:n], srcType, src[from:from+n/elements*bytes])
		return piece[:n]
	}
	return quantize(dst, t, read, int(int64(len(src))/row)*n, n, importance)
}

var pieces = sync.Pool{New: func() any { return new([chunk]float32) }}

func quantize(dst []byte, t Type, src source, count, n int, importance []float32) error {
	if !t.CanQuantize() {
		return fmt.Errorf("%s cannot be written", t)
	}
	if err := checkSizes(len(dst), t, count, n); err != nil {
		return err
	}
	if err := checkImportance(importance, n); err != nil {
		return err
	}
	if !encoders[t].weighted {
		importance = nil
	}
	return encode(dst, t, src, count, n, importance)
}

// Dequantize writes the values of blocks of type t to dst, rows of n elements each: len(dst) is rows·n and src has the
// blocks of as many rows. Any bytes have values, though a damaged scale may make them infinite or NaN.
func Dequantize(dst []float32, t Type, src []byte, n int) error {
	if !t.CanDequantize() {
		return fmt.Errorf("%s cannot be read", t)
	}
	if err := checkSizes(len(src), t, len(dst), n); err != nil {
		return err
	}
	decode(dst, t, src)
	return nil
}

// checkSizes checks that the bytes are those of the blocks of rows of n elements.
func checkSizes(bytes int, t Type, elements, n int) error {
	if n <= 0 || elements%n != 0 {
		return fmt.Errorf("%d elements are not rows of %d", elements, n)
	}
	row, err := t.RowSize(n)
	if err != nil {
		return err
	}
	if rows := int64(elements / n); int64(bytes)/row != rows || int64(bytes)%row != 0 {
		return fmt.Errorf("%d bytes do not hold %d rows of %d bytes in %s", bytes, rows, row, t)
	}
	return nil
}

func checkImportance(importance []float32, n int) error {
	if importance == nil {
		return nil
	}
	if len(importance) != n {
		return fmt.Errorf("there are %d importance values for %d columns", len(importance), n)
	}
	for i, v := range importance {
		if !(v >= 0 && v-v == 0) {
			return fmt.Errorf("the importance of column %d is %v; it must be finite and not negative", i, v)
		}
	}
	return nil
}
