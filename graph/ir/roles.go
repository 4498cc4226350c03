package ir

import "slices"

// finder gives layers their roles. Each pattern has a file: attention.go, feedforward.go, experts.go. All walks are
// bounded, so that looking at a graph takes time in proportion to its size.
type finder struct {
	*Index
	graph  *Graph
	layers []Layer
	of     map[*Node]*Layer
	is     []roleSet // by index of the layer

	networks []network // feed-forward networks, in graph order
	groups   [][]*Layer
	topK     map[string]bool // what weights returns; nil: not asked for yet
}

// roleSet is a set of roles: bit i stands for LayerRoles[i].
type roleSet uint32

var roleBits = func() map[string]roleSet {
	bits := make(map[string]roleSet, len(LayerRoles))
	for i, w := range LayerRoles {
		bits[w.Name] = 1 << i
	}
	return bits
}()

// family lists for each role the wider ones that a layer has with it.
var family = map[string]string{
	"attention_qkv": "attention", "attention_kv": "attention", "attention_q": "attention", "attention_k": "attention",
	"attention_v": "attention", "attention_o": "attention",
	"ffn_gate_up": "ffn", "ffn_gate": "ffn", "ffn_up": "ffn", "ffn_down": "ffn",
	"lm_head": "head", "head": "last",
}

// inBlock are the roles that say where in a block a layer stands.
var inBlock = roleBits["attention"] | roleBits["ffn"] | roleBits["router"]

// setRoles finds roles, siblings and ties. Names and depths are set already.
func (x *Index) setRoles(g *Graph, layers []Layer) {
	f := &finder{Index: x, graph: g, layers: layers, of: layersByNode(layers), is: make([]roleSet, len(layers))}
	ends := f.ends()
	f.attentions()
	f.gatedNetworks()
	f.plainNetworks()
	f.routers(ends)
	f.named()
	f.general(ends)
	for i := range layers {
		for j, w := range LayerRoles {
			if f.is[i]&(1<<j) != 0 {
				layers[i].Roles = append(layers[i].Roles, w.Name)
			}
		}
		if len(layers[i].Roles) > 0 {
			layers[i].Role = layers[i].Roles[0]
		}
	}
	f.setSiblings()
	f.setTies()
}

// add gives a layer a role and the wider ones.
func (f *finder) add(l *Layer, role string) {
	for ; role != ""; role = family[role] {
		f.is[l.Index] |= roleBits[role]
	}
}

func (f *finder) has(l *Layer, roles roleSet) bool { return f.is[l.Index]&roles != 0 }

// end says where in the model a layer stands.
type end struct{ first, last, onPooled bool }

// ends finds the first and the last layers, and those on features without spatial extent.
func (f *finder) ends() []end {
	out := make([]end, len(f.layers))
	mixes := func(n *Node) bool { // does it mix features, as opposed to scaling them?
		l := f.of[n]
		return l != nil && (l.Type == "conv" || l.Type == "linear" || l.Type == "recurrent")
	}
	before := make(map[string]bool, len(f.graph.Nodes)) // values that come from a conv, linear, embedding or recurrent layer
	pooled := make(map[string]bool)                     // values without spatial extent: from a global pooling
	for _, n := range f.graph.Nodes {
		any := false
		for _, v := range n.Takes() {
			any = any || before[v]
		}
		l := f.of[n]
		onPooled := pooled[n.Input(0)]
		if l != nil {
			out[l.Index] = end{first: !any, onPooled: onPooled}
		}
		keeps := n.Is("Identity", "Dropout", "Relu", "Clip", "HardSwish", "Sigmoid", "HardSigmoid", "QuantizeLinear", "DequantizeLinear", "Mul", "Conv")
		gives := any || mixes(n) || l != nil && l.Type == "embedding"
		on := n.Is("GlobalAveragePool", "GlobalMaxPool") || keeps && onPooled
		for _, v := range n.Outputs {
			if gives {
				before[v] = true
			}
			if on {
				pooled[v] = true
			}
		}
	}
	after := make(map[string]bool, len(f.graph.Nodes)) // values that reach a conv, linear or recurrent layer
	for i := len(f.graph.Nodes) - 1; i >= 0; i-- {
		n := f.graph.Nodes[i]
		any := false
		for _, v := range n.Outputs {
			any = any || after[v]
		}
		if l := f.of[n]; l != nil {
			out[l.Index].last = !any
		}
		if any || mixes(n) {
			for _, v := range n.Takes() {
				after[v] = true
			}
		}
	}
	return out
}

