package ir

import (
	"slices"
	"strings"
)

// Scheme is how numbers are stored: their type, what one scale covers, and where zero lies.
type Scheme struct {
	DType       DType
	Scales      DType  // Undefined if they are not known
	Granularity string // tensor, channel, group, block; of activations token too; empty for types without scales
	Group       int    // elements of one scale along the inputs, of granularity group and block
	Asymmetric  bool   // surely: a zero point is known and not the middle of the type's range
	Dynamic     bool   // of activations: ranges are taken as the model runs
}

// Type is the name of the type in recipes: that of the codes, or where the scales make a type of its own, mxfp4 and nvfp4.
func (s Scheme) Type() string {
	switch {
	case s.DType == Float4E2M1 && s.Scales == Float8E8M0 && s.Group == 32:
		return "mxfp4"
	case s.DType == Float4E2M1 && s.Scales == Float8E4M3FN && s.Group == 16:
		return "nvfp4"
	}
	return s.DType.String()
}

// WeightScheme tells how a layer's weight is stored.
func (x *Index) WeightScheme(l *Layer) Scheme {
	s := Scheme{DType: l.Weight.DType}
	if l.Node.microsoft("MatMulNBits") {
		s.Granularity, s.Group = "group", int(l.Node.Int("block_size", 0))
		s.DType = map[int64]DType{2: Uint2, 4: Uint4, 8: Uint8}[l.Node.Int("bits", 4)]
		return s
	}
	scale, zero, block, axis, square := "", "", 0, 0, false
	switch {
	case l.Node.Is("QLinearConv", "QLinearMatMul"):
		scale, zero = l.Node.Input(4), l.Node.Input(5)
	case l.Node.Is("ConvInteger", "MatMulInteger"):
		s.Granularity, zero = "tensor", l.Node.Input(3)
	default:
		for _, in := range l.Node.Inputs {
			if n := x.past(in, "Identity", "Cast", "Transpose"); n != nil && n.Is("DequantizeLinear") && x.constant(n.Output(0)).Tensor == l.Weight {
				scale, zero, block, axis = n.Input(1), n.Input(2), int(n.Int("block_size", 0)), int(n.Int("axis", 1))
				square = n.Ints(SquareAttr) != nil
				break
			}
		}
	}
	if list := x.scales(scale); len(list) > 0 {
		s.Granularity, s.Group = granularity(list[0], l.Weight, block, axis)
		s.Scales = list[0].DType
		if square {
			s.Granularity = "block"
		}
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
	if text := l.Node.Str(ActivationsAttr, ""); text != "" {
		return dynamicScheme(text)
	}
	switch n := l.Node; {
	case n.Is("QLinearConv", "QLinearMatMul"):
		zero = n.Input(2)
	case n.Is("ConvInteger", "MatMulInteger"):
		if p := x.Producer(n.Input(0)); p != nil && p.Is("DynamicQuantizeLinear") {
			return Scheme{DType: Uint8, Granularity: "tensor", Dynamic: true}
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

// dynamicScheme reads an ActivationsAttr.
func dynamicScheme(text string) Scheme {
	words := strings.Split(text, ",")
	s := Scheme{Dynamic: slices.Contains(words, "dynamic")}
	s.DType, _ = ParseDType(words[0])
	if n := len(words); n > 1 {
		s.Granularity = words[n-1]
	}
	return s
}
