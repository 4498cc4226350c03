package patch

import (
	"bytes"
	"errors"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
)

// Apply brings patches into a model, one behind the other, all of which were made from the state that it has. On an error
// the model is as it was.
func Apply(m *ir.Model, patches ...*Patch) error {
	base := Structure(m, false)
	work := m.Clone()
	a := &applier{tensors: tensorsOf(m)}
	opsets, metadata := newSlots(work.Opsets), newSlots(work.Metadata)
	g := a.open(m.Graph, work.Graph)
	var fields *modelFields
	for _, p := range patches {
		if p.Base != base {
			return errors.New("the patch was made from another state of the model")
		}
		if p.model != nil {
			if fields != nil && !sameFields(fields, p.model) {
				return conflict("two patches change the model's own fields")
			}
			fields = p.model
		}
		if err := edit(opsets, &p.opsets, unchanged[ir.Opset], func(at int, cur, to *ir.Opset) error {
			if cur.Version != m.Opsets[at].Version && cur.Version != to.Version {
				return conflict("two patches set the opset of domain %q", cur.Domain)
			}
			cur.Domain, cur.Version = to.Domain, to.Version
			return nil
		}, func(a, b ir.Opset) (bool, bool) { return a.Domain == b.Domain, a.Version == b.Version }); err != nil {
			return err
		}
		if err := edit(metadata, &p.metadata, unchanged[ir.KeyValue], func(at int, cur, to *ir.KeyValue) error {
			if cur.Value != m.Metadata[at].Value && cur.Value != to.Value {
				return conflict("two patches set the metadata %q", cur.Key)
			}
			cur.Key, cur.Value = to.Key, to.Value
			return nil
		}, func(a, b ir.KeyValue) (bool, bool) { return a.Key == b.Key, a.Value == b.Value }); err != nil {
			return err
		}
		if err := g.apply(&p.graph); err != nil {
			return err
		}
	}
	work.Opsets, work.Metadata = opsets.list(), metadata.list()
	if fields != nil {
		fields.put(work)
	}
	g.close()
	*m = *work
	return nil
}

func unchanged[T any](v *T) (T, error) { return *v, nil }

func sameFields(a, b *modelFields) bool {
	return a.irVersion == b.irVersion && a.texts == b.texts && a.modelVersion == b.modelVersion && a.present == b.present && bytes.Equal(a.extra, b.extra)
}

func (f *modelFields) put(m *ir.Model) {
	m.IRVersion, m.ModelVersion, m.Present = f.irVersion, f.modelVersion, f.present
	m.Producer, m.ProducerVersion, m.Domain, m.Doc = f.texts[0], f.texts[1], f.texts[2], f.texts[3]
	m.Extra = mergeExtra(m.Extra, f.extra)
}

// mergeExtra returns fields that pare does not read: those that were there if the bytes are theirs.
func mergeExtra(was ir.Extra, b []byte) ir.Extra {
	if old, err := was.Bytes(); err == nil && bytes.Equal(old, b) {
		return was
	}
	return ir.NewExtra(b)
}

// applier brings patches into one model.
type applier struct {
	tensors []*ir.Tensor // of the state that the patches were made from
}

// openGraph is a graph that patches are being brought into.
type openGraph struct {
	a       *applier
	was     *ir.Graph // before all patches
	graph   *ir.Graph
	fields  *graphFields
	nodes   *slots[*ir.Node]
	tensors *slots[*ir.Tensor]
	values  [3]*slots[*ir.Value]
	attrs   map[int]*[]attr // of nodes by place, as the first patch that changes them has it
	within  []*openGraph
}

func (a *applier) open(was, g *ir.Graph) *openGraph {
	o := &openGraph{a: a, was: was, graph: g, nodes: newSlots(g.Nodes), tensors: newSlots(g.Tensors()), attrs: map[int]*[]attr{}}
	for k, list := range [][]*ir.Value{g.Inputs, g.Outputs, g.Values} {
		o.values[k] = newSlots(list)
	}
	return o
}

