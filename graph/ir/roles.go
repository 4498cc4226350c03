package ir

import "slices"

// finder gives layers their roles. Each pattern has a file: attention.go, feedforward.go, experts.go. It goes by the
// numbers that an Index gives to nodes and values. All walks are bounded, so that looking at a graph takes time in
// proportion to its size.
type finder struct {
	*Index
	scope  *graphScope
	layers []Layer   // of the graph
	at     []int32   // by layer: its node
	owner  []int32   // by node: its layer, or -1
	class  []class   // by node
	is     []roleSet // by layer
	idle   []*walk

	networks []network // feed-forward networks, in graph order
	groups   [][]*Layer
	looked   bool   // for topK
	topK     []bool // what weights returns
}

func newFinder(s *graphScope, layers []Layer) *finder {
	x := s.Index
	f := &finder{Index: x, scope: s, layers: layers, at: make([]int32, len(layers)), owner: make([]int32, len(x.nodes)),
		class: make([]class, len(x.nodes)), is: make([]roleSet, len(layers))}
	next := 0
	for i, n := range x.nodes {
		f.class[i] = classOf(n)
		f.owner[i] = -1
		if next < len(layers) && layers[next].Node == n {
			f.owner[i], f.at[next] = int32(next), int32(i)
			next++
		}
	}
	return f
}

// layerAt returns the layer that node n is, or nil.
func (f *finder) layerAt(n int32) *Layer {
	if i := f.owner[n]; i >= 0 {
		return &f.layers[i]
	}
	return nil
}

func (f *finder) isConstant(value int32) bool { return f.tensor(value) != nil }

// roleSet is a set of roles: bit i stands for LayerRoles[i].
type roleSet uint32

// names lists the roles of a set, the most specific first.
func (s roleSet) names() []string {
	var names []string
	for i, w := range LayerRoles {
		if s&(1<<i) != 0 {
			names = append(names, w.Name)
		}
	}
	return slices.Clip(names)
}

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

// setRoles finds depths, roles and siblings of a graph's layers. Names are set already, and the graphs around it are done.
func (s *graphScope) setRoles(layers []Layer) {
	f := newFinder(s, layers)
	for i := range layers {
		layers[i].Index = i // within the graph, until its roles are set
	}
	ends := f.ends()
	f.attentions()
	f.gatedNetworks()
	f.plainNetworks()
	f.routers(ends)
	f.named()
	f.general(ends)
	lists := map[roleSet][]string{} // for reading only, and shared by layers of the same roles
	for i := range layers {
		set := f.is[i]
		if set == 0 {
			continue
		}
		if lists[set] == nil {
			lists[set] = set.names()
		}
		layers[i].Roles = lists[set]
		layers[i].Role = layers[i].Roles[0]
	}
	f.setSiblings()
	for i := range layers {
		layers[i].Index = s.from + i
	}
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

// ends finds depths, the first and the last layers, and those on features without spatial extent.
func (f *finder) ends() []end {
	out := make([]end, len(f.layers))
	takes := f.takes()
	mixes := make([]bool, len(f.nodes))  // does a node mix features, as opposed to scaling them?
	before := make([]bool, len(f.giver)) // values that come from a conv, linear, embedding or recurrent layer
	pooled := make([]bool, len(f.giver)) // values without spatial extent: from a global pooling
	passed := make([]int, len(f.giver))  // layers on the longest way to a value, its own included
	if f.scope.parent != nil {
		for v := range f.giver { // what is captured
			if f.giver[v] < 0 && f.tensors[v] == nil {
				before[v], passed[v] = f.scope.before, f.scope.passed
			}
		}
	}
	for n, node := range f.nodes {
		any, depth := false, 0
		for _, v := range takes(n) {
			any, depth = any || before[v], max(depth, passed[v])
		}
		on := len(f.in[n]) > 0 && f.in[n][0] >= 0 && pooled[f.in[n][0]]
		l := f.layerAt(int32(n))
		if l != nil {
			out[l.Index] = end{first: !any, onPooled: on}
			l.Depth = depth
			depth++
			mixes[n] = l.mixing()
		}
		inner := f.scope.mixes[n]
		for _, c := range f.scope.children[n] {
			c.before, c.passed = any, depth
		}
		mixes[n] = mixes[n] || inner
		gives := any || mixes[n] || l != nil && l.Type == "embedding"
		on = on && node.Is("Identity", "Dropout", "Relu", "Clip", "HardSwish", "Sigmoid", "HardSigmoid", "QuantizeLinear", "DequantizeLinear", "Mul", "Conv") ||
			node.Is("GlobalAveragePool", "GlobalMaxPool")
		for _, v := range f.out[n] {
			if v >= 0 {
				before[v], pooled[v], passed[v] = gives, on, depth
			}
		}
	}
	after := before // values that reach a conv, linear or recurrent layer
	clear(after)
	if f.scope.after {
		for _, v := range f.graph.Outputs {
			if id := f.id(v.Name); id >= 0 {
				after[id] = true
			}
		}
	}
	for n := len(f.nodes) - 1; n >= 0; n-- {
		any := false
		for _, v := range f.out[n] {
			any = any || v >= 0 && after[v]
		}
		if l := f.layerAt(int32(n)); l != nil {
			out[l.Index].last = !any
		}
		for _, c := range f.scope.children[n] {
			c.after = any
		}
		if any || mixes[n] {
			for _, v := range takes(n) {
				after[v] = true
			}
		}
	}
	return out
}

// takes returns a function that lists the values that a node takes, those that its subgraphs capture among them.
func (f *finder) takes() func(n int) []int32 {
	special := map[int][]int32{}
	for n, node := range f.nodes {
		if node.plain() {
			continue
		}
		list := []int32{}
		for _, v := range node.Takes() {
			if id := f.id(v); id >= 0 {
				list = append(list, id)
			}
		}
		special[n] = list
	}
	return func(n int) []int32 {
		if list, ok := special[n]; ok {
			return list
		}
		return f.in[n]
	}
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
	for _, l := range layers[:min(len(layers), maxGroup+1)] {
		if l != nil && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	if len(list) > 1 && len(list) <= maxGroup {
		slices.SortFunc(list, func(a, b *Layer) int { return a.Index - b.Index })
		f.groups = append(f.groups, list)
	}
}

// setTies tells each layer whose weight others use which they are.
func setTies(layers []Layer) {
	first := make(map[*Tensor]int, len(layers))
	shared := map[*Tensor][]string{} // the owners of weights that have several
	for i := range layers {
		w := layers[i].Weight
		j, known := first[w]
		switch {
		case !known:
			first[w] = i
		case shared[w] == nil:
			shared[w] = []string{layers[j].Name, layers[i].Name}
		default:
			shared[w] = append(shared[w], layers[i].Name)
		}
	}
	if len(shared) == 0 {
		return
	}
	for i := range layers {
		l := &layers[i]
		names := shared[l.Weight]
		l.Tied = len(names) > 1
		some := names[:min(len(names), maxTied)]
		if at := slices.Index(some, l.Name); at >= 0 {
			l.TiedWith = slices.Concat(some[:at:at], some[at+1:])
		} else {
			l.TiedWith = some
		}
	}
}

// maxTied bounds the list of layers that share a weight. Models that use one block over and over have a dozen; a hostile
// one could have a million.
const maxTied = 32

// maxGroup is the most layers that can be siblings: a hostile model has many of one name.
const maxGroup = 8
