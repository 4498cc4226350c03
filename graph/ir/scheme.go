package ir

import "slices"

// Scheme is how numbers are stored: their type, what one scale covers, and where zero lies.
type Scheme struct {
	DType       DType
	Granularity string // tensor, channel, group; empty for types without scales
	Group       int    // elements of one scale along the inputs, of granularity group
	Asymmetric  bool   // surely: a zero point is known and not the middle of the type's range
}

// WeightScheme tells how a layer's weight is stored.
func (x *Index) WeightScheme(l *Layer) Scheme {
	s := Scheme{DType: l.Weight.DType}
	if l.Node.microsoft("MatMulNBits") {
		s.Granularity, s.Group = "group", int(l.Node.Int("block_size", 0))
		s.DType = map[int64]DType{2: Uint2, 4: Uint4, 8: Uint8}[l.Node.Int("bits", 4)]
		return s
	}
	scale, zero, block, axis := "", "", 0, 0
	switch {
	case l.Node.Is("QLinearConv", "QLinearMatMul"):
		scale, zero = l.Node.Input(4), l.Node.Input(5)
	case l.Node.Is("ConvInteger", "MatMulInteger"):
		s.Granularity, zero = "tensor", l.Node.Input(3)
	default:
		for _, in := range l.Node.Inputs {
			if n := x.past(in, "Identity", "Cast", "Transpose"); n != nil && n.Is("DequantizeLinear") && x.constant(n.Output(0)).Tensor == l.Weight {
				scale, zero, block, axis = n.Input(1), n.Input(2), int(n.Int("block_size", 0)), int(n.Int("axis", 1))
				break
			}
		}
	}
	if t := x.Tensor(scale); t != nil {
		s.Granularity, s.Group = granularity(t, l.Weight, block, axis)
	}
	s.Asymmetric = x.offCentre(zero)
	return s
}

// granularity tells from its scales what one scale of a weight covers.
func granularity(scale, w *Tensor, block, axis int) (string, int) {
	switch {
	case block > 0:
		return "group", block
	case scale.Len() == 1:
		return "tensor", 0
	case len(scale.Shape) > 1 && len(scale.Shape) == len(w.Shape):
		if axis < 0 {
			axis += len(w.Shape)
		}
		if axis >= 0 && axis < len(w.Shape) && scale.Shape[axis] > 0 {
			return "group", (w.Shape[axis] + scale.Shape[axis] - 1) / scale.Shape[axis]
		}
	}
	return "channel", 0
}

// offCentre reports whether a zero point is known and lies elsewhere than in the middle of its type's range.
func (x *Index) offCentre(zero string) bool {
	t := x.Tensor(zero)
	if t == nil || !t.HasData() {
		return false
	}
	middle := int64(0)
	switch t.DType {
	case Uint8:
		middle = 128
	case Uint16:
		middle = 1 << 15
	}
	values, err := t.Int64s()
	return err == nil && slices.ContainsFunc(values, func(v int64) bool { return v != middle })
}

// InputScheme tells how the data of a conv, linear or recurrent layer come in: quantized, or as computed. DType is
// Undefined if nothing quantizes them.
func (x *Index) InputScheme(l *Layer) Scheme {
	zero := ""
	switch n := l.Node; {
	case n.Is("QLinearConv", "QLinearMatMul"):
		zero = n.Input(2)
	case n.Is("ConvInteger", "MatMulInteger"):
		if p := x.Producer(n.Input(0)); p != nil && p.Is("DynamicQuantizeLinear") {
			return Scheme{DType: Uint8, Granularity: "tensor"}
		}
		zero = n.Input(2)
	default:
		at := 0
		if n.Is("MatMul") && x.constant(n.Input(1)).Tensor == nil {
			at = 1
		}
		p := x.past(n.Input(at), "Identity", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze")
		if p == nil || !p.Is("DequantizeLinear") {
			return Scheme{}
		}
		if zero = p.Input(2); zero == "" {
			return Scheme{DType: Uint8, Granularity: "tensor"}
		}
	}
	s := Scheme{Granularity: "tensor", Asymmetric: x.offCentre(zero)}
	if t := x.Tensor(zero); t != nil {
		s.DType = t.DType
	}
	return s
}
