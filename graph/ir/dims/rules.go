package dims

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// rules says for each operator which axes go together. What is not listed is fixed.
var rules map[string]func(a *analysis, n *ir.Node)

func init() {
	rules = map[string]func(a *analysis, n *ir.Node){
		"Conv": (*analysis).conv, "ConvTranspose": (*analysis).convTranspose, "Gemm": (*analysis).gemm, "MatMul": (*analysis).matmul,
		"BatchNormalization": (*analysis).perChannel, "InstanceNormalization": (*analysis).perChannel,
		"Softmax": (*analysis).mixAxis, "LogSoftmax": (*analysis).mixAxis, "Hardmax": (*analysis).mixAxis,
		"Concat": (*analysis).concat, "Split": (*analysis).split, "Slice": (*analysis).slice, "Pad": (*analysis).pad,
		"Transpose": (*analysis).transpose, "Flatten": (*analysis).flatten, "Reshape": (*analysis).reshape,
		"Squeeze": (*analysis).squeeze, "Unsqueeze": (*analysis).unsqueeze, "Gather": (*analysis).gather,
		"QuantizeLinear": (*analysis).quantize, "DequantizeLinear": (*analysis).quantize,
		"Resize": (*analysis).resize, "Upsample": (*analysis).resize,
		"Constant": func(*analysis, *ir.Node) {},
	}
	for _, op := range []string{"Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Mish", "Gelu", "Tanh",
		"Softplus", "Softsign", "ThresholdedRelu", "Clip", "Abs", "Neg", "Exp", "Log", "Sqrt", "Reciprocal", "Erf", "Floor", "Ceil",
		"Round", "Sign", "Cast", "Identity", "Dropout", "Not", "Swish"} {
		rules[op] = (*analysis).pointwise
	}
	for _, op := range []string{"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "PRelu", "Where", "Equal", "Greater",
		"GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Mod"} {
		rules[op] = (*analysis).broadcast
	}
	for _, op := range []string{"MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"} {
		rules[op] = (*analysis).pool
	}
	for _, op := range []string{"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
		"ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"} {
		rules[op] = (*analysis).reduce
	}
}

// spatial returns an output's axes: what is given for axes 0 and 1, nothing that can be cut behind them.
func (a *analysis) spatial(n *ir.Node, out string, batch, channels axis) {
	sizes, ok := a.dims(out)
	if !ok || len(sizes) < 2 {
		a.fixBoth(channels, batch, fmt.Sprintf("the shape behind %s is not known", a.title(n)))
		return
	}
	axes := make([]axis, len(sizes))
	for k := range axes {
		axes[k] = fixed("%s slides along it", a.title(n))
	}
	axes[0], axes[1] = batch, channels
	a.set(out, axes)
}

func (a *analysis) fixBoth(x, y axis, why string) {
	a.fix(x.channels, why)
	a.fix(y.channels, why)
}

// fixFrom fixes the axes of a value from k on.
func (a *analysis) fixFrom(name string, k int, why string) {
	sizes, _ := a.dims(name)
	for ; k < len(sizes); k++ {
		a.fixAxis(name, k, why)
	}
}

func (a *analysis) pointwise(n *ir.Node) {
	axes := a.all(n.Input(0))
	if axes == nil {
		a.unknown(n)
		return
	}
	for _, out := range n.Outputs {
		a.set(out, append([]axis(nil), axes...))
	}
	for _, in := range n.Inputs[1:] { // bounds of Clip, ratio of Dropout
		a.fixValue(in, fmt.Sprintf("%s reads it", a.title(n)))
	}
}

// all returns every axis of a value; nil if its rank is not known.
func (a *analysis) all(name string) []axis {
	sizes, ok := a.dims(name)
	if !ok {
		return nil
	}
	out := make([]axis, len(sizes))
	for k := range out {
		out[k] = a.axis(name, k)
	}
	return out
}

func (a *analysis) broadcast(n *ir.Node) {
	sizes, ok := a.dims(n.Output(0))
	if !ok {
		a.unknown(n)
		return
	}
	out := make([]axis, len(sizes))
	for k := range out {
		var have bool
		for _, in := range n.Inputs {
			s, ok := a.dims(in)
			if !ok || len(s) > len(sizes) {
				a.unknown(n)
				return
			}
			j := k - (len(sizes) - len(s))
			if j < 0 || s[j] == 1 && sizes[k] != 1 {
				continue
			}
			if next := a.axis(in, j); have {
				out[k] = a.joinAxes(out[k], next)
			} else {
				out[k], have = next, true
			}
		}
		if !have {
			out[k] = fixed("%s broadcasts it", a.title(n))
		}
	}
	a.set(n.Output(0), out)
}

