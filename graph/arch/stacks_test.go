package arch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/arch"
	"github.com/pare-ml/pare/graph/ir"
)

// Stacks of matrices are linear layers, told by names and stored either way; other tensors of three axes are not.
func TestStacks(t *testing.T) {
	for _, tt := range []struct {
		tensors []string // name and shape
		want    []string // name, columns in and out, axes of these, roles
	}{
		{[]string{"blk.0.ffn_gate_exps.weight 4 6 8", "blk.0.ffn_up_exps.weight 4 6 8", "blk.0.ffn_down_exps.weight 4 8 6", "blk.0.ffn_gate_inp.weight 4 8"},
			[]string{"blk.0.ffn_gate_exps 8 6 at 2 1 [ffn_gate ffn expert]", "blk.0.ffn_up_exps 8 6 at 2 1 [ffn_up ffn expert]",
				"blk.0.ffn_down_exps 6 8 at 2 1 [ffn_down ffn expert]", "blk.0.ffn_gate_inp 8 4 at 1 0 [router]"}},
		{[]string{"blk.3.attn_k_b.weight 4 6 8", "blk.3.attn_kv_b.weight 12 8", "blk.3.ssm_x.weight 4 6 8"},
			[]string{"blk.3.attn_k_b 8 6 at 2 1 []", "blk.3.attn_kv_b 8 12 at 1 0 [attention_kv attention]"}},
		// As transformers stores them: [hidden, 2·inner] or [2·inner, hidden].
		{[]string{"model.layers.0.mlp.experts.gate_up_proj 4 8 12", "model.layers.0.mlp.experts.down_proj 4 6 8"},
			[]string{"model.layers.0.mlp.experts.gate_up_proj 8 12 at 1 2 [ffn_gate_up ffn expert]", "model.layers.0.mlp.experts.down_proj 6 8 at 1 2 [ffn_down ffn expert]"}},
		{[]string{"model.layers.0.mlp.experts.gate_up_proj 4 12 8", "model.layers.0.mlp.experts.down_proj 4 8 6"},
			[]string{"model.layers.0.mlp.experts.gate_up_proj 8 12 at 2 1 [ffn_gate_up ffn expert]", "model.layers.0.mlp.experts.down_proj 6 8 at 2 1 [ffn_down ffn expert]"}},
		{[]string{"m.block_sparse_moe.input_linear.weight 4 8 8", "m.block_sparse_moe.output_linear.weight 4 8 4", "m.block_sparse_moe.router.layer.weight 4 8"},
			[]string{"m.block_sparse_moe.input_linear 8 8 at 2 1 [ffn_gate_up ffn expert]", "m.block_sparse_moe.output_linear 4 8 at 2 1 [ffn_down ffn expert]",
				"m.block_sparse_moe.router.layer 8 4 at 1 0 [router]"}},
		{[]string{"model.layers.0.mlp.switch_mlp.up_proj.weight 4 6 8"}, []string{"model.layers.0.mlp.switch_mlp.up_proj 8 6 at 2 1 [ffn_up ffn expert]"}},
		// A pair whose shapes contradict each other, half a pair, a convolution.
		{[]string{"a.experts.gate_up_proj 4 8 10", "a.experts.down_proj 4 6 8", "b.experts.gate_up_proj 4 8 12", "c.experts.gate_up_proj 4 8 12", "c.experts.down_proj 3 6 8",
			"conv1.weight 4 6 3"}, nil},
	} {
		var tensors []*ir.Tensor
		for _, s := range tt.tensors {
			var a, b, c int
			name, shape, _ := strings.Cut(s, " ")
			n, _ := fmt.Sscan(shape, &a, &b, &c)
			tensors = append(tensors, &ir.Tensor{Name: name, DType: ir.Float16, Shape: []int{a, b, c}[:n]})
		}
		b, err := arch.Build(nil, tensors)
		if err != nil {
			t.Fatal(err)
		}
		m := &ir.Model{Graph: b.Graph, Opsets: b.Opsets}
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
		if _, err := ir.Infer(m, nil); err != nil {
			t.Errorf("%s: %v", tt.tensors[0], err)
		}
		var got []string
		for _, l := range m.Layers() {
			roles := slices.DeleteFunc(slices.Clone(l.Roles), func(r string) bool { return r == "first" || r == "last" || r == "head" })
			got = append(got, fmt.Sprintf("%s %d %d at %d %d %v", l.Name, l.InFeatures, l.OutFeatures, l.InAxis, l.OutAxis, roles))
			if l.Params != l.Weight.Len() || l.Type != "linear" {
				t.Errorf("%s is %s with %d parameters", l.Name, l.Type, l.Params)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.tensors[0], strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}
