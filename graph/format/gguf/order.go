package gguf

import (
	"cmp"
	"regexp"
	"strconv"

	"github.com/pare-ml/pare/graph/ir"
)

var blockName = regexp.MustCompile(`^blk\.(\d+)\.`)

// block returns the number of the block that a tensor is of, -1 if of none.
func block(name string) int {
	if p := blockName.FindStringSubmatch(name); p != nil {
		if n, err := strconv.Atoi(p[1]); err == nil {
			return n
		}
	}
	return -1
}

// byBlock is the order in which llama-quantize writes tensors: by block, then by name.
func byBlock(a, b *ir.Tensor) int {
	return cmp.Or(block(a.Name)-block(b.Name), cmp.Compare(a.Name, b.Name))
}

// fileTypes are the numbers of general.file_type for files in which most weights are of one type.
var fileTypes = map[ir.DType]uint32{
	ir.Float32: 0, ir.Float16: 1, ir.Q4_0: 2, ir.Q4_1: 3, ir.Q8_0: 7, ir.Q5_0: 8, ir.Q5_1: 9, ir.Q2K: 10, ir.Q3K: 12, ir.Q4K: 15,
	ir.Q5K: 17, ir.Q6K: 18, ir.IQ4NL: 25, ir.IQ4XS: 30, ir.BFloat16: 32, ir.TQ1_0: 36, ir.TQ2_0: 37, ir.GGMXFP4: 38, ir.GGNVFP4: 39,
	ir.Q1_0: 40, ir.Q2_0: 41,
}

// schemes are the numbers of general.file_type for llama.cpp's mixes.
var schemes = map[string]uint32{
	"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13,
	"Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30, "BF16": 32, "TQ1_0": 36, "TQ2_0": 37,
	"MXFP4_MOE": 38, "NVFP4": 39,
}

// fileType returns the number of the mix that a pass says it made, else of the type that most elements of matrices have.
func fileType(m *ir.Model, tensors []*ir.Tensor) (n uint32, ok bool) {
	for _, kv := range m.Metadata {
		if n, ok = schemes[kv.Value]; ok && kv.Key == ir.MixKey {
			return n, true
		}
	}
	count := map[ir.DType]int{}
	var most ir.DType
	for _, t := range tensors {
		if len(t.Shape) < 2 {
			continue
		}
		count[t.DType] += t.Len()
		if count[t.DType] > count[most] {
			most = t.DType
		}
	}
	n, ok = fileTypes[most]
	return n, ok
}
