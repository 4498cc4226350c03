// Package arch makes graphs of models that come without one: from a configuration and the names and shapes of tensors.
// The operators are ONNX's own of opset 23; layers get the names of the modules that own their weights, and roles,
// siblings and ties follow from the graph as they do for any other.
//
// Families of models are records of one table (family.go). Of a model that is in none of them, and of tensors that its
// family does not know, every matrix named *.weight is still a layer: how data flow between these is unknown and written
// as nodes of an operator Opaque. So whatever changes weights one by one works on any model.
//
// Only what shapes and roles need is taken from a configuration; positions come in as tables of cosines and sines, which
// are inputs of the graph, so no scaling of frequencies is of interest here.
package arch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// Opset is the version of ONNX's operators that the graphs use: the first with Attention, RotaryEmbedding and
// RMSNormalization.
const Opset = 23

// Domain is that of the operator Opaque.
const Domain = "pare"

// Built is a graph with what there is to say about it.
type Built struct {
	Graph  *ir.Graph
	Opsets []ir.Opset
	Family string   // model_type of the configuration, if it is a known one
	Notes  []string // what is not known of the model, for whoever looks at it
}

// Build makes the graph over tensors, which become its initializers in their order, all of them. config is what
// config.json says, nil if there is none. An *Error says that the configuration contradicts itself or the tensors.
func Build(config *strictjson.Value, tensors []*ir.Tensor) (*Built, error) {
	out, err := build(config, tensors)
	var strange *unknown
	if errors.As(err, &strange) {
		b := newBuilder(tensors)
		b.note("%s: its layers are known by name and shape alone", strange.reason)
		return b.finish(), nil
	}
	return out, err
}

// unknown says why a model cannot be put together.
type unknown struct{ reason string }

func (u *unknown) Error() string { return u.reason }

func build(root *strictjson.Value, tensors []*ir.Tensor) (*Built, error) {
	if root == nil {
		return nil, &unknown{"there is no config.json"}
	}
	c, err := readConfig(root)
	if err != nil {
		return nil, err
	}
	f := familyOf(c.kind)
	if f == nil {
		if c.kind == "" {
			return nil, &unknown{"config.json has no model_type"}
		}
		return nil, &unknown{fmt.Sprintf("model_type %.60q is not known", c.kind)}
	}
	b := newBuilder(tensors)
	b.config, b.family = c, f
	if !b.findRoot() {
		return nil, &unknown{fmt.Sprintf("model_type is %q, but no tensor is named %s%s.weight", c.kind, f.roots[0], f.tokens)}
	}
	rows := 0
	if s := b.byName[b.root+b.tokens+".weight"].Shape; len(s) == 2 {
		rows = s[0]
	}
	if err := c.sizes(f, rows); err != nil {
		return nil, err
	}
	b.model()
	if b.err != nil {
		return nil, b.err
	}
	return b.finish(), nil
}

// builder puts a graph together. The first error stays; after it methods do nothing that matters.
type builder struct {
	*config
	*family
	root string

	g      *ir.Graph
	byName map[string]*ir.Tensor
	used   map[string]bool   // tensors that a node takes
	values map[string]bool   // names of values and nodes in use
	consts map[string]string // constants by what they hold
	first  []*ir.Node        // the Constant nodes, which stand before all others
	opaque bool
	notes  []string
	stream string // the embeddings, for what hangs beside the model
	err    error
}

func newBuilder(tensors []*ir.Tensor) *builder {
	b := &builder{g: &ir.Graph{}, byName: make(map[string]*ir.Tensor, len(tensors)), used: map[string]bool{}, values: map[string]bool{}, consts: map[string]string{}}
	for _, t := range tensors {
		b.g.AddTensor(t)
		b.byName[t.Name] = t
	}
	return b
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
}

// findRoot finds what stands before all names.
func (b *builder) findRoot() bool {
	for _, r := range b.roots {
		if b.has(r + b.tokens) {
			b.root = r
			return true
		}
	}
	return false
}

// has reports whether a module has a weight.
func (b *builder) has(module string) bool { return module != "" && b.byName[module+".weight"] != nil }

// finish adds the layers that nothing takes yet and returns the graph.
func (b *builder) finish() *Built {
	b.rest()
	b.g.Nodes = append(b.first, b.g.Nodes...)
	out := &Built{Graph: b.g, Opsets: []ir.Opset{{Version: Opset}}, Notes: b.notes}
	if b.config != nil {
		out.Family = b.kind
	}
	if b.opaque {
		out.Opsets = append(out.Opsets, ir.Opset{Domain: Domain, Version: 1})
	}
	return out
}

