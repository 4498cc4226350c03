package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// module is a linear layer whose weight is stored as codes, as the graph has it.
type module struct {
	name string // without .weight
	scheme
	codes, scale *ir.Tensor
	zero         *ir.Tensor // nil: symmetric
	global       *ir.Tensor // of nvfp4: what scales are multiplied by
	inScale      *ir.Tensor // of static activations
	inZero       *ir.Tensor // nil: symmetric
	value        ir.DType   // of the numbers, where the scales do not tell it
	square       int        // of blocks: rows that share a scale
}

// modules finds the linear layers whose weights are codes, in graph order, the names of those that are not, and what
// cannot be expressed. used are the tensors that belong to the modules.
type modules struct {
	list     []*module
	ignored  []string
	problems []format.Problem
	used     map[string]bool
}

func findModules(m *ir.Model) *modules {
	out := &modules{used: map[string]bool{}}
	x := m.Graph.Index()
	seen := map[*ir.Node]bool{} // nodes of quantization that a module accounts for
	found := map[*ir.Tensor]bool{}
	for _, l := range m.Layers() {
		stack := l.Type == "linear" && len(l.Weight.Shape) == 3
		if l.Type == "norm" || len(l.Weight.Shape) != 2 && !stack {
			continue
		}
		if elements, _ := l.Weight.DType.Block(); elements > 0 {
			out.problem(l.Name, "%s is a block type of ggml, which safetensors does not have: write GGUF, or choose int4 or int8", l.Weight.DType)
			out.used[l.Weight.Name] = true
			continue
		}
		n := dequantizer(x, &l)
		if n == nil {
			if l.Type == "linear" && l.OutAxis == 0 && !stack {
				out.ignored = append(out.ignored, moduleOf(&l))
			}
			continue
		}
		for _, q := range nodesOf(x, &l, n) {
			seen[q] = true
			for _, in := range q.Inputs {
				if x.Tensor(in) != nil {
					out.used[in] = true
				}
			}
		}
		mod, err := moduleAt(x, &l, n)
		if err != nil {
			out.problem(l.Name, "%v", err)
			continue
		}
		if found[l.Weight] {
			continue // one weight of several layers
		}
		found[l.Weight] = true
		out.list = append(out.list, mod)
	}
	for _, n := range m.Graph.Nodes {
		if n.Is("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear") && !seen[n] {
			out.problem("", "the value %s is quantized; compressed-tensors knows codes of linear layers' weights and inputs alone", n.Input(0))
		}
	}
	return out
}

func (m *modules) problem(layer, text string, args ...any) {
	m.problems = append(m.problems, format.Problem{Layer: layer, Message: fmt.Sprintf(text, args...)})
}

// moduleOf is the name that a configuration has for a layer's module.
func moduleOf(l *ir.Layer) string {
	name := strings.TrimSuffix(strings.TrimSuffix(l.Weight.Name, "_quantized"), ".weight")
	if l.Tied && name != l.Name {
		return l.Name
	}
	return name
}

// dequantizer finds the node that makes a layer's weight out of codes; nil if it is stored as it is.
func dequantizer(x *ir.Index, l *ir.Layer) *ir.Node {
	for _, in := range l.Node.Inputs {
		for range 8 {
			n := x.Producer(in)
			if n == nil {
				break
			}
			if n.Is("DequantizeLinear") && x.Tensor(n.Input(0)) == l.Weight {
				return n
			}
			if !n.Is("Transpose", "Cast", "Identity") {
				break
			}
			in = n.Input(0)
		}
	}
	return nil
}

