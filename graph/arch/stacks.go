package arch

import (
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// stack says how a tensor holds the matrices of a layer that is there many times: one for each expert of a network, or
// for each head of an attention. The first axis counts them.
type stack struct {
	module   string
	straight bool // a matrix is stored [in, out]; else [out, in]
}

// gateUps are the names of stacks that give gate and up at once, with those of the stacks that take what these give.
var gateUps = []struct{ gateUp, down string }{
	{"experts.gate_up_proj", "experts.down_proj"},
	{"experts.gate_up_proj.weight", "experts.down_proj.weight"},
	{"block_sparse_moe.input_linear.weight", "block_sparse_moe.output_linear.weight"},
}

// stackOf tells whether a tensor of three axes is a stack of matrices. Names decide, because weights of convolutions have
// three axes too; how Hugging Face stores gate and up follows from the shapes, for some families turn them.
func (b *builder) stackOf(t *ir.Tensor) (stack, bool) {
	if len(t.Shape) != 3 || slices.Contains(t.Shape, 0) || !isFloat(t.DType) {
		return stack{}, false
	}
	module := strings.TrimSuffix(t.Name, ".weight")
	if module != t.Name && (strings.Contains(module, ".switch_mlp.") || isStack(last(module))) {
		return stack{module: module}, true
	}
	for _, p := range gateUps {
		for _, end := range []string{p.gateUp, p.down} {
			base, ok := strings.CutSuffix(t.Name, "."+end)
			if !ok {
				continue
			}
			straight, ok := stored(b.byName[base+"."+p.gateUp], b.byName[base+"."+p.down])
			return stack{module, straight}, ok
		}
	}
	return stack{}, false
}

// isStack tells the stacks of GGUF files by the last part of their names: those of experts, and of the heads of an
// attention with compressed keys and values.
func isStack(name string) bool {
	switch name {
	case "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps", "ffn_gate_up_exps", "ffn_gate_chexps", "ffn_up_chexps", "ffn_down_chexps",
		"attn_k_b", "attn_v_b":
		return true
	}
	return false
}

// stored tells from two stacks how their matrices are stored: what gate and up give together is twice what down takes.
func stored(gateUp, down *ir.Tensor) (straight, ok bool) {
	if gateUp == nil || down == nil || len(gateUp.Shape) != 3 || len(down.Shape) != 3 || gateUp.Shape[0] != down.Shape[0] {
		return false, false
	}
	g, d := gateUp.Shape, down.Shape
	switch {
	case d[1] == g[2] && g[1]%2 == 0 && d[2] == g[1]/2: // [2·inner, hidden] and [hidden, inner]
		return false, true
	case d[2] == g[1] && g[2]%2 == 0 && d[1] == g[2]/2: // [hidden, 2·inner] and [inner, hidden]
		return true, true
	}
	return false, false
}

// sizes returns how many columns go into each matrix of a stack, and how many come out.
func (s stack) sizes(t *ir.Tensor) (in, out int) {
	if s.straight {
		return t.Shape[1], t.Shape[2]
	}
	return t.Shape[2], t.Shape[1]
}

// stacked writes the product of a stack: x has the stack's number of matrices in front of its last two axes, or one.
func (b *builder) stacked(s stack, t *ir.Tensor, x string) string {
	b.used[t.Name] = true
	w := t.Name
	if !s.straight {
		w = b.op(s.module, "Transpose", []string{w}, ir.IntsAttr("perm", 0, 2, 1))
	}
	y := b.op(s.module, "MatMul", []string{x, w})
	if s.module == t.Name { // without .weight, the layer has the node's name
		b.g.Nodes[len(b.g.Nodes)-1].Name = s.module
	}
	return y
}
