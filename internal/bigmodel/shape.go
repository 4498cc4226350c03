package main

import (
	"fmt"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// shape is a decoder of the Llama family or of GLM-4.
type shape struct {
	name, kind, architecture               string // kind is model_type
	width, hidden, blocks, heads, keyHeads int
	vocabulary                             int
	dtype                                  ir.DType
	fused, bias, afterNorms                bool    // one tensor for gate and up; biases of queries, keys and values; norms behind, too
	rotary                                 float64 // share of a head that is turned by position; 0: all
}

// shapes are the models there are.
var shapes = []shape{
	{name: "0.3b", kind: "llama", architecture: "LlamaForCausalLM", width: 1024, hidden: 2816, blocks: 22, heads: 16, keyHeads: 4, vocabulary: 32000, dtype: ir.Float16},
	{name: "tinyllama-1.1b", kind: "llama", architecture: "LlamaForCausalLM", width: 2048, hidden: 5632, blocks: 22, heads: 32, keyHeads: 4, vocabulary: 32000, dtype: ir.Float16},
	{name: "glm4-9b", kind: "glm4", architecture: "Glm4ForCausalLM", width: 4096, hidden: 13696, blocks: 40, heads: 32, keyHeads: 2, vocabulary: 151552, dtype: ir.BFloat16,
		fused: true, bias: true, afterNorms: true, rotary: 0.5},
}

func shapeNamed(name string) *shape {
	for i := range shapes {
		if shapes[i].name == name {
			return &shapes[i]
		}
	}
	return nil
}

func names() string {
	var list []string
	for i := range shapes {
		list = append(list, shapes[i].name)
	}
	return strings.Join(list, ", ")
}

// tensors lists the model's, in the order in which such models have them.
func (s *shape) tensors() []*ir.Tensor {
	var list []*ir.Tensor
	matrix := func(name string, rows, cols int) {
		list = append(list, random(name, s.dtype, []int{rows, cols}, 0, 0.02))
	}
	norm := func(name string) { list = append(list, random(name, s.dtype, []int{s.width}, 1, 0.1)) }
	bias := func(name string, n int) { list = append(list, random(name, s.dtype, []int{n}, 0, 0.1)) }
	keys := s.width / s.heads * s.keyHeads
	matrix("model.embed_tokens.weight", s.vocabulary, s.width)
	for i := range s.blocks {
		p := fmt.Sprintf("model.layers.%d.", i)
		matrix(p+"self_attn.q_proj.weight", s.width, s.width)
		matrix(p+"self_attn.k_proj.weight", keys, s.width)
		matrix(p+"self_attn.v_proj.weight", keys, s.width)
		if s.bias {
			bias(p+"self_attn.q_proj.bias", s.width)
			bias(p+"self_attn.k_proj.bias", keys)
			bias(p+"self_attn.v_proj.bias", keys)
		}
		matrix(p+"self_attn.o_proj.weight", s.width, s.width)
		if s.fused {
			matrix(p+"mlp.gate_up_proj.weight", 2*s.hidden, s.width)
		} else {
			matrix(p+"mlp.gate_proj.weight", s.hidden, s.width)
			matrix(p+"mlp.up_proj.weight", s.hidden, s.width)
		}
		matrix(p+"mlp.down_proj.weight", s.width, s.hidden)
		norm(p + "input_layernorm.weight")
		norm(p + "post_attention_layernorm.weight")
		if s.afterNorms {
			norm(p + "post_self_attn_layernorm.weight")
			norm(p + "post_mlp_layernorm.weight")
		}
	}
	norm("model.norm.weight")
	matrix("lm_head.weight", s.vocabulary, s.width)
	return list
}

// config is config.json.
func (s *shape) config() map[string]any {
	c := map[string]any{
		"architectures": []string{s.architecture}, "model_type": s.kind, "hidden_size": s.width, "intermediate_size": s.hidden,
		"num_hidden_layers": s.blocks, "num_attention_heads": s.heads, "num_key_value_heads": s.keyHeads, "head_dim": s.width / s.heads,
		"vocab_size": s.vocabulary, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
		"tie_word_embeddings": false, "attention_bias": s.bias, "torch_dtype": s.dtype.String(), "bos_token_id": 256, "eos_token_id": 257,
	}
	if s.rotary > 0 {
		c["partial_rotary_factor"] = s.rotary
	}
	return c
}

// tokenizer is tokenizer.json: the bytes as tokens and a few special ones, no merges.
func tokenizer(size int) map[string]any {
	vocab := map[string]int{}
	next := 256
	for i := range 256 {
		r := rune(i)
		if i < '!' || i > '~' && i < '¡' || i == 0xad { // bytes that cannot be seen stand further up, as GPT-2 has them
			r = rune(next)
			next++
		}
		vocab[string(r)] = i
	}
	special := func(id int, text string) map[string]any {
		return map[string]any{"id": id, "content": text, "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}
	}
	words := `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	return map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil, "post_processor": nil,
		"added_tokens": []any{special(256, "<|startoftext|>"), special(257, "<|endoftext|>"), special(258, "<|user|>")},
		"pre_tokenizer": map[string]any{"type": "Sequence", "pretokenizers": []any{
			map[string]any{"type": "Split", "pattern": map[string]any{"Regex": words}, "behavior": "Isolated", "invert": false},
			map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
		}},
		"decoder": map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
		"model":   map[string]any{"type": "BPE", "vocab": vocab, "merges": []any{}, "unk_token": nil, "byte_fallback": false, "ignore_merges": true},
	}
}
