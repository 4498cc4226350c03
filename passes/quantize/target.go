package quantize

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/passes"
)

// target is a layer on its way to codes.
type target struct {
	passes.Treated[Params]
	form
	dataInput int  // which input of the node is the activation
	eager     bool // its weight is read at once: the codes of its bias depend on it

	clean      []float32          // of eager: the weight, finite; nil on a header
	nonFinite  int                // numbers that were not, and are zero now
	left       string             // why the layer stays as it is
	trouble    error              // why it cannot be treated as asked: checkLayer says so of those who ask it
	coded      *coded             // of eager; nil on a header
	coding     *coding            // of others; nil on a header, and of types without codes
	converted  *conversion        // of types without codes; nil on a header
	matrix     *importance.Matrix // that the layer asks for; nil where it is not at hand
	importance importance.Vector  // of the columns of its weight; nil: all matter the same
	must       bool               // its type is no good without
	shares     *target            // an earlier layer of the same weight
	notes      []string
}

// newTarget finds out how a layer's node takes its weight and what it becomes.
func newTarget(x *ir.Index, l passes.Treated[Params], given assigned) *target {
	t := &target{Treated: l, must: given.must}
	var trouble *passes.Problem
	if l.Params.mix != nil && given.dtype == 0 {
		t.left = given.why
	} else if t.form, trouble = formOf(l.Params, &l.Layer, given); trouble != nil && l.Params.mix != nil && l.Type == "conv" {
		t.left = trouble.Message
	} else if trouble != nil {
		t.trouble = fmt.Errorf("layer %s: %s", l.Name, trouble.Message)
		return t
	}
	if l.Params.Weights.Form == "matmul_nbits" && t.left == "" {
		if why := t.hindersNBits(x); why != "" {
			t.notes = append(t.notes, "stays in front of a DequantizeLinear: "+why)
		} else {
			t.nbits = true
		}
	}
	t.notes = append(t.notes, t.form.notes...)
	if blocks, _ := l.Weight.DType.Block(); blocks > 0 && t.left == "" {
		if t.as.dtype == l.Weight.DType {
			t.left = fmt.Sprintf("its weight is %s already", l.Weight.DType)
		} else {
			t.notes = append(t.notes, fmt.Sprintf("from %s, whose error stays", l.Weight.DType))
		}
	}
	if l.Node.Op == "MatMul" && !leadsTo(x, l.Node.Input(1), l.Weight.Name) {
		t.dataInput = 1
	}
	t.eager = t.left == "" && l.Params.static() && t.as.kind == integer && t.as.dtype.Bits() == 8 && (t.granularity == "channel" || t.granularity == "tensor") && l.Type != "embedding"
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

// static tells whether what the layer takes and gives gets codes with ranges from samples.
func (t *target) static() bool { return t.Params.static() && t.Type != "embedding" }

// perAxis tells whether there is a scale for each output channel.
func (t *target) perAxis() bool { return t.granularity == "channel" }

// groups returns how the weight is cut into groups of one scale.
func (t *target) groups() groups {
	if t.perAxis() {
		return groupsOf(t.Weight.Shape, t.axis)
	}
	return groupsOf(t.Weight.Shape, -1)
}

// load reads the weight if it must be known at once, and decides what becomes of numbers that are not finite; else it plans
// how the weight is computed.
func (t *target) load(path string, workers int) error {
	if t.left != "" || t.shares != nil && !t.eager {
		return nil
	}
	src := source{t: t.Weight, path: path}
	if t.Params.OnNonFinite == "keep" {
		n, err := src.count()
		if err != nil {
			return err
		}
		if t.nonFinite = n; n > 0 {
			t.left = fmt.Sprintf("%s; on_nonfinite: keep leaves the layer as it is", src.found(n))
			return nil
		}
	}
	if !t.eager {
		t.plan(path, workers)
		return nil
	}
	w, err := t.Weight.Float32s()
	if err != nil {
		return err
	}
	t.nonFinite, t.clean = nonFinite(w)
	switch {
	case t.nonFinite == 0:
	case t.Params.OnNonFinite == "zero":
		t.notes = append(t.notes, src.found(t.nonFinite)+" and were taken for zero")
	default:
		return src.damaged()
	}
	return nil
}

// biasFits tells whether the layer's bias can be codes of the scale of the input times that of the weight, and if not,
// why. A layer without a bias, or whose bias an Add of its own adds, has none to fit.
func (t *target) biasFits(g *ir.Graph) (ok bool, why string) {
	if !t.eager || t.Node.Op == "MatMul" || t.Node.Input(2) == "" {
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
