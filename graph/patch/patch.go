// Package patch holds what a pass did to a model as a value: the nodes, tensors and declarations that came, went or
// changed. A patch can be stored and later applied to the same state of the model, which gives the same model again.
//
// Base.Draft lends a copy of a model to a pass and makes the patch of what the pass did to it. Apply brings patches into the
// model. Patches that were made from one state go together if they touch different things, or do the same to one thing:
// the order of the result is that of the patches. Places are counted in the state that a patch was made from, which
// Structure names; what a patch takes over from there, such as the bytes of a tensor under another name, is not in it.
//
// Whatever the passes do, the model goes on as Apply made it, with a store or without: so a result that is found again
// cannot differ from one that was just made.
package patch

import "github.com/pare-ml/pare/graph/ir"

// Patch is the difference between two states of a model. It is made by Draft.Patch or Decode and not changed afterwards.
type Patch struct {
	Base [32]byte // Structure of the state that it applies to

	model    *modelFields
	opsets   list[ir.Opset, ir.Opset]
	metadata list[ir.KeyValue, ir.KeyValue]
	graph    graphEdit
}

// modelFields are the fields of a model beside its lists, if one has changed.
type modelFields struct {
	irVersion    int64
	texts        [4]string // producer, its version, domain, doc
	modelVersion int64
	present      uint32
	extra        []byte
}

// graphEdit is the difference between two graphs. Against the empty graph it is a whole one.
type graphEdit struct {
	fields  *graphFields
	nodes   list[node, nodeEdit]
	tensors list[tensor, tensor]
	values  [3]list[value, value] // inputs, outputs, what is said of inner values
}

// graphFields are the fields of a graph beside its lists, if one has changed.
type graphFields struct {
	name, doc string
	opaque    []string
	present   uint32
	extra     []byte
}

// node is a whole node.
type node struct {
	name, op, domain, doc string
	inputs, outputs       []string
	attrs                 []attr
	extra                 []byte
}

// nodeEdit changes some fields of a node; the others are nil.
type nodeEdit struct {
	name, op, domain, doc *string
	inputs, outputs       *names
	attrs                 *[]attr
	extra                 *[]byte
}

// names changes a list of names: some of them, or all if whole.
type names struct {
	whole bool
	list  []string
	at    []int // of the names in list, unless whole
}

// attr is an attribute: one that the node had (keep), such a one with another graph in it, or a new one.
type attr struct {
	keep   int // place in the node's old list; below 0: new
	graph  *graphEdit
	new    ir.Attr // without Tensor, Graph, Extra and Origin
	tensor *tensor
	extra  []byte
}

// value is what a graph says of a value.
type value struct {
	ir.Value // without Extra and Origin
	extra    []byte
}

// tensor is a tensor: one over the bytes of an old one (from), or one with bytes of its own.
type tensor struct {
	t    *ir.Tensor // with its header; over its own bytes unless from says otherwise
	from int        // place among the old state's tensors, as tensorsOf lists them; below 0: none
}

// list is the difference between two lists: T is a whole element, E what changes one. Places are those of the old list.
type list[T, E any] struct {
	removed []int
	changed []change[E]
	added   []addition[T]

	// order, unless nil, is the new list where kept elements do not stand as they stood: old places, and behind them the
	// added in their order.
	order []int
}

type change[E any] struct {
	at int
	to E
}

type addition[T any] struct {
	before int // old place; the length of the old list: the end
	item   T
}

// IsEmpty tells whether the patch changes nothing.
func (p *Patch) IsEmpty() bool {
	return p.model == nil && p.opsets.isEmpty() && p.metadata.isEmpty() && p.graph.isEmpty()
}

func (g *graphEdit) isEmpty() bool {
	for i := range g.values {
		if !g.values[i].isEmpty() {
			return false
		}
	}
	return g.fields == nil && g.nodes.isEmpty() && g.tensors.isEmpty()
}

func (l *list[T, E]) isEmpty() bool {
	return len(l.removed) == 0 && len(l.changed) == 0 && len(l.added) == 0 && l.order == nil
}
