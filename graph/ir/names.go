package ir

import (
	"slices"
	"strings"
	"sync"
)

// naming is a table of the names that known families of models give their layers. It is a help where the structure says
// nothing: an operator of another domain, an attention without softmax, a graph cut into parts. An entry is the end of a
// name, by segments; * stands for one segment, # for a number. The first entry that fits decides.
var naming = []struct {
	end, role string
	known     string // where the name is used
}{
	{"self_attn/q_proj", "attention_q", "Llama and most of Hugging Face; also BART, OPT, CLIP, Whisper"},
	{"self_attn/k_proj", "attention_k", ""},
	{"self_attn/v_proj", "attention_v", ""},
	{"self_attn/o_proj", "attention_o", ""},
	{"self_attn/out_proj", "attention_o", "OPT, CLIP, Whisper"},
	{"self_attn/qkv_proj", "attention_qkv", "Phi-3"},
	{"self_attn/dense", "attention_o", "Phi"},
	{"encoder_attn/q_proj", "attention_q", "BART, Whisper: attention to the encoder"},
	{"encoder_attn/k_proj", "attention_k", ""},
	{"encoder_attn/v_proj", "attention_v", ""},
	{"encoder_attn/out_proj", "attention_o", ""},
	{"attn/q_proj", "attention_q", "GPT-J, GPT-Neo, ONNX Runtime GenAI"},
	{"attn/k_proj", "attention_k", ""},
	{"attn/v_proj", "attention_v", ""},
	{"attn/o_proj", "attention_o", "ONNX Runtime GenAI"},
	{"attn/out_proj", "attention_o", "GPT-J, MPT"},
	{"attn/qkv_proj", "attention_qkv", "ONNX Runtime GenAI"},
	{"attn/qkv", "attention_qkv", "timm"},
	{"attn/proj", "attention_o", "timm"},
	{"attn/Wqkv", "attention_qkv", "MPT, ModernBERT"},
	{"attn/Wo", "attention_o", "ModernBERT"},
	{"attn/c_attn", "attention_qkv", "GPT-2"},
	{"attn/q_attn", "attention_q", "GPT-2: attention to an encoder"},
	{"attn/c_proj", "attention_o", "GPT-2"},
	{"crossattention/c_attn", "attention_kv", "GPT-2: attention to an encoder"},
	{"attention/query_key_value", "attention_qkv", "GPT-NeoX"},
	{"self_attention/query_key_value", "attention_qkv", "BLOOM, Falcon"},
	{"self_attention/dense", "attention_o", ""},
	{"attention/dense", "attention_o", "GPT-NeoX"},
	{"attention/self/query", "attention_q", "BERT, RoBERTa, ELECTRA"},
	{"attention/self/key", "attention_k", ""},
	{"attention/self/value", "attention_v", ""},
	{"attention/attention/query", "attention_q", "ViT, DeiT"},
	{"attention/attention/key", "attention_k", ""},
	{"attention/attention/value", "attention_v", ""},
	{"attention/output/dense", "attention_o", "BERT, ViT"},
	{"attention/q_lin", "attention_q", "DistilBERT, XLM"},
	{"attention/k_lin", "attention_k", ""},
	{"attention/v_lin", "attention_v", ""},
	{"attention/out_lin", "attention_o", ""},
	{"attention/wq", "attention_q", "Llama as first released, Mistral"},
	{"attention/wk", "attention_k", ""},
	{"attention/wv", "attention_v", ""},
	{"attention/wo", "attention_o", "also InternLM2"},
	{"attention/wqkv", "attention_qkv", "InternLM2"},
	{"SelfAttention/q", "attention_q", "T5"},
	{"SelfAttention/k", "attention_k", ""},
	{"SelfAttention/v", "attention_v", ""},
	{"SelfAttention/o", "attention_o", ""},
	{"EncDecAttention/q", "attention_q", "T5: attention to the encoder"},
	{"EncDecAttention/k", "attention_k", ""},
	{"EncDecAttention/v", "attention_v", ""},
	{"EncDecAttention/o", "attention_o", ""},
	{"attn_q", "attention_q", "GGUF"},
	{"attn_k", "attention_k", ""},
	{"attn_v", "attention_v", ""},
	{"attn_qkv", "attention_qkv", ""},
	{"attn_kv_b", "attention_kv", "GGUF: DeepSeek, which compresses keys and values"},
	{"attn_output", "attention_o", ""},
	{"multi_head_attention/query", "attention_q", "Keras"},
	{"multi_head_attention/key", "attention_k", ""},
	{"multi_head_attention/value", "attention_v", ""},
	{"multi_head_attention/attention_output", "attention_o", ""},
	{"self_attention_layer/query", "attention_q", "KerasNLP"},
	{"self_attention_layer/key", "attention_k", ""},
	{"self_attention_layer/value", "attention_v", ""},
	{"self_attention_layer/attention_output", "attention_o", ""},

	{"experts/#/gate_proj", "expert ffn_gate", "Qwen MoE, DeepSeek"},
	{"experts/#/up_proj", "expert ffn_up", ""},
	{"experts/#/down_proj", "expert ffn_down", ""},
	{"experts/#/w1", "expert ffn_gate", "Mixtral"},
	{"experts/#/w3", "expert ffn_up", ""},
	{"experts/#/w2", "expert ffn_down", ""},
	{"experts/gate_up_proj", "expert ffn_gate_up", "stacks of Hugging Face: gpt-oss, Llama 4, Qwen3-VL MoE"},
	{"experts/down_proj", "expert ffn_down", ""},
	{"block_sparse_moe/input_linear", "expert ffn_gate_up", "stacks of Granite MoE"},
	{"block_sparse_moe/output_linear", "expert ffn_down", ""},
	{"switch_mlp/gate_proj", "expert ffn_gate", "stacks of MLX"},
	{"switch_mlp/up_proj", "expert ffn_up", ""},
	{"switch_mlp/down_proj", "expert ffn_down", ""},
	{"block_sparse_moe/gate", "router", "Mixtral"},
	{"router/layer", "router", "Granite MoE"},
	{"mlp/gate", "router", "Qwen MoE, DeepSeek"},
	{"mlp/router", "router", "gpt-oss"},
	{"moe/gate", "router", ""},
	{"feed_forward/router", "router", "Llama 4"},
	{"ffn_gate_inp", "router", "GGUF"},
	{"ffn_gate_exps", "expert ffn_gate", "GGUF"},
	{"ffn_up_exps", "expert ffn_up", ""},
	{"ffn_down_exps", "expert ffn_down", ""},
	{"ffn_gate_up_exps", "expert ffn_gate_up", ""},
	{"ffn_gate_chexps", "expert ffn_gate", "GGUF: a second stack beside the first"},
	{"ffn_up_chexps", "expert ffn_up", ""},
	{"ffn_down_chexps", "expert ffn_down", ""},
	{"ffn_gate_shexp", "ffn_gate", "GGUF: the expert that every token takes"},
	{"ffn_up_shexp", "ffn_up", ""},
	{"ffn_down_shexp", "ffn_down", ""},

	{"gate_proj", "ffn_gate", "Llama and most of Hugging Face"},
	{"up_proj", "ffn_up", ""},
	{"down_proj", "ffn_down", ""},
	{"mlp/gate_up_proj", "ffn_gate_up", "Phi-3"},
	{"mlp/fc1", "ffn_up", "CLIP, Phi, timm"},
	{"mlp/fc2", "ffn_down", ""},
	{"layers/#/fc1", "ffn_up", "OPT, BART, Whisper"},
	{"layers/#/fc2", "ffn_down", ""},
	{"mlp/c_fc", "ffn_up", "GPT-2, GPT-Neo"},
	{"mlp/c_proj", "ffn_down", ""},
	{"mlp/fc_in", "ffn_up", "GPT-J"},
	{"mlp/fc_out", "ffn_down", ""},
	{"mlp/dense_h_to_4h", "ffn_up", "GPT-NeoX, BLOOM, Falcon"},
	{"mlp/dense_4h_to_h", "ffn_down", ""},
	{"mlp/Wi", "ffn_gate_up", "ModernBERT"},
	{"mlp/Wo", "ffn_down", ""},
	{"intermediate/dense", "ffn_up", "BERT, ViT"},
	{"output/dense", "ffn_down", ""},
	{"ffn/lin1", "ffn_up", "DistilBERT"},
	{"ffn/lin2", "ffn_down", ""},
	{"DenseReluDense/wi", "ffn_up", "T5"},
	{"DenseReluDense/wi_0", "ffn_gate", ""},
	{"DenseReluDense/wi_1", "ffn_up", ""},
	{"DenseReluDense/wo", "ffn_down", ""},
	{"feed_forward/w1", "ffn_gate", "Llama as first released, InternLM2"},
	{"feed_forward/w3", "ffn_up", ""},
	{"feed_forward/w2", "ffn_down", ""},
	{"ffn_gate", "ffn_gate", "GGUF"},
	{"ffn_up", "ffn_up", ""},
	{"ffn_down", "ffn_down", ""},
	{"feedforward_intermediate_dense", "ffn_up", "KerasNLP"},
	{"feedforward_output_dense", "ffn_down", ""},
}

