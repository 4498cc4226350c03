package quantize

import (
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
)

// value is a value of the graph that gets codes: QuantizeLinear and DequantizeLinear behind whatever gives it.
type value struct {
	name     string
	producer *ir.Node // nil: an input of the model
	owner    string   // layer whose parameters hold for it
	settings *Activations
	need     measure.Need
	like     *value     // whose scale it shares, because its numbers are among those; nil: its own
	takers   []*ir.Node // nodes that take it through its codes from now on
}

// root returns the value whose scale v uses.
func (v *value) root() *value {
	for v.like != nil {
		v = v.like
	}
	return v
}

// The operators that go on computing with codes when what they take and what they give has codes. Those that only move
// numbers about give no new ones, so their output shares the scale of their input.
var (
	movers   = []string{"MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"}
	unaries  = []string{"GlobalAveragePool", "AveragePool", "ReduceMean", "LeakyRelu", "Sigmoid", "Relu", "Clip"}
	variadic = []string{"Add", "Mul", "Concat"}
)

// choice is which values get codes.
type choice struct {
	graph *ir.Graph
	index *ir.Index

	values   map[string]*value
	seeds    map[string]bool // values that layers need as codes: what they take, and what a Conv gives
	layers   map[*ir.Node]*target
	coded    map[*ir.Node]bool // nodes that compute with codes: the layers, and operators between
	inside   map[*ir.Node]bool // nodes that belong to the operator before them: Relu, Clip, the Add of a bias
	disputed map[string]string // layer -> whose parameters hold for a value that it shares, others than its own
	open     map[string]string // layers whose output stays float32, and why
}

// choose picks the values that get codes: what the layers take and give, and what flows through operators between such
// values. It is decided from structure alone, so a header gives the same choice.
func choose(g *ir.Graph, layers []*target) *choice {
	c := &choice{graph: g, index: g.Index(), values: map[string]*value{}, seeds: map[string]bool{}, layers: map[*ir.Node]*target{},
		coded: map[*ir.Node]bool{}, inside: map[*ir.Node]bool{}, disputed: map[string]string{}, open: map[string]string{}}
	for _, t := range layers {
		if t.static() {
			c.coded[t.Node] = true
			c.layers[t.Node] = t
			if out := c.end(t.Node); g.IsOutput(out) {
				c.open[t.Name] = "its output stays float32, being an output of the model"
			} else if len(c.index.Consumers(out)) > 0 {
				c.add(out, t)
				c.seeds[out] = t.Node.Op == "Conv"
			}
		}
	}
	for _, t := range layers { // after the outputs: who gives a value decides before who takes it
		if t.static() {
			in := t.Node.Input(t.dataInput)
			c.add(in, t)
			c.seeds[in] = true
		}
	}
	c.spread()
	c.trim()
	c.findTakers()
	return c
}

// add lets a value get codes by the parameters of a layer.
func (c *choice) add(name string, t *target) {
	if v := c.values[name]; v != nil {
		if v.owner != t.Name && *v.settings != *t.Params.Activations {
			c.disputed[t.Name] = v.owner
		}
		return
	}
	c.values[name] = &value{name: name, producer: c.index.Producer(name), owner: t.Name, settings: t.Params.Activations, need: t.Params.need()}
}

// end follows the output of an operator through what runtimes compute together with it: the Add of a constant behind a
// MatMul, then a Relu or Clip. It returns the value at the end.
func (c *choice) end(n *ir.Node) string {
	out := n.Output(0)
	next := func() *ir.Node {
		if users := c.index.Consumers(out); len(users) == 1 && !c.graph.IsOutput(out) && slices.Contains(users[0].Inputs, out) {
			return users[0]
		}
		return nil
	}
	if n.Is("MatMul") {
		if add := next(); add != nil && add.Is("Add") && c.addsConstant(add) {
			c.inside[add] = true
			out = add.Output(0)
		}
	}
	if act := next(); act != nil && act.Is("Relu", "Clip") && act.Input(0) == out && len(c.dynamic(act)) == 1 {
		c.inside[act] = true
		out = act.Output(0)
	}
	return out
}