func (o *openGraph) apply(e *graphEdit) error {
	if e.fields != nil {
		if o.fields != nil && !slices.Equal(graphFieldsBytes(o.fields), graphFieldsBytes(e.fields)) {
			return conflict("two patches change the graph's own fields")
		}
		o.fields = e.fields
	}
	if err := edit(o.tensors, &e.tensors, o.a.tensor, o.changeTensor, sameTensors); err != nil {
		return err
	}
	was := [3][]*ir.Value{o.was.Inputs, o.was.Outputs, o.was.Values}
	for k := range e.values {
		if err := edit(o.values[k], &e.values[k], func(v *value) (*ir.Value, error) { return v.make(), nil }, func(at int, cur **ir.Value, to *value) error {
			return changeValue(was[k][at], cur, to)
		}, func(a, b *ir.Value) (bool, bool) { return a.Name == b.Name, sameBytes(a, b) }); err != nil {
			return err
		}
	}
	return edit(o.nodes, &e.nodes, o.a.node, o.changeNode, sameNodes)
}

// close puts the lists together.
func (o *openGraph) close() {
	for _, sub := range o.within {
		sub.close()
	}
	g := o.graph
	g.Nodes = o.nodes.list()
	g.SetTensors(o.tensors.list())
	g.Inputs, g.Outputs, g.Values = o.values[0].list(), o.values[1].list(), o.values[2].list()
	if f := o.fields; f != nil {
		g.Name, g.Doc, g.Opaque, g.Present, g.Extra = f.name, f.doc, f.opaque, f.present, mergeExtra(g.Extra, f.extra)
	}
}

func (v *value) make() *ir.Value {
	w := v.Value
	w.Shape = slices.Clone(v.Shape)
	w.Extra = ir.NewExtra(v.extra)
	return &w
}

func changeValue(was *ir.Value, cur **ir.Value, to *value) error {
	next := to.make()
	next.Origin, next.Extra = was.Origin, mergeExtra(was.Extra, to.extra)
	if !sameValue(was, *cur) && !sameBytes(*cur, next) {
		return conflict("two patches say different things of value %q", was.Name)
	}
	*cur = next
	return nil
}

// tensor makes a tensor.
func (a *applier) tensor(e *tensor) (*ir.Tensor, error) {
	if e.from < 0 {
		return e.t, nil
	}
	if e.from >= len(a.tensors) {
		return nil, conflict("it takes over tensor %d of %d", e.from, len(a.tensors))
	}
	old := a.tensors[e.from]
	if old.SameHeader(e.t) && slices.Equal(old.Extra, e.t.Extra) {
		return old, nil
	}
	if old.DType != e.t.DType {
		return nil, conflict("it takes over tensor %q as %s", old.Name, e.t.DType)
	}
	t, err := old.WithName(e.t.Name).WithShape(slices.Clone(e.t.Shape))
	if err != nil {
		return nil, conflict("%v", err)
	}
	t.Doc = e.t.Doc
	if len(e.t.Extra) > 0 || len(old.Extra) > 0 {
		t.Extra = mergeExtra(old.Extra, extraBytes(e.t.Extra))
	}
	return t, nil
}

func (o *openGraph) changeTensor(at int, cur **ir.Tensor, e *tensor) error {
	t, err := o.a.tensor(e)
	if err != nil {
		return err
	}
	if *cur != o.was.Tensors()[at] {
		if _, equal := sameTensors(*cur, t); !equal {
			return conflict("two patches change tensor %q", t.Name)
		}
	}
	*cur = t
	return nil
}

// sameTensors compares tensors, their elements too.
func sameTensors(a, b *ir.Tensor) (named, equal bool) {
	if a.Name != b.Name || !a.SameHeader(b) {
		return a.Name == b.Name, false
	}
	if a == b || a.SharesBytes(b) {
		return true, true
	}
	x, err := a.Bytes()
	y, err2 := b.Bytes()
	return true, err == nil && err2 == nil && bytes.Equal(x, y)
}
