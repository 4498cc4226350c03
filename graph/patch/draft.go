package patch

import (
	"slices"
	"sync"

	"github.com/pare-ml/pare/graph/ir"
)

// Base is a state of a model that drafts are made of. The model must stay as it is while they are in use.
type Base struct {
	model     *ir.Model
	structure func() [32]byte
	tensors   func() []*ir.Tensor
}

// On returns the state that a model has.
func On(m *ir.Model) *Base {
	return &Base{m, sync.OnceValue(func() [32]byte { return Structure(m, false) }), sync.OnceValue(func() []*ir.Tensor { return tensorsOf(m) })}
}

// Draft is a copy of a model that a pass may change, and the memory of which part of it came from which part of the model.
type Draft struct {
	Model *ir.Model // for the pass

	base   *Base
	root   *pair
	graphs map[*ir.Graph]*pair
	values map[*ir.Value]place // of copies
	nodes  map[*ir.Node]place
	shared map[*ir.Tensor]int // tensors of the model: place in tensorsOf
}

// pair is a graph of the model and what its copy held.
type pair struct {
	base    *ir.Graph
	tensors []*ir.Tensor
	names   map[string]int // of tensors
	nodes   []*ir.Node     // of the copy, as they stood
}

// place is where an element of the copy stood: in which graph, and where in its list there.
type place struct {
	graph *pair
	list  int // of values: inputs, outputs or what is said of inner ones
	at    int
}

// Draft copies the model.
func (b *Base) Draft() *Draft {
	m := b.model
	d := &Draft{Model: m.Clone(), base: b, graphs: map[*ir.Graph]*pair{}, values: map[*ir.Value]place{}}
	d.pair(m.Graph, d.Model.Graph)
	d.root = d.graphs[d.Model.Graph]
	return d
}

func (d *Draft) pair(base, clone *ir.Graph) {
	if clone == nil {
		return
	}
	p := &pair{base: base, tensors: base.Tensors(), nodes: slices.Clone(clone.Nodes)}
	d.graphs[clone] = p
	for k, list := range [][]*ir.Value{clone.Inputs, clone.Outputs, clone.Values} {
		for i, v := range list {
			d.values[v] = place{p, k, i}
		}
	}
	for i, n := range clone.Nodes {
		for k := range n.Attrs {
			d.pair(base.Nodes[i].Attrs[k].Graph, n.Attrs[k].Graph)
		}
	}
}

// Patch returns what was done to the copy.
func (d *Draft) Patch() *Patch {
	was, is := d.base.model, d.Model
	p := &Patch{Base: d.base.structure(), model: d.fields(was, is)}
	p.opsets = diffList(was.Opsets, is.Opsets, func(o *ir.Opset) int {
		return slices.IndexFunc(was.Opsets, func(w ir.Opset) bool { return w.Domain == o.Domain })
	}, func(at int, o *ir.Opset) (ir.Opset, bool) {
		return ir.Opset{Domain: o.Domain, Version: o.Version}, was.Opsets[at].Version != o.Version
	},
		func(o *ir.Opset) ir.Opset { return ir.Opset{Domain: o.Domain, Version: o.Version} })
	next := map[string]int{} // entries may have one key
	p.metadata = diffList(was.Metadata, is.Metadata, func(kv *ir.KeyValue) int {
		from := next[kv.Key]
		i := slices.IndexFunc(was.Metadata[from:], func(w ir.KeyValue) bool { return w.Key == kv.Key })
		if i >= 0 {
			i += from
			next[kv.Key] = i + 1
		}
		return i
	}, func(at int, kv *ir.KeyValue) (ir.KeyValue, bool) {
		return ir.KeyValue{Key: kv.Key, Value: kv.Value}, was.Metadata[at].Value != kv.Value
	}, func(kv *ir.KeyValue) ir.KeyValue { return ir.KeyValue{Key: kv.Key, Value: kv.Value} })
	p.graph = d.graph(d.root, is.Graph)
	return p
}

func (d *Draft) fields(was, is *ir.Model) *modelFields {
	f := fieldsOf(is)
	if w := fieldsOf(was); w.irVersion == f.irVersion && w.texts == f.texts && w.modelVersion == f.modelVersion && w.present == f.present &&
		slices.Equal(was.Extra, is.Extra) {
		return nil
	}
	f.extra = extraBytes(is.Extra)
	return f
}

func fieldsOf(m *ir.Model) *modelFields {
	return &modelFields{irVersion: m.IRVersion, texts: [4]string{m.Producer, m.ProducerVersion, m.Domain, m.Doc}, modelVersion: m.ModelVersion, present: m.Present}
}

// extraBytes returns what stands in fields that pare does not read. They lie in memory or in a file that is open; if they
// cannot be read now, they cannot be written either, and what is written is checked by who reads it back.
func extraBytes(e ir.Extra) []byte {
	b, err := e.Bytes()
	if err != nil {
		return nil
	}
	return b
}

// empty stands for the old state of a graph that is new.
var empty = &pair{base: &ir.Graph{}, names: map[string]int{}}

