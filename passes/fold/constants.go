package fold

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/human"
)

// budget bounds the bytes of results that constant folding adds to a model. What is over it stays as it is.
const budget = 64 << 20

// pure are the operators that folding computes: cheap for their size, the same for the same inputs. QuantizeLinear and
// DequantizeLinear are left out, for folding them would undo a quantization; products are left out for their cost.
var pure = []string{"Abs", "Add", "Cast", "Ceil", "Clip", "Concat", "Div", "Equal", "Expand", "Flatten", "Floor", "Gather",
	"Greater", "Less", "Max", "Min", "Mul", "Neg", "Not", "Pad", "Pow", "ReduceMean", "ReduceSum", "Reshape", "Slice",
	"Split", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where"}

// keepsName are the operators that show the same weight in another form. A weight that only such a node takes keeps its
// name, and so does its layer.
var keepsName = []string{"Cast", "Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}

// constants turns Constant nodes into initializers and replaces nodes that always give the same by what they give: the
// shapes that follow from the header, and what pure operators make of constants.
func (f *folding) constants() error {
	c := constants{folding: f, left: budget, gone: map[*ir.Node]bool{}, uses: map[string]int{}}
	c.known, _ = ir.Infer(f.site.Model, nil) // contradictions are for the executor to report; nothing follows from them here
	for _, n := range f.graph.Nodes {
		for _, v := range n.Takes() {
			c.uses[v]++
		}
	}
	for _, n := range slices.Clone(f.graph.Nodes) {
		if err := c.node(n); err != nil {
			return err
		}
	}
	if c.moved > 0 {
		f.notef("%s turned into tensors", counted(c.moved, "Constant node"))
	}
	if c.folded > 0 {
		f.notef("%s folded into constants", counted(c.folded, "node"))
	}
	if c.over > 0 {
		f.notef("%s left with results over the budget of %s", counted(c.over, "constant node"), human.Bytes(budget))
	}
	if c.refused > 0 {
		f.notef("%s left that pare cannot compute", counted(c.refused, "constant node"))
	}
	return nil
}

type constants struct {
	*folding
	known map[string]ir.Info
	uses  map[string]int // nodes that take a value
	gone  map[*ir.Node]bool
	left  int64 // of the budget

	moved, folded, over, refused int
}

func (c *constants) node(n *ir.Node) error {
	for _, out := range n.Outputs {
		if out != "" && c.graph.IsOutput(out) {
			return nil // the name is the caller's, and a runtime wants a node behind it
		}
	}
	if n.Is("Constant") {
		if t := n.Constant(); t != nil {
			c.graph.RemoveNode(n)
			c.graph.SetTensor(t)
			c.moved++
		}
		return nil
	}
	if t := c.fromHeader(n); t != nil {
		c.graph.RemoveNode(n)
		c.graph.SetTensor(t)
		c.folded++
		return nil
	}
	if !n.Is(pure...) {
		return nil
	}
	inputs, ok := c.inputs(n)
	if !ok {
		return nil
	}
	results, size := c.results(n)
	if results == nil {
		return nil
	}
	if size > c.left {
		c.over++
		return nil
	}
	results, err := compute(c.ctx, c.site.Model, n, inputs, results)
	if err != nil {
		var unsupported *exec.Unsupported
		if errors.As(err, &unsupported) {
			c.refused++
			return nil
		}
		return fmt.Errorf("constant %s %s: %w", n.Op, n.Name, err)
	}
	c.left -= size
	c.folded++
	c.replace(n, results)
	return nil
}

// fromHeader returns the value of a node whose every element follows from shapes, nil for others.
func (c *constants) fromHeader(n *ir.Node) *ir.Tensor {
	if len(n.Outputs) != 1 || len(n.Attrs) > 0 && n.Is("DequantizeLinear", "QuantizeLinear") {
		return nil
	}
	info := c.known[n.Outputs[0]]
	shape, ok := info.Shape.Ints()
	if !ok || info.DType != ir.Int64 || info.Elems == nil {
		return nil
	}
	values := make([]int64, len(info.Elems))
	for i, e := range info.Elems {
		if !e.Known {
			return nil
		}
		values[i] = e.Value
	}
	if count, err := ir.Elements(shape); err != nil || count != len(values) {
		return nil
	}
	return ir.FromInt64s(n.Outputs[0], shape, values)
}

// inputs returns the tensors that a node takes; false if one of them is no constant or the node holds subgraphs.
func (c *constants) inputs(n *ir.Node) ([]*ir.Tensor, bool) {
	for i := range n.Attrs {
		if n.Attrs[i].Graph != nil {
			return nil, false
		}
	}
	var list []*ir.Tensor
	for _, v := range n.Inputs {
		if v == "" {
			continue
		}
		t := c.graph.Tensor(v)
		if t == nil || t.DType == ir.String {
			return nil, false
		}
		if !slices.ContainsFunc(list, func(u *ir.Tensor) bool { return u.Name == t.Name }) {
			list = append(list, t)
		}
	}
	return list, len(list) > 0
}

// results returns headers of what a node gives, as inference knows them, and their bytes; nil if it does not know.
func (c *constants) results(n *ir.Node) ([]*ir.Tensor, int64) {
	var list []*ir.Tensor
	var total int64
	for _, out := range n.Outputs {
		if out == "" {
			return nil, 0
		}
		info := c.known[out]
		shape, ok := info.Shape.Ints()
		if !ok || info.DType.Bits() == 0 {
			return nil, 0
		}
		size, err := ir.ByteSize(info.DType, shape)
		if err != nil {
			return nil, 0
		}
		total = min(total+size, budget+1)
		list = append(list, ir.NewTensor(out, info.DType, shape, nil).Header())
	}
	return list, total
}

// replace puts results in place of a node.
func (c *constants) replace(n *ir.Node, results []*ir.Tensor) {
	source, out := n.Inputs[0], n.Outputs[0]
	c.graph.RemoveNode(n)
	if n.Is(keepsName...) && c.uses[source] == 1 && !c.graph.IsOutput(source) {
		c.graph.ReplaceUses(out, source)
		c.graph.SetTensor(results[0].WithName(source))
		c.uses[source] = c.uses[out]
		return
	}
	for _, t := range results {
		c.graph.SetTensor(t)
	}
}

// compute runs a single node on constants. If any of them is a header, so are the results.
func compute(ctx context.Context, m *ir.Model, n *ir.Node, inputs, results []*ir.Tensor) ([]*ir.Tensor, error) {
	g := &ir.Graph{Name: "constant", Nodes: []*ir.Node{n.Clone()}}
	for _, t := range inputs {
		if !t.HasData() {
			return results, nil
		}
		g.SetTensor(t)
	}
	for _, r := range results {
		g.Outputs = append(g.Outputs, &ir.Value{Name: r.Name, DType: r.DType, Shape: ir.ShapeOf(r.Shape...)})
	}
	small := &ir.Model{Format: m.Format, IRVersion: m.IRVersion, Opsets: m.Opsets, Graph: g}
	p, err := exec.Compile(small, exec.Options{Workers: 1, Memory: 4 * budget})
	if err != nil {
		return nil, err
	}
	values, err := p.Run(ctx, map[string]*exec.Array{})
	if err != nil {
		return nil, err
	}
	out := make([]*ir.Tensor, len(results))
	for i, r := range results {
		t := values[r.Name].ToTensor(r.Name)
		if t.DType != r.DType || !slices.Equal(t.Shape, r.Shape) {
			return nil, fmt.Errorf("gives %s %v where its header says %s %v", t.DType, t.Shape, r.DType, r.Shape)
		}
		out[i] = t
	}
	return out, nil
}
