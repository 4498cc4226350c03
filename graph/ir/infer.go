package ir

import (
	"errors"
	"fmt"
)

// Info is what is known of a value before the model runs.
type Info struct {
	DType DType  // Undefined: unknown
	Shape Shape  // nil: rank unknown
	Elems []Elem // the elements of a small integer value, row-major, as far as they are known; nil: nothing is known
	Const *Tensor
}

// Elem is one element of an integer value: a number, or the name of a dimension it equals, or unknown.
type Elem struct {
	Known bool
	Value int64  // if Known
	Name  string // if not Known; may be empty
}

// maxElems bounds the integer values that inference follows: shapes, axes, indices are small.
const maxElems = 1024

// InfoOf returns what is known of a constant; the elements of small integer tensors are read.
func InfoOf(t *Tensor) Info {
	info := Info{DType: t.DType, Shape: ShapeOf(t.Shape...), Const: t}
	switch t.DType {
	case Int64, Int32, Bool, Int16, Int8, Uint8, Uint16, Uint32, Uint64:
		if t.Len() > maxElems || !t.HasData() {
			return info
		}
		ints, err := t.Int64s()
		if err != nil {
			return info
		}
		info.Elems = make([]Elem, len(ints))
		for i, v := range ints {
			info.Elems[i] = Elem{Known: true, Value: v}
		}
	}
	return info
}

// Infer finds type and shape of every value of the main graph, as far as they follow from the inputs. inputs gives
// shapes of inputs in place of the declared ones; it may be nil. The map is complete, and usable whatever the error: a
// value of an operator that is not known here has what the file says of it, or nothing. The error joins the nodes whose
// inputs contradict each other.
func Infer(m *Model, inputs map[string]Shape) (map[string]Info, error) {
	g := m.Graph
	known := make(map[string]Info, len(g.Nodes)+len(g.tensors))
	for _, v := range g.Inputs {
		info := Info{DType: v.DType, Shape: v.Shape}
		if s, ok := inputs[v.Name]; ok {
			info.Shape = s
		}
		known[v.Name] = info
	}
	for _, t := range g.tensors {
		known[t.Name] = InfoOf(t)
	}
	declared := make(map[string]*Value, len(g.Values)+len(g.Outputs))
	for _, list := range [][]*Value{g.Outputs, g.Values} {
		for _, v := range list {
			declared[v.Name] = v
		}
	}
	var wrong []error
	for i, n := range g.Nodes {
		out, err := inferNode(n, m.Opset(n.Domain), g.infos(n, known))
		if err != nil && len(wrong) < 20 {
			wrong = append(wrong, fmt.Errorf("%s: %w", nodePlace(i, n), err))
		}
		for j, v := range n.Outputs {
			if v == "" {
				continue
			}
			info := out[j]
			if d := declared[v]; d != nil {
				if info.DType == Undefined {
					info.DType = d.DType
				}
				if info.Shape == nil && err == nil {
					info.Shape = d.Shape
				}
			}
			known[v] = info
		}
	}
	return known, errors.Join(wrong...)
}

func (g *Graph) infos(n *Node, known map[string]Info) []Info {
	in := make([]Info, len(n.Inputs))
	for i, v := range n.Inputs {
		in[i] = known[v]
	}
	return in
}

// InferNode finds type and shape of a node's outputs from those of its inputs, one Info for each, in order; an input
// left out has a zero Info. opset is the version of the node's domain. What is unknown stays unknown: for an operator
// not known here everything. The error says which inputs contradict each other or the operator.
func InferNode(n *Node, opset int64, in []Info) ([]Info, error) {
	return inferNode(n, opset, in)
}

// Infers reports whether InferNode knows the operator.
func Infers(n *Node) bool {
	return n.Is(n.Op) && rules()[n.Op] != nil
}

