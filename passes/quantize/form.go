package quantize

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
)

// form is how a layer's weight is stored in the end.
type form struct {
	as          *numbers
	granularity string // of types with scales: tensor, channel, group, block
	group       int    // weights in a group
	axis        int    // along which groups run, or along which the scales of channels stand
	nbits       bool   // ONNX Runtime's MatMulNBits in place of a DequantizeLinear
	notes       []string
}

// accepts tells whether the pass can treat a layer.
func accepts(l ir.Layer) (ok bool, why string) {
	switch {
	case l.Node.Is("ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul"):
		return false, "it computes with integers already (" + l.Node.Op + ")"
	case l.Type == "norm":
		return false, "it is a normalization, which has no matrix; fold puts it into the layer before it"
	case !slices.Contains([]string{"conv", "linear", "embedding"}, l.Type) || !l.Node.Is("Conv", "Gemm", "MatMul", "Gather"):
		return false, fmt.Sprintf("quantize treats Conv, Gemm, MatMul and embeddings; this is %s", l.Node.Op)
	}
	switch l.Weight.DType {
	case ir.Float32, ir.Float16, ir.BFloat16:
		return true, ""
	case ir.Float64:
		return false, "its weight is float64; quantize reads float32, float16 and bfloat16"
	}
	if blocks, _ := l.Weight.DType.Block(); blocks > 0 {
		return true, "" // its numbers are those that the blocks give
	}
	return false, fmt.Sprintf("its weight is %s already", l.Weight.DType)
}

// checkLayer finds parameters that will hardly work on a layer, or not at all.
func checkLayer(p *Params, l ir.Layer) []passes.Problem {
	var out []passes.Problem
	if p.mix == nil {
		if _, trouble := formOf(p, &l, assigned{}); trouble != nil {
			out = append(out, *trouble)
		}
	}
	if l.Is("depthwise") && p.Weights.Granularity == "tensor" {
		out = append(out, passes.Problem{Code: "one-scale-for-depthwise", Field: "weights.granularity", Warning: true,
			Message: "one scale for all channels of a depthwise convolution usually costs most of the accuracy; use granularity: channel"})
	}
	switch {
	case p.dynamic() && l.Type == "conv":
		out = append(out, passes.Problem{Code: "type-does-not-fit", Field: "activations.dynamic",
			Message: "no runtime takes the ranges of a convolution's input as it runs; name data, and leave dynamic out"})
	case p.static() && l.Type != "embedding" && l.Within != "":
		out = append(out, passes.Problem{Code: "type-does-not-fit", Field: "activations",
			Message: fmt.Sprintf("ranges of activations are measured in the main graph, and the layer stands in a subgraph (%s); write activations: none for it", l.Within)})
	case p.static() && l.Type != "embedding" && l.Weight.DType != ir.Float32:
		out = append(out, passes.Problem{Code: "type-does-not-fit", Field: "activations",
			Message: fmt.Sprintf("ranges of activations are measured in float32, and this model computes in %s; write activations: {dynamic: true}, or none", l.Weight.DType)})
	}
	return out
}

// formOf works out how a layer's weight is stored: by the type that a mix has given it, else by the parameters. trouble
// says why it cannot be.
func formOf(p *Params, l *ir.Layer, given assigned) (f form, trouble *passes.Problem) {
	w := &p.Weights
	f = form{as: typeNamed(w.Type), granularity: w.Granularity, group: w.GroupSize, axis: scalesAxis(l)}
	if given.dtype != 0 {
		f.as = typeOf(given.dtype)
		if given.why != "" {
			f.notes = append(f.notes, given.why)
		}
	}
	refuse := func(field, format string, args ...any) (form, *passes.Problem) {
		return f, &passes.Problem{Code: "type-does-not-fit", Field: field, Message: fmt.Sprintf(format, args...)}
	}
	switch f.as.kind {
	case half:
		f.granularity = ""
		return f, nil
	case block:
		f.granularity = ""
		if why := f.rows(l); why != "" {
			return refuse("weights.type", "%s", why)
		}
		return f.divideBlocks(p, l)
	}
	switch f.granularity {
	case "group":
		f.axis = rowAxis(l)
		return f.divideGroups(p, l)
	case "block":
		if len(l.Weight.Shape) != 2 {
			return refuse("weights.granularity", "squares of %s need a matrix; the weight has %d dimensions", w.size(), len(l.Weight.Shape))
		}
		f.axis = rowAxis(l)
	}
	return f, nil
}

// rowAxis is the axis that a row runs along: the inputs of a layer, the width of an embedding.
func rowAxis(l *ir.Layer) int {
	if l.Type == "embedding" {
		return l.OutAxis
	}
	return l.InAxis
}

