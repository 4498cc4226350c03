package quantize

import (
	"slices"
	"strconv"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/affine"
)

// rewrite puts QuantizeLinear and DequantizeLinear into a graph as ONNX Runtime's own quantizer writes them: a weight or
// bias is stored as codes with a DequantizeLinear alone, an activation gets both. Runtimes fuse these with the operators
// between into integer kernels; run one by one they compute the same in float32.
//
// Every method takes what is computed as nil for a header, and then makes headers.
type rewrite struct {
	graph  *ir.Graph
	index  *ir.Index // as the graph was
	names  names
	stored map[string]bool         // weights that are codes by now
	left   map[string]int          // of biases that are codes by now: how many nodes still take the numbers
	gone   map[string]bool         // tensors that nobody takes any more
	scales map[*value][2]string    // names of scale and zero point
	front  []*ir.Node              // to stand before all others
	before map[*ir.Node][]*ir.Node // to stand right before a node
	after  map[*ir.Node][]*ir.Node // right behind it
}

func newRewrite(g *ir.Graph) *rewrite {
	return &rewrite{graph: g, index: g.Index(), names: namesOf(g), stored: map[string]bool{}, left: map[string]int{}, gone: map[string]bool{}, scales: map[*value][2]string{},
		before: map[*ir.Node][]*ir.Node{}, after: map[*ir.Node][]*ir.Node{}}
}

// dequantize makes a DequantizeLinear over tensors and returns it with the name of what it gives. An axis below 0 says
// that there is one scale.
func (r *rewrite) dequantize(base string, inputs []string, axis int) (n *ir.Node, out string) {
	name := r.names.fresh(base + "_DequantizeLinear")
	out = r.names.fresh(name + "_Output")
	n = &ir.Node{Name: name, Op: "DequantizeLinear", Inputs: inputs, Outputs: []string{out}}
	if axis >= 0 {
		n.Attrs = []ir.Attr{ir.IntAttr("axis", int64(axis))}
	}
	return n, out
}

// weight stores a layer's weight as codes. All nodes that take the weight take the codes, so a weight that several
// layers share is stored once.
func (r *rewrite) weight(t *target) {
	w := t.Weight
	if r.stored[w.Name] {
		return
	}
	r.stored[w.Name] = true
	names := [3]string{r.names.fresh(w.Name + "_quantized"), r.names.fresh(w.Name + "_scale"), r.names.fresh(w.Name + "_zero_point")}
	axis, count := -1, 1
	if t.perAxis {
		axis, count = t.OutAxis, w.Shape[t.OutAxis]
	}
	tensors := headers(names, dtypeOf(t.Params.Weights.Type), w.Shape, t.perAxis, count)
	if t.coded != nil {
		tensors = t.coded.tensors(names, dtypeOf(t.Params.Weights.Type), w.Shape, t.perAxis)
	}
	users := r.index.Consumers(w.Name)
	r.gone[w.Name] = !r.graph.IsOutput(w.Name)
	for _, tensor := range tensors {
		r.graph.AddTensor(tensor)
	}
	n, out := r.dequantize(w.Name, names[:], axis)
	r.before[users[0]] = append(r.before[users[0]], n)
	r.graph.ReplaceUsesBy(users, w.Name, out)
}

// bias stores a layer's bias as int32 codes. input is the scale of the layer's input, and 0 on a header.
func (r *rewrite) bias(t *target, input float32) error {
	b := r.graph.Tensor(t.Node.Input(2))
	count := 1
	if t.perAxis {
		count = t.OutFeatures
	}
	base := b.Name
	names := [2]string{r.names.fresh(base + "_quantized"), r.names.fresh(base + "_quantized_scale")}
	var shape []int
	axis := -1
	if t.perAxis {
		shape, axis = []int{count}, 0
	}
	codes, scale := header(names[0], ir.Int32, b.Shape), header(names[1], ir.Float32, shape)
	if t.coded != nil {
		data, err := b.Float32s()
		if err != nil {
			return err
		}
		c, s := encodeBias(data, input, t.coded.grids)
		codes, scale = ir.NewTensor(names[0], ir.Int32, b.Shape, c), ir.FromFloat32s(names[1], shape, s)
	}
	r.graph.AddTensor(codes)
	r.graph.AddTensor(scale)
	n, out := r.dequantize(base, names[:], axis)
	r.before[t.Node] = append(r.before[t.Node], n)
	t.Node.Inputs[2] = out
	if _, seen := r.left[b.Name]; !seen {
		r.left[b.Name] = len(r.index.Consumers(b.Name))
	}
	r.left[b.Name]--
	r.gone[b.Name] = r.left[b.Name] == 0 && !r.graph.IsOutput(b.Name)
	return nil
}

