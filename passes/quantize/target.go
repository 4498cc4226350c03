package quantize

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
)

// target is a layer on its way to codes.
type target struct {
	passes.Treated[Params]
	dataInput int  // which input of the node is the activation
	perAxis   bool // one scale for each output channel

	clean     []float32 // the weight, finite; nil on a header
	nonFinite int       // numbers that were not, and are zero now
	left      string    // why the layer stays as it is
	coded     *coded    // nil on a header
	notes     []string
}

// accepts tells whether the pass can treat a layer.
func accepts(l ir.Layer) (ok bool, why string) {
	switch {
	case l.Node.Is("ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul"):
		return false, "it computes with integers already (" + l.Node.Op + ")"
	case l.Type == "norm":
		return false, "it is a normalization, which has no matrix; fold puts it into the layer before it"
	case l.Type != "conv" && l.Type != "linear" || !l.Node.Is("Conv", "Gemm", "MatMul"):
		return false, fmt.Sprintf("quantize treats Conv, Gemm and MatMul; this is %s", l.Node.Op)
	}
	switch l.Weight.DType {
	case ir.Float32:
		return true, ""
	case ir.Float16, ir.BFloat16, ir.Float64:
		return false, fmt.Sprintf("its weight is %s; quantize reads float32", l.Weight.DType)
	}
	return false, fmt.Sprintf("its weight is %s already", l.Weight.DType)
}

// checkLayer finds parameters that will hardly work on a layer.
func checkLayer(p *Params, l ir.Layer) []passes.Problem {
	if l.Is("depthwise") && p.Weights.Granularity == "tensor" {
		return []passes.Problem{{Code: "one-scale-for-depthwise", Field: "weights.granularity", Warning: true,
			Message: "one scale for all channels of a depthwise convolution usually costs most of the accuracy; use granularity: channel"}}
	}
	return nil
}

// newTarget finds out how a layer's node takes its weight.
func newTarget(x *ir.Index, l passes.Treated[Params]) *target {
	t := &target{Treated: l, perAxis: l.Params.Weights.Granularity == "channel"}
	if l.Node.Op == "MatMul" && !leadsTo(x, l.Node.Input(1), l.Weight.Name) {
		t.dataInput = 1
	}
	for _, user := range x.Consumers(l.Node.Output(0)) {
		if user.Is("BatchNormalization") {
			t.notes = append(t.notes, "a batch normalization stands behind it and stays; fold would take it in")
		}
	}
	return t
}

// leadsTo follows a value back to a constant.
func leadsTo(x *ir.Index, value, constant string) bool {
	for range 16 {
		if value == constant {
			return true
		}
		p := x.Producer(value)
		if p == nil || !p.Is("Identity", "Cast", "Transpose") {
			return false
		}
		value = p.Input(0)
	}
	return false
}

// groups returns how the weight is cut into groups of one scale.
func (t *target) groups() groups {
	if t.perAxis {
		return groupsOf(t.Weight.Shape, t.OutAxis)
	}
	return groupsOf(t.Weight.Shape, -1)
}

// load reads the weight and decides what becomes of numbers that are not finite.
func (t *target) load(path string) error {
	w, err := t.Weight.Float32s()
	if err != nil {
		return err
	}
	t.nonFinite, t.clean = nonFinite(w)
	if t.nonFinite == 0 {
		return nil
	}
	found := fmt.Sprintf("%d of its %d numbers are NaN or infinite", t.nonFinite, len(w))
	switch t.Params.OnNonFinite {
	case "zero":
		t.notes = append(t.notes, found+" and were taken for zero")
	case "keep":
		t.left = found + "; on_nonfinite: keep leaves the layer as it is"
	default:
		return damaged(path, t.Weight, found+"; on_nonfinite: zero takes them for zero, keep leaves the layer as it is")
	}
	return nil
}

// biasFits tells whether the layer's bias can be codes of the scale of the input times that of the weight, and if not,
// why. A layer without a bias, or whose bias an Add of its own adds, has none to fit.
func (t *target) biasFits(g *ir.Graph) (ok bool, why string) {
	if t.Params.Activations == nil || t.Node.Op == "MatMul" || t.Node.Input(2) == "" {
		return false, ""
	}
	b := g.Tensor(t.Node.Input(2))
	switch {
	case b == nil || b.DType != ir.Float32:
		return false, "its bias stays as it is: it is no float32 constant"
	case !slices.Equal(b.Shape, []int{t.OutFeatures}):
		return false, fmt.Sprintf("its bias stays float32: its shape is %v, not one number for each output", b.Shape)
	case t.Node.Op == "Gemm" && (t.Node.Float("alpha", 1) != 1 || t.Node.Float("beta", 1) != 1):
		return false, "its bias stays float32: alpha or beta of the Gemm is not 1"
	}
	return true, ""
}
