package build

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// Transformer says what a stack of transformer blocks over token ids is, and how an exporter would have written it. The
// zero value of each choice is what PyTorch's exporter makes of Llama in a recent opset, but for the sizes.
type Transformer struct {
	Vocabulary, Width, Hidden, Blocks int
	Heads, KVHeads                    int // KVHeads 0: as many as Heads

	Names     string // of layers: llama, gpt2, neox, bert; empty: llama
	Rows      bool   // weights are stored as [outputs, inputs], in front of a Transpose, as in Hugging Face files
	Anonymous bool   // weights are called onnx::MatMul_7, as PyTorch calls transposed ones; nodes keep their paths

	Attention string // GroupQueryAttention, MultiHeadAttention, Attention (of com.microsoft); empty: spelled out
	Fused     string // one layer for q, k and v, its output cut by Split, Slice or Gather; empty: three layers
	Rotary    bool   // positions turn q and k
	LayerNorm bool   // else the root of the mean square alone
	Spelled   bool   // norms and activations are spelled out in small operators
	PostNorm  bool   // norms stand behind the sums
	Parallel  bool   // attention and feed-forward network read the same stream

	Plain   bool // feed-forward network without gate: down(gelu(up(x)))
	FusedUp bool // gate and up are one layer
	Experts int  // so many feed-forward networks, of which a router chooses two

	Gemms  bool // layers are Gemms between Reshapes, with bias
	Tied   bool // the head takes the table of the embedding, transposed
	NoHead bool // the model ends in hidden states
}

// names of the layers of one block, and of those around, by what they are.
var transformerNames = map[string]map[string]string{
	"llama": {"tokens": "model.embed_tokens", "block": "model.layers.%d.", "norm1": "input_layernorm", "norm2": "post_attention_layernorm",
		"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj", "qkv": "self_attn.qkv_proj",
		"gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj", "gateup": "mlp.gate_up_proj", "router": "mlp.gate",
		"final": "model.norm", "head": "lm_head"},
	"gpt2": {"tokens": "transformer.wte", "block": "transformer.h.%d.", "norm1": "ln_1", "norm2": "ln_2",
		"q": "attn.q_proj", "k": "attn.k_proj", "v": "attn.v_proj", "o": "attn.c_proj", "qkv": "attn.c_attn",
		"gate": "mlp.gate", "up": "mlp.c_fc", "down": "mlp.c_proj", "gateup": "mlp.c_fc", "router": "moe.gate",
		"final": "transformer.ln_f", "head": "lm_head"},
	"neox": {"tokens": "gpt_neox.embed_in", "block": "gpt_neox.layers.%d.", "norm1": "input_layernorm", "norm2": "post_attention_layernorm",
		"q": "attention.q", "k": "attention.k", "v": "attention.v", "o": "attention.dense", "qkv": "attention.query_key_value",
		"gate": "mlp.gate", "up": "mlp.dense_h_to_4h", "down": "mlp.dense_4h_to_h", "gateup": "mlp.dense_h_to_4h", "router": "moe.gate",
		"final": "gpt_neox.final_layer_norm", "head": "embed_out"},
	"bert": {"tokens": "bert.embeddings.word_embeddings", "block": "bert.encoder.layer.%d.", "norm1": "attention.output.LayerNorm", "norm2": "output.LayerNorm",
		"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "o": "attention.output.dense", "qkv": "attention.self.qkv",
		"gate": "gate.dense", "up": "intermediate.dense", "down": "output.dense", "gateup": "intermediate.dense", "router": "moe.gate",
		"final": "bert.embeddings.LayerNorm", "head": "cls.predictions.decoder"},
}

// transformer is one stack being written.
type transformer struct {
	*Builder
	Transformer
	names map[string]string
	ones  map[string]string // scalar constants by text
}

