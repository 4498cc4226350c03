package ggml

import (
	"fmt"
	"math"
	"strings"
)

// Type is the number of a tensor type, as GGUF files store it.
type Type uint32

// The types that ggml has today. Numbers between them belonged to types that were removed.
const (
	F32     Type = 0
	F16     Type = 1
	Q4_0    Type = 2
	Q4_1    Type = 3
	Q5_0    Type = 6
	Q5_1    Type = 7
	Q8_0    Type = 8
	Q8_1    Type = 9
	Q2_K    Type = 10
	Q3_K    Type = 11
	Q4_K    Type = 12
	Q5_K    Type = 13
	Q6_K    Type = 14
	Q8_K    Type = 15
	IQ2_XXS Type = 16
	IQ2_XS  Type = 17
	IQ3_XXS Type = 18
	IQ1_S   Type = 19
	IQ4_NL  Type = 20
	IQ3_S   Type = 21
	IQ2_S   Type = 22
	IQ4_XS  Type = 23
	I8      Type = 24
	I16     Type = 25
	I32     Type = 26
	I64     Type = 27
	F64     Type = 28
	IQ1_M   Type = 29
	BF16    Type = 30
	TQ1_0   Type = 34
	TQ2_0   Type = 35
	MXFP4   Type = 39
	NVFP4   Type = 40
	Q1_0    Type = 41
	Q2_0    Type = 42
)

// layout is what the number of a type stands for.
type layout struct {
	name            string
	elements, bytes int
}

var layouts = [...]layout{
	F32: {"f32", 1, 4}, F16: {"f16", 1, 2}, BF16: {"bf16", 1, 2}, F64: {"f64", 1, 8},
	I8: {"i8", 1, 1}, I16: {"i16", 1, 2}, I32: {"i32", 1, 4}, I64: {"i64", 1, 8},
	Q4_0: {"q4_0", 32, 18}, Q4_1: {"q4_1", 32, 20}, Q5_0: {"q5_0", 32, 22}, Q5_1: {"q5_1", 32, 24},
	Q8_0: {"q8_0", 32, 34}, Q8_1: {"q8_1", 32, 36},
	Q2_K: {"q2_k", 256, 84}, Q3_K: {"q3_k", 256, 110}, Q4_K: {"q4_k", 256, 144}, Q5_K: {"q5_k", 256, 176},
	Q6_K: {"q6_k", 256, 210}, Q8_K: {"q8_k", 256, 292},
	IQ2_XXS: {"iq2_xxs", 256, 66}, IQ2_XS: {"iq2_xs", 256, 74}, IQ2_S: {"iq2_s", 256, 82},
	IQ3_XXS: {"iq3_xxs", 256, 98}, IQ3_S: {"iq3_s", 256, 110}, IQ1_S: {"iq1_s", 256, 50}, IQ1_M: {"iq1_m", 256, 56},
	IQ4_NL: {"iq4_nl", 32, 18}, IQ4_XS: {"iq4_xs", 256, 136},
	TQ1_0: {"tq1_0", 256, 54}, TQ2_0: {"tq2_0", 256, 66},
	MXFP4: {"mxfp4", 32, 17}, NVFP4: {"nvfp4", 64, 36},
	Q1_0: {"q1_0", 128, 18}, Q2_0: {"q2_0", 64, 18},
}

// Known reports whether the number is that of a type.
func (t Type) Known() bool { return int64(t) < int64(len(layouts)) && layouts[t].elements > 0 }

// String returns the name in small letters, q4_k, or "type 36" for a number that is no type's.
func (t Type) String() string {
	if !t.Known() {
		return fmt.Sprintf("type %d", uint32(t))
	}
	return layouts[t].name
}

// ParseType returns the type of a name, in small or capital letters.
func ParseType(name string) (Type, bool) {
	name = strings.ToLower(name)
	for t, l := range layouts {
		if l.name == name && l.elements > 0 {
			return Type(t), true
		}
	}
	return 0, false
}

// Types returns every type, in the order of their numbers.
func Types() []Type {
	var all []Type
	for t := range Type(len(layouts)) {
		if t.Known() {
			all = append(all, t)
		}
	}
	return all
}

// Block returns how many elements a block has and how many bytes; 0 and 0 for a number that is no type's.
func (t Type) Block() (elements, bytes int) {
	if !t.Known() {
		return 0, 0
	}
	return layouts[t].elements, layouts[t].bytes
}

// RowSize returns the bytes of a row of n elements. n must be a multiple of the block's elements.
func (t Type) RowSize(n int) (int64, error) {
	elements, bytes := t.Block()
	switch {
	case elements == 0:
		return 0, fmt.Errorf("%d is not the number of a ggml type", uint32(t))
	case n < 0 || n%elements != 0:
		return 0, fmt.Errorf("rows of %d elements cannot be cut into the blocks of %d that %s has", n, elements, t)
	case int64(n/elements) > math.MaxInt64/int64(bytes):
		return 0, fmt.Errorf("a row of %d elements is too long", n)
	}
	return int64(n/elements) * int64(bytes), nil
}

// CanQuantize reports whether Quantize writes the type.
func (t Type) CanQuantize() bool { return t.Known() && encoders[t].block != nil }

// CanDequantize reports whether Dequantize reads the type.
func (t Type) CanDequantize() bool { return t.Known() && decoders[t] != nil }

// NeedsImportance reports whether the type means little without importance data, so that llama-quantize refuses to
// write it without. Quantize writes none of these types.
func (t Type) NeedsImportance() bool {
	switch t {
	case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS:
		return true
	}
	return false
}

// UsesImportance reports whether importance data changes what Quantize writes.
func (t Type) UsesImportance() bool { return t.CanQuantize() && encoders[t].weighted }