// scalesAxis is the axis that the scales of channels stand along: outputs, or the rows of an embedding.
func scalesAxis(l *ir.Layer) int {
	if l.Type == "embedding" {
		return l.InAxis
	}
	return l.OutAxis
}

func typeOf(t ir.DType) *numbers {
	for _, n := range types {
		if n.dtype == t && n.kind != float4 {
			return n
		}
	}
	return types[0]
}

// rows tells why a weight has no rows that blocks could run along, if it has none.
func (f *form) rows(l *ir.Layer) string {
	switch {
	case l.Type == "conv":
		return f.as.name + " stores rows of matrices, and the layer is a convolution"
	case rowAxis(l) != len(l.Weight.Shape)-1:
		return fmt.Sprintf("blocks of %s run along inputs, which must be the weight's last axis; this one is stored with its outputs last, as ONNX models have it, and no GGUF file can hold it", f.as.name)
	}
	return ""
}

// divideBlocks checks that blocks divide rows. A mix has seen to it.
func (f form) divideBlocks(p *Params, l *ir.Layer) (form, *passes.Problem) {
	n := l.Weight.Shape[rowAxis(l)]
	elements := f.as.row()
	if n%elements == 0 {
		return f, nil
	}
	to := fallback(f.as.dtype, n)
	why := fmt.Sprintf("%s has blocks of %d, which do not divide rows of %d", f.as.name, elements, n)
	if p.OnIndivisible == "fallback" {
		f.as = typeOf(to)
		f.notes = append(f.notes, why)
		return f, nil
	}
	advice := fmt.Sprintf("%s would do, or on_indivisible: fallback, which takes it", to)
	if p.OnIndivisible == "pad" {
		advice = "a row of a GGUF file cannot be longer than the layer has inputs, so on_indivisible: pad does not help; " + advice
	}
	return f, &passes.Problem{Code: "block-does-not-divide", Field: "weights.type", Message: why + "; " + advice}
}

// divideGroups checks that groups divide rows.
func (f form) divideGroups(p *Params, l *ir.Layer) (form, *passes.Problem) {
	n := l.Weight.Shape[f.axis]
	if n%f.group == 0 {
		return f, nil
	}
	why := fmt.Sprintf("groups of %d do not divide rows of %d", f.group, n)
	switch {
	case p.OnIndivisible == "pad":
		f.notes = append(f.notes, fmt.Sprintf("%s; the last of a row has %d", why, n%f.group))
		return f, nil
	case p.OnIndivisible == "fallback" && f.as.kind == float4:
		f.as, f.granularity, f.axis = typeNamed("fp8_e4m3"), "channel", scalesAxis(l)
	case p.OnIndivisible == "fallback":
		if f.group = smallerGroup(n, f.group); f.group == 0 {
			f.granularity, f.axis = "channel", scalesAxis(l)
		}
	default:
		message := why + "; on_indivisible: fallback takes what does"
		if sizes := dividing(n); f.as.kind != float4 && len(sizes) > 0 {
			message = fmt.Sprintf("%s; %s would, or on_indivisible: fallback, which takes what does", why, strings.Join(sizes, ", "))
		}
		return f, &passes.Problem{Code: "group-size-does-not-divide", Field: "weights.group_size", Message: message}
	}
	f.notes = append(f.notes, why)
	return f, nil
}

// smallerGroup halves a group size until it divides n; 0 if that takes it below 16.
func smallerGroup(n, group int) int {
	for group /= 2; group >= 16; group /= 2 {
		if n%group == 0 {
			return group
		}
	}
	return 0
}

// dividing lists group sizes in use that divide n.
func dividing(n int) []string {
	var out []string
	for _, size := range []int{256, 192, 128, 96, 64, 48, 32, 16} {
		if n%size == 0 {
			out = append(out, fmt.Sprint(size))
		}
	}
	return out
}

// describe says in words what a weight becomes: int4 in groups of 64.
func (f *form) describe() string {
	switch f.granularity {
	case "tensor":
		return f.as.name + ", one scale"
	case "channel":
		return f.as.name + " per channel"
	case "group":
		return fmt.Sprintf("%s in groups of %d", f.as.name, f.group)
	case "block":
		return fmt.Sprintf("%s in squares of %d", f.as.name, f.group)
	}
	return f.as.name
}

// opset is the first of ONNX that has what the form needs; 0 if none has, and it is only stored.
func (f *form) opset() int64 {
	switch {
	case f.as.kind == block || f.nbits:
		return 0
	case f.granularity == "group" || f.granularity == "block":
		return max(f.as.opset, opsetGroup)
	case f.granularity == "channel":
		return max(f.as.opset, opsetAxis)
	}
	return max(f.as.opset, opsetTensor)
}
