package dims

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
)

// Limits that keep the analysis of a hostile model small: longer axes, and whatever comes after so many indexes, are
// fixed.
const (
	maxAxis    = 1 << 20
	maxIndexes = 1 << 24
)

// analysis walks a graph once, front to back. Joins reach backwards through the union-find.
type analysis struct {
	*Dims
	graph  *ir.Graph
	index  *ir.Index
	opset  int64
	shaped map[string][]string // values that hold sizes: the values whose shapes they were read from
}

// Analyze finds the channels of a model. It reads no weights, only the constants that hold shapes and axes, so it works
// on a header as well.
func Analyze(m *ir.Model) (*Dims, error) {
	if m.Graph == nil {
		return nil, fmt.Errorf("the model has no graph")
	}
	values, err := ir.Infer(m, nil)
	d := &Dims{model: m, axes: map[string][]axis{}, values: values, sound: err == nil}
	a := &analysis{Dims: d, graph: m.Graph, index: m.Graph.Index(), opset: m.Opset(""), shaped: map[string][]string{}}
	for _, in := range m.Graph.Inputs {
		if a.constant(in.Name) == nil {
			a.setAll(in.Name, fmt.Sprintf("the input %q", in.Name))
		}
	}
	for _, n := range m.Graph.Nodes {
		a.node(n)
	}
	for _, out := range m.Graph.Outputs {
		a.fixValue(out.Name, fmt.Sprintf("the model's output %q shows them", out.Name))
	}
	return d, nil
}

func (a *analysis) node(n *ir.Node) {
	if slices.ContainsFunc(n.Attrs, func(at ir.Attr) bool { return at.Graph != nil }) {
		a.unknown(n)
		for _, name := range n.Takes() {
			a.fixValue(name, fmt.Sprintf("%s reads it inside a branch", a.title(n)))
		}
		return
	}
	if n.Domain != "" && n.Domain != "ai.onnx" {
		a.unknown(n)
		return
	}
	if a.sizes(n) {
		return
	}
	rule := rules[n.Op]
	if rule == nil {
		a.unknown(n)
		return
	}
	rule(a, n)
	for _, out := range n.Outputs {
		if out != "" && a.axes[out] == nil {
			a.setAll(out, fmt.Sprintf("%s gives it", a.title(n)))
		}
	}
}

// unknown treats an operator that no rule describes: nothing that goes in or comes out can be cut.
func (a *analysis) unknown(n *ir.Node) {
	why := fmt.Sprintf("%s mixes them or is not known", a.title(n))
	for _, in := range n.Inputs {
		a.fixValue(in, why)
	}
	for _, out := range n.Outputs {
		a.setAll(out, why)
	}
}

func (a *analysis) title(n *ir.Node) string {
	name := n.Name
	if name == "" && len(n.Outputs) > 0 {
		name = n.Outputs[0]
	}
	return fmt.Sprintf("%s %q", n.Op, name)
}

// constant returns the tensor behind a name: an initializer or the value of a Constant node.
func (a *analysis) constant(name string) *ir.Tensor { return a.index.Tensor(name) }

// dims returns the sizes of a value, -1 where unknown, and whether its rank is known.
func (a *analysis) dims(name string) ([]int64, bool) {
	if t := a.constant(name); t != nil {
		out := make([]int64, len(t.Shape))
		for i, n := range t.Shape {
			out[i] = int64(n)
		}
		return out, true
	}
	s := a.values[name].Shape
	if s == nil {
		return nil, false
	}
	out := make([]int64, len(s))
	for i, d := range s {
		out[i] = d.Size
	}
	return out, true
}

// axis returns one axis of a value. The first question for an axis of a constant makes its channels.
func (a *analysis) axis(name string, k int) axis {
	t := a.constant(name)
	if t == nil {
		if k < 0 || k >= len(a.axes[name]) {
			return fixed("the shape of %q is not known", name)
		}
		return a.axes[name][k]
	}
	if k < 0 || k >= len(t.Shape) {
		return fixed("constant %q has no axis %d", name, k)
	}
	x := a.place(t, name, k)
	if !x.asked {
		x.asked = true
		switch n := t.Shape[k]; {
		case n > maxAxis || len(a.parent)+n > maxIndexes:
			x.why = fmt.Sprintf("axis %d of %q is too long to follow", k, name)
		case t.DType.Bits() < 8:
			x.why = fmt.Sprintf("%q is packed as %s", name, t.DType)
		default:
			x.channels = a.fresh(n)
		}
	}
	return *x
}

// place returns where the axis of a constant is noted.
func (a *analysis) place(t *ir.Tensor, name string, k int) *axis {
	if a.axes[name] == nil {
		a.axes[name] = make([]axis, len(t.Shape))
		a.touched = append(a.touched, name)
	}
	return &a.axes[name][k]
}

// set records the axes of an output.
func (a *analysis) set(name string, axes []axis) {
	if name == "" {
		return
	}
	sizes, ok := a.dims(name)
	for k := range axes {
		// What inference says and what the walk found must agree, or else nothing is cut.
		if axes[k].channels != nil && ok && (k >= len(sizes) || sizes[k] >= 0 && sizes[k] != int64(len(axes[k].channels))) {
			why := fmt.Sprintf("the shape of %q does not fit its inputs", name)
			a.fix(axes[k].channels, why)
			axes[k] = axis{why: why}
		}
	}
	a.record(name, axes)
}

func (a *analysis) record(name string, axes []axis) {
	if _, known := a.axes[name]; !known {
		a.named = append(a.named, name)
	}
	a.axes[name] = axes
}

// setAll records that no axis of an output can be cut.
func (a *analysis) setAll(name, why string) {
	if name == "" {
		return
	}
	sizes, _ := a.dims(name)
	axes := make([]axis, len(sizes))
	for k := range axes {
		axes[k].why = why
	}
	a.record(name, axes)
}

// fixAxis makes one axis of an input uncuttable.
func (a *analysis) fixAxis(name string, k int, why string) {
	if t := a.constant(name); t != nil && k < len(t.Shape) {
		if x := a.place(t, name, k); !x.asked {
			x.asked, x.why = true, why
			return
		}
	}
	if x := a.axis(name, k); x.channels != nil {
		a.fix(x.channels, why)
	}
}

// fixValue makes all axes of a value or constant uncuttable.
func (a *analysis) fixValue(name, why string) {
	if name == "" {
		return
	}
	n := len(a.axes[name])
	if t := a.constant(name); t != nil {
		n = len(t.Shape)
	}
	for k := range n {
		a.fixAxis(name, k, why)
	}
	for _, src := range a.shaped[name] {
		a.fixValue(src, fmt.Sprintf("its sizes are computed with: %s", why))
	}
}
