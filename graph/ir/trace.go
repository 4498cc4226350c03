package ir

import (
	"slices"
	"sync"
)

// Bounds of one walk. Exporters write an attention or an activation in far fewer nodes.
const (
	maxWalk    = 160 // nodes looked at
	maxChain   = 16  // nodes in a row
	maxSources = 4   // layers found; more of them are no projections but the stream of the whole model
)

// class says in which ways walks pass an operator.
type class uint16

const (
	moves      class = 1 << iota // gives its first input's numbers again, all of them, or scaled for storage
	parts                        // gives a part of its first input
	bends                        // an activation function
	adds                         // Add, Sub
	multiplies                   // Mul, Div
	joins                        // Concat
	chooses                      // Where
	negates                      // Neg, Pow: of one input, in activations too
	measures                     // of one input, in normalizations and rotary positions
	softens                      // Softmax
	limits                       // Max, Min
)

// classes of the operators of ONNX's own domain.
var classes = sync.OnceValue(func() map[string]class {
	m := map[string]class{}
	for c, ops := range map[class][]string{
		moves: {"Reshape", "Transpose", "Identity", "Cast", "CastLike", "Squeeze", "Unsqueeze", "Flatten", "Expand", "Dropout",
			"QuantizeLinear", "DequantizeLinear", "Clip", "Tile", "DynamicQuantizeLinear", "Pad"},
		parts: {"Split", "Slice", "Gather", "GatherND", "GatherElements"},
		bends: {"Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Swish", "Tanh", "Erf",
			"Gelu", "Softplus", "Softsign", "Mish", "ThresholdedRelu"},
		adds: {"Add", "Sub"}, multiplies: {"Mul", "Div"}, joins: {"Concat"}, chooses: {"Where"}, negates: {"Neg", "Pow"},
		measures: {"Sqrt", "ReduceMean", "ReduceSum", "ReduceL2", "Reciprocal", "LpNormalization", "RotaryEmbedding"},
		softens:  {"Softmax"}, limits: {"Max", "Min"},
	} {
		for _, op := range ops {
			m[op] = c
		}
	}
	return m
})

// microsoftClasses are those of ONNX Runtime's own domain.
var microsoftClasses = sync.OnceValue(func() map[string]class {
	return map[string]class{"Gelu": bends, "FastGelu": bends, "QuickGelu": bends, "BiasGelu": bends, "Silu": bends,
		"RotaryEmbedding": measures}
})

func classOf(n *Node) class {
	switch n.Domain {
	case "", "ai.onnx":
		return classes()[n.Op]
	case "com.microsoft":
		return microsoftClasses()[n.Op]
	}
	return 0
}

// microsoft reports whether the node is one of these operators of ONNX Runtime's own domain.
func (n *Node) microsoft(ops ...string) bool {
	return n.Domain == "com.microsoft" && slices.Contains(ops, n.Op)
}

// sources are the linear layers that a value is computed from with no other layer between.
type sources struct {
	layers []*Layer
	parts  []int32 // values cut out of a layer's output on the way, by Split, Slice or Gather
	bent   bool    // an activation function stands between
}

// one returns the only layer, nil if there are none or several.
func (s sources) one() *Layer {
	if len(s.layers) == 1 {
		return s.layers[0]
	}
	return nil
}

// apart reports whether two values are different parts of what one layer gives.
func (s sources) apart(t sources) bool {
	return len(s.parts) > 0 && len(t.parts) > 0 && !slices.ContainsFunc(s.parts, func(p int32) bool { return slices.Contains(t.parts, p) })
}

// A way tells which inputs of node n, by number, a walk back follows: those from lo up to hi.
type way func(n int32) (lo, hi int)

func (f *finder) inputs(n int32) int { return len(f.in[n]) }

// back follows a projection to its layer: through arithmetic, rotary positions, what repeats heads or joins them with
// earlier ones, and normalizations.
func (f *finder) back(n int32) (lo, hi int) {
	switch c := f.class[n]; {
	case c&(moves|parts|negates|measures) != 0:
		return 0, min(1, f.inputs(n))
	case c&(adds|multiplies|joins) != 0:
		return 0, f.inputs(n)
	case c&chooses != 0:
		return min(1, f.inputs(n)), f.inputs(n)
	}
	if l := f.layerAt(n); l != nil && l.Type == "norm" {
		return 0, 1
	}
	return 0, 0
}

// backActivation follows the middle of a feed-forward network to its layers, through activation functions.
func (f *finder) backActivation(n int32) (lo, hi int) {
	switch c := f.class[n]; {
	case c&(moves|parts|negates|bends) != 0:
		return 0, min(1, f.inputs(n))
	case c&(adds|multiplies) != 0:
		return 0, f.inputs(n)
	}
	return 0, 0
}

// walk is a list of values to look at, each once.
type walk struct {
	seen  []uint32 // by value: the stamp of the walk that saw it
	stamp uint32
	work  []int32
}