// moduleAt describes the layer l, whose weight n makes.
func moduleAt(x *ir.Index, l *ir.Layer, n *ir.Node) (*module, error) {
	weight, ok := strings.CutSuffix(strings.TrimSuffix(l.Weight.Name, "_quantized"), ".weight")
	switch {
	case len(l.Weight.Shape) == 3:
		return nil, fmt.Errorf("its weight is a stack of %d matrices; compressed-tensors holds codes of matrices alone: leave it out with ignore: [role:expert], or write GGUF", l.Weight.Shape[0])
	case l.Type == "embedding":
		return nil, fmt.Errorf("compressed-tensors holds codes of linear layers, not of embeddings: leave it out with ignore: [type:embedding]")
	case l.Type != "linear" || l.OutAxis != 0:
		return nil, fmt.Errorf("its weight is stored [inputs, outputs]; compressed-tensors packs modules of class Linear alone, which store [outputs, inputs]")
	case !ok || weight == "":
		return nil, fmt.Errorf("its weight is named %s; compressed-tensors looks for codes of tensors named *.weight", l.Weight.Name)
	case l.Tied:
		return nil, fmt.Errorf("its weight is shared with %s, and safetensors stores no codes of shared weights: leave both out", strings.Join(l.TiedWith, ", "))
	}
	m := &module{name: weight, codes: l.Weight}
	if m.scale = x.Tensor(n.Input(1)); m.scale == nil {
		g := x.Producer(n.Input(1)) // scales of scales
		if g == nil || !g.Is("DequantizeLinear") || x.Tensor(g.Input(0)) == nil || x.Tensor(g.Input(1)) == nil || g.Input(2) != "" {
			return nil, fmt.Errorf("its scales are computed")
		}
		m.scale, m.global = x.Tensor(g.Input(0)), x.Tensor(g.Input(1))
	}
	if n.Input(2) != "" {
		m.zero = x.Tensor(n.Input(2))
	}
	if err := m.describe(n); err != nil {
		return nil, err
	}
	if err := m.activations(x, l); err != nil {
		return nil, err
	}
	return m, m.choose()
}

// describe finds out how the weight is stored.
func (m *module) describe(n *ir.Node) error {
	w := &m.weights
	d := m.codes.DType
	unsigned := d == ir.Uint8 || d == ir.Uint4 || d == ir.Uint2
	switch d {
	case ir.Int8, ir.Uint8, ir.Int4, ir.Uint4, ir.Int2, ir.Uint2:
		w.bits = d.Bits()
	case ir.Float8E4M3FN, ir.Float4E2M1:
		w.bits, w.float = d.Bits(), true
	default:
		return fmt.Errorf("compressed-tensors has no layout for %s; it has int8, int4, int2, fp8_e4m3, mxfp4 and nvfp4", d)
	}
	w.symmetric = !unsigned
	if m.zero != nil && !unsigned {
		zeros, err := allZero(m.zero)
		if err != nil {
			return err
		}
		if w.symmetric = zeros; zeros {
			m.zero = nil
		}
	}
	if unsigned && m.zero == nil {
		return fmt.Errorf("its codes are %s without a zero point", d)
	}
	rows, columns := m.codes.Shape[0], m.codes.Shape[1]
	axis, block := int(n.Int("axis", 1)), int(n.Int("block_size", 0))
	if axis < 0 {
		axis += 2
	}
	square := n.Ints("pare_square")
	switch {
	case len(square) == 2 && square[0] > 0 && square[1] > 0 && square[0] <= math.MaxInt32 && square[1] <= math.MaxInt32:
		if !w.float || w.bits != 8 {
			return fmt.Errorf("it has a scale for each square of weights; compressed-tensors has that for fp8_e4m3 alone")
		}
		w.strategy, w.block, m.square = "block", [2]int{int(square[0]), int(square[1])}, int(square[0])
	case block > 0 && axis != 1:
		return fmt.Errorf("its groups run along the outputs; compressed-tensors groups inputs")
	case block > columns && columns > 0 && m.global == nil && m.scale.DType != ir.Float8E8M0:
		w.strategy = "channel"
	case block > 0 && columns%block != 0:
		return fmt.Errorf("its rows of %d columns are no whole number of groups of %d, which compressed-tensors asks for: choose a group that divides, or on_indivisible: fallback", columns, block)
	case block > 0:
		w.strategy, w.group = "group", block
	case m.scale.Len() == 1 && len(m.scale.Shape) <= 1:
		w.strategy = "tensor"
	case axis == 0 && m.scale.Len() == rows:
		w.strategy = "channel"
	default:
		return fmt.Errorf("it has scales of shape %v along axis %d; compressed-tensors has them for the tensor, each output, or groups of inputs", m.scale.Shape, axis)
	}
	return nil
}

// allZero reads a small tensor of integers; of a header it is taken to be so.
func allZero(t *ir.Tensor) (bool, error) {
	if !t.HasData() {
		return true, nil
	}
	b, err := t.Bytes()
	return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }), err
}

