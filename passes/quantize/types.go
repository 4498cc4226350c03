package quantize

import (
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/affine"
	"github.com/pare-ml/pare/recipe/schema"
)

// kind is a family of types that are stored in one way.
type kind int

const (
	integer kind = iota // codes of whole numbers with scales, and zero points where ranges do not lie evenly
	float8              // codes of 8-bit floats with scales
	float4              // codes of 4-bit floats with scales for groups of a fixed size
	half                // floats of 16 bits: no codes
	block               // ggml's blocks along rows, which hold their own scales
)

// numbers is a type that weights can be stored in.
type numbers struct {
	name  string
	doc   string
	kind  kind
	dtype ir.DType    // of the codes, or of the weight itself
	span  affine.Type // of integer
	most  float64     // of float8: the greatest number
	group int         // of float4: the size that the type has
	opset int64       // the first of ONNX whose DequantizeLinear takes such codes; 0: none does
}

// types are all of them, in the order of the documentation. Not among them: 3-bit integers and NF4, for which no format
// that pare writes has a layout that runtimes agree on.
var types = []*numbers{
	{name: "int8", kind: integer, dtype: ir.Int8, span: affine.Type{Min: -128, Max: 127}, opset: opsetTensor, doc: "codes from -128 to 127; symmetric from -127"},
	{name: "uint8", kind: integer, dtype: ir.Uint8, span: affine.Type{Min: 0, Max: 255}, opset: opsetTensor, doc: "codes from 0 to 255; symmetric from 1 around 128"},
	{name: "int4", kind: integer, dtype: ir.Int4, span: affine.Type{Min: -8, Max: 7}, opset: opsetGroup, doc: "codes from -8 to 7; symmetric from -7"},
	{name: "uint4", kind: integer, dtype: ir.Uint4, span: affine.Type{Min: 0, Max: 15}, opset: opsetGroup, doc: "codes from 0 to 15; symmetric from 1 around 8"},
	{name: "int2", kind: integer, dtype: ir.Int2, span: affine.Type{Min: -2, Max: 1}, opset: 25, doc: "codes from -2 to 1; symmetric -1, 0, 1"},
	{name: "uint2", kind: integer, dtype: ir.Uint2, span: affine.Type{Min: 0, Max: 3}, opset: 25, doc: "codes from 0 to 3; symmetric 1, 2, 3"},
	{name: "fp8_e4m3", kind: float8, dtype: ir.Float8E4M3FN, most: 448, opset: 19, doc: "8-bit floats of 4 bits of exponent and 3 of fraction, up to 448"},
	{name: "fp8_e5m2", kind: float8, dtype: ir.Float8E5M2, most: 57344, opset: 19, doc: "8-bit floats of 5 bits of exponent and 2 of fraction, up to 57,344"},
	{name: "mxfp4", kind: float4, dtype: ir.Float4E2M1, group: 32, opset: 24, doc: "4-bit floats in groups of 32 with a power of two as scale"},
	{name: "nvfp4", kind: float4, dtype: ir.Float4E2M1, group: 16, opset: 23, doc: "4-bit floats in groups of 16 with an 8-bit float as scale, and one scale a tensor"},
	{name: "float16", kind: half, dtype: ir.Float16, doc: "16-bit floats of 5 bits of exponent; numbers beyond 65,504 are refused"},
	{name: "bfloat16", kind: half, dtype: ir.BFloat16, doc: "16-bit floats with the range of float32 and 8 bits of precision"},
	blocks(ir.Q4_0, "4.5 bits: 4-bit codes, a scale for 32 weights"),
	blocks(ir.Q4_1, "5 bits: 4-bit codes, a scale and a minimum for 32 weights"),
	blocks(ir.Q5_0, "5.5 bits: 5-bit codes, a scale for 32 weights"),
	blocks(ir.Q5_1, "6 bits: 5-bit codes, a scale and a minimum for 32 weights"),
	blocks(ir.Q8_0, "8.5 bits: 8-bit codes, a scale for 32 weights"),
	blocks(ir.Q2K, "2.6 bits: 2-bit codes, 4-bit scales and minima for 16 weights in blocks of 256"),
	blocks(ir.Q3K, "3.4 bits: 3-bit codes, 6-bit scales for 16 weights in blocks of 256"),
	blocks(ir.Q4K, "4.5 bits: 4-bit codes, 6-bit scales and minima for 32 weights in blocks of 256"),
	blocks(ir.Q5K, "5.5 bits: 5-bit codes, 6-bit scales and minima for 32 weights in blocks of 256"),
	blocks(ir.Q6K, "6.6 bits: 6-bit codes, 8-bit scales for 16 weights in blocks of 256"),
	blocks(ir.IQ4NL, "4.5 bits: codes of 16 uneven steps, a scale for 32 weights"),
	blocks(ir.IQ4XS, "4.25 bits: codes of 16 uneven steps, 6-bit scales for 32 weights in blocks of 256"),
	blocks(ir.TQ1_0, "1.7 bits: -1, 0, 1 for models trained so, a scale for 256 weights"),
	blocks(ir.TQ2_0, "2.1 bits: -1, 0, 1 for models trained so, a scale for 256 weights"),
	blocks(ir.GGMXFP4, "4.25 bits: mxfp4 as GGUF stores it"),
	blocks(ir.GGNVFP4, "4.5 bits: nvfp4 as GGUF stores it"),
}

func blocks(t ir.DType, doc string) *numbers {
	return &numbers{name: t.String(), kind: block, dtype: t, doc: "ggml, " + doc}
}

// typeNamed returns the type of a name; names are checked when a recipe is decoded.
func typeNamed(name string) *numbers {
	if i := slices.IndexFunc(types, func(t *numbers) bool { return t.name == name }); i >= 0 {
		return types[i]
	}
	return types[0]
}

// choicesOf lists types for a key, those for which the filter holds.
func choicesOf(use func(*numbers) bool) []schema.Choice {
	var out []schema.Choice
	for _, t := range types {
		if use(t) {
			out = append(out, schema.Choice{Name: t.name, Doc: t.doc})
		}
	}
	return out
}

// row is how many weights along a row one block holds; 1 for types of single elements.
func (t *numbers) row() int {
	if n, _ := t.dtype.Block(); n > 0 {
		return n
	}
	return 1
}
