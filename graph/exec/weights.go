package exec

import (
	"context"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/ggml"
)

// LayerWeight returns the weight of a layer as float32 in the layout of the tensor that holds it: the tensor's elements,
// or where it holds codes, what its DequantizeLinear (or a Cast, Sub and Mul in its place) makes of them, or the values of
// ggml's blocks. That of a MatMulNBits is the matrix of inputs by outputs that it stands for. Codes of operators that compute with integers are returned less their zero point, in steps of their scale.
func LayerWeight(m *ir.Model, l ir.Layer) ([]float32, error) {
	switch l.Weight.DType {
	case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
		return l.Weight.Float32s()
	}
	if elements, _ := l.Weight.DType.Block(); elements > 0 {
		return blockValues(l.Weight)
	}
	w := weightOf(m, l)
	if packedOp(l.Node) {
		return w.packed(l)
	}
	nodes, out := w.chain(l.Weight.Name)
	switch {
	case len(nodes) > 0:
		y, err := w.run(nodes, out)
		if err != nil {
			return nil, fmt.Errorf("weight of layer %s: %w", l.Name, err)
		}
		return y, nil
	case integerOp(l.Node):
		return w.codes(l)
	}
	return nil, fmt.Errorf("weight of layer %s is %s, and no DequantizeLinear reads it", l.Name, l.Weight.DType)
}

// HasLayerWeight tells, without reading a weight, whether LayerWeight can give it.
func HasLayerWeight(m *ir.Model, l ir.Layer) bool {
	switch l.Weight.DType {
	case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
		return true
	}
	if elements, _ := l.Weight.DType.Block(); elements > 0 || integerOp(l.Node) || packedOp(l.Node) {
		return true
	}
	nodes, _ := weightOf(m, l).chain(l.Weight.Name)
	return len(nodes) > 0
}

func integerOp(n *ir.Node) bool {
	return n.Is("ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul")
}

func packedOp(n *ir.Node) bool { return n.Domain == "com.microsoft" && n.Op == "MatMulNBits" }

// packed returns the weight of a MatMulNBits.
func (w *weight) packed(l ir.Layer) ([]float32, error) {
	bits, group := int(l.Node.Int("bits", 4)), int(l.Node.Int("block_size", 0))
	if bits != 2 && bits != 4 && bits != 8 || group < 16 || group&(group-1) != 0 {
		return nil, fmt.Errorf("weight of layer %s has %d bits in blocks of %d", l.Name, bits, group)
	}
	k, n := l.InFeatures, l.OutFeatures
	blocks := (k + group - 1) / group
	scaleOf := w.tensor(l.Node.Input(2))
	if scaleOf == nil || scaleOf.Len() != n*blocks || l.Weight.Len() != n*blocks*group*bits/8 {
		return nil, fmt.Errorf("weight of layer %s: scales or codes are not those of %d by %d", l.Name, k, n)
	}
	codes, err := l.Weight.Bytes()
	if err != nil {
		return nil, err
	}
	scales, err := scaleOf.Float32s()
	if err != nil {
		return nil, err
	}
	per, mask := 8/bits, byte(1<<bits-1)
	row := (blocks*bits + 7) / 8
	zero := func(int, int) float32 { return float32(int(1) << (bits - 1)) }
	if t := w.tensor(l.Node.Input(3)); t != nil {
		switch {
		case t.DType == ir.Uint8 && t.Len() == n*row:
			zeros, err := t.Bytes()
			if err != nil {
				return nil, err
			}
			zero = func(c, b int) float32 { return float32(zeros[c*row+b/per] >> (b % per * bits) & mask) }
		case t.DType == scaleOf.DType && t.Len() == n*blocks:
			zeros, err := t.Float32s()
			if err != nil {
				return nil, err
			}
			zero = func(c, b int) float32 { return zeros[c*blocks+b] }
		default:
			return nil, fmt.Errorf("weight of layer %s: zero points are %s of shape %v", l.Name, t.DType, t.Shape)
		}
	}
	out := make([]float32, k*n)
	for c := range n {
		for i := range k {
			at := c*blocks*group + i
			code := codes[at/per] >> (at % per * bits) & mask
			out[i*n+c] = (float32(code) - zero(c, i/group)) * scales[c*blocks+i/group]
		}
	}
	return out, nil
}

// weight is where a layer's weight and what makes numbers of it stand.
type weight struct {
	opsets []ir.Opset
	graphs []*ir.Graph // innermost first
}