// tensor returns the name of a tensor that must be there in this shape.
func (b *builder) tensor(name string, shape ...int) string {
	t := b.byName[name]
	if t == nil {
		b.fail(damaged("the tensor %s is missing%s", name, b.because()))
		return name
	}
	same := len(t.Shape) == len(shape)
	for i := 0; same && i < len(shape); i++ {
		same = t.Shape[i] == shape[i]
	}
	if !same {
		b.fail(damaged("the tensor %s has shape %v; by config.json it must be %v", name, t.Shape, shape))
	}
	b.used[name] = true
	return name
}

// because recalls what a missing tensor is missed for.
func (b *builder) because() string {
	return fmt.Sprintf("; config.json says %d layers of model_type %s", b.layers, b.kind)
}

// value finds a name for what a node gives.
func (b *builder) value(name string) string {
	for b.values[name] || b.byName[name] != nil {
		name += "_"
	}
	b.values[name] = true
	return name
}

// ops adds a node with several outputs.
func (b *builder) ops(name, op string, outputs int, inputs []string, attrs ...ir.Attr) []string {
	n := &ir.Node{Name: b.value(name + "/" + op), Op: op, Inputs: inputs, Attrs: attrs}
	for range outputs {
		n.Outputs = append(n.Outputs, b.value(n.Name+"_out"))
	}
	b.g.Nodes = append(b.g.Nodes, n)
	return slices.Clone(n.Outputs)
}

// op adds a node.
func (b *builder) op(name, op string, inputs []string, attrs ...ir.Attr) string {
	return b.ops(name, op, 1, inputs, attrs...)[0]
}

// unknownWay adds a node of the operator Opaque.
func (b *builder) unknownWay(name string, inputs []string, outputs int) []string {
	b.opaque = true
	out := b.ops(name, "Opaque", outputs, inputs)
	b.g.Nodes[len(b.g.Nodes)-1].Domain = Domain
	return out
}

// constant adds a constant once and returns its name. kind keeps constants of different types apart.
func (b *builder) constant(kind string, a ir.Attr, text string) string {
	key := kind + text
	if name, ok := b.consts[key]; ok {
		return name
	}
	name := b.value("/constant/" + strings.ReplaceAll(key, " ", ","))
	if a.Tensor != nil {
		a.Tensor = a.Tensor.WithName(name)
	}
	b.first = append(b.first, &ir.Node{Name: name, Op: "Constant", Outputs: []string{name}, Attrs: []ir.Attr{a}})
	b.values[name] = true
	b.consts[key] = name
	return name
}

func (b *builder) ints(v ...int64) string {
	return b.constant("ints", ir.IntsAttr("value_ints", v...), fmt.Sprint(v))
}

func (b *builder) int(v int64) string {
	return b.constant("int", ir.IntAttr("value_int", v), fmt.Sprint(v))
}

// dtype is that of the values between layers.
func (b *builder) dtype() ir.DType {
	if b.family != nil {
		if t := b.byName[b.root+b.tokens+".weight"]; t != nil {
			switch t.DType {
			case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
				return t.DType
			}
		}
	}
	return ir.Float32
}

// input adds an input of the graph once.
func (b *builder) input(name string, dtype ir.DType, dims ...any) string {
	for _, v := range b.g.Inputs {
		if v.Name == name {
			return name
		}
	}
	if b.byName[name] != nil || b.values[name] {
		b.fail(damaged("a tensor is named %s, as an input of the model must be", name))
	}
	b.values[name] = true
	b.g.Inputs = append(b.g.Inputs, &ir.Value{Name: name, DType: dtype, Shape: shapeOf(dims)})
	return name
}

// output makes the value that the last node gives an output of the graph, under a name of its own if that is free.
func (b *builder) output(name, value string, dims ...any) string {
	n := b.g.Nodes[len(b.g.Nodes)-1]
	if b.byName[name] == nil && !b.values[name] && n.Outputs[0] == value {
		delete(b.values, value)
		b.values[name] = true
		n.Outputs[0], value = name, name
	}
	b.g.Outputs = append(b.g.Outputs, &ir.Value{Name: value, DType: b.dtype(), Shape: shapeOf(dims)})
	return value
}

func shapeOf(dims []any) ir.Shape {
	s := make(ir.Shape, len(dims))
	for i, d := range dims {
		switch d := d.(type) {
		case int:
			s[i] = ir.Dim{Size: int64(d)}
		case string:
			s[i] = ir.Dim{Size: -1, Name: d}
		}
	}
	return s
}
