package onnx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// since is the operator set in which ONNX got a type of elements; those that are not listed are older than 10.
var since = map[ir.DType]int64{
	ir.Float8E4M3FN: 19, ir.Float8E4M3FNUZ: 19, ir.Float8E5M2: 19, ir.Float8E5M2FNUZ: 19,
	ir.Uint4: 21, ir.Int4: 21, ir.Float4E2M1: 23, ir.Float8E8M0: 24, ir.Uint2: 25, ir.Int2: 25,
	ir.Float6E2M3: 28, ir.Float6E3M2: 28,
}

// cannot lists what of a model an ONNX file has no words for: ggml's blocks, and activations that a runtime quantizes to
// anything but uint8.
func cannot(m *ir.Model) []format.Problem {
	var out []format.Problem
	opset := m.Opset("")
	if !strange(m, opset) {
		return nil
	}
	for _, l := range m.Layers() {
		for _, t := range []*ir.Tensor{l.Weight, l.Bias} {
			if t == nil {
				continue
			}
			if elements, _ := t.DType.Block(); elements > 0 {
				out = append(out, format.Problem{Layer: l.Name, Message: fmt.Sprintf("%s is a block type of ggml, and ONNX has none; write format gguf, or let quantize use int4 or int8", t.DType)})
			} else if v := since[t.DType]; v > opset {
				out = append(out, format.Problem{Layer: l.Name, Message: fmt.Sprintf("%s came with opset %d of ONNX, and the graph is in %d", t.DType, v, opset)})
			}
		}
		if text := l.Node.Str(ir.ActivationsAttr, ""); text != "" {
			typ, _, _ := strings.Cut(text, ",")
			out = append(out, format.Problem{Layer: l.Name, Message: fmt.Sprintf("activations of %s with a scale a token have no operator in ONNX; "+
				"take ranges from samples (data: …, without dynamic), or write format safetensors", typ)})
		}
	}
	return out
}

// strange tells whether any tensor or node of a model is one that cannot looks for: of most models none is, and finding their
// layers costs more than reading them.
func strange(m *ir.Model, opset int64) bool {
	for _, t := range m.Graph.Constants() {
		if elements, _ := t.DType.Block(); elements > 0 || since[t.DType] > opset {
			return true
		}
	}
	return slices.ContainsFunc(m.Graph.Nodes, func(n *ir.Node) bool { return n.Str(ir.ActivationsAttr, "") != "" })
}

// own tells an attribute that passes leave for other formats.
func own(a *ir.Attr) bool { return strings.HasPrefix(a.Name, "pare_") }

// written lists the attributes of a node that the file holds.
func written(n *ir.Node) []ir.Attr {
	if !slices.ContainsFunc(n.Attrs, func(a ir.Attr) bool { return own(&a) }) {
		return n.Attrs
	}
	return slices.DeleteFunc(slices.Clone(n.Attrs), func(a ir.Attr) bool { return own(&a) })
}
