package gguf

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

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
	ir.Float32: 0, ir.Float16: 1, ir.Q4_0: 2, ir.Q4_1: 3, ir.Q8_0: 7, ir.Q5_0: 8, ir.Q5_1: 9, ir.Q2K: 10, ir.Q6K: 18, ir.IQ4NL: 25, ir.IQ4XS: 30, ir.BFloat16: 32, ir.TQ1_0: 36, ir.TQ2_0: 37, ir.GGMXFP4: 38, ir.GGNVFP4: 39,
	ir.Q1_0: 40, ir.Q2_0: 41,
}

// mixed are the numbers of llama.cpp's mixes of K types.
const (
	q3KSmall, q3KMedium, q3KLarge = 11, 12, 13
	q4KSmall, q4KMedium           = 14, 15
	q5KSmall, q5KMedium           = 16, 17
)

// mixes are the numbers of llama.cpp's mixes by their names.
var mixes = map[string]uint32{
	"F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q2_K_S": 21, "TQ1_0": 36, "TQ2_0": 37, "Q3_K_S": q3KSmall, "Q3_K_M": q3KMedium, "Q3_K_L": q3KLarge,
	"Q4_K_S": q4KSmall, "Q4_K_M": q4KMedium, "Q5_K_S": q5KSmall, "Q5_K_M": q5KMedium, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30, "BF16": 32,
}

// fileType returns the number that says what a file's matrices are: that of the mix that a pass made, else of the one whose
// types they have, else of the type that most elements have.
func fileType(nodes []*ir.Node, tensors []*ir.Tensor) (n uint32, ok bool) {
	for _, node := range nodes {
		if n, ok = mixes[node.Str(ir.MixAttr, "")]; ok {
			return n, true
		}
	}
	count := map[ir.DType]int{}
	inBlocks := map[ir.DType]bool{}
	var most, output ir.DType
	for _, t := range tensors {
		if len(t.Shape) < 2 {
			continue
		}
		count[t.DType] += t.Len()
		if count[t.DType] > count[most] {
			most = t.DType
		}
		if block(t.Name) >= 0 {
			inBlocks[t.DType] = true
			if strings.HasSuffix(t.Name, ".attn_output.weight") {
				output = t.DType
			}
		}
	}
	pick := func(large bool, one, other uint32) (uint32, bool) {
		if large {
			return one, true
		}
		return other, true
	}
	switch {
	case inBlocks[ir.Q2K]:
		return fileTypes[ir.Q2K], true
	case inBlocks[ir.Q3K] && (output == ir.Q5K || output == ir.Q5_1):
		return q3KLarge, true
	case inBlocks[ir.Q3K]:
		return pick(output == ir.Q4K || output == ir.Q5_0, q3KMedium, q3KSmall)
	case inBlocks[ir.IQ4XS]:
		return fileTypes[ir.IQ4XS], true
	case most == ir.IQ4NL:
	case inBlocks[ir.Q4K]:
		return pick(inBlocks[ir.Q6K], q4KMedium, q4KSmall)
	case inBlocks[ir.Q5K]:
		return pick(inBlocks[ir.Q6K], q5KMedium, q5KSmall)
	}
	n, ok = fileTypes[most]
	return n, ok
}
