package gguf

import "github.com/pare-ml/pare/graph/ir"

// plain are the types of single elements, by ggml's numbers.
var plain = map[uint32]ir.DType{
	0: ir.Float32, 1: ir.Float16, 24: ir.Int8, 25: ir.Int16, 26: ir.Int32, 27: ir.Int64, 28: ir.Float64, 30: ir.BFloat16,
}

// dtypeOf returns the type of a number in a file. Types that ggml has removed, and those of activations alone, are
// unknown.
func dtypeOf(n uint32) (ir.DType, bool) {
	if d, ok := plain[n]; ok {
		return d, true
	}
	if n > 255-uint32(ir.BlockBase) {
		return 0, false
	}
	d := ir.BlockBase + ir.DType(n)
	blocks, _ := d.Block()
	return d, blocks > 0
}

// numberOf returns ggml's number of a type; ok is false if it has none.
func numberOf(d ir.DType) (n uint32, ok bool) {
	if blocks, _ := d.Block(); blocks > 0 {
		return uint32(d - ir.BlockBase), true
	}
	for n, t := range plain {
		if t == d {
			return n, true
		}
	}
	return 0, false
}