func (c *choice) addsConstant(add *ir.Node) bool {
	return slices.ContainsFunc(add.Inputs, func(v string) bool { return c.index.Tensor(v) != nil })
}

// dynamic lists the inputs of a node that are no constants.
func (c *choice) dynamic(n *ir.Node) []string {
	var list []string
	for _, v := range n.Inputs {
		if v != "" && c.index.Tensor(v) == nil {
			list = append(list, v)
		}
	}
	return list
}

// spread lets operators whose inputs have codes give codes too.
func (c *choice) spread() {
	for _, n := range c.graph.Nodes {
		if c.coded[n] || c.inside[n] || len(n.Outputs) != 1 {
			continue
		}
		mover := n.Is(movers...)
		if !mover && !n.Is(unaries...) && !n.Is(variadic...) {
			continue
		}
		in := c.dynamic(n)
		if len(in) == 0 || n.Is(variadic...) && len(in) != len(n.Inputs) || !n.Is(variadic...) && (len(in) != 1 || in[0] != n.Inputs[0]) {
			continue
		}
		if slices.ContainsFunc(in, func(v string) bool { return c.values[v] == nil }) {
			continue
		}
		first := c.values[in[0]]
		out := n.Output(0)
		if !mover && !n.Is("Relu", "Clip") {
			out = c.end(n)
		}
		if c.graph.IsOutput(out) || len(c.index.Consumers(out)) == 0 {
			c.forget(n)
			continue
		}
		c.coded[n] = true
		if c.values[out] == nil {
			c.values[out] = &value{name: out, producer: c.index.Producer(out), owner: first.owner, settings: first.settings, need: first.need}
		}
		if v := c.values[out]; mover {
			if *v.settings != *first.settings {
				c.disputed[v.owner] = first.owner
			}
			v.like = first
		}
	}
}

// forget takes back that the node behind n belongs to it.
func (c *choice) forget(n *ir.Node) {
	for _, user := range c.index.Consumers(n.Output(0)) {
		delete(c.inside, user)
	}
}

// trim takes codes back from values that no layer needs and that no operator takes which computes with codes. Products of
// matrices are among them: runtimes have integer kernels for those that give floats.
func (c *choice) trim() {
	for i := len(c.graph.Nodes) - 1; i >= 0; i-- {
		n := c.graph.Nodes[i]
		if !c.coded[n] {
			continue
		}
		out := n.Output(0)
		for len(c.index.Consumers(out)) == 1 && c.inside[c.index.Consumers(out)[0]] {
			out = c.index.Consumers(out)[0].Output(0)
		}
		needed := slices.ContainsFunc(c.index.Consumers(out), func(user *ir.Node) bool { return c.coded[user] })
		if c.values[out] == nil || c.seeds[out] || needed {
			continue
		}
		delete(c.values, out)
		if t := c.layers[n]; t != nil {
			c.open[t.Name] = "its output stays float32: nothing behind it computes with codes"
		} else {
			delete(c.coded, n)
		}
	}
}

// findTakers says which nodes take a value through its codes: all, if an operator that computes with codes gives it, for
// then the number itself is nowhere; else only such operators.
func (c *choice) findTakers() {
	for _, v := range c.values {
		given := v.producer != nil && (c.coded[v.producer] || c.inside[v.producer])
		for _, user := range c.index.Consumers(v.name) {
			if (given || c.coded[user]) && slices.Contains(user.Inputs, v.name) {
				v.takers = append(v.takers, user)
			}
		}
	}
}

// ordered lists the values in the order in which the graph gives them.
func (c *choice) ordered() []*value {
	var list []*value
	add := func(name string) {
		if v := c.values[name]; v != nil && len(v.takers) > 0 {
			list = append(list, v)
		}
	}
	for _, v := range c.graph.Inputs {
		add(v.Name)
	}
	for _, n := range c.graph.Nodes {
		for _, out := range n.Outputs {
			add(out)
		}
	}
	return list
}
