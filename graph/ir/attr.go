package ir

// Attributes of pare's own: what a pass tells the formats and ONNX has no words for. They stand on nodes of ONNX's domain,
// and ONNX files never hold them.
const (
	// ActivationsAttr, of a linear layer's node, says what its runtime does with the data that come in: their type, dynamic,
	// and what one scale covers, as in "fp8_e4m3,dynamic,token".
	ActivationsAttr = "pare_activations"

	// MixAttr, of a layer's node, names the mix of llama.cpp that gave its weight its type: Q4_K_M.
	MixAttr = "pare_mix"

	// ImportanceAttr, of a layer's node, says which importance matrix its weight was quantized with: what
	// internal/importance.Origin tells of it.
	ImportanceAttr = "pare_importance"

	// SquareAttr, of a DequantizeLinear, says that its scales repeat: one serves a square of so many rows and columns.
	// block_size is the side along the axis.
	SquareAttr = "pare_square"
)

// The constructors of attributes, by type.

func IntAttr(name string, v int64) Attr      { return Attr{Name: name, Kind: AttrInt, Int: v} }
func FloatAttr(name string, v float32) Attr  { return Attr{Name: name, Kind: AttrFloat, Float: v} }
func StringAttr(name string, v string) Attr  { return Attr{Name: name, Kind: AttrString, String: v} }
func IntsAttr(name string, v ...int64) Attr  { return Attr{Name: name, Kind: AttrInts, Ints: v} }
func TensorAttr(name string, v *Tensor) Attr { return Attr{Name: name, Kind: AttrTensor, Tensor: v} }
func GraphAttr(name string, v *Graph) Attr   { return Attr{Name: name, Kind: AttrGraph, Graph: v} }
func FloatsAttr(name string, v ...float32) Attr {
	return Attr{Name: name, Kind: AttrFloats, Floats: v}
}
func StringsAttr(name string, v ...string) Attr {
	return Attr{Name: name, Kind: AttrStrings, Strings: v}
}

// Attr returns the attribute of that name, or nil. It points into the node.
func (n *Node) Attr(name string) *Attr {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			return &n.Attrs[i]
		}
	}
	return nil
}

// Int returns an integer attribute, def if the node has none of that name and type.
func (n *Node) Int(name string, def int64) int64 {
	if a := n.Attr(name); a != nil && a.Kind == AttrInt {
		return a.Int
	}
	return def
}

// Ints returns an attribute that is a list of integers, nil if there is none.
func (n *Node) Ints(name string) []int64 {
	if a := n.Attr(name); a != nil && a.Kind == AttrInts {
		return a.Ints
	}
	return nil
}

// Float returns a float attribute or def.
func (n *Node) Float(name string, def float32) float32 {
	if a := n.Attr(name); a != nil && a.Kind == AttrFloat {
		return a.Float
	}
	return def
}

// Str returns a string attribute or def.
func (n *Node) Str(name string, def string) string {
	if a := n.Attr(name); a != nil && a.Kind == AttrString {
		return a.String
	}
	return def
}

// SetAttr replaces the attribute of a's name, or appends a.
func (n *Node) SetAttr(a Attr) {
	if old := n.Attr(a.Name); old != nil {
		*old = a
		return
	}
	n.Attrs = append(n.Attrs, a)
}

// RemoveAttr removes the attribute of that name, if there is one.
func (n *Node) RemoveAttr(name string) {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			n.Attrs = append(n.Attrs[:i:i], n.Attrs[i+1:]...)
			return
		}
	}
}

// Input returns the name of input i, empty if it is left out.
func (n *Node) Input(i int) string {
	if i < len(n.Inputs) {
		return n.Inputs[i]
	}
	return ""
}

// Output returns the name of output i, empty if it is left out.
func (n *Node) Output(i int) string {
	if i < len(n.Outputs) {
		return n.Outputs[i]
	}
	return ""
}

// Is reports whether the node is one of these operators of ONNX's own domain.
func (n *Node) Is(ops ...string) bool {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return false
	}
	for _, op := range ops {
		if n.Op == op {
			return true
		}
	}
	return false
}