func inferNode(n *Node, opset int64, in []Info) ([]Info, error) {
	c := &call{Node: n, opset: opset, in: in, out: make([]Info, len(n.Outputs))}
	rule := rules()[n.Op]
	if rule == nil || !n.Is(n.Op) {
		return c.out, nil
	}
	if err := rule(c); err != nil {
		return make([]Info, len(n.Outputs)), err
	}
	for i := range c.out {
		if len(c.out[i].Elems) > maxElems {
			c.out[i].Elems = nil
		}
		if err := c.out[i].Shape.check(); err != nil {
			return make([]Info, len(n.Outputs)), err
		}
	}
	return c.out, nil
}

// check refuses a shape whose known part has a negative dimension or more elements than an int can count.
func (s Shape) check() error {
	sizes := make([]int, 0, len(s))
	for _, d := range s {
		if d.Known() {
			sizes = append(sizes, int(d.Size))
		}
	}
	_, err := Elements(sizes)
	return err
}

// call is one application of an operator.
type call struct {
	*Node
	opset int64
	in    []Info
	out   []Info
}

// has reports whether input i is given.
func (c *call) has(i int) bool { return c.Input(i) != "" }

func (c *call) arg(i int) Info {
	if i < len(c.in) {
		return c.in[i]
	}
	return Info{}
}

func (c *call) shape(i int) Shape { return c.arg(i).Shape }

// set says what output i is, if the node has it.
func (c *call) set(i int, dtype DType, shape Shape) {
	if i < len(c.out) {
		c.out[i] = Info{DType: dtype, Shape: shape}
	}
}

// setElems adds the elements of output 0; an empty list of elements is one too.
func (c *call) setElems(elems []Elem) {
	if len(c.out) > 0 {
		c.out[0].Elems = elems
	}
}

// numbers returns the elements of an integer input if all are known numbers.
func (c *call) numbers(i int) ([]int64, bool) {
	elems := c.arg(i).Elems
	if elems == nil {
		return nil, false
	}
	out := make([]int64, len(elems))
	for j, e := range elems {
		if !e.Known {
			return nil, false
		}
		out[j] = e.Value
	}
	return out, true
}

// rank checks the rank of input i where it is known.
func (c *call) rank(i int, low int, high int) error {
	s := c.shape(i)
	if s != nil && (len(s) < low || high >= 0 && len(s) > high) {
		want := fmt.Sprintf("%d to %d", low, high)
		switch {
		case high < 0:
			want = fmt.Sprintf("%d or more", low)
		case low == high:
			want = fmt.Sprint(low)
		}
		return fmt.Errorf("input %d has shape %v; its rank must be %s", i, s, want)
	}
	return nil
}

// axis brings an axis, which may count from the end, into [0, rank).
func axis(a int64, rank int) (int, error) {
	if a < int64(-rank) || a >= int64(rank) {
		return 0, fmt.Errorf("axis %d is outside a shape of rank %d", a, rank)
	}
	if a < 0 {
		a += int64(rank)
	}
	return int(a), nil
}

// axes is axis for a list; an axis named twice is an error.
func axes(list []int64, rank int) ([]bool, error) {
	set := make([]bool, rank)
	for _, a := range list {
		i, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		if set[i] {
			return nil, fmt.Errorf("axis %d stands twice", a)
		}
		set[i] = true
	}
	return set, nil
}

// unknownShape is a shape of known rank and nothing else.
func unknownShape(rank int) Shape {
	s := make(Shape, rank)
	for i := range s {
		s[i] = Unknown
	}
	return s
}

// dim turns an element into a dimension; ok is false for a negative number.
func (e Elem) dim() (Dim, bool) {
	if e.Known {
		return Dim{Size: e.Value}, e.Value >= 0
	}
	return Dim{Size: -1, Name: e.Name}, true
}

// elem turns a dimension into an element.
func (d Dim) elem() Elem {
	if d.Known() {
		return Elem{Known: true, Value: d.Size}
	}
	return Elem{Name: d.Name}
}