// tails are segments that exporters add behind a module's name.
var tails = []string{"weight", "kernel", "MatMul", "MatMulNBits", "MatMul_Q4", "Gemm", "BiasAdd", "Tensordot", "linear", "base_layer", "quant_weight", "einsum", "Einsum"}

// scheme is an entry of naming, prepared.
type scheme struct {
	before []string // segments before the last
	roles  []string // the most specific first
}

// byLast holds the naming schemes by the last segment of their names, in order.
var byLast = sync.OnceValue(func() map[string][]scheme {
	m := map[string][]scheme{}
	for _, e := range naming {
		segments := strings.Split(e.end, "/")
		last := len(segments) - 1
		roles := strings.Fields(e.role)
		slices.Reverse(roles)
		m[segments[last]] = append(m[segments[last]], scheme{segments[:last], roles})
	}
	return m
})

// RoleOfName returns what the name of a linear layer alone tells of its role, the most specific first; nothing if it
// follows no naming scheme that is known.
func RoleOfName(name string) []string {
	segments := nameSegments(name)
	if len(segments) == 0 {
		return nil
	}
	last := segments[len(segments)-1]
	keys := []string{last}
	if base, n, ok := cutLast(last, '_'); ok && isNumber(n) {
		keys = append(keys, base) // as Keras tells layers of one kind apart: query_3
	}
	for _, key := range keys {
		for _, e := range byLast()[key] {
			if endsIn(segments[:len(segments)-1], e.before) {
				return e.roles
			}
		}
	}
	return nil
}