// graph compares a graph with what it was; with nothing if it is new.
func (d *Draft) graph(p *pair, is *ir.Graph) graphEdit {
	if p == nil {
		p = empty
	}
	was, whole := p.base, p == empty
	var e graphEdit
	if whole || was.Name != is.Name || was.Doc != is.Doc || was.Present != is.Present || !slices.Equal(was.Opaque, is.Opaque) || !slices.Equal(was.Extra, is.Extra) {
		e.fields = &graphFields{name: is.Name, doc: is.Doc, opaque: is.Opaque, present: is.Present, extra: extraBytes(is.Extra)}
	}
	next := 0 // most nodes stand where they stood, or behind what was added and removed
	e.nodes = diffList(was.Nodes, is.Nodes, func(n **ir.Node) int {
		for k := next; k < min(next+4, len(p.nodes)); k++ {
			if p.nodes[k] == *n {
				next = k + 1
				return k
			}
		}
		if d.nodes == nil {
			d.index()
		}
		if from, ok := d.nodes[*n]; ok && from.graph == p {
			return from.at
		}
		return -1
	}, func(at int, n **ir.Node) (nodeEdit, bool) { return d.node(was.Nodes[at], *n) },
		func(n **ir.Node) node { return d.newNode(*n) })
	last := -1 // a tensor that stands before one that it stood behind was removed and added again
	e.tensors = diffList(p.tensors, is.Tensors(), func(t **ir.Tensor) int {
		if k := last + 1; k < len(p.tensors) && p.tensors[k].Name == (*t).Name {
			last = k
			return k
		}
		at, ok := p.tensor((*t).Name)
		if !ok || at <= last {
			return -1
		}
		last = at
		return at
	}, func(at int, t **ir.Tensor) (tensor, bool) { return d.tensor(*t), p.tensors[at] != *t },
		func(t **ir.Tensor) tensor { return d.tensor(*t) })
	before := [3][]*ir.Value{was.Inputs, was.Outputs, was.Values}
	for k, list := range [3][]*ir.Value{is.Inputs, is.Outputs, is.Values} {
		e.values[k] = diffList(before[k], list, func(v **ir.Value) int {
			from, ok := d.values[*v]
			if ok && from.graph == p && from.list == k {
				return from.at
			}
			return slices.IndexFunc(before[k], func(w *ir.Value) bool { return w.Name == (*v).Name })
		}, func(at int, v **ir.Value) (value, bool) { return newValue(*v), !sameValue(before[k][at], *v) },
			func(v **ir.Value) value { return newValue(*v) })
	}
	return e
}

// tensor finds a tensor's place by its name.
func (p *pair) tensor(name string) (int, bool) {
	if p.names == nil {
		p.names = make(map[string]int, len(p.tensors))
		for i, t := range p.tensors {
			p.names[t.Name] = i
		}
	}
	at, ok := p.names[name]
	return at, ok
}

// index notes where the copy's nodes stood.
func (d *Draft) index() {
	d.nodes = map[*ir.Node]place{}
	for _, p := range d.graphs {
		for i, n := range p.nodes {
			d.nodes[n] = place{p, 0, i}
		}
	}
}

// diffList compares two lists. find gives the old place of a new element, below 0 if it has none; changed compares it with
// the element there; whole writes it out.
func diffList[T, W, E any](was, is []T, find func(*T) int, changed func(at int, item *T) (E, bool), whole func(*T) W) list[W, E] {
	from := make([]int, len(is))
	for i := range is {
		from[i] = find(&is[i])
	}
	var l list[W, E]
	var before []int
	l.removed, before, l.order = arrange(len(was), from)
	for i := range is {
		if from[i] < 0 {
			l.added = append(l.added, addition[W]{before[len(l.added)], whole(&is[i])})
		} else if e, yes := changed(from[i], &is[i]); yes {
			l.changed = append(l.changed, change[E]{from[i], e})
		}
	}
	return l
}

func newValue(v *ir.Value) value {
	w := *v
	w.Extra, w.Origin = nil, nil
	w.Shape = slices.Clone(v.Shape)
	return value{Value: w, extra: extraBytes(v.Extra)}
}

func sameValue(a, b *ir.Value) bool {
	return a.Name == b.Name && a.DType == b.DType && a.Doc == b.Doc && (a.Shape == nil) == (b.Shape == nil) &&
		slices.Equal(a.Shape, b.Shape) && slices.Equal(a.Extra, b.Extra)
}

// tensor refers to the bytes of an old tensor where it can.
func (d *Draft) tensor(t *ir.Tensor) tensor {
	places := d.base.tensors()
	if d.shared == nil {
		d.shared = map[*ir.Tensor]int{}
		for i, u := range places {
			if _, ok := d.shared[u]; !ok {
				d.shared[u] = i
			}
		}
	}
	if at, ok := d.shared[t]; ok {
		return tensor{t, at}
	}
	for at, u := range places {
		if t.SharesBytes(u) && t.DType == u.DType && t.Len() == u.Len() {
			return tensor{t, at}
		}
	}
	c := *t
	c.Origin = nil // of a file that the patch does not name
	return tensor{&c, -1}
}
