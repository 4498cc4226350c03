package ir

import "slices"

// Layer is a node that owns a weight: what recipes select, override and report. Layers are found from the graph's
// structure by Model.Layers and hold no state of their own.
type Layer struct {
	Name  string // the weight's name less its ".weight"; else the node's name; else the weight's. Unique
	Type  string // one of LayerTypes
	Role  string // the most specific of Roles; empty if nothing special is known
	Index int    // the layer's place among all layers, from 0, in graph order
	Depth int    // longest way from a graph input, counted in layers passed through: 0 if none

	Within string // the way to the subgraph that the node stands in: "If_0/then_branch"; empty: the main graph
	Graph  *Graph // that the node stands in, when the layers were listed: a copy of the model has another
	Home   *Graph // that the weight stands in: Graph, or one around it
	Kept   string // the way to Home, as Within

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
	Tied        bool  // the weight is used by more than one layer

	Roles    []string // of LayerRoles, the most specific first: attention_q, attention
	TiedWith []string // names of the other layers that use the weight, in graph order; of very many the first
	Siblings []string // names of the layers that read the same input for one purpose (q, k and v; gate and up)
}

// Is reports whether the layer has a role.
func (l *Layer) Is(role string) bool { return slices.Contains(l.Roles, role) }

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

// LayerRoles are the roles that a layer can have, the most specific first. They follow from the graph's structure; where
// that says nothing of attention, feed-forward networks and experts, from names (names.go).
var LayerRoles = []Word{
	{"lm_head", "linear layer that gives a score for each row of the embedding that the model's input indexes"},
	{"head", "linear layer, or 1x1 convolution on pooled features, after which no other conv, linear or recurrent layer comes"},
	{"attention_qkv", "linear layer that gives queries, keys and values at once"},
	{"attention_kv", "linear layer that gives keys and values at once"},
	{"attention_q", "linear layer that gives the queries of an attention"},
	{"attention_k", "linear layer that gives its keys"},
	{"attention_v", "linear layer that gives its values"},
	{"attention_o", "linear layer that takes what an attention gives"},
	{"attention", "any of the layers around an attention"},
	{"ffn_gate_up", "linear layer that gives gate and up at once"},
	{"ffn_gate", "linear layer of a gated feed-forward network whose output, through an activation, scales that of up"},
	{"ffn_up", "linear layer that widens: the first of a feed-forward network"},
	{"ffn_down", "linear layer that takes what the activation of a feed-forward network gives"},
	{"ffn", "any of the layers of a feed-forward network"},
	{"router", "linear layer whose largest outputs choose the experts"},
	{"expert", "layer of a feed-forward network whose output is weighted by a router"},
	{"embedding", "look-up of rows of a table"},
	{"last", "layer, not a norm, after which no conv, linear or recurrent layer comes"},
	{"first", "layer, not a norm, before which no conv, linear, embedding or recurrent layer comes"},
	{"depthwise", "convolution with a group for each input channel"},
	{"pointwise", "1x1 convolution in one group"},
	{"norm", "normalization with a learned scale"},
}
