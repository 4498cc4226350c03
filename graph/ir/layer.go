package ir

// Layer is a node that owns a weight: what recipes select, override and report. Layers are found from the graph's
// structure by Model.Layers and hold no state of their own.
type Layer struct {
	Name  string // the weight's name less its ".weight"; else the node's name; else the weight's. Unique
	Type  string // one of LayerTypes
	Role  string // one of LayerRoles; empty if nothing special is known
	Index int    // the layer's place among all layers, from 0, in graph order
	Depth int    // longest way from a graph input, counted in layers passed through: 0 if none

	Node   *Node
	Weight *Tensor // also when it reaches the node through DequantizeLinear: then the stored, quantized tensor
	Bias   *Tensor // nil if none
	Params int     // elements of all tensors that belong to the layer (weight, bias, norm statistics)
	Bytes  int64   // bytes of the same, scales and zero points included

	InFeatures  int // channels or columns that go in (for a grouped convolution: of the whole layer)
	OutFeatures int
	InAxis      int   // axis of Weight along which inputs run (of a grouped convolution: those of one group)
	OutAxis     int   // axis of Weight along which outputs run; its scales stand along it
	Kernel      []int // spatial size of a convolution
	Groups      int   // of a convolution, else 1
	Tied        bool  // the weight is used by more than one node
}

// Word is a word of the recipe language with what it means.
type Word struct{ Name, Doc string }

// LayerTypes are the types a layer can have.
var LayerTypes = []Word{
	{"conv", "convolution or transposed convolution of any number of dimensions"},
	{"linear", "matrix product with a constant: Gemm, or MatMul with one constant side"},
	{"embedding", "look-up of rows of a constant table"},
	{"norm", "batch, layer, instance, group or root-mean-square normalization with a learned scale"},
	{"recurrent", "LSTM, GRU or RNN"},
}

// LayerRoles are the roles that the graph's structure gives away. A layer has the first that fits.
var LayerRoles = []Word{
	{"head", "linear layer, or 1x1 convolution on pooled features, after which no other conv, linear or recurrent layer comes"},
	{"last", "any other layer after which no conv, linear or recurrent layer comes"},
	{"first", "layer before which no conv, linear, embedding or recurrent layer comes"},
	{"depthwise", "convolution with a group for each input channel"},
	{"pointwise", "1x1 convolution in one group"},
}