// begin starts a walk. Walks may nest; each must end.
func (f *finder) begin(value int32) *walk {
	var w *walk
	if n := len(f.idle); n > 0 {
		w, f.idle = f.idle[n-1], f.idle[:n-1]
	} else {
		w = &walk{seen: make([]uint32, len(f.tensors))}
	}
	w.stamp++
	w.work = w.work[:0]
	w.add(value)
	return w
}

func (f *finder) end(w *walk) { f.idle = append(f.idle, w) }

func (w *walk) add(value int32) {
	if value >= 0 && w.seen[value] != w.stamp {
		w.seen[value] = w.stamp
		w.work = append(w.work, value)
	}
}

// trace finds the linear layers that a value comes from.
func (f *finder) trace(value int32, back way) sources {
	var s sources
	w := f.begin(value)
	defer f.end(w)
	for nodes := 0; len(w.work) > 0 && nodes < maxWalk && len(s.layers) <= maxSources; nodes++ {
		v := w.work[len(w.work)-1]
		w.work = w.work[:len(w.work)-1]
		n := f.giver[v]
		if n < 0 {
			continue
		}
		if l := f.layerAt(n); l != nil && l.Type != "norm" {
			if l.Type == "linear" && !slices.Contains(s.layers, l) {
				s.layers = append(s.layers, l)
			}
			continue
		}
		if f.class[n]&parts != 0 {
			s.parts = append(s.parts, v)
		}
		s.bent = s.bent || f.class[n]&bends != 0
		lo, hi := back(n)
		for _, in := range f.in[n][lo:hi] {
			w.add(in)
		}
	}
	return s
}

// find looks back from a value, breadth first, for a node; -1 if there is none.
func (f *finder) find(value int32, is func(n int32) bool, back way) int32 {
	w := f.begin(value)
	defer f.end(w)
	for i := 0; i < len(w.work) && i < maxWalk; i++ {
		n := f.giver[w.work[i]]
		if n < 0 {
			continue
		}
		if is(n) {
			return n
		}
		lo, hi := back(n)
		for _, in := range f.in[n][lo:hi] {
			w.add(in)
		}
	}
	return -1
}

// reaches reports whether a value is computed from another without a conv, linear or recurrent layer between.
func (f *finder) reaches(value, from int32) bool {
	w := f.begin(value)
	defer f.end(w)
	for i := 0; i < len(w.work) && i < maxWalk; i++ {
		if w.work[i] == from {
			return true
		}
		n := f.giver[w.work[i]]
		if n < 0 || f.mixes(n) {
			continue
		}
		for _, in := range f.in[n] {
			w.add(in)
		}
	}
	return false
}

// mixes reports whether a node is a layer other than a normalization.
func (f *finder) mixes(n int32) bool {
	l := f.layerAt(n)
	return l != nil && l.Type != "norm"
}

// forward visits the nodes that take a value, going on through those that on accepts. visit sees each node with the value
// it takes; it returns false to end the walk.
func (f *finder) forward(value int32, on func(n int32) bool, visit func(n, takes int32) bool) {
	w := f.begin(value)
	defer f.end(w)
	nodes := 0
	for i := 0; i < len(w.work); i++ {
		for _, n := range f.takers[w.work[i]] {
			if nodes++; nodes > maxWalk || !visit(n, w.work[i]) {
				return
			}
			if f.mixes(n) || !on(n) {
				continue
			}
			for _, out := range f.out[n] {
				w.add(out)
			}
		}
	}
}

// consumers finds the linear layers that read a value through nodes that on accepts.
func (f *finder) consumers(value int32, on func(n int32) bool) []*Layer {
	var out []*Layer
	f.forward(value, on, func(n, takes int32) bool {
		if l := f.layerAt(n); l != nil && l.Type == "linear" && f.data(l) == takes && !slices.Contains(out, l) {
			out = append(out, l)
		}
		return true
	})
	return out
}

// input is input i of node n, -1 if it is left out.
func (f *finder) input(n int32, i int) int32 {
	if i < len(f.in[n]) {
		return f.in[n][i]
	}
	return -1
}

// output is the first output of node n.
func (f *finder) output(n int32) int32 {
	if len(f.out[n]) > 0 {
		return f.out[n][0]
	}
	return -1
}

// data is the value through which a linear layer's data come: the other input is its weight.
func (f *finder) data(l *Layer) int32 {
	n := f.at[l.Index]
	if l.Node.Is("MatMul") && f.constant(l.Node.Input(1)).Tensor == nil {
		return f.input(n, 1)
	}
	return f.input(n, 0)
}

// dataOf returns the value that a layer reads, before it is cast, quantized or given another shape for the layer alone.
func (f *finder) dataOf(l *Layer) int32 {
	v := f.data(l)
	for range maxChain {
		if v < 0 || f.giver[v] < 0 {
			break
		}
		n := f.giver[v]
		if f.class[n]&moves == 0 || f.nodes[n].Is("Transpose", "Expand", "Tile", "Pad", "Clip") {
			break
		}
		v = f.input(n, 0)
	}
	return v
}
