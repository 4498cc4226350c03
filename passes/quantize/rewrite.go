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

	inner []*rewrite // of subgraphs that weights stand in
}

// of returns the rewrite of the graph that a layer's weight stands in.
func (r *rewrite) of(t *target) *rewrite {
	if t.Kept == "" {
		return r
	}
	for _, in := range r.inner {
		if in.graph == t.Home {
			return in
		}
	}
	in := newRewrite(t.Home, r.names)
	r.inner = append(r.inner, in)
	return in
}

// newRewrite begins a rewrite of a graph. names are those of the whole model.
func newRewrite(g *ir.Graph, taken names) *rewrite {
	return &rewrite{graph: g, index: g.Index(), names: taken, stored: map[string]bool{}, left: map[string]int{}, gone: map[string]bool{}, scales: map[*value][2]string{},
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

// weight stores a layer's weight in its new form. All nodes that take the weight take the new one, so a weight that several
// layers share is stored once.
func (r *rewrite) weight(t *target, m *ir.Model) {
	w := t.Weight
	if r.stored[w.Name] {
		return
	}
	r.stored[w.Name] = true
	if t.as.kind == half || t.as.kind == block {
		r.retype(t, m)
		return
	}
	users := r.index.Consumers(w.Name)
	r.gone[w.Name] = !r.graph.IsOutput(w.Name)
	names := [4]string{r.names.fresh(w.Name + "_quantized"), r.names.fresh(w.Name + "_scale")}
	p := parts{}
	if t.hasZero() {
		names[2] = r.names.fresh(w.Name + "_zero_point")
	}
	if t.as.name == "nvfp4" {
		names[3] = r.names.fresh(w.Name + "_global_scale")
	}
	if t.coded != nil {
		c := t.coded.tensors([3]string(names[:3]), t.as.dtype, w.Shape, t.perAxis())
		p = parts{codes: c[0], scale: c[1], zero: c[2]}
	} else {
		p = t.tensors(names)
	}
	if t.nbits {
		r.matMulNBits(t, p, users, m)
		return
	}
	for _, tensor := range []*ir.Tensor{p.codes, p.scale, p.zero, p.global} {
		if tensor != nil {
			r.graph.AddTensor(tensor)
		}
	}
	inputs := []string{names[0], names[1]}
	if p.zero != nil {
		inputs = append(inputs, names[2])
	}
	if p.global != nil {
		n, out := r.dequantize(names[1], []string{names[1], names[3]}, -1)
		r.before[users[0]] = append(r.before[users[0]], n)
		inputs[1] = out
	}
	axis := -1
	if t.granularity != "tensor" {
		axis = t.axis
	}
	n, out := r.dequantize(w.Name, inputs, axis)
	if t.granularity == "group" || t.granularity == "block" {
		n.Attrs = append(n.Attrs, ir.IntAttr("block_size", int64(t.group)))
	}
	if t.granularity == "block" {
		n.Attrs = append(n.Attrs, ir.IntsAttr(ir.SquareAttr, int64(t.group), int64(t.group)))
	}
	if dtype, _ := scaleDType(w); t.as.name == "mxfp4" || t.as.name == "nvfp4" && dtype != ir.Float32 {
		n.Attrs = append(n.Attrs, ir.IntAttr("output_dtype", int64(dtype)))
	}
	r.before[users[0]] = append(r.before[users[0]], n)
	r.graph.ReplaceUsesBy(users, w.Name, out)
}

// retype puts a weight of another type in the place of the one there was. In an ONNX model a Cast gives its users the type
// that they took before; other formats store a type for each tensor and leave it to the runtime to compute with it.
func (r *rewrite) retype(t *target, m *ir.Model) {
	w := t.Weight
	if t.as.dtype == w.DType {
		return
	}
	users := r.index.Consumers(w.Name)
	tensor := header(w.Name, t.as.dtype, w.Shape)
	if t.converted != nil {
		tensor = t.converted.tensor(w.Name)
	}
	r.graph.SetTensor(tensor)
	if t.as.kind == block || m.Format == "safetensors" || m.Format == "gguf" {
		return
	}
	name := r.names.fresh(w.Name + "_Cast")
	out := r.names.fresh(name + "_Output")
	r.before[users[0]] = append(r.before[users[0]], &ir.Node{Name: name, Op: "Cast", Inputs: []string{w.Name}, Outputs: []string{out},
		Attrs: []ir.Attr{ir.IntAttr("to", int64(w.DType))}})
	r.graph.ReplaceUsesBy(users, w.Name, out)
}

// dynamic notes on a layer's node that its runtime quantizes what comes in.
func (r *rewrite) dynamic(t *target) {
	if t.Params.dynamic() && t.Type == "linear" {
		t.Node.SetAttr(ir.StringAttr(ir.ActivationsAttr, t.Params.Activations.Type+",dynamic,token"))
	}
}

// bias stores a layer's bias as int32 codes. input is the scale of the layer's input, and 0 on a header.
func (r *rewrite) bias(t *target, input float32) error {
	b := r.graph.Tensor(t.Node.Input(2))
	count := 1
	if t.perAxis() {
		count = t.OutFeatures
	}
	base := b.Name
	names := [2]string{r.names.fresh(base + "_quantized"), r.names.fresh(base + "_quantized_scale")}
	var shape []int
	axis := -1
	if t.perAxis() {
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
	for _, in := range r.inner {
		in.finish()
	}
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

func dtypeOf(name string) ir.DType { return typeNamed(name).dtype }

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
