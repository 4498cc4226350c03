package quantize

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// Opsets of QuantizeLinear and DequantizeLinear.
const (
	opsetTensor = 10 // with one scale
	opsetAxis   = 13 // with a scale for each index of an axis
)

// irVersion is the least version of the file format that a quantized model is written in; every runtime of the last
// years reads it.
const irVersion = 8

// lift raises a model's opset so far that QuantizeLinear takes a scale for each index of an axis. Nodes that would mean
// something else there are rewritten. If a node cannot be, the model stays as it is and stuck says which and why.
func lift(m *ir.Model) (stuck string) {
	if m.Opset("") < opsetAxis {
		known, _ := ir.Infer(m, nil) // contradictions are the executor's to report
		l := lifting{graph: m.Graph, from: m.Opset(""), known: known, names: namesOf(m.Graph)}
		var reasons []string
		for _, n := range m.Graph.Nodes {
			if why := l.hinders(n); why != "" && !slices.Contains(reasons, why) {
				reasons = append(reasons, why)
			}
		}
		if reasons != nil {
			return fmt.Sprintf("the graph cannot be raised from opset %d to %d: %s", l.from, opsetAxis, strings.Join(reasons, "; "))
		}
		for _, n := range m.Graph.Nodes {
			l.lift(n)
		}
		m.SetOpset("", opsetAxis)
	}
	raiseIR(m)
	return ""
}

// raiseIR raises the version of the file format. Files before version 4 list initializers among the inputs; from 4 on
// that would make them defaults that a caller may change, so they are taken out.
func raiseIR(m *ir.Model) {
	if m.IRVersion < 4 {
		m.Graph.Inputs = m.Graph.Feeds()
	}
	m.IRVersion = max(m.IRVersion, irVersion)
}

// same are the operators that mean the same in all opsets from 7 to 13.
var same = []string{"Abs", "Add", "And", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Concat",
	"Constant", "ConstantOfShape", "Conv", "ConvTranspose", "DequantizeLinear", "Div", "Elu", "Equal", "Erf", "Exp", "Expand",
	"Flatten", "Floor", "Gather", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater", "HardSigmoid", "Identity",
	"InstanceNormalization", "LRN", "LeakyRelu", "Less", "Log", "MatMul", "Max", "MaxPool", "Mean", "Min", "Mul", "Neg", "Not",
	"Or", "PRelu", "Pow", "QuantizeLinear", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin",
	"ReduceProd", "Relu", "Reshape", "Selu", "Shape", "Sigmoid", "Sign", "Size", "Softplus", "Softsign", "Sqrt", "Sub", "Sum",
	"Tanh", "Tile", "Transpose", "Where", "Xor"}

// lifting rewrites the nodes of a graph in an opset from 7 to 12.
type lifting struct {
	graph *ir.Graph
	from  int64
	known map[string]ir.Info
	names names
}

// hinders tells why a node cannot be lifted.
func (l *lifting) hinders(n *ir.Node) (why string) {
	switch {
	case n.Domain != "" && n.Domain != "ai.onnx":
		return ""
	case n.Is("BatchNormalization") && n.Int("spatial", 1) == 0:
		return "a BatchNormalization is not over channels"
	case n.Is(same...), n.Is("Clip", "Pad", "Split", "Squeeze", "Unsqueeze", "ReduceSum", "Slice"):
		return ""
	case n.Is("Softmax", "LogSoftmax"):
		if _, ok := l.lastAxis(n); !ok {
			return fmt.Sprintf("%s %s is over several axes at once", n.Op, n.Name)
		}
		return ""
	case n.Is("Dropout"):
		if mask := n.Output(1); mask != "" && (l.graph.IsOutput(mask) || len(l.graph.Consumers(mask)) > 0) {
			return "the mask of a Dropout is used"
		}
		return ""
	}
	return fmt.Sprintf("%s changed in between", n.Op)
}

// lastAxis returns the axis of a Softmax if it is the last one. Before opset 13 a Softmax runs over all axes from its own
// on at once, which is then the same as now.
func (l *lifting) lastAxis(n *ir.Node) (int64, bool) {
	axis := n.Int("axis", 1)
	rank := int64(len(l.known[n.Input(0)].Shape))
	return axis, axis == -1 || rank > 0 && axis == rank-1
}

// lift rewrites a node that hinders finds nothing against.
func (l *lifting) lift(n *ir.Node) {
	switch {
	case n.Is("BatchNormalization"):
		n.RemoveAttr("spatial")
	case n.Is("Clip") && l.from < 11:
		lo, hi := n.Attr("min"), n.Attr("max")
		if lo != nil {
			l.input(n, 1, l.float(n, "min", lo.Float))
		}
		if hi != nil {
			l.input(n, 2, l.float(n, "max", hi.Float))
		}
		n.RemoveAttr("min")
		n.RemoveAttr("max")
	case n.Is("Pad") && l.from < 11:
		value := n.Float("value", 0)
		n.RemoveAttr("value")
		l.ints(n, 1, "pads")
		l.input(n, 2, l.float(n, "value", value))
	case n.Is("Slice") && l.from < 10:
		l.ints(n, 1, "starts")
		l.ints(n, 2, "ends")
		l.ints(n, 3, "axes")
	case n.Is("Squeeze", "Unsqueeze", "ReduceSum"):
		l.ints(n, 1, "axes")
	case n.Is("Split"):
		l.ints(n, 1, "split")
	case n.Is("Softmax", "LogSoftmax"):
		axis, _ := l.lastAxis(n)
		n.SetAttr(ir.IntAttr("axis", axis))
	case n.Is("Dropout") && l.from < 12:
		n.RemoveAttr("ratio")
	}
}

// ints makes an attribute the node's input i.
func (l *lifting) ints(n *ir.Node, i int, attr string) {
	a := n.Attr(attr)
	if a == nil {
		return
	}
	t := ir.FromInt64s(l.names.fresh(n.Output(0)+"_"+attr), []int{len(a.Ints)}, a.Ints)
	n.RemoveAttr(attr)
	l.input(n, i, t)
}

func (l *lifting) float(n *ir.Node, what string, v float32) *ir.Tensor {
	return ir.FromFloat32s(l.names.fresh(n.Output(0)+"_"+what), nil, []float32{v})
}

// input makes a tensor the node's input i; inputs before it that are not given are left out.
func (l *lifting) input(n *ir.Node, i int, t *ir.Tensor) {
	for len(n.Inputs) <= i {
		n.Inputs = append(n.Inputs, "")
	}
	n.Inputs[i] = t.Name
	l.graph.SetTensor(t)
}
