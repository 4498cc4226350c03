package ir

// Layer is a node that owns a weight: what recipes select, override and report. Layers are found from the graph's
// structure by Model.Layers and hold no state of their own.
type Layer struct {
	Name  string // the weight's name less its ".weight"; else the node's name; else op and index. Unique
	Type  string // conv, linear, embedding, norm
	Role  string // first, last, depthwise, …; empty if nothing special is known
	Index int    // the layer's place among all layers, from 0, in graph order
	Depth int    // longest way from a graph input, counted in layers, from 0

	Node   *Node
	Weight *Tensor // also when it reaches the node through DequantizeLinear: then the stored, quantized tensor
	Bias   *Tensor // nil if none
	Params int     // elements of all tensors that belong to the layer (weight, bias, norm statistics)
	Bytes  int64   // bytes of the same, scales and zero points included

	InFeatures  int // channels or columns that go in (for a grouped convolution: of the whole layer)
	OutFeatures int
	Kernel      []int // spatial size of a convolution
	Groups      int   // of a convolution, else 1
	Tied        bool  // the weight is used by more than one node
}

// Model.Layers lists them in graph order. Implemented beside the detection rules.
