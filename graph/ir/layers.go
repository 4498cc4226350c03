package ir

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Layers lists the layers of the model: those of the main graph in its order, then those of subgraphs, outer ones first. It
// reads no weight.
func (m *Model) Layers() []Layer {
	if m.Graph == nil {
		return nil
	}
	scopes := m.Graph.scopes()
	total := 0
	for _, s := range scopes {
		total += len(s.graph.tensors)
	}
	layers := make([]Layer, 0, total) // a layer is large, and owns a tensor at least
	for _, s := range scopes {
		s.from = len(layers)
		for _, n := range s.nodes {
			l, ok := s.layer(n)
			if !ok {
				continue
			}
			l.Index, l.Within, l.Graph = len(layers), s.way, s.graph
			for home := s; home != nil; home = home.parent {
				if home.graph == l.Home {
					l.Kept = home.way
				}
			}
			layers = append(layers, l)
		}
		s.to = len(layers)
	}
	name := newNamer(len(layers))
	for i := range layers {
		layers[i].Name = name.of(&layers[i])
	}
	for i := len(scopes) - 1; i >= 0; i-- { // inner ones first
		scopes[i].tellMixing(layers)
	}
	for _, s := range scopes {
		s.setRoles(layers[s.from:s.to])
	}
	setTies(layers)
	return layers
}

// Sum adds up the parameters and bytes of layers of one model. A weight that several share counts once.
func Sum(layers []Layer) (params, bytes int64) {
	seen := map[*Tensor]bool{}
	for i := range layers {
		switch l := &layers[i]; {
		case !seen[l.Weight]:
			seen[l.Weight] = l.Tied
			params += int64(l.Params)
			bytes += l.Bytes
		case l.Bias != nil:
			params += int64(l.Bias.Len())
			bytes += l.Bias.Size()
		}
	}
	return params, bytes
}

// MainLayers lists the layers of the main graph alone.
func (m *Model) MainLayers() []Layer {
	layers := m.Layers()
	n := 0
	for n < len(layers) && layers[n].Within == "" {
		n++
	}
	return layers[:n]
}

// Layer returns the layer of that name.
func (m *Model) Layer(name string) (Layer, bool) {
	for _, l := range m.Layers() {
		if l.Name == name {
			return l, true
		}
	}
	return Layer{}, false
}

// stored is a constant as a node sees it through the nodes between.
type stored struct {
	*Tensor
	home       *Graph    // where it stands
	transposed bool      // the last two axes stand the other way round
	others     []*Tensor // scales and zero points on the way
}

// constant follows a value back through DequantizeLinear, QuantizeLinear, Identity, Cast, Transpose of the last two axes and
// a dequantization written out as Cast, Sub and Mul to the constant it stands for. The Tensor is nil if it stands for none.
func (x *Index) constant(value string) stored {
	var s stored
	rank := 0      // that a Transpose on the way asks for
	for range 16 { // no exporter writes longer chains
		x = x.definer(value)
		if t := x.Tensor(value); t != nil {
			if rank > 0 && len(t.Shape) != rank {
				return stored{}
			}
			s.Tensor, s.home = t, x.graph
			return s
		}
		n := x.Producer(value)
		at := 0
		switch {
		case n == nil:
			return stored{}
		case n.Is("Identity", "Cast"):
		case n.Is("DequantizeLinear", "QuantizeLinear"):
			for _, in := range n.Inputs[min(1, len(n.Inputs)):] {
				s.others = append(s.others, x.scales(in)...)
			}
		case n.Is("Transpose"):
			perm := n.Ints("perm")
			if !swapsLast(perm) || rank > 0 && rank != len(perm) {
				return stored{}
			}
			s.transposed, rank = !s.transposed, len(perm)
		case n.Is("Mul", "Sub"):
			scale := (*Tensor)(nil)
			if at, scale = x.spelled(n); scale == nil {
				return stored{}
			}
			s.others = append(s.others, scale)
		default:
			return stored{}
		}
		value = n.Input(at)
	}
	return stored{}
}

