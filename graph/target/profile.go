package target

import (
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Parse reads a profile of the user's: a YAML file with the keys that Fields describes. It returns nil if a finding is an
// error. The name of src is the path as the recipe names it.
func Parse(src *diag.Source, report *diag.List) *Target {
	var found diag.List
	root := syntax.Parse(src, &found)
	t := &Target{Path: src.Name}
	if root != nil && !found.HasErrors() {
		(&schema.Decoder{Report: &found}).Decode(root, fields(t))
	}
	*report = append(*report, found...)
	if root == nil || found.HasErrors() {
		return nil
	}
	return t
}

// Fields describes the keys of a profile, for documentation and schemas.
func Fields() schema.Object { return fields(new(Target)) }

func fields(t *Target) schema.Object {
	return schema.Object{
		Name: "a profile",
		Doc:  "What the runtime of a device can execute, and the budgets of the device. What is left out is not restricted.",
		Fields: []*schema.Field{
			schema.String(&t.Name, "name", "", "what messages call the device").Require(),
			schema.String(&t.Doc, "description", "", "what the device is"),
			schema.String(&t.Runtime, "runtime", "", "the program that executes the model: onnxruntime, llama.cpp, vllm"),
			schema.String(&t.ISA, "isa", "", "the instruction set: x86-64-avx2, arm64"),
			schema.Int(&t.Cores, "cores", 0, "cores that compute; 0: not known").AtLeast(0),
			schema.Bytes(&t.Memory, "memory", 0, "bytes that the loaded weights may take; 0: not bounded").AtLeast(0),
			schema.Bytes(&t.Size, "size", 0, "bytes that the files may take; 0: not bounded").AtLeast(0),
			schema.Strings(&t.Formats, "formats", nil, "formats of files that the runtime reads"),
			schema.Nested("opset", "versions of ONNX's operators that it executes", schema.Object{Fields: []*schema.Field{
				schema.Int(&t.Opset.Min, "min", 0, "the oldest; 0: any").AtLeast(0),
				schema.Int(&t.Opset.Max, "max", 0, "the newest; 0: any").AtLeast(0),
			}, Check: func(n *syntax.Node, report *diag.List) {
				if t.Opset.Max > 0 && t.Opset.Min > t.Opset.Max {
					report.Errorf(n.Get("max").Span, "out-of-range", "max is %d, below min, which is %d; no opset will do", t.Opset.Max, t.Opset.Min)
				}
			}}),
			schema.Strings(&t.Operators, "operators", nil, "operators of ONNX that it has; left out: all"),
			schema.Strings(&t.Domains, "domains", nil, "other operator domains that it knows"),
			schema.List(&t.Weights, "weights", "types of weights that it computes with; left out: any", numberFields),
			schema.List(&t.Activations, "activations", "types of activations that it computes with, floating point among them; left out: any", numberFields),
			schema.Bool(&t.Saturates, "saturates", false, "whether sums of uint8 times int8 products saturate, as on x86 without VNNI"),
			schema.Bool(&t.Apart, "siblings_apart", false, "whether layers that read one input (q, k, v; gate, up) may have types of their own"),
		},
	}
}

func numberFields(n *Numbers) schema.Object {
	return schema.Object{
		Name:  "an entry",
		Doc:   "Types of numbers, and in which arrangement.",
		Short: "types",
		Fields: []*schema.Field{
			schema.Strings(&n.Types, "types", nil, "names of types: float32, int8, q4_k").Require(),
			schema.Enums(&n.Granularity, "granularity", nil, "what one scale covers; left out: anything",
				schema.Choice{Name: "tensor", Doc: "the whole weight"}, schema.Choice{Name: "channel", Doc: "one output channel"},
				schema.Choice{Name: "group", Doc: "so many inputs of one output"}, schema.Choice{Name: "block", Doc: "a block of inputs and outputs"},
				schema.Choice{Name: "token", Doc: "of activations, what one token brings"}),
			schema.Ints(&n.Groups, "groups", nil, "sizes of groups; left out: any").AtLeast(1),
			schema.Bool(&n.Symmetric, "symmetric", false, "only ranges that lie evenly around zero"),
		},
	}
}
