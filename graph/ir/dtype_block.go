package ir

// Block types are those of ggml: elements along the last axis are stored in blocks that hold their own scales. Their
// numbers are ggml's plus BlockBase. ONNX has no such types; only GGUF files hold them.
const (
	BlockBase DType = 100

	Q4_0    = BlockBase + 2
	Q4_1    = BlockBase + 3
	Q5_0    = BlockBase + 6
	Q5_1    = BlockBase + 7
	Q8_0    = BlockBase + 8
	Q2K     = BlockBase + 10
	Q3K     = BlockBase + 11
	Q4K     = BlockBase + 12
	Q5K     = BlockBase + 13
	Q6K     = BlockBase + 14
	IQ2XXS  = BlockBase + 16
	IQ2XS   = BlockBase + 17
	IQ3XXS  = BlockBase + 18
	IQ1S    = BlockBase + 19
	IQ4NL   = BlockBase + 20
	IQ3S    = BlockBase + 21
	IQ2S    = BlockBase + 22
	IQ4XS   = BlockBase + 23
	IQ1M    = BlockBase + 29
	TQ1_0   = BlockBase + 34
	TQ2_0   = BlockBase + 35
	GGMXFP4 = BlockBase + 39
	GGNVFP4 = BlockBase + 40
	Q1_0    = BlockBase + 41
	Q2_0    = BlockBase + 42
)

var blocks = map[DType]struct {
	name            string
	elements, bytes int
}{
	Q4_0: {"q4_0", 32, 18}, Q4_1: {"q4_1", 32, 20}, Q5_0: {"q5_0", 32, 22}, Q5_1: {"q5_1", 32, 24}, Q8_0: {"q8_0", 32, 34},
	Q2K: {"q2_k", 256, 84}, Q3K: {"q3_k", 256, 110}, Q4K: {"q4_k", 256, 144}, Q5K: {"q5_k", 256, 176}, Q6K: {"q6_k", 256, 210},
	IQ2XXS: {"iq2_xxs", 256, 66}, IQ2XS: {"iq2_xs", 256, 74}, IQ3XXS: {"iq3_xxs", 256, 98}, IQ1S: {"iq1_s", 256, 50},
	IQ4NL: {"iq4_nl", 32, 18}, IQ3S: {"iq3_s", 256, 110}, IQ2S: {"iq2_s", 256, 82}, IQ4XS: {"iq4_xs", 256, 136}, IQ1M: {"iq1_m", 256, 56},
	TQ1_0: {"tq1_0", 256, 54}, TQ2_0: {"tq2_0", 256, 66}, GGMXFP4: {"ggml_mxfp4", 32, 17}, GGNVFP4: {"ggml_nvfp4", 64, 36},
	Q1_0: {"q1_0", 128, 18}, Q2_0: {"q2_0", 64, 18},
}

// HasZero tells whether the type can hold zero exactly, whatever stands beside it. In blocks with a minimum, or of codes that
// stand for numbers of a table without one, zero becomes a small number.
func (d DType) HasZero() bool {
	switch d {
	case Q4_1, Q5_1, Q2K, Q4K, Q5K, IQ2XXS, IQ2XS, IQ3XXS, IQ1S, IQ4NL, IQ3S, IQ2S, IQ4XS, IQ1M, Q1_0:
		return false
	}
	return true
}

// Block returns how many elements a block of the type holds and how many bytes it takes; 0, 0 for types of single
// elements.
func (d DType) Block() (elements, bytes int) {
	b := blocks[d]
	return b.elements, b.bytes
}