// activations finds out how the layer's input is stored: by a QuantizeLinear before it, or by what a pass asks for.
func (m *module) activations(x *ir.Index, l *ir.Layer) error {
	if a := l.Node.Attr("pare_activations"); a != nil {
		kind, rest, _ := strings.Cut(a.String, ",")
		dynamic, strategy, _ := strings.Cut(rest, ",")
		d, ok := ir.ParseDType(kind)
		in := &numbers{symmetric: true, strategy: strategy}
		switch {
		case ok && dynamic == "dynamic" && (strategy == "token" || strategy == "tensor") && (d == ir.Int8 || d == ir.Float8E4M3FN):
			in.dynamic = "true"
		case ok && dynamic == "dynamic" && strategy == "group" && d == ir.Float4E2M1 && m.scale.DType == ir.Float8E8M0:
			in.dynamic, in.group = "true", 32
		case ok && dynamic == "local" && strategy == "tensor_group" && d == ir.Float4E2M1:
			in.dynamic, in.group = "local", 16
		default:
			return fmt.Errorf("its activations are %s; compressed-tensors has int8 and fp8_e4m3, with a scale a token or tensor", a.String)
		}
		in.bits, in.float = d.Bits(), d != ir.Int8
		m.input = in
		return nil
	}
	_, dq := inputQuantizer(x, l)
	if dq == nil {
		return nil
	}
	scale, zero := x.Tensor(dq.Input(1)), x.Tensor(dq.Input(2))
	if scale == nil || scale.Len() != 1 || dq.Input(2) != "" && zero == nil {
		return fmt.Errorf("the scale of its input is computed, or there are several")
	}
	q := x.Producer(dq.Input(0))
	d := ir.DType(q.Int("output_dtype", 0))
	if zero != nil {
		d = zero.DType
	}
	in := &numbers{bits: 8, symmetric: true, strategy: "tensor"}
	m.inScale = scale
	switch d {
	case ir.Float8E4M3FN:
		in.float = true
	case ir.Int8, ir.Uint8:
		m.inZero = zero
		if in.symmetric = d == ir.Int8; zero != nil && in.symmetric {
			zeros, err := allZero(zero)
			if err != nil {
				return err
			}
			if in.symmetric = zeros; zeros {
				m.inZero = nil
			}
		}
		if !in.symmetric && m.inZero == nil {
			return fmt.Errorf("its input is %s without a zero point", d)
		}
	default:
		return fmt.Errorf("its input is %s; compressed-tensors has int8 and fp8_e4m3", d)
	}
	m.input = in
	return nil
}

// inputQuantizer finds the pair of nodes that quantizes a layer's input.
func inputQuantizer(x *ir.Index, l *ir.Layer) (q, dq *ir.Node) {
	n := x.Producer(l.Node.Input(0))
	if n == nil || !n.Is("DequantizeLinear") || x.Tensor(n.Input(0)) != nil {
		return nil, nil
	}
	p := x.Producer(n.Input(0))
	if p == nil || !p.Is("QuantizeLinear") {
		return nil, nil
	}
	return p, n
}

// nodesOf lists the nodes of quantization around a layer whose weight n makes: n itself, what makes its scales, what
// quantizes the layer's input.
func nodesOf(x *ir.Index, l *ir.Layer, n *ir.Node) []*ir.Node {
	list := []*ir.Node{n}
	if g := x.Producer(n.Input(1)); g != nil && g.Is("DequantizeLinear") {
		list = append(list, g)
	}
	if q, dq := inputQuantizer(x, l); dq != nil {
		list = append(list, q, dq)
	}
	return list
}

// choose picks the layout.
func (m *module) choose() error {
	w := &m.weights
	exponents := m.scale.DType == ir.Float8E8M0
	switch {
	case w.float && w.bits == 4 && m.global != nil && w.group == 16 && m.scale.DType == ir.Float8E4M3FN:
		m.format, w.strategy = nvfp4Packed, "tensor_group"
	case w.float && w.bits == 4 && m.global == nil && w.group == 32 && exponents:
		m.format = mxfp4Packed
	case w.float && w.bits == 4:
		return fmt.Errorf("compressed-tensors has fp4_e2m1 as mxfp4, in groups of 32, and as nvfp4, in groups of 16")
	case m.global != nil:
		return fmt.Errorf("its scales have a scale of their own, which compressed-tensors has for nvfp4 alone")
	case w.float && exponents && w.group == 32:
		m.format = mxfp8Quantized
	case exponents:
		return fmt.Errorf("its scales are powers of two, which compressed-tensors has for mxfp4 and mxfp8 alone")
	case w.float:
		m.format = floatQuantized
	case w.bits == 8 && m.input != nil && !m.input.float:
		m.format = intQuantized
	default:
		m.format = packQuantized
		if !w.symmetric && w.strategy == "tensor" {
			return fmt.Errorf("one zero point for the whole tensor cannot be packed: choose granularity channel or group, or symmetric: true")
		}
	}
	if m.input != nil && m.input.float && m.input.bits == 8 && !w.float && w.bits != 4 {
		return fmt.Errorf("fp8_e4m3 activations go with fp8_e4m3 or int4 weights in compressed-tensors")
	}
	if w.bits == 4 && w.float && m.codes.Shape[1]%2 != 0 {
		return fmt.Errorf("its rows of %d columns are no whole number of bytes", m.codes.Shape[1])
	}
	if rank := rankOf(m.scale.DType); rank < 0 {
		return fmt.Errorf("its scales are %s, which safetensors does not have", m.scale.DType)
	}
	return nil
}

