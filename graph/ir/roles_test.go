package ir_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

func transformer(c build.Transformer) *ir.Model {
	c.Vocabulary, c.Width, c.Hidden, c.Heads = 32, 8, 16, 4
	if c.Blocks == 0 {
		c.Blocks = 2
	}
	b := build.New("transformer", 17)
	b.Transformer(c)
	return b.Model()
}

// roles lists the layers that are no norms, in short: the last segment of the module's name, its roles, its siblings.
func roles(m *ir.Model) string {
	short := func(name string) string {
		name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "/MatMul"), "/Gemm"), "/Gather")
		return name[strings.LastIndexAny(name, "./")+1:]
	}
	var s strings.Builder
	for _, l := range m.Layers() {
		if l.Type == "norm" {
			continue
		}
		fmt.Fprintf(&s, "%s: %s", short(l.Name), strings.Join(l.Roles, " "))
		for i, o := range l.Siblings {
			s.WriteString([]string{" + ", ", "}[min(i, 1)] + short(o))
		}
		for _, o := range l.TiedWith {
			s.WriteString(" = " + short(o))
		}
		s.WriteString("\n")
	}
	return s.String()
}

const (
	separate = "q_proj: attention_q attention + k_proj, v_proj\nk_proj: attention_k attention + q_proj, v_proj\n" +
		"v_proj: attention_v attention + q_proj, k_proj\no_proj: attention_o attention\n"
	gated = "gate_proj: ffn_gate ffn + up_proj\nup_proj: ffn_up ffn + gate_proj\ndown_proj: ffn_down ffn\n"
)

// Each style of export gives the same roles, whatever the weights are called.
func TestRolesOfTransformers(t *testing.T) {
	for _, c := range []struct {
		name  string
		model build.Transformer
		block string // of each block
		head  string // empty: lm_head: lm_head head last
		first string // empty: embed_tokens: embedding first
	}{
		{name: "Llama", model: build.Transformer{Rotary: true}, block: separate + gated},
		{name: "Llama with norms spelled out", model: build.Transformer{Rotary: true, Spelled: true}, block: separate + gated},
		{name: "grouped keys and values", model: build.Transformer{KVHeads: 2, Rotary: true}, block: separate + gated},
		{name: "GroupQueryAttention", model: build.Transformer{KVHeads: 2, Attention: "GroupQueryAttention"}, block: separate + gated},
		{name: "MultiHeadAttention", model: build.Transformer{Attention: "MultiHeadAttention"}, block: separate + gated},
		{name: "tied", model: build.Transformer{Tied: true}, block: separate + gated,
			first: "embed_tokens: embedding first = lm_head\n", head: "lm_head: lm_head head last = embed_tokens\n"},
		{name: "Gemm", model: build.Transformer{Gemms: true}, block: separate + gated},
		{name: "Phi-3: fused with Split", model: build.Transformer{Fused: "Split", FusedUp: true, KVHeads: 2, Rotary: true},
			block: "qkv_proj: attention_qkv attention\no_proj: attention_o attention\ngate_up_proj: ffn_gate_up ffn\ndown_proj: ffn_down ffn\n"},
		{name: "fused with Slice", model: build.Transformer{Fused: "Slice"},
			block: "qkv_proj: attention_qkv attention\no_proj: attention_o attention\n" + gated},
		{name: "ViT: fused with Gather", model: build.Transformer{Fused: "Gather"},
			block: "qkv_proj: attention_qkv attention\no_proj: attention_o attention\n" + gated},
		{name: "GPT-2", model: build.Transformer{Names: "gpt2", Fused: "Split", LayerNorm: true, Plain: true, Gemms: true, Tied: true},
			block: "c_attn: attention_qkv attention\nc_proj: attention_o attention\nc_fc: ffn_up ffn\nc_proj: ffn_down ffn\n",
			first: "wte: embedding first = lm_head\n", head: "lm_head: lm_head head last = wte\n"},
		{name: "GPT-NeoX", model: build.Transformer{Names: "neox", Fused: "Split", LayerNorm: true, Plain: true, Spelled: true, Parallel: true},
			block: "query_key_value: attention_qkv attention\ndense: attention_o attention\ndense_h_to_4h: ffn_up ffn\ndense_4h_to_h: ffn_down ffn\n",
			first: "embed_in: embedding first\n", head: "embed_out: lm_head head last\n"},
		{name: "BERT", model: build.Transformer{Names: "bert", LayerNorm: true, Plain: true, Spelled: true, PostNorm: true},
			block: "query: attention_q attention + key, value\nkey: attention_k attention + query, value\nvalue: attention_v attention + query, key\n" +
				"dense: attention_o attention\ndense: ffn_up ffn\ndense: ffn_down ffn\n",
			first: "word_embeddings: embedding first\n", head: "decoder: lm_head head last\n"},
		{name: "BERT fused by ONNX Runtime", model: build.Transformer{Names: "bert", LayerNorm: true, Plain: true, PostNorm: true, Attention: "Attention"},
			block: "qkv: attention_qkv attention\ndense: attention_o attention\ndense: ffn_up ffn\ndense: ffn_down ffn\n",
			first: "word_embeddings: embedding first\n", head: "decoder: lm_head head last\n"},
		{name: "Mixtral", model: build.Transformer{Experts: 2}, block: separate + "gate: router\n" +
			strings.Repeat("gate_proj: ffn_gate ffn expert + up_proj\nup_proj: ffn_up ffn expert + gate_proj\ndown_proj: ffn_down ffn expert\n", 2)},
		{name: "plain experts", model: build.Transformer{Experts: 2, Plain: true}, block: separate + "gate: router\n" +
			strings.Repeat("up_proj: ffn_up ffn expert\ndown_proj: ffn_down ffn expert\n", 2)},
	} {
		for _, anonymous := range []bool{false, true} {
			c.model.Anonymous = anonymous
			first, head := c.first, c.head
			if first == "" {
				first = "embed_tokens: embedding first\n"
			}
			if head == "" {
				head = "lm_head: lm_head head last\n"
			}
			m := transformer(c.model)
			if got, want := roles(m), first+c.block+c.block+head; got != want {
				t.Errorf("%s, anonymous %v: got\n%swant\n%s", c.name, anonymous, got, want)
			}
			scramble(m)
			if got, want := shapeOf(m), shapeOf(transformer(c.model)); got != want {
				t.Errorf("%s: without names: got\n%swant\n%s", c.name, got, want)
			}
		}
	}
}

