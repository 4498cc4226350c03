package gguf

import (
	"fmt"
	"regexp"
	"strings"
)

// naming says how llama.cpp calls the modules of a model. Names of blocks stand behind blk.N.
type naming map[string]string

// with returns the names with others in their place or besides.
func (n naming) with(other naming) naming {
	out := naming{}
	for k, v := range n {
		out[k] = v
	}
	for k, v := range other {
		out[k] = v
	}
	return out
}

// llamaNames are those of the Llama family, as in gguf-py's tensor_mapping.
var llamaNames = naming{
	"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output",
	"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
	"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
	"self_attn.qkv_proj": "attn_qkv", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
	"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "mlp.gate_up_proj": "ffn_up",
	"block_sparse_moe.gate": "ffn_gate_inp",
	"block_sparse_moe.w1":   "ffn_gate_exps", "block_sparse_moe.w3": "ffn_up_exps", "block_sparse_moe.w2": "ffn_down_exps",
}

var (
	gemmaNames = llamaNames.with(naming{"post_attention_layernorm": "post_attention_norm",
		"pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm"})
	glm4Names    = llamaNames.with(naming{"post_self_attn_layernorm": "post_attention_norm", "post_mlp_layernorm": "post_ffw_norm"})
	chatGLMNames = naming{
		"embedding.word_embeddings": "token_embd", "final_layernorm": "output_norm", "output_layer": "output",
		"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
		"self_attention.query_key_value": "attn_qkv", "self_attention.dense": "attn_output",
		"mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down",
	}
)

var (
	roots     = []string{"language_model.model.", "model.language_model.", "transformer.encoder.", "transformer.", "model."}
	layerName = regexp.MustCompile(`^layers\.(\d+)\.(.+)$`)
	expert    = regexp.MustCompile(`^(block_sparse_moe)\.experts\.(\d+)\.(w[123])$`)
)

// place is where a tensor goes in a file.
type place struct {
	name   string // blk.3.ffn_gate_exps.weight
	expert int    // of a weight that is stacked with those of the other experts; else -1
}

// of finds the place of a tensor by its name in a Hugging Face folder; ok is false if there is none.
func (n naming) of(name string) (p place, ok bool) {
	p.expert = -1
	for _, r := range roots {
		if rest, found := strings.CutPrefix(name, r); found {
			name = rest
			break
		}
	}
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return p, false
	}
	module, end := name[:dot], name[dot:]
	prefix := ""
	if l := layerName.FindStringSubmatch(module); l != nil {
		prefix, module = "blk."+l[1]+".", l[2]
	}
	if e := expert.FindStringSubmatch(module); e != nil {
		fmt.Sscan(e[2], &p.expert)
		module = e[1] + "." + e[3]
	}
	to, ok := n[module]
	p.name = prefix + to + end
	return p, ok
}