// stored lists the tensors of a module as files have them. originals are tensors that were read, by what was made of them.
func (m *module) stored(originals map[*ir.Tensor]*ir.Tensor) []*ir.Tensor {
	at := func(name string) string { return m.name + "." + name }
	rows, columns, bits := m.codes.Shape[0], m.codes.Shape[1], m.weights.bits
	signed := m.codes.DType == ir.Int8 || m.codes.DType == ir.Int4 || m.codes.DType == ir.Int2
	top := byte(1) << (bits - 1)
	var out []*ir.Tensor
	scale := m.scaleTensor(at("weight_scale"))
	switch m.format {
	case packQuantized:
		var flip byte
		if signed {
			flip = top
		}
		words := (columns*bits + 31) / 32
		out = append(out,
			repacked(m.codes, at("weight_packed"), ir.Int32, []int{rows, words}, rows, pitch{columns, bits, columns * bits}, pitch{columns, bits, words * 32}, flip),
			scale, ir.FromInt64s(at("weight_shape"), []int{2}, []int64{int64(rows), int64(columns)}))
		if m.zero != nil {
			out = append(out, packRows(m.zero, at("weight_zero_point"), rows, m.zero.Len()/max(rows, 1), bits, flip))
		}
	case intQuantized:
		var flip byte
		if !signed {
			flip = top
		}
		out = append(out, mapped(m.codes, at("weight"), ir.Int8, m.codes.Shape, flip), scale)
		if m.zero != nil {
			out = append(out, mapped(m.zero, at("weight_zero_point"), ir.Int8, scale.Shape, flip))
		}
	case floatQuantized, mxfp8Quantized:
		out = append(out, mapped(m.codes, at("weight"), ir.Float8E4M3FN, m.codes.Shape, 0), scale)
	case nvfp4Packed, mxfp4Packed:
		out = append(out, mapped(m.codes, at("weight_packed"), ir.Uint8, []int{rows, columns / 2}, 0), scale)
	}
	if m.global != nil {
		out = append(out, m.globalTensor(at("weight_global_scale"), originals))
	}
	if m.inScale != nil {
		out = append(out, mapped(m.inScale, at("input_scale"), m.inScale.DType, []int{1}, 0))
	}
	if m.inZero != nil {
		var flip byte
		if m.inZero.DType == ir.Uint8 {
			flip = 0x80
		}
		out = append(out, mapped(m.inZero, at("input_zero_point"), ir.Int8, []int{1}, flip))
	}
	return out
}

// scaleTensor lays the scales out as files have them.
func (m *module) scaleTensor(name string) *ir.Tensor {
	s, rows, columns := m.scale, m.codes.Shape[0], m.codes.Shape[1]
	dtype := s.DType
	if dtype == ir.Float8E8M0 {
		dtype = ir.Uint8
	}
	switch m.weights.strategy {
	case "tensor":
		return mapped(s, name, dtype, []int{1}, 0)
	case "channel":
		return mapped(s, name, dtype, []int{rows, 1}, 0)
	case "block":
		width := (columns + m.weights.block[1] - 1) / m.weights.block[1]
		return thinned(s, name, rows, width, m.square)
	}
	return mapped(s, name, dtype, []int{rows, columns / m.weights.group}, 0)
}

// globalTensor is what scales are divided by: one through what the graph multiplies them by.
func (m *module) globalTensor(name string, originals map[*ir.Tensor]*ir.Tensor) *ir.Tensor {
	if t := originals[m.global]; t != nil {
		return t
	}
	if !m.global.HasData() {
		return &ir.Tensor{Name: name, DType: ir.Float32, Shape: []int{1}}
	}
	return reciprocal(m.global, name, []int{1})
}

// reciprocal computes 1/x of one float32.
func reciprocal(t *ir.Tensor, name string, shape []int) *ir.Tensor {
	return ir.ReadTensor(name, ir.Float32, shape, func() ([]byte, error) {
		v, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(1/float64(v[0])))), nil
	})
}
