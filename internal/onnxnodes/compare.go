package onnxnodes

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// The tolerances of onnx.backend.test.runner: |got − want| <= absolute + relative·|want| for floats, equality for the rest.
const (
	relative = 1e-3
	absolute = 1e-7
)

// relativeOf returns the relative tolerance of a type. Of floats narrower than the runner's tolerance it is two units in
// the last place: where an expression is rounded on the way is left open.
func relativeOf(d ir.DType) float64 {
	switch d {
	case ir.Float16:
		return 2.0 / (1 << 10)
	case ir.BFloat16:
		return 2.0 / (1 << 7)
	}
	return relative
}

func equal(got, want *exec.Array) error {
	if got == nil {
		return fmt.Errorf("not computed")
	}
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("is %s %v; it should be %s %v", got.DType, got.Shape, want.DType, want.Shape)
	}
	g, w := floats(got), floats(want)
	if g == nil {
		if !slices.Equal(got.Data, want.Data) {
			return fmt.Errorf("is %v; it should be %v", got.Data, want.Data)
		}
		return nil
	}
	for i := range w {
		if g[i] == w[i] || g[i] != g[i] && w[i] != w[i] {
			continue
		}
		if !(math.Abs(g[i]-w[i]) <= absolute+relativeOf(want.DType)*math.Abs(w[i])) {
			return fmt.Errorf("element %d is %v; it should be %v", i, g[i], w[i])
		}
	}
	return nil
}

// floats returns the elements of an array of floats, nil for other arrays.
func floats(a *exec.Array) []float64 {
	out := make([]float64, a.Len())
	for i := range out {
		switch a.DType {
		case ir.Float32:
			out[i] = float64(a.Float32s()[i])
		case ir.Float64:
			out[i] = a.Float64s()[i]
		case ir.Float16:
			out[i] = float64(kernel.Float16FromBits(binary.LittleEndian.Uint16(a.Data[2*i:])))
		case ir.BFloat16:
			out[i] = float64(kernel.BFloat16FromBits(binary.LittleEndian.Uint16(a.Data[2*i:])))
		default:
			return nil
		}
	}
	return out
}

// modelAround returns a ModelProto whose graph holds one initializer.
func modelAround(tensor []byte) []byte {
	var graph, opset, model []byte
	graph = protowire.AppendTag(graph, 2, protowire.BytesType) // name
	graph = protowire.AppendString(graph, "tensor")
	if !named(tensor) {
		tensor = protowire.AppendTag(slices.Clone(tensor), 8, protowire.BytesType)
		tensor = protowire.AppendString(tensor, "tensor")
	}
	graph = protowire.AppendTag(graph, 5, protowire.BytesType)
	graph = protowire.AppendBytes(graph, tensor)

	opset = protowire.AppendTag(opset, 2, protowire.VarintType)
	opset = protowire.AppendVarint(opset, 17)

	model = protowire.AppendTag(model, 1, protowire.VarintType) // ir_version
	model = protowire.AppendVarint(model, 8)
	model = protowire.AppendTag(model, 7, protowire.BytesType)
	model = protowire.AppendBytes(model, graph)
	model = protowire.AppendTag(model, 8, protowire.BytesType)
	return protowire.AppendBytes(model, opset)
}

// named reports whether a TensorProto has a name, which initializers need.
func named(tensor []byte) bool {
	for len(tensor) > 0 {
		no, kind, n := protowire.ConsumeTag(tensor)
		if n < 0 {
			return false
		}
		size := protowire.ConsumeFieldValue(no, kind, tensor[n:])
		if size < 0 {
			return false
		}
		if no == 8 && size > 1 {
			return true
		}
		tensor = tensor[n+size:]
	}
	return false
}