// scramble takes the names away from nodes and weights.
func scramble(m *ir.Model) {
	g := m.Graph
	for i, n := range g.Nodes {
		n.Name = fmt.Sprintf("n%d", i)
	}
	for i, t := range g.Tensors() {
		name := fmt.Sprintf("t%d", i)
		g.ReplaceUses(t.Name, name)
		g.RemoveTensor(t.Name)
		g.AddTensor(t.WithName(name))
	}
}

// shapeOf lists roles and sizes without names.
func shapeOf(m *ir.Model) string {
	var s strings.Builder
	for _, l := range m.Layers() {
		fmt.Fprintf(&s, "%s %d->%d %v siblings %d tied %d\n", l.Type, l.InFeatures, l.OutFeatures, l.Roles, len(l.Siblings), len(l.TiedWith))
	}
	return s.String()
}

func TestNormsSpelledOut(t *testing.T) {
	for _, layer := range []bool{false, true} {
		m := transformer(build.Transformer{Spelled: true, LayerNorm: layer, Blocks: 1})
		var names []string
		for _, l := range m.Layers() {
			if l.Type == "norm" {
				if l.Role != "norm" || l.InFeatures != 8 || (l.Bias != nil) != layer {
					t.Errorf("%s: role %q, %d features, bias %v", l.Name, l.Role, l.InFeatures, l.Bias)
				}
				names = append(names, l.Name)
			}
		}
		if got := strings.Join(names, " "); got != "model.layers.0.input_layernorm model.layers.0.post_attention_layernorm model.norm" {
			t.Errorf("norms: %s", got)
		}
	}
}

// What looks a little like an attention or a feed-forward network and is none.
func TestNoRoles(t *testing.T) {
	b := build.New("dense", 17)
	x := b.Input("x", ir.Float32, "batch", 8)
	// two dense layers of a classifier
	y := b.Relu(b.Gemm("fc1", x, 8, 16))
	y = b.Relu(b.Gemm("fc2", y, 16, 8))
	// squeeze and excitation
	s := b.Op("Sigmoid", "", []string{b.Gemm("se2", b.Relu(b.Gemm("se1", y, 8, 2)), 2, 8)})
	y = b.Mul(y, s)
	b.Output(b.Gemm("classifier", y, 8, 3), ir.Float32, "batch", 3)
	for _, l := range b.Model().Layers() {
		if l.Is("attention") || l.Is("ffn") || l.Is("router") || l.Siblings != nil {
			t.Errorf("%s has roles %v, siblings %v", l.Name, l.Roles, l.Siblings)
		}
	}
	m := transformer(build.Transformer{NoHead: true, Blocks: 1})
	layers := m.Layers()
	if l := layers[len(layers)-2]; l.Role != "ffn_down" || l.Is("head") || !l.Is("last") {
		t.Errorf("the last layer of a model without head is %s with roles %v", l.Name, l.Roles)
	}
}

func TestPackedWeights(t *testing.T) {
	b := build.New("packed", 21)
	x := b.Input("x", ir.Float32, "batch", 64)
	w := b.Tensor(ir.NewTensor("w_Q4", ir.Uint8, []int{16, 2, 16}, make([]byte, 512)))
	y := b.In("com.microsoft", "MatMulNBits", "/mlp/up_proj/MatMul_Q4", []string{x, w, b.Floats("w_scales", []int{32}, make([]float32, 32)...)},
		ir.IntAttr("K", 64), ir.IntAttr("N", 16), ir.IntAttr("bits", 4), ir.IntAttr("block_size", 32))
	b.Output(y, ir.Float32, "batch", 16)
	m := b.Model()
	l := m.Layers()[0]
	if l.Type != "linear" || l.InFeatures != 64 || l.OutFeatures != 16 || l.Params != 1024 || l.Bytes != 512+128 || !l.Is("ffn_up") {
		t.Errorf("%+v", l)
	}
	if s := m.Graph.Index().WeightScheme(&l); s != (ir.Scheme{DType: ir.Uint4, Granularity: "group", Group: 32}) {
		t.Errorf("scheme %+v", s)
	}
}
