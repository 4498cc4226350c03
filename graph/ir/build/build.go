// Package build writes models node by node: for tests, for tools, and for the generator of the example model. Names,
// order and weights depend on nothing but the calls.
package build

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/rng"
)

// Builder collects a graph. Methods that add an operator return the name of its output, to be used as the input of the
// next; they panic on a mistake of the program that calls them.
type Builder struct {
	// Fill makes the values of a weight. fan is the number of products that one output sums up. Nil: normal with variance
	// 2/fan (He et al. 2015), from a generator seeded with the weight's name.
	Fill func(name string, shape []int, fan int) []float32

	m     *ir.Model
	count map[string]int
}

// New starts a model in an opset of ONNX.
func New(name string, opset int64) *Builder {
	return &Builder{
		m: &ir.Model{
			Format:    "onnx",
			IRVersion: irVersion(opset),
			Producer:  "pare",
			Graph:     &ir.Graph{Name: name},
			Opsets:    []ir.Opset{{Version: opset}},
		},
		count: map[string]int{},
	}
}

// irVersion returns the version of the format that came with an opset, but 8 at least: what every runtime reads.
func irVersion(opset int64) int64 {
	switch {
	case opset <= 18:
		return 8
	case opset <= 20:
		return 9
	case opset <= 22:
		return 10
	case opset == 23:
		return 11
	case opset == 24:
		return 12
	}
	return 13
}

// Model returns the model; it panics if it is none (ir.Model.Check).
func (b *Builder) Model() *ir.Model {
	if err := b.m.Check(); err != nil {
		panic(fmt.Sprintf("build: %v", err))
	}
	return b.m
}

// Input adds an input of the graph. A dimension is an int, or a string that names it: "batch".
func (b *Builder) Input(name string, dtype ir.DType, dims ...any) string {
	b.m.Graph.Inputs = append(b.m.Graph.Inputs, &ir.Value{Name: name, DType: dtype, Shape: shape(dims)})
	return name
}

// Output makes a value an output of the graph.
func (b *Builder) Output(name string, dtype ir.DType, dims ...any) {
	b.m.Graph.Outputs = append(b.m.Graph.Outputs, &ir.Value{Name: name, DType: dtype, Shape: shape(dims)})
}

func shape(dims []any) ir.Shape {
	s := make(ir.Shape, len(dims))
	for i, d := range dims {
		switch d := d.(type) {
		case int:
			s[i] = ir.Dim{Size: int64(d)}
		case string:
			s[i] = ir.Dim{Size: -1, Name: d}
		default:
			panic(fmt.Sprintf("build: dimension %v is neither int nor string", d))
		}
	}
	return s
}

// Tensor adds an initializer.
func (b *Builder) Tensor(t *ir.Tensor) string {
	if b.m.Graph.Tensor(t.Name) != nil {
		panic(fmt.Sprintf("build: tensor %q stands twice", t.Name))
	}
	b.m.Graph.SetTensor(t)
	return t.Name
}

// Floats adds a float32 initializer with these values.
func (b *Builder) Floats(name string, shape []int, data ...float32) string {
	return b.Tensor(ir.FromFloat32s(name, shape, data))
}

// Ints adds an int64 initializer of rank 1.
func (b *Builder) Ints(name string, data ...int64) string {
	return b.Tensor(ir.FromInt64s(name, []int{len(data)}, data))
}

// Weight adds a float32 initializer whose values Fill makes.
func (b *Builder) Weight(name string, fan int, shape ...int) string {
	if b.Fill != nil {
		return b.Floats(name, shape, b.Fill(name, shape, fan)...)
	}
	return b.Floats(name, shape, he(name, shape, fan)...)
}

// constant adds n equal values.
func (b *Builder) constant(name string, n int, v float32) string {
	data := make([]float32, n)
	for i := range data {
		data[i] = v
	}
	return b.Floats(name, []int{n}, data...)
}

// Op adds a node with one output, named name; an empty name is made from the operator and a number. The output is called
// like the node with "_out" behind it.
func (b *Builder) Op(op, name string, inputs []string, attrs ...ir.Attr) string {
	return b.Ops(op, name, 1, inputs, attrs...)[0]
}

// In is Op for an operator of another domain, which the model then imports in version 1.
func (b *Builder) In(domain, op, name string, inputs []string, attrs ...ir.Attr) string {
	out := b.Op(op, name, inputs, attrs...)
	b.m.Graph.Nodes[len(b.m.Graph.Nodes)-1].Domain = domain
	if b.m.Opset(domain) == 0 {
		b.m.SetOpset(domain, 1)
	}
	return out
}

// Ops adds a node with several outputs.
func (b *Builder) Ops(op, name string, outputs int, inputs []string, attrs ...ir.Attr) []string {
	if name == "" {
		name = fmt.Sprintf("%s_%d", op, b.count[op])
		b.count[op]++
	}
	n := &ir.Node{Name: name, Op: op, Inputs: inputs, Attrs: attrs}
	for i := range outputs {
		out := name + "_out"
		if i > 0 {
			out += fmt.Sprint(i)
		}
		n.Outputs = append(n.Outputs, out)
	}
	b.m.Graph.Nodes = append(b.m.Graph.Nodes, n)
	return n.Outputs
}

// fresh returns base, or base_1, base_2 …, whichever names no tensor yet.
func (b *Builder) fresh(base string) string {
	for {
		name := base
		if n := b.count["tensor "+base]; n > 0 {
			name += fmt.Sprintf("_%d", n)
		}
		b.count["tensor "+base]++
		if b.m.Graph.Tensor(name) == nil {
			return name
		}
	}
}

// he draws from the normal distribution with variance 2/fan.
func he(name string, shape []int, fan int) []float32 {
	n, err := ir.Elements(shape)
	if err != nil {
		panic("build: " + err.Error())
	}
	r := rng.New(0, "build", name)
	scale := math.Sqrt(2 / float64(max(1, fan)))
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(r.Normal() * scale)
	}
	return data
}
