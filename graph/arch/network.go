package arch

import (
	"fmt"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// network writes the feed-forward network of a block, which may be many of which a router chooses.
func (b *builder) network(p, x string) string {
	if b.router != "" && b.has(p+b.router) {
		return b.routed(p, x)
	}
	return b.feed(p+b.gate, p+b.up, p+b.down, p+b.gateUp, x, b.inner)
}

// feed writes one network. inner is the width that the configuration says, 0 if it says none.
func (b *builder) feed(gate, up, down, gateUp, x string, inner int) string {
	if inner == 0 {
		inner = b.innerOf(down)
	}
	switch {
	case b.gateUp != "" && b.has(gateUp):
		out := b.ops(gateUp, "Split", 2, []string{b.within(gateUp, x, b.hidden, 2*inner)}, ir.IntAttr("axis", -1), ir.IntAttr("num_outputs", 2))
		x = b.op(gateUp, "Mul", []string{b.activate(gateUp, out[0]), out[1]})
	case b.gate != "":
		g := b.activate(gate, b.within(gate, x, b.hidden, inner))
		x = b.op(gate, "Mul", []string{g, b.within(up, x, b.hidden, inner)})
	default:
		x = b.activate(up, b.within(up, x, b.hidden, inner))
	}
	return b.within(down, x, inner, b.hidden)
}

// innerOf reads the width of a network from its last layer.
func (b *builder) innerOf(down string) int {
	t := b.byName[down+".weight"]
	if t == nil || len(t.Shape) != 2 {
		b.fail(damaged("the tensor %s.weight is missing or no matrix%s", down, b.because()))
		return 1
	}
	if b.conv1D {
		return t.Shape[0]
	}
	return t.Shape[1]
}

// activate writes the activation function that the configuration names.
func (b *builder) activate(name, x string) string {
	kind := b.config.activation()
	if kind == "" {
		kind = b.family.activation
	}
	switch kind {
	case "silu", "swish", "swiglu":
		return b.op(name, "Mul", []string{x, b.op(name, "Sigmoid", []string{x})})
	case "quick_gelu":
		return b.op(name, "Mul", []string{x, b.op(name, "Sigmoid", []string{b.times(name, x, 1.702)})})
	case "gelu", "gelu_python":
		return b.op(name, "Gelu", []string{x})
	case "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_accurate":
		return b.op(name, "Gelu", []string{x}, ir.StringAttr("approximate", "tanh"))
	case "relu":
		return b.op(name, "Relu", []string{x})
	case "relu2":
		y := b.op(name, "Relu", []string{x})
		return b.op(name, "Mul", []string{y, y})
	}
	b.fail(&unknown{fmt.Sprintf("the activation function %.40q is not known", kind)})
	return x
}

// routed writes experts: a router's scores choose some of them for each token and weight what they give.
func (b *builder) routed(p, x string) string {
	r := p + b.router
	if b.experts == 0 || b.chosen == 0 {
		b.fail(damaged("%s.weight is a router, but config.json says %d experts of which %d are chosen", r, b.experts, b.chosen))
		return x
	}
	scores := b.op(r, "Softmax", []string{b.linear(r, x, b.hidden, b.experts)}, ir.IntAttr("axis", -1))
	best := b.ops(r, "TopK", 2, []string{scores, b.ints(int64(b.chosen))})
	weights := best[0]
	if b.flag("norm_topk_prob", b.kind == "mixtral") {
		sum := b.op(r, "ReduceSum", []string{weights, b.ints(-1)})
		weights = b.op(r, "Div", []string{weights, sum})
	}
	if stacks := p + strings.TrimSuffix(b.expert, "%d."); b.byName[stacks+"gate_up_proj"] != nil {
		return b.withShared(p, x, b.feedStacks(stacks, x, weights, best[1]))
	}
	sum := ""
	for i := range b.experts {
		if b.err != nil {
			return x
		}
		e := p + fmt.Sprintf(b.expert, i)
		hit := b.op(e+"weight", "Cast", []string{b.op(e+"weight", "Equal", []string{best[1], b.int(int64(i))})}, ir.IntAttr("to", int64(b.dtype())))
		weight := b.op(e+"weight", "ReduceSum", []string{b.op(e+"weight", "Mul", []string{weights, hit}), b.ints(-1)})
		y := b.feed(e+b.eGate, e+b.eUp, e+b.eDn, "", x, b.innerOf(e+b.eDn))
		y = b.op(e+"out", "Mul", []string{y, weight})
		if sum != "" {
			y = b.op(e+"sum", "Add", []string{sum, y})
		}
		sum = y
	}
	return b.withShared(p, x, sum)
}

// feedStacks writes experts whose weights are stacked: all of them for each token, as a graph must, weighted by zero where
// a router has chosen others.
func (b *builder) feedStacks(base, x, weights, chosen string) string {
	gateUp, down := b.byName[base+"gate_up_proj"], b.byName[base+"down_proj"]
	straight, ok := stored(gateUp, down)
	if !ok || gateUp.Shape[0] != b.experts {
		b.fail(&unknown{fmt.Sprintf("%sgate_up_proj and %sdown_proj are no stacks of %d experts", base, base, b.experts)})
		return x
	}
	up, back := stack{gateUp.Name, straight}, stack{down.Name, straight}
	if in, _ := up.sizes(gateUp); in != b.hidden {
		b.fail(damaged("the tensor %s has shape %v; by config.json %d columns go in", gateUp.Name, gateUp.Shape, b.hidden))
		return x
	}
	parts := b.ops(up.module, "Split", 2, []string{b.stacked(up, gateUp, b.op(up.module, "Unsqueeze", []string{x, b.ints(1)}))},
		ir.IntAttr("axis", -1), ir.IntAttr("num_outputs", 2))
	y := b.stacked(back, down, b.op(up.module, "Mul", []string{b.activate(up.module, parts[0]), parts[1]}))

	w := base + "weight"
	numbers := make([]int64, b.experts)
	for i := range numbers {
		numbers[i] = int64(i)
	}
	all := b.constant("ints", ir.IntsAttr("value_ints", numbers...), fmt.Sprintf("below %d", b.experts))
	hit := b.op(w, "Equal", []string{b.op(w, "Unsqueeze", []string{chosen, b.ints(-1)}), all})
	hit = b.op(w, "Cast", []string{hit}, ir.IntAttr("to", int64(b.dtype())))
	weight := b.op(w, "Mul", []string{b.op(w, "Unsqueeze", []string{weights, b.ints(-1)}), hit})
	weight = b.op(w, "ReduceSum", []string{weight, b.ints(-2)}, ir.IntAttr("keepdims", 0)) // batch, sequence, expert
	weight = b.op(w, "Transpose", []string{weight}, ir.IntsAttr("perm", 0, 2, 1))
	y = b.op(w, "Mul", []string{y, b.op(w, "Unsqueeze", []string{weight, b.ints(-1)})})
	return b.op(base+"sum", "ReduceSum", []string{y, b.ints(1)}, ir.IntAttr("keepdims", 0))
}

// withShared adds what the expert gives that every token takes, if there is one.
func (b *builder) withShared(p, x, sum string) string {
	if b.shared != "" && b.has(p+b.shared+".down_proj") {
		s := p + b.shared
		y := b.feed(s+".gate_proj", s+".up_proj", s+".down_proj", "", x, b.innerOf(s+".down_proj"))
		if g := s + "_gate"; b.has(g) {
			y = b.op(g, "Mul", []string{y, b.op(g, "Sigmoid", []string{b.linear(g, x, b.hidden, 1)})})
		}
		sum = b.op(s, "Add", []string{sum, y})
	}
	return sum
}