// activation puts QuantizeLinear and DequantizeLinear behind a value. grids has its grid, unless it is a header's.
func (r *rewrite) activation(v *value, grids map[string]affine.Grid) {
	if v.like == nil {
		scale, zero := r.names.fresh(v.name+"_scale"), r.names.fresh(v.name+"_zero_point")
		r.scales[v] = [2]string{scale, zero}
		dtype := dtypeOf(v.settings.Type)
		if grid, ok := grids[v.name]; !ok {
			r.graph.AddTensor(header(scale, ir.Float32, nil))
			r.graph.AddTensor(header(zero, dtype, nil))
		} else {
			r.graph.AddTensor(ir.FromFloat32s(scale, nil, []float32{grid.Scale}))
			r.graph.AddTensor(ir.NewTensor(zero, dtype, nil, []byte{byte(grid.Zero)}))
		}
	}
	scales := r.scales[v.root()]
	name := r.names.fresh(v.name + "_QuantizeLinear")
	codes := r.names.fresh(name + "_Output")
	q := &ir.Node{Name: name, Op: "QuantizeLinear", Inputs: []string{v.name, scales[0], scales[1]}, Outputs: []string{codes}}
	dq, out := r.dequantize(v.name, []string{codes, scales[0], scales[1]}, -1)
	for _, n := range v.takers {
		for i, in := range n.Inputs {
			if in == v.name {
				n.Inputs[i] = out
			}
		}
	}
	if v.producer == nil {
		r.front = append(r.front, q, dq)
	} else {
		r.after[v.producer] = append(r.after[v.producer], q, dq)
	}
}

// finish puts the new nodes where they belong and drops tensors and Constant nodes that nobody takes any more.
func (r *rewrite) finish() {
	r.graph.RemoveTensors(r.gone)
	list := slices.Clone(r.front)
	for _, n := range r.graph.Nodes {
		list = append(list, r.before[n]...)
		if !n.Is("Constant") || !r.gone[n.Output(0)] {
			list = append(list, n)
		}
		list = append(list, r.after[n]...)
	}
	r.graph.Nodes = list
}

func dtypeOf(name string) ir.DType {
	if name == "uint8" {
		return ir.Uint8
	}
	return ir.Int8
}

// names are the names in use in a graph and its subgraphs.
type names map[string]bool

func namesOf(g *ir.Graph) names {
	taken := names{"": true}
	for queue := []*ir.Graph{g}; len(queue) > 0; {
		g, queue = queue[0], queue[1:]
		for _, list := range [][]*ir.Value{g.Inputs, g.Outputs, g.Values} {
			for _, v := range list {
				taken[v.Name] = true
			}
		}
		for _, t := range g.Tensors() {
			taken[t.Name] = true
		}
		for _, n := range g.Nodes {
			taken[n.Name] = true
			for _, v := range slices.Concat(n.Inputs, n.Outputs) {
				taken[v] = true
			}
			for i := range n.Attrs {
				if sub := n.Attrs[i].Graph; sub != nil {
					queue = append(queue, sub)
				}
			}
		}
	}
	return taken
}

// fresh returns base, or base with a number behind it if that is in use, and takes the name.
func (taken names) fresh(base string) string {
	name := base
	for i := 1; taken[name]; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	taken[name] = true
	return name
}