func weightOf(m *ir.Model, l ir.Layer) *weight {
	w := &weight{opsets: m.Opsets}
	for _, g := range []*ir.Graph{l.Graph, l.Home, m.Graph} {
		if g != nil && (l.Within != "" || g == m.Graph) && !slices.Contains(w.graphs, g) {
			w.graphs = append(w.graphs, g)
		}
	}
	return w
}

func (w *weight) tensor(name string) *ir.Tensor {
	for _, g := range w.graphs {
		if t := g.Tensor(name); t != nil {
			return t
		}
	}
	return nil
}

// chain finds the nodes that make numbers of the codes called name, and what the last gives. There are none if nothing does.
func (w *weight) chain(name string) (nodes []*ir.Node, out string) {
	floats := false
	for value := name; len(nodes) < 8; {
		n := w.next(value)
		if n == nil {
			break
		}
		nodes = append(nodes, n)
		value = n.Output(0)
		floats = floats || n.Is("DequantizeLinear", "Cast")
		out = value
	}
	if !floats {
		return nil, ""
	}
	return nodes, out
}

// next finds a node that dequantizes a value with constants.
func (w *weight) next(value string) *ir.Node {
	for _, g := range w.graphs {
		for _, n := range g.Nodes {
			switch {
			case n.Is("DequantizeLinear") && n.Input(0) == value, n.Is("Cast") && n.Input(0) == value,
				n.Is("Sub") && n.Input(0) == value && w.tensor(n.Input(1)) != nil,
				n.Is("Mul") && n.Input(0) == value && w.tensor(n.Input(1)) != nil,
				n.Is("Mul") && n.Input(1) == value && w.tensor(n.Input(0)) != nil:
				return n
			}
		}
	}
	return nil
}

// run computes what the nodes make of constants.
func (w *weight) run(nodes []*ir.Node, result string) ([]float32, error) {
	alone := &ir.Model{Opsets: w.opsets, Graph: &ir.Graph{Outputs: []*ir.Value{{Name: result}}}}
	for _, n := range nodes {
		if scales := w.producer(n.Input(1)); scales != nil && scales.Is("DequantizeLinear") { // codes themselves, of nvfp4
			alone.Graph.Nodes = append(alone.Graph.Nodes, scales)
		}
		alone.Graph.Nodes = append(alone.Graph.Nodes, n)
	}
	for _, n := range alone.Graph.Nodes {
		for _, in := range n.Inputs {
			if t := w.tensor(in); t != nil {
				alone.Graph.SetTensor(t)
			}
		}
	}
	p, err := Compile(alone, Options{Workers: 1})
	if err != nil {
		return nil, err
	}
	out, err := p.Run(context.Background(), nil)
	if err != nil {
		return nil, err
	}
	y := out[result]
	if y.DType == ir.Float32 {
		return y.Float32s(), nil
	}
	get, values := readFloat(y), make([]float32, y.Len())
	for i := range values {
		values[i] = float32(get(i))
	}
	return values, nil
}

func (w *weight) producer(value string) *ir.Node {
	for _, g := range w.graphs {
		if n := g.Producer(value); n != nil {
			return n
		}
	}
	return nil
}

// codes returns the codes of an integer operator less their zero point: one, or one for each output channel.
func (w *weight) codes(l ir.Layer) ([]float32, error) {
	list, err := l.Weight.Int64s()
	if err != nil {
		return nil, err
	}
	at := map[string]int{"ConvInteger": 3, "MatMulInteger": 3, "QLinearConv": 5, "QLinearMatMul": 5}[l.Node.Op]
	zeros := []int64{0}
	if t := w.tensor(l.Node.Input(at)); t != nil {
		if zeros, err = t.Int64s(); err != nil {
			return nil, err
		}
	}
	below := 1 // elements for each index of the axis of outputs
	for _, d := range l.Weight.Shape[l.OutAxis+1:] {
		below *= d
	}
	out := make([]float32, len(list))
	for i, v := range list {
		out[i] = float32(v - zeros[i/below%l.Weight.Shape[l.OutAxis]%len(zeros)])
	}
	return out, nil
}

// blockValues returns the numbers that ggml's blocks hold.
func blockValues(w *ir.Tensor) ([]float32, error) {
	b, err := w.Bytes()
	if err != nil {
		return nil, err
	}
	values := make([]float32, w.Len())
	if len(values) == 0 {
		return values, nil
	}
	if err := ggml.Dequantize(values, ggml.Type(w.DType-ir.BlockBase), b, w.Shape[len(w.Shape)-1]); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", w.Name, err)
	}
	return values, nil
}
