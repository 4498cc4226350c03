package ir

import "slices"

// Bounds of one walk. Exporters write an attention or an activation in far fewer nodes.
const (
	maxWalk    = 160 // nodes looked at
	maxChain   = 16  // nodes in a row
	maxSources = 4   // layers found; more of them are no projections but the stream of the whole model
)

// sources are the linear layers that a value is computed from with no other layer between.
type sources struct {
	layers []*Layer
	parts  []string // values cut out of a layer's output on the way, by Split, Slice or Gather
	bent   bool     // an activation function stands between
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
	return len(s.parts) > 0 && len(t.parts) > 0 && !slices.ContainsFunc(s.parts, func(p string) bool { return slices.Contains(t.parts, p) })
}

// moves are operators that give their first input's numbers again, all or some of them, or scaled for storage.
var moves = []string{"Reshape", "Transpose", "Identity", "Cast", "CastLike", "Squeeze", "Unsqueeze", "Flatten", "Expand", "Dropout",
	"QuantizeLinear", "DequantizeLinear", "Clip", "Tile", "DynamicQuantizeLinear", "Pad"}

// parts are operators whose outputs are parts of their first input.
var parts = []string{"Split", "Slice", "Gather", "GatherND", "GatherElements"}

// bends are activation functions.
var bends = []string{"Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Swish", "Tanh", "Erf",
	"Gelu", "Softplus", "Softsign", "Mish", "ThresholdedRelu"}

// microsoftBends are those of ONNX Runtime's own domain.
var microsoftBends = []string{"Gelu", "FastGelu", "QuickGelu", "BiasGelu", "Silu"}

func (n *Node) bends() bool { return n.Is(bends...) || n.microsoft(microsoftBends...) }

// microsoft reports whether the node is one of these operators of ONNX Runtime's own domain.
func (n *Node) microsoft(ops ...string) bool {
	return n.Domain == "com.microsoft" && slices.Contains(ops, n.Op)
}

// back returns the inputs of a node through which a projection is followed back to its layer: those of arithmetic, of
// rotary positions, of what repeats heads or joins them with earlier ones, and of normalizations.
func (f *finder) back(n *Node) []string {
	switch {
	case n.Is(moves...), n.Is(parts...), n.Is("Neg", "Sqrt", "Pow", "ReduceMean", "ReduceSum", "ReduceL2", "Reciprocal", "LpNormalization", "RotaryEmbedding"),
		n.microsoft("RotaryEmbedding"):
		return n.Inputs[:min(1, len(n.Inputs))]
	case n.Is("Add", "Sub", "Mul", "Div", "Concat"):
		return n.Inputs
	case n.Is("Where"):
		return n.Inputs[min(1, len(n.Inputs)):]
	}
	if l := f.of[n]; l != nil && l.Type == "norm" {
		return n.Inputs[:1]
	}
	return nil
}

// backActivation is back for the way from a feed-forward network's middle to its layers, activation functions included.
func (f *finder) backActivation(n *Node) []string {
	switch {
	case n.Is(moves...), n.Is(parts...), n.Is("Neg", "Pow"), n.bends():
		return n.Inputs[:min(1, len(n.Inputs))]
	case n.Is("Add", "Sub", "Mul", "Div"):
		return n.Inputs
	}
	return nil
}

// trace finds the linear layers that a value comes from, following the inputs that back names.
func (f *finder) trace(value string, back func(*Node) []string) sources {
	var s sources
	seen := map[string]bool{"": true, value: true}
	work := []string{value}
	for nodes := 0; len(work) > 0 && nodes < maxWalk && len(s.layers) <= maxSources; nodes++ {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		n := f.Producer(v)
		if n == nil {
			continue
		}
		l := f.of[n]
		if l != nil && l.Type == "linear" {
			if !slices.Contains(s.layers, l) {
				s.layers = append(s.layers, l)
			}
			continue
		}
		if l != nil && l.Type != "norm" {
			continue
		}
		if n.Is(parts...) {
			s.parts = append(s.parts, v)
		}
		s.bent = s.bent || n.bends()
		for _, in := range back(n) {
			if !seen[in] {
				seen[in] = true
				work = append(work, in)
			}
		}
	}
	return s
}

// reaches reports whether a value is computed from one that want accepts, without a conv, linear or recurrent layer
// between. want sees the value and its producer, which may be nil.
func (f *finder) reaches(value string, want func(string, *Node) bool) bool {
	seen := map[string]bool{"": true, value: true}
	work := []string{value}
	for nodes := 0; len(work) > 0 && nodes < maxWalk; nodes++ {
		v := work[0]
		work = work[1:]
		n := f.Producer(v)
		if want(v, n) {
			return true
		}
		if n == nil || f.mixes(n) {
			continue
		}
		for _, in := range n.Inputs {
			if !seen[in] {
				seen[in] = true
				work = append(work, in)
			}
		}
	}
	return false
}

func (f *finder) mixes(n *Node) bool {
	l := f.of[n]
	return l != nil && l.Type != "norm"
}

// forward visits the nodes that take a value, going on through those that on accepts. visit sees each node with the value
// it takes; it returns false to end the walk.
func (f *finder) forward(value string, on func(*Node) bool, visit func(n *Node, takes string) bool) {
	seen := map[string]bool{value: true}
	work := []string{value}
	for nodes := 0; len(work) > 0 && nodes < maxWalk; {
		v := work[0]
		work = work[1:]
		for _, n := range f.Consumers(v) {
			if nodes++; nodes > maxWalk || !visit(n, v) {
				return
			}
			if f.mixes(n) || !on(n) {
				continue
			}
			for _, out := range n.Outputs {
				if out != "" && !seen[out] {
					seen[out] = true
					work = append(work, out)
				}
			}
		}
	}
}

// consumers finds the linear layers that read a value through nodes that on accepts.
func (f *finder) consumers(value string, on func(*Node) bool) []*Layer {
	var out []*Layer
	f.forward(value, on, func(n *Node, takes string) bool {
		if l := f.of[n]; l != nil && l.Type == "linear" && n.Input(f.dataInput(l)) == takes && !slices.Contains(out, l) {
			out = append(out, l)
		}
		return true
	})
	return out
}

// dataInput is the input through which a linear layer's data come: the other one is its weight.
func (f *finder) dataInput(l *Layer) int {
	if l.Node.Is("MatMul") && f.constant(l.Node.Input(1)).Tensor == nil {
		return 1
	}
	return 0
}

// dataOf returns the value that a layer reads, before it is cast, quantized or given another shape for the layer alone.
func (f *finder) dataOf(l *Layer) string {
	v := l.Node.Input(f.dataInput(l))
	for range maxChain {
		n := f.Producer(v)
		if n == nil || !n.Is("Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear") {
			break
		}
		v = n.Input(0)
	}
	return v
}