// general gives the roles that follow from a layer alone and from its place between input and output.
func (f *finder) general(ends []end) {
	rows := f.vocabulary()
	for i := range f.layers {
		l, e := &f.layers[i], ends[i]
		if l.Type == "norm" || l.Type == "embedding" {
			f.add(l, l.Type)
		}
		if l.Type == "norm" {
			continue
		}
		pointwise := l.Type == "conv" && l.Groups == 1
		for _, k := range l.Kernel {
			pointwise = pointwise && k == 1
		}
		switch {
		case e.last && l.Type == "linear" && !f.has(l, inBlock) && rows[l.OutFeatures]:
			f.add(l, "lm_head")
		case e.last && (l.Type == "linear" && !f.has(l, inBlock) || pointwise && e.onPooled):
			f.add(l, "head")
		case e.last:
			f.add(l, "last")
		}
		if e.first {
			f.add(l, "first")
		}
		if l.Type == "conv" && l.Groups > 1 && l.Groups == l.InFeatures {
			f.add(l, "depthwise")
		}
		if pointwise {
			f.add(l, "pointwise")
		}
	}
}

// vocabulary returns the numbers of rows of the embeddings that an input of the graph indexes.
func (f *finder) vocabulary() map[int]bool {
	rows := map[int]bool{}
	for i := range f.layers {
		l := &f.layers[i]
		if l.Type != "embedding" || l.InFeatures < 3 {
			continue
		}
		v := l.Node.Input(1)
		for range maxChain {
			n := f.Producer(v)
			if n == nil || !n.Is("Cast", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Clip", "Where") {
				break
			}
			if v = n.Input(0); n.Is("Where") {
				v = n.Input(2)
			}
		}
		if f.Producer(v) == nil && f.Tensor(v) == nil {
			rows[l.InFeatures] = true
		}
	}
	return rows
}

// setSiblings tells each layer of a group which others read the same input.
func (f *finder) setSiblings() {
	for _, group := range f.groups {
		for _, l := range group {
			for _, o := range group {
				if o != l && f.dataOf(o) == f.dataOf(l) && !slices.Contains(l.Siblings, o.Name) {
					l.Siblings = append(l.Siblings, o.Name)
				}
			}
		}
	}
}

// group notes layers that may be siblings, in graph order, each once.
func (f *finder) group(layers ...*Layer) {
	var list []*Layer
	for _, l := range layers {
		if l != nil && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	if len(list) > 1 {
		slices.SortFunc(list, func(a, b *Layer) int { return a.Index - b.Index })
		f.groups = append(f.groups, list)
	}
}

// setTies tells each layer whose weight others use which they are.
func (f *finder) setTies() {
	owners := map[string][]*Layer{}
	for i := range f.layers {
		l := &f.layers[i]
		owners[l.Weight.Name] = append(owners[l.Weight.Name], l)
	}
	for i := range f.layers {
		l := &f.layers[i]
		for _, o := range owners[l.Weight.Name] {
			if o != l && len(l.TiedWith) < maxTied {
				l.TiedWith = append(l.TiedWith, o.Name)
			}
		}
		l.Tied = len(l.TiedWith) > 0
	}
}

// maxTied bounds the list of layers that share a weight: a hostile model has a million of them.
const maxTied = 1000

func layersByNode(layers []Layer) map[*Node]*Layer {
	of := make(map[*Node]*Layer, len(layers))
	for i := range layers {
		of[layers[i].Node] = &layers[i]
	}
	return of
}
