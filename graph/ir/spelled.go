package ir

import "slices"

// normScale returns the learned scale of a normalization over the last axis that is spelled out in small operators, as
// exporters before LayerNormalization (opset 17) and RMSNormalization (opset 23) wrote it: n multiplies by the scale what
// has been divided by the root of a mean of squares. Anything else gives no Tensor.
func (x *Index) normScale(n *Node) stored {
	if len(n.Inputs) != 2 {
		return stored{}
	}
	scale, value := x.constant(n.Inputs[0]), n.Inputs[1]
	if scale.Tensor == nil {
		scale, value = x.constant(n.Inputs[1]), n.Inputs[0]
	}
	if scale.Tensor == nil || len(scale.Shape) == 0 || scale.Shape[len(scale.Shape)-1] != scale.Len() || scale.Len() < 2 || !isTable(scale) {
		return stored{}
	}
	p := x.past(value, "Cast", "Identity")
	switch {
	case p == nil:
	case p.Is("Div") && x.isDeviation(p.Input(1)):
		return scale
	case p.Is("Mul") && slices.ContainsFunc(p.Inputs, x.isReciprocal):
		return scale
	}
	return stored{}
}

// normWeight follows the scale of a normalization to its constant, also where it is stored less one, as Gemma's are.
func (x *Index) normWeight(value string) stored {
	if w := x.constant(value); w.Tensor != nil {
		return w
	}
	sum := x.past(value, "Cast", "Identity")
	if sum == nil || !sum.Is("Add") || len(sum.Inputs) != 2 {
		return stored{}
	}
	a, b := x.constant(sum.Inputs[0]), x.constant(sum.Inputs[1])
	if a.Tensor == nil || b.Tensor == nil {
		return stored{}
	}
	switch {
	case a.Len() == 1:
		return b
	case b.Len() == 1:
		return a
	}
	return stored{}
}

// past returns the producer of a value, looking through nodes of these operators.
func (x *Index) past(value string, ops ...string) *Node {
	n := x.Producer(value)
	for range maxChain {
		if n == nil || !n.Is(ops...) {
			return n
		}
		n = x.Producer(n.Input(0))
	}
	return nil
}

// isReciprocal reports whether a value is one through a deviation.
func (x *Index) isReciprocal(value string) bool {
	n := x.past(value, "Cast", "Identity")
	switch {
	case n == nil:
		return false
	case n.Is("Reciprocal"):
		return x.isDeviation(n.Input(0))
	case n.Is("Div"):
		return x.Tensor(n.Input(0)) != nil && x.isDeviation(n.Input(1))
	}
	return false
}

// isDeviation reports whether a value is the root of a mean, to which something may have been added.
func (x *Index) isDeviation(value string) bool {
	root := x.past(value, "Cast", "Identity")
	if root == nil || !root.Is("Sqrt", "Pow") {
		return false
	}
	sum := x.past(root.Input(0), "Cast", "Identity")
	if sum == nil || sum.Is("ReduceMean") {
		return sum != nil
	}
	if !sum.Is("Add", "Max", "Clip") {
		return false
	}
	return slices.ContainsFunc(sum.Inputs, func(in string) bool {
		m := x.past(in, "Cast", "Identity")
		return m != nil && m.Is("ReduceMean")
	})
}
