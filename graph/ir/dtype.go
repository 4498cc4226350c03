package ir

// DType is the type of a tensor's elements. The numbers are those of ONNX TensorProto.DataType.
type DType uint8

const (
	Undefined DType = iota
	Float32
	Uint8
	Int8
	Uint16
	Int16
	Int32
	Int64
	String
	Bool
	Float16
	Float64
	Uint32
	Uint64
	Complex64
	Complex128
	BFloat16
	Float8E4M3FN
	Float8E4M3FNUZ
	Float8E5M2
	Float8E5M2FNUZ
	Uint4
	Int4
	Float4E2M1
	Float8E8M0
	Uint2
	Int2
	Float6E2M3
	Float6E3M2
)

var dtypes = [...]struct {
	name string
	bits int
}{
	Undefined: {"undefined", 0}, Float32: {"float32", 32}, Uint8: {"uint8", 8}, Int8: {"int8", 8}, Uint16: {"uint16", 16},
	Int16: {"int16", 16}, Int32: {"int32", 32}, Int64: {"int64", 64}, String: {"string", 0}, Bool: {"bool", 8},
	Float16: {"float16", 16}, Float64: {"float64", 64}, Uint32: {"uint32", 32}, Uint64: {"uint64", 64},
	Complex64: {"complex64", 64}, Complex128: {"complex128", 128}, BFloat16: {"bfloat16", 16},
	Float8E4M3FN: {"fp8_e4m3", 8}, Float8E4M3FNUZ: {"fp8_e4m3fnuz", 8}, Float8E5M2: {"fp8_e5m2", 8},
	Float8E5M2FNUZ: {"fp8_e5m2fnuz", 8}, Uint4: {"uint4", 4}, Int4: {"int4", 4}, Float4E2M1: {"fp4_e2m1", 4},
	Float8E8M0: {"fp8_e8m0", 8}, Uint2: {"uint2", 2}, Int2: {"int2", 2},
	Float6E2M3: {"fp6_e2m3", 6}, Float6E3M2: {"fp6_e3m2", 6},
}

// String returns the name used in recipes and reports: float32, int8, fp8_e4m3, q4_k.
func (d DType) String() string {
	if int(d) < len(dtypes) {
		return dtypes[d].name
	}
	if b, ok := blocks[d]; ok {
		return b.name
	}
	return "unknown"
}

// Bits returns the size of an element in bits; 0 for strings, block types and unknown types.
func (d DType) Bits() int {
	if int(d) < len(dtypes) {
		return dtypes[d].bits
	}
	return 0
}

// Valid reports whether d is a type that ONNX knows.
func (d DType) Valid() bool { return d != Undefined && int(d) < len(dtypes) }

// ParseDType returns the type of that name.
func ParseDType(name string) (DType, bool) {
	for d, t := range dtypes {
		if t.name == name {
			return DType(d), true
		}
	}
	for d, b := range blocks {
		if b.name == name {
			return d, true
		}
	}
	return Undefined, false
}

// dtypeOf reads a type out of an attribute; Undefined if there is none of that number.
func dtypeOf(v int64) DType {
	if v < 0 || v >= int64(len(dtypes)) {
		return Undefined
	}
	return DType(v)
}