// swapsLast tells whether a permutation swaps the last two axes and leaves the others.
func swapsLast(perm []int64) bool {
	last := len(perm) - 1
	if last < 1 {
		return false
	}
	for i, p := range perm {
		want := i
		switch i {
		case last:
			want = last - 1
		case last - 1:
			want = last
		}
		if p != int64(want) {
			return false
		}
	}
	return true
}

// spelled tells which input of a Mul or Sub carries codes that a Cast has made numbers of, and the constant on the other: a
// scale or a zero point.
func (x *Index) spelled(n *Node) (at int, other *Tensor) {
	for at := range min(2, len(n.Inputs)) {
		other := x.seen(n.Input(1 - at))
		if other == nil || n.Op == "Sub" && at == 1 {
			continue
		}
		v := n.Input(at)
		for range 3 { // Mul, Sub, Cast
			p := x.definer(v).Producer(v)
			switch {
			case p == nil:
			case p.Is("Cast"):
				codes := x.seen(p.Input(0))
				if codes != nil && codes.Len() > other.Len() && (codes.DType == Int8 || codes.DType == Uint8 || codes.DType.Bits() < 8 && codes.DType.Bits() > 0) {
					return at, other
				}
			case p.Is("Sub", "Transpose", "Reshape"):
				v = p.Input(0)
				continue
			}
			break
		}
	}
	return 0, nil
}

// scales lists the constants that a scale or zero point stands for: itself, or what a DequantizeLinear of its own takes.
func (x *Index) scales(value string) []*Tensor {
	if t := x.Tensor(value); t != nil {
		return []*Tensor{t}
	}
	n := x.Producer(value)
	if n == nil || !n.Is("DequantizeLinear") {
		return nil
	}
	var out []*Tensor
	for _, in := range n.Inputs {
		if t := x.seen(in); t != nil {
			out = append(out, t)
		}
	}
	return out
}