// Transformer adds the stack, from the input "input_ids" to the output "logits" or "last_hidden_state".
func (b *Builder) Transformer(c Transformer) {
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.Names == "" {
		c.Names = "llama"
	}
	t := &transformer{Builder: b, Transformer: c, names: transformerNames[c.Names], ones: map[string]string{}}
	ids := b.Input("input_ids", ir.Int64, "batch", "sequence")
	table := b.Weight(t.names["tokens"]+".weight", c.Width, c.Vocabulary, c.Width)
	x := b.Op("Gather", "/"+t.names["tokens"]+"/Gather", []string{table, ids})
	if c.PostNorm {
		x = t.norm(t.names["final"], x)
	}
	for i := range c.Blocks {
		x = t.block(fmt.Sprintf(t.names["block"], i), x)
	}
	if !c.PostNorm {
		x = t.norm(t.names["final"], x)
	}
	switch {
	case c.NoHead:
		b.Output(b.Op("Identity", "last_hidden_state", []string{x}), ir.Float32, "batch", "sequence", c.Width)
	case c.Tied:
		w := b.Op("Transpose", "", []string{table}, ir.IntsAttr("perm", 1, 0))
		b.Output(b.Op("MatMul", "/"+t.names["head"]+"/MatMul", []string{x, w}), ir.Float32, "batch", "sequence", c.Vocabulary)
	default:
		b.Output(t.linear(t.names["head"], x, c.Width, c.Vocabulary), ir.Float32, "batch", "sequence", c.Vocabulary)
	}
}

func (t *transformer) block(prefix, x string) string {
	if t.PostNorm {
		x = t.norm(prefix+t.names["norm1"], t.Add(t.attention(prefix, x), x))
		return t.norm(prefix+t.names["norm2"], t.Add(t.network(prefix, x), x))
	}
	a := t.attention(prefix, t.norm(prefix+t.names["norm1"], x))
	if t.Parallel {
		return t.Add(t.Add(t.network(prefix, t.norm(prefix+t.names["norm2"], x)), a), x)
	}
	x = t.Add(x, a)
	return t.Add(x, t.network(prefix, t.norm(prefix+t.names["norm2"], x)))
}

// linear adds a layer over the last axis.
func (t *transformer) linear(name, x string, in, out int) string {
	weight := name + ".weight"
	if t.Anonymous {
		weight = fmt.Sprintf("onnx::MatMul_%d", len(t.m.Graph.Tensors()))
	}
	if t.Gemms {
		flat := t.Reshape(x, -1, int64(in))
		y := t.Op("Gemm", "/"+name+"/Gemm", []string{flat, t.Weight(weight, in, in, out), t.Builder.constant(name+".bias", out, 0)})
		return t.Reshape(y, 1, -1, int64(out))
	}
	if t.Rows {
		w := t.Op("Transpose", "", []string{t.Weight(weight, in, out, in)}, ir.IntsAttr("perm", 1, 0))
		return t.Op("MatMul", "/"+name+"/MatMul", []string{x, w})
	}
	return t.Op("MatMul", "/"+name+"/MatMul", []string{x, t.Weight(weight, in, in, out)})
}

func (t *transformer) scalar(v float32) string {
	key := fmt.Sprint(v)
	if t.ones[key] == "" {
		t.ones[key] = t.Floats("scalar_"+key, nil, v)
	}
	return t.ones[key]
}

func (t *transformer) norm(name, x string) string {
	scale := t.Builder.constant(name+".weight", t.Width, 1)
	bias := ""
	if t.LayerNorm {
		bias = t.Builder.constant(name+".bias", t.Width, 0)
	}
	if !t.Spelled {
		if t.LayerNorm {
			return t.Op("LayerNormalization", "", []string{x, scale, bias})
		}
		return t.Op("SimplifiedLayerNormalization", "", []string{x, scale})
	}
	last := ir.IntsAttr("axes", -1)
	if t.LayerNorm {
		x = t.Op("Sub", "", []string{x, t.Op("ReduceMean", "", []string{x}, last)})
	}
	mean := t.Op("ReduceMean", "", []string{t.Op("Pow", "", []string{x, t.scalar(2)})}, last)
	root := t.Op("Sqrt", "", []string{t.Add(mean, t.scalar(1e-5))})
	if t.LayerNorm {
		return t.Add(t.Mul(t.Op("Div", "", []string{x, root}), scale), bias)
	}
	return t.Mul(scale, t.Mul(x, t.Op("Reciprocal", "", []string{root})))
}