// nameSegments cuts a name as exporters write it, /model/layers.0/self_attn/q_proj/MatMul, to model layers 0 self_attn
// q_proj. Of the names that TensorFlow Lite joins the first counts.
func nameSegments(name string) []string {
	name, _, _ = strings.Cut(name, ";")
	name, _, _ = strings.Cut(name, ":")
	segments := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '/' })
	for len(segments) > 1 && isTail(segments[len(segments)-1]) {
		segments = segments[:len(segments)-1]
	}
	return segments
}

// isTail accepts the tails, numbered or not: MatMul_3.
func isTail(s string) bool {
	if base, n, ok := cutLast(s, '_'); ok && isNumber(n) {
		s = base
	}
	return slices.Contains(tails, s)
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func endsIn(segments, end []string) bool {
	if len(segments) < len(end) {
		return false
	}
	segments = segments[len(segments)-len(end):]
	for i, e := range end {
		base, n, ok := cutLast(segments[i], '_')
		if e != segments[i] && e != "*" && (e != "#" || !isNumber(segments[i])) && (base != e || !ok || !isNumber(n)) {
			return false
		}
	}
	return true
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// named gives roles by name to the linear layers of which the structure says nothing, and groups those of one block.
func (f *finder) named() {
	blocks := map[string][]*Layer{}
	var order []string
	for i := range f.layers {
		l := &f.layers[i]
		if l.Type != "linear" || f.has(l, inBlock) {
			continue
		}
		roles := RoleOfName(l.Name)
		if roles == nil {
			roles = RoleOfName(l.Weight.Name)
		}
		for _, r := range roles {
			f.add(l, r)
		}
		if !f.has(l, roleBits["attention_q"]|roleBits["attention_k"]|roleBits["attention_v"]|roleBits["ffn_gate"]|roleBits["ffn_up"]) {
			continue
		}
		s := nameSegments(l.Name)
		block := strings.Join(s[:max(0, len(s)-1)], "/") + " " + family[roles[0]]
		if blocks[block] == nil {
			order = append(order, block)
		}
		blocks[block] = append(blocks[block], l)
	}
	for _, b := range order {
		f.group(blocks[b]...)
	}
}
