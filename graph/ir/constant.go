package ir

import (
	"encoding/binary"
	"math"
)

// constantAttrs are the ways in which a Constant node holds its value.
var constantAttrs = []string{"value", "value_float", "value_floats", "value_int", "value_ints", "value_string",
	"value_strings", "sparse_value"}

// Constant returns the value of a Constant node as a tensor named like the node's output, nil if the node is none or
// holds a sparse value.
func (n *Node) Constant() *Tensor {
	if len(n.Outputs) != 1 || !n.Is("Constant") {
		return nil
	}
	name := n.Outputs[0]
	for i := range n.Attrs {
		a := &n.Attrs[i]
		switch {
		case a.Name == "value" && a.Kind == AttrTensor && a.Tensor != nil:
			if a.Tensor.Name == name {
				return a.Tensor
			}
			return a.Tensor.WithName(name)
		case a.Name == "value_float" && a.Kind == AttrFloat:
			return FromFloat32s(name, nil, []float32{a.Float})
		case a.Name == "value_floats" && a.Kind == AttrFloats:
			return FromFloat32s(name, []int{len(a.Floats)}, a.Floats)
		case a.Name == "value_int" && a.Kind == AttrInt:
			return FromInt64s(name, nil, []int64{a.Int})
		case a.Name == "value_ints" && a.Kind == AttrInts:
			return FromInt64s(name, []int{len(a.Ints)}, a.Ints)
		case a.Name == "value_string" && a.Kind == AttrString:
			return FromStrings(name, nil, []string{a.String})
		case a.Name == "value_strings" && a.Kind == AttrStrings:
			return FromStrings(name, []int{len(a.Strings)}, a.Strings)
		}
	}
	return nil
}

// FromStrings returns a string tensor.
func FromStrings(name string, shape []int, data []string) *Tensor {
	var b []byte
	for _, s := range data {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return NewTensor(name, String, shape, b)
}

// Scalar returns the only element of a constant with exactly one element, as a float64. ok is false for anything else.
func (t *Tensor) Scalar() (v float64, ok bool) {
	if t == nil || t.Len() != 1 || !t.HasData() {
		return 0, false
	}
	if t.DType == Float64 {
		b, err := t.Bytes()
		if err != nil {
			return 0, false
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), true
	}
	if f, err := t.Float32s(); err == nil {
		return float64(f[0]), true
	}
	if i, err := t.Int64s(); err == nil {
		return float64(i[0]), true
	}
	return 0, false
}