// attention adds the attention of one block, from its input to its output projection.
func (t *transformer) attention(prefix, x string) string {
	size := t.Width / t.Heads
	kv := t.KVHeads * size
	name := func(part string) string { return prefix + t.names[part] }
	if t.Attention == "Attention" {
		y := t.In("com.microsoft", "Attention", "/"+name("qkv"), []string{x, t.Weight(name("qkv")+".weight", t.Width, t.Width, 3*t.Width),
			t.Builder.constant(name("qkv")+".bias", 3*t.Width, 0)}, ir.IntAttr("num_heads", int64(t.Heads)))
		return t.linear(name("o"), y, t.Width, t.Width)
	}
	var q, k, v string
	if t.Fused != "" {
		q, k, v = t.cut(t.linear(name("qkv"), x, t.Width, t.Width+2*kv), t.Width, kv)
	} else {
		q, k, v = t.linear(name("q"), x, t.Width, t.Width), t.linear(name("k"), x, t.Width, kv), t.linear(name("v"), x, t.Width, kv)
	}
	if t.Attention != "" {
		return t.linear(name("o"), t.In("com.microsoft", t.Attention, "", []string{q, k, v}, ir.IntAttr("num_heads", int64(t.Heads))), t.Width, t.Width)
	}
	q, k, v = t.split(q, t.Heads, size), t.split(k, t.KVHeads, size), t.split(v, t.KVHeads, size)
	if t.Rotary {
		q, k = t.rotate(q, size), t.rotate(k, size)
	}
	k, v = t.repeat(k, size), t.repeat(v, size)
	scores := t.Op("MatMul", "", []string{q, t.Op("Transpose", "", []string{k}, ir.IntsAttr("perm", 0, 1, 3, 2))})
	scores = t.Add(t.Op("Div", "", []string{scores, t.scalar(8)}), t.mask())
	y := t.Op("MatMul", "", []string{t.Op("Softmax", "", []string{scores}, ir.IntAttr("axis", -1)), v})
	y = t.Reshape(t.Op("Transpose", "", []string{y}, ir.IntsAttr("perm", 0, 2, 1, 3)), 0, -1, int64(t.Width))
	return t.linear(name("o"), y, t.Width, t.Width)
}

// cut takes q, k and v out of what one layer gives.
func (t *transformer) cut(x string, width, kv int) (q, k, v string) {
	switch t.Fused {
	case "Slice":
		part := func(from, to int) string {
			c := func(v int) string { return t.Ints(t.fresh("at"), int64(v)) }
			return t.Op("Slice", "", []string{x, c(from), c(to), c(2)})
		}
		return part(0, width), part(width, width+kv), part(width+kv, width+2*kv)
	case "Gather":
		x = t.Op("Transpose", "", []string{t.Reshape(x, 0, -1, 3, int64(width))}, ir.IntsAttr("perm", 2, 0, 1, 3))
		part := func(i int64) string {
			return t.Op("Gather", "", []string{x, t.Tensor(ir.FromInt64s(t.fresh("index"), nil, []int64{i}))}, ir.IntAttr("axis", 0))
		}
		return part(0), part(1), part(2)
	}
	out := t.Ops("Split", "", 3, []string{x, t.Ints(t.fresh("sizes"), int64(width), int64(kv), int64(kv))}, ir.IntAttr("axis", -1))
	return out[0], out[1], out[2]
}

// split makes [batch, heads, sequence, size].
func (t *transformer) split(x string, heads, size int) string {
	return t.Op("Transpose", "", []string{t.Reshape(x, 0, -1, int64(heads), int64(size))}, ir.IntsAttr("perm", 0, 2, 1, 3))
}