// layer says whether the node is a layer, and which.
func (x *Index) layer(n *Node) (Layer, bool) {
	l := Layer{Node: n, Groups: 1}
	var w stored
	biasAt := 2
	switch {
	case n.Is("Conv", "ConvTranspose", "ConvInteger", "QLinearConv"), n.microsoft("FusedConv"):
		at := 1
		if n.Op == "QLinearConv" {
			at, biasAt = 3, 8
		} else if n.Op == "ConvInteger" {
			biasAt = -1
		}
		if w = x.constant(n.Input(at)); w.Tensor == nil || len(w.Shape) < 3 {
			return l, false
		}
		l.Type = "conv"
		l.Groups = int(max(1, n.Int("group", 1)))
		l.Kernel = slices.Clone(w.Shape[2:])
		l.OutFeatures, l.InFeatures, l.OutAxis, l.InAxis = w.Shape[0], w.Shape[1]*l.Groups, 0, 1
		if n.Op == "ConvTranspose" {
			l.InFeatures, l.OutFeatures, l.InAxis, l.OutAxis = w.Shape[0], w.Shape[1]*l.Groups, 0, 1
		}
	case n.Is("Gemm"), n.microsoft("FusedGemm"):
		if w = x.constant(n.Input(1)); w.Tensor == nil || len(w.Shape) != 2 {
			return l, false
		}
		l.setLinear(w, n.Int("transB", 0) != 0)
	case n.Is("MatMul", "MatMulInteger", "QLinearMatMul"):
		a, b := 0, 1
		if n.Op == "QLinearMatMul" {
			b = 3
		}
		biasAt = -1
		if w = x.constant(n.Input(b)); w.Tensor != nil && len(w.Shape) >= 2 {
			l.setLinear(w, false)
		} else if w = x.constant(n.Input(a)); w.Tensor != nil && len(w.Shape) >= 2 {
			l.setLinear(w, true)
		} else {
			return l, false
		}
	case n.Is("Gather"):
		w = x.constant(n.Input(0))
		if w.Tensor == nil || len(w.Shape) != 2 || n.Int("axis", 0) != 0 || !isTable(w) || x.seen(n.Input(1)) != nil {
			return l, false
		}
		biasAt = -1
		l.Type = "embedding"
		l.InFeatures, l.OutFeatures, l.InAxis, l.OutAxis = w.Shape[0], w.Shape[1], 0, 1
	case n.Is("BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization",
		"SimplifiedLayerNormalization"), n.microsoft("SimplifiedLayerNormalization", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization"):
		at := 1
		if sumNorm(n) {
			at, biasAt = 2, 3
		}
		if w = x.normWeight(n.Input(at)); w.Tensor == nil {
			return l, false
		}
		l.Type = "norm"
		l.InFeatures, l.OutFeatures = w.Len(), w.Len()
	case n.Is("Mul"):
		if w = x.normScale(n); w.Tensor == nil {
			return l, false
		}
		biasAt = -1
		l.Type = "norm"
		l.InFeatures, l.OutFeatures = w.Len(), w.Len()
	case n.microsoft("FusedMatMul"):
		biasAt = -1
		if w = x.constant(n.Input(1)); w.Tensor == nil || len(w.Shape) < 2 {
			return l, false
		}
		l.setLinear(w, n.Int("transB", 0) != 0)
	case n.microsoft("DynamicQuantizeMatMul", "MatMulIntegerToFloat"):
		scale := 2
		if biasAt = 4; n.Op == "MatMulIntegerToFloat" {
			scale, biasAt = 3, 6
		}
		if w = x.constant(n.Input(1)); w.Tensor == nil || len(w.Shape) != 2 {
			return l, false
		}
		l.setLinear(w, false)
		for _, in := range []string{n.Input(scale), n.Input(biasAt - 1)} {
			w.others = append(w.others, x.scales(in)...)
		}
	case n.microsoft("EmbedLayerNormalization", "QEmbedLayerNormalization"): // owns three tables; that of the words is the largest
		if w = x.constant(n.Input(2)); w.Tensor == nil || len(w.Shape) != 2 {
			return l, false
		}
		biasAt = -1
		l.Type = "embedding"
		l.InFeatures, l.OutFeatures, l.InAxis, l.OutAxis = w.Shape[0], w.Shape[1], 0, 1
	case n.microsoft("Attention", "QAttention"):
		if w = x.constant(n.Input(1)); w.Tensor == nil || len(w.Shape) != 2 {
			return l, false
		}
		l.setLinear(w, false)
	case n.microsoft("MatMulNBits"):
		if w = x.constant(n.Input(1)); w.Tensor == nil || !l.setPacked(w, n.Int("N", 0), n.Int("K", 0)) {
			return l, false
		}
		for _, in := range n.Inputs[2:min(4, len(n.Inputs))] {
			if t := x.seen(in); t != nil {
				w.others = append(w.others, t)
			}
		}
		if biasAt = 5; n.Input(biasAt) == "" {
			biasAt = -1
		}
	case n.Is("LSTM", "GRU", "RNN"):
		if w = x.constant(n.Input(1)); w.Tensor == nil || len(w.Shape) != 3 {
			return l, false
		}
		biasAt = 3
		l.Type = "recurrent"
		l.OutFeatures, l.InFeatures, l.OutAxis, l.InAxis = int(n.Int("hidden_size", 0)), w.Shape[2], 1, 2
	default:
		return l, false
	}
	l.Weight, l.Home = w.Tensor, w.home
	bias := stored{}
	if biasAt > 0 {
		bias = x.constant(n.Input(biasAt))
	} else if l.Type == "linear" || l.Type == "norm" {
		bias = x.addedBias(n, l.OutFeatures)
	}
	l.Bias = bias.Tensor
	l.count(w, bias)
	if n.Op == "MatMulNBits" {
		l.Params += l.InFeatures*l.OutFeatures - w.Len()
	}
	switch {
	case n.Op == "BatchNormalization":
		l.count(x.constant(n.Input(3)), x.constant(n.Input(4)))
	case l.Type == "embedding" && len(n.Inputs) > 4:
		l.count(x.constant(n.Input(3)), x.constant(n.Input(4)))
	case l.Type == "recurrent":
		l.count(x.constant(n.Input(2)))
	}
	return l, true
}

// setLinear reads the sizes of a weight of rank 2 or more; rows says that outputs run along the second last axis as the
// node sees it.
func (l *Layer) setLinear(w stored, rows bool) {
	l.Type = "linear"
	r := len(w.Shape)
	l.InAxis, l.OutAxis = r-2, r-1
	if rows != w.transposed {
		l.InAxis, l.OutAxis = r-1, r-2
	}
	l.InFeatures, l.OutFeatures = w.Shape[l.InAxis], w.Shape[l.OutAxis]
}

// setPacked reads the sizes of a weight whose columns are packed in blocks; false if they are impossible.
func (l *Layer) setPacked(w stored, out, in int64) bool {
	if len(w.Shape) < 2 || out <= 0 || in <= 0 || in > math.MaxInt32 || int64(w.Shape[0]) != out {
		return false
	}
	if _, err := Elements([]int{int(out), int(in)}); err != nil {
		return false
	}
	l.Type = "linear"
	l.OutFeatures, l.InFeatures, l.OutAxis, l.InAxis = int(out), int(in), 0, 1
	return true
}

// isTable reports whether a constant can be a table of embeddings: floating point, or quantized.
func isTable(w stored) bool {
	switch w.DType {
	case Float32, Float16, BFloat16, Float64:
		return true
	}
	blocks, _ := w.DType.Block()
	return blocks > 0 || len(w.others) > 0
}

// addedBias finds the constant vector that the only node after a matrix product adds.
func (x *Index) addedBias(n *Node, features int) stored {
	users := x.Consumers(n.Output(0))
	if len(users) != 1 || !users[0].Is("Add") || len(users[0].Inputs) != 2 {
		return stored{}
	}
	other := users[0].Inputs[0]
	if other == n.Output(0) {
		other = users[0].Inputs[1]
	}
	b := x.constant(other)
	if b.Tensor == nil || len(b.Shape) == 0 || b.Shape[len(b.Shape)-1] != features || b.Len() != features {
		return stored{}
	}
	return b
}

func (l *Layer) count(parts ...stored) {
	for _, p := range parts {
		if p.Tensor == nil {
			continue
		}
		l.Params += p.Len()
		l.Bytes += p.Size()
		for _, t := range p.others {
			l.Bytes += t.Size()
		}
	}
}

// namer gives each layer a name of its own: in a subgraph, where others have its name, with the way there in front.
type namer struct {
	taken map[string]bool
	next  map[string]int // base -> the number to try next
}

func newNamer(names int) *namer { return &namer{make(map[string]bool, names), map[string]int{}} }

func (s *namer) of(l *Layer) string {
	weight := strings.TrimSuffix(l.Weight.Name, "_quantized")
	module, ok := strings.CutSuffix(weight, ".weight")
	names := [3]string{l.Node.Name, weight, weight}
	if ok && module != "" {
		names = [3]string{module, l.Node.Name, module}
	}
	base := ""
	for _, base = range names {
		if base != "" && !s.taken[base] {
			s.taken[base] = true
			return base
		}
	}
	if l.Within != "" {
		for _, name := range names {
			if base = l.Within + "/" + name; name != "" && !s.taken[base] {
				s.taken[base] = true
				return base
			}
		}
	}
	for {
		s.next[base]++
		if name := base + "_" + strconv.Itoa(s.next[base]); !s.taken[name] {
			s.taken[name] = true
			return name
		}
	}
}
