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
	opsetHalf   = 19 // with scales of 16-bit floats
	opsetGroup  = 21 // with a scale for each block along an axis, and codes of 4 bits
)

// irVersion is the least version of the file format that a quantized model is written in; every runtime of the last
// years reads it. Opsets from 19 on came with versions of their own.
func irVersion(opset int64) int64 {
	for _, v := range [][2]int64{{25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9}} {
		if opset >= v[0] {
			return v[1]
		}
	}
	return 8
}

// lift raises a model's opset to what is asked for. Nodes that would mean something else there are rewritten. If a node
// cannot be, the model stays as it is and stuck says which and why.
func lift(m *ir.Model, to int64) (stuck string) {
	from := m.Opset("")
	if from < to {
		known, _ := ir.Infer(m, nil) // contradictions are the executor's to report
		taken := namesOf(m.Graph)
		var graphs []*lifting
		for _, g := range graphsIn(m.Graph) {
			graphs = append(graphs, &lifting{graph: g, from: from, to: to, known: known, names: taken})
			if g != m.Graph {
				graphs[len(graphs)-1].known = nil // names may mean something else there
			}
		}
		var reasons []string
		for _, l := range graphs {
			for _, n := range l.graph.Nodes {
				if why := l.hinders(n); why != "" && !slices.Contains(reasons, why) {
					reasons = append(reasons, why)
				}
			}
		}
		if reasons != nil {
			return fmt.Sprintf("the graph cannot be raised from opset %d to %d: %s", from, to, strings.Join(reasons, "; "))
		}
		for _, l := range graphs {
			for _, n := range l.graph.Nodes {
				if from < opsetAxis {
					l.lift(n)
				}
				if from < opsetReduce && to >= opsetReduce {
					l.liftReduce(n)
				}
			}
		}
		m.SetOpset("", to)
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
	m.IRVersion = max(m.IRVersion, irVersion(m.Opset("")))
}

// same are the operators that mean the same in all opsets from 7 to 13.
var same = []string{"Abs", "Add", "And", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Concat",
	"Constant", "ConstantOfShape", "Conv", "ConvTranspose", "DequantizeLinear", "Div", "Elu", "Equal", "Erf", "Exp", "Expand",
	"Flatten", "Floor", "Gather", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater", "HardSigmoid", "Identity",
	"InstanceNormalization", "LRN", "LeakyRelu", "Less", "Log", "MatMul", "Max", "MaxPool", "Mean", "Min", "Mul", "Neg", "Not",
	"Or", "PRelu", "Pow", "QuantizeLinear", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin",
	"ReduceProd", "Relu", "Reshape", "Selu", "Shape", "Sigmoid", "Sign", "Size", "Softplus", "Softsign", "Sqrt", "Sub", "Sum",
	"Tanh", "Tile", "Transpose", "Where", "Xor"}

// opsetReduce is where the axes of the other Reduce operators became an input, and Split asks for the number of its parts.
const opsetReduce = 18

// lifting rewrites the nodes of a graph in an opset from 7 on.
type lifting struct {
	graph *ir.Graph
	from  int64
	to    int64
	known map[string]ir.Info
	names names
}

// hinders tells why a node cannot be lifted.
func (l *lifting) hinders(n *ir.Node) (why string) {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return ""
	}
	if l.to > opsetAxis {
		if why := l.hindersLater(n); why != "" {
			return why
		}
	}
	if l.from >= opsetAxis {
		return ""
	}
	switch {
	case n.Is("BatchNormalization") && n.Int("spatial", 1) == 0:
		return "a BatchNormalization is not over channels"
	case n.Is("If", "Loop", "Scan") && l.from >= 11, n.Is("Resize") && l.from >= 11, n.Is("LSTM", "GRU", "RNN", "Pow"), n.Is(same...), n.Is("Clip", "Pad", "Split", "Squeeze", "Unsqueeze", "ReduceSum", "Slice"):
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

// reduces are the operators whose axes became an input in opset 18; ReduceSum was first.
var reduces = []string{"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSumSquare"}

// hindersLater tells why a node cannot be lifted beyond opset 13, where few operators have changed since.
func (l *lifting) hindersLater(n *ir.Node) (why string) {
	switch {
	case n.Is("BatchNormalization") && l.from < 14 && (len(n.Outputs) > 1 && n.Output(1) != ""):
		return "a BatchNormalization is that of training"
	case n.Is("GroupNormalization") && l.from < 21 && l.to >= 21, n.Is("DFT") && l.from < 20 && l.to >= 20,
		n.Is("GridSample") && l.from < 20 && l.to >= 20 && n.Attr("mode") != nil:
		return n.Op + " changed in between"
	}
	return ""
}

// graphsIn lists a graph and those within it, outer ones first.
func graphsIn(g *ir.Graph) []*ir.Graph {
	list := []*ir.Graph{g}
	for i := 0; i < len(list); i++ {
		for _, n := range list[i].Nodes {
			for k := range n.Attrs {
				if sub := n.Attrs[k].Graph; sub != nil {
					list = append(list, sub)
				}
			}
		}
	}
	return list
}

// liftReduce rewrites a node for opset 18.
func (l *lifting) liftReduce(n *ir.Node) {
	switch {
	case n.Is(reduces...):
		l.ints(n, 1, "axes")
	case n.Is("Split") && n.Input(1) == "":
		n.SetAttr(ir.IntAttr("num_outputs", int64(len(n.Outputs))))
	}
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