// rotate adds rotary positions.
func (t *transformer) rotate(x string, size int) string {
	position := t.Op("Cast", "", []string{"input_ids"}, ir.IntAttr("to", int64(ir.Float32)))
	angle := t.Op("Unsqueeze", "", []string{position, t.Ints(t.fresh("axes"), 1, 3)})
	c := func(v int) string { return t.Ints(t.fresh("at"), int64(v)) }
	low := t.Op("Slice", "", []string{x, c(0), c(size / 2), c(3)})
	high := t.Op("Slice", "", []string{x, c(size / 2), c(size), c(3)})
	turned := t.Concat(-1, t.Op("Neg", "", []string{high}), low)
	return t.Add(t.Mul(x, t.Op("Cos", "", []string{angle})), t.Mul(turned, t.Op("Sin", "", []string{angle})))
}

// repeat gives each head of queries its head of keys or values.
func (t *transformer) repeat(x string, size int) string {
	if t.KVHeads == t.Heads {
		return x
	}
	x = t.Op("Unsqueeze", "", []string{x, t.Ints(t.fresh("axes"), 2)})
	x = t.Op("Expand", "", []string{x, t.Ints(t.fresh("to"), 1, 1, int64(t.Heads/t.KVHeads), 1, 1)})
	return t.Reshape(x, 0, int64(t.Heads), -1, int64(size))
}

// mask is what is added to scores.
func (t *transformer) mask() string {
	if t.ones["mask"] == "" {
		m := t.Op("Cast", "", []string{"input_ids"}, ir.IntAttr("to", int64(ir.Float32)))
		t.ones["mask"] = t.Op("Unsqueeze", "", []string{m, t.Ints("mask_axes", 1, 2)})
	}
	return t.ones["mask"]
}

// network adds the feed-forward network of one block.
func (t *transformer) network(prefix, x string) string {
	name := func(part string) string { return prefix + t.names[part] }
	if t.Experts == 0 {
		return t.expert(name, x)
	}
	scores := t.Op("Softmax", "", []string{t.linear(name("router"), x, t.Width, t.Experts)}, ir.IntAttr("axis", -1))
	best := t.Ops("TopK", "", 2, []string{scores, t.Ints(t.fresh("k"), 2)})
	sum := ""
	for i := range t.Experts {
		number := t.Tensor(ir.FromInt64s(t.fresh("expert"), nil, []int64{int64(i)}))
		chosen := t.Op("Cast", "", []string{t.Op("Equal", "", []string{best[1], number})}, ir.IntAttr("to", int64(ir.Float32)))
		weight := t.Op("ReduceSum", "", []string{t.Mul(best[0], chosen), t.Ints(t.fresh("axes"), -1)})
		y := t.expert(func(part string) string {
			return fmt.Sprintf("%smlp.experts.%d.%s", prefix, i, map[string]string{"gate": "gate_proj", "up": "up_proj", "down": "down_proj", "gateup": "gate_up_proj"}[part])
		}, x)
		if y = t.Mul(y, weight); sum != "" {
			y = t.Add(sum, y)
		}
		sum = y
	}
	return sum
}

func (t *transformer) expert(name func(string) string, x string) string {
	var h string
	switch {
	case t.Plain:
		h = t.gelu(t.linear(name("up"), x, t.Width, t.Hidden))
	case t.FusedUp:
		out := t.Ops("Split", "", 2, []string{t.linear(name("gateup"), x, t.Width, 2*t.Hidden)}, ir.IntAttr("axis", -1))
		h = t.Mul(out[1], t.silu(out[0]))
	default:
		h = t.Mul(t.silu(t.linear(name("gate"), x, t.Width, t.Hidden)), t.linear(name("up"), x, t.Width, t.Hidden))
	}
	return t.linear(name("down"), h, t.Hidden, t.Width)
}

func (t *transformer) silu(x string) string {
	return t.Mul(x, t.Op("Sigmoid", "", []string{x}))
}

func (t *transformer) gelu(x string) string {
	if !t.Spelled {
		return t.In("com.microsoft", "FastGelu", "", []string{x})
	}
	e := t.Op("Erf", "", []string{t.Op("Div", "", []string{x, t.scalar(1.4142135)})})
	return t.Mul(t.Mul(x, t.Add(e, t.scalar(1))), t.scalar(0.5))
}