// joinBroadcast joins the axes of c, which broadcasts to axes of these sizes.
func (a *analysis) joinBroadcast(n *ir.Node, axes []axis, sizes []int64, c string) []axis {
	s, ok := a.dims(c)
	if !ok || len(s) > len(axes) {
		for _, x := range axes {
			a.fix(x.channels, fmt.Sprintf("the shape of %q is not known", c))
		}
		return axes
	}
	for j := range s {
		k := j + len(axes) - len(s)
		if s[j] == 1 && sizes[k] != 1 {
			continue
		}
		axes[k] = a.joinAxes(axes[k], a.axis(c, j))
	}
	return axes
}

// perChannel: constants with one entry for each channel on axis 1.
func (a *analysis) perChannel(n *ir.Node) {
	axes := a.all(n.Input(0))
	if len(axes) < 2 || len(n.Outputs) > 1 && n.Outputs[1] != "" {
		a.unknown(n)
		return
	}
	for _, in := range n.Inputs[1:] {
		axes[1] = a.joinAxes(axes[1], a.axis(in, 0))
	}
	if n.Op == "InstanceNormalization" {
		a.fixFrom(n.Input(0), 2, fmt.Sprintf("%s mixes it", a.title(n)))
	}
	a.set(n.Output(0), axes)
}

// mixAxis: softmax and its kin, which mix what lies along an axis.
func (a *analysis) mixAxis(n *ir.Node) {
	axes := a.all(n.Input(0))
	def := int64(-1)
	if a.opset < 13 {
		def = 1
	}
	k, ok := normal(n.Int("axis", def), len(axes))
	if !ok {
		a.unknown(n)
		return
	}
	last := k
	if a.opset < 13 { // everything from the axis on is one row
		last = len(axes) - 1
	}
	for ; k <= last; k++ {
		a.fix(axes[k].channels, fmt.Sprintf("%s mixes them", a.title(n)))
	}
	a.set(n.Output(0), axes)
}

func (a *analysis) pool(n *ir.Node) {
	x := n.Input(0)
	if sizes, ok := a.dims(x); !ok || len(sizes) < 2 || len(n.Outputs) > 1 && n.Outputs[1] != "" {
		a.unknown(n) // the second output of MaxPool holds positions, which count channels
		return
	}
	a.fixFrom(x, 2, fmt.Sprintf("%s mixes it", a.title(n)))
	a.spatial(n, n.Output(0), a.axis(x, 0), a.axis(x, 1))
}

func (a *analysis) reduce(n *ir.Node) {
	axes := a.all(n.Input(0))
	list, given, ok := a.axesOf(n)
	if axes == nil || !ok {
		a.unknown(n)
		return
	}
	if !given && n.Int("noop_with_empty_axes", 0) != 0 {
		a.pointwise(n)
		return
	}
	gone := make([]bool, len(axes))
	for k := range gone {
		gone[k] = !given
	}
	for _, v := range list {
		k, ok := normal(v, len(axes))
		if !ok {
			a.unknown(n)
			return
		}
		gone[k] = true
	}
	var out []axis
	for k, x := range axes {
		if !gone[k] {
			out = append(out, x)
			continue
		}
		a.fix(x.channels, fmt.Sprintf("%s mixes them", a.title(n)))
		if n.Int("keepdims", 1) != 0 {
			out = append(out, fixed("%s leaves one", a.title(n)))
		}
	}
	a.set(n.Output(0), out)
}

// quantize: scales and zero points for each index of an axis go with it.
func (a *analysis) quantize(n *ir.Node) {
	axes := a.all(n.Input(0))
	if axes == nil || n.Int("block_size", 0) != 0 {
		a.unknown(n)
		return
	}
	for _, in := range n.Inputs[1:] {
		s, ok := a.dims(in)
		if in == "" || ok && (len(s) == 0 || len(s) == 1 && s[0] == 1) {
			continue
		}
		k, fine := normal(n.Int("axis", 1), len(axes))
		if !ok || len(s) != 1 || !fine {
			a.unknown(n)
			return
		}
		axes[k] = a.joinAxes(axes[k], a.axis(in, 0))
	}
	a.set(n.Output(0), axes)
}

// axesOf reads the axes of a reduction, squeeze or unsqueeze, which stand in an attribute or an input, by opset.
func (a *analysis) axesOf(n *ir.Node) (list []int64, given, ok bool) {
	if at := n.Attr("axes"); at != nil {
		return at.Ints, true, true
	}
	name := n.Input(1)
	if name == "" {
		return nil, false, true
	}
	list, ok = a.ints(name)
	return list, len(list) > 0, ok
}

// ints reads a small integer constant.
func (a *analysis) ints(name string) ([]int64, bool) {
	t := a.constant(name)
	if t == nil || t.Len() > 1024 {
		return nil, false
	}
	v, err := t.Int64s()
	return v, err == nil
}

// normal counts a negative axis from the end.
func normal(k int64, rank int) (int, bool) {
	if k < 0 {
		k += int64(rank)
	}
	return int(k), k >= 0 && k < int64(rank)
}
