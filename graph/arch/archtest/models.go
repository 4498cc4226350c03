package archtest

import "strings"

// record is a published model: its sizes, its list of tensors, what its configuration says beside the sizes.
type record struct {
	name, class, kind, dtype string
	sizes                    Sizes
	list                     string
	config                   map[string]any
	params                   int64 // as published; 0: not checked
}

var records = []record{
	{"Llama-3.2-1B", "LlamaForCausalLM", "llama", "BF16", Sizes{H: 2048, L: 16, N: 32, K: 8, F: 8192, V: 128256},
		llamaEnds + llamaBlock + llamaFeed, map[string]any{"tie_word_embeddings": true}, 1_235_814_400},
	{"SmolLM2-135M", "LlamaForCausalLM", "llama", "BF16", Sizes{H: 576, L: 30, N: 9, K: 3, F: 1536, V: 49152},
		llamaEnds + llamaBlock + llamaFeed, map[string]any{"tie_word_embeddings": true}, 134_515_008},
	{"SmolLM3-3B", "SmolLM3ForCausalLM", "smollm3", "BF16", Sizes{H: 2048, L: 36, N: 16, K: 4, F: 11008, V: 128256},
		llamaEnds + llamaBlock + llamaFeed, map[string]any{"tie_word_embeddings": true, "no_rope_layers": []int{1, 1, 1, 0}}, 3_075_098_624},
	{"Mistral-7B-v0.1", "MistralForCausalLM", "mistral", "BF16", Sizes{H: 4096, L: 32, N: 32, K: 8, F: 14336, V: 32000},
		llamaEnds + llamaBlock + llamaFeed + head, map[string]any{"tie_word_embeddings": false, "sliding_window": 4096}, 7_241_732_096},
	{"Qwen2.5-0.5B", "Qwen2ForCausalLM", "qwen2", "BF16", Sizes{H: 896, L: 24, N: 14, K: 2, F: 4864, V: 151936},
		llamaEnds + llamaBlock + qkvBias + llamaFeed, map[string]any{"tie_word_embeddings": true, "sliding_window": 32768, "use_sliding_window": false}, 494_032_768},
	{"Qwen3-0.6B", "Qwen3ForCausalLM", "qwen3", "BF16", Sizes{H: 1024, L: 28, N: 16, K: 8, D: 128, F: 3072, V: 151936},
		llamaEnds + llamaBlock + qkNorm + llamaFeed, map[string]any{"tie_word_embeddings": true}, 596_049_920},
	{"Phi-3-mini-4k-instruct", "Phi3ForCausalLM", "phi3", "BF16", Sizes{H: 3072, L: 32, N: 32, F: 8192, V: 32064},
		phi3, map[string]any{"tie_word_embeddings": false, "sliding_window": 2047}, 3_821_079_552},
	{"granite-3.1-2b", "GraniteForCausalLM", "granite", "BF16", Sizes{H: 2048, L: 40, N: 32, K: 8, F: 8192, V: 49155},
		llamaEnds + llamaBlock + llamaFeed, map[string]any{"tie_word_embeddings": true, "embedding_multiplier": 12.0, "attention_multiplier": 0.015625,
			"residual_multiplier": 0.22, "logits_scaling": 8.0}, 2_533_531_648},
	{"gemma-2b", "GemmaForCausalLM", "gemma", "BF16", Sizes{H: 2048, L: 18, N: 8, K: 1, D: 256, F: 16384, V: 256000},
		llamaEnds + llamaBlock + llamaFeed, map[string]any{"hidden_act": "gelu"}, 2_506_172_416},
	{"gemma-2-2b", "Gemma2ForCausalLM", "gemma2", "F32", Sizes{H: 2304, L: 26, N: 8, K: 4, D: 256, F: 9216, V: 256000},
		llamaEnds + llamaBlock + fourNorms + llamaFeed, map[string]any{"hidden_act": "gelu_pytorch_tanh", "sliding_window": 4096, "query_pre_attn_scalar": 256,
			"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}, 2_614_341_888},
	{"gemma-3-1b", "Gemma3ForCausalLM", "gemma3_text", "BF16", Sizes{H: 1152, L: 26, N: 4, K: 1, D: 256, F: 6912, V: 262144},
		llamaEnds + llamaBlock + fourNorms + qkNorm + llamaFeed, map[string]any{"hidden_activation": "gelu_pytorch_tanh", "sliding_window": 512,
			"sliding_window_pattern": 6, "rope_local_base_freq": 10000, "query_pre_attn_scalar": 256}, 999_885_952},
	{"GLM-4-9B-0414", "Glm4ForCausalLM", "glm4", "BF16", Sizes{H: 4096, L: 40, N: 32, K: 2, D: 128, F: 13696, V: 151552},
		glm4, map[string]any{"tie_word_embeddings": false, "partial_rotary_factor": 0.5}, 9_400_279_040},
	{"glm-4-9b", "ChatGLMModel", "chatglm", "BF16", Sizes{H: 4096, L: 40, N: 32, K: 2, D: 128, F: 13696, V: 151552},
		chatGLM, map[string]any{"tie_word_embeddings": false, "multi_query_attention": true, "rmsnorm": true,
			"auto_map": map[string]any{"AutoModel": "modeling_chatglm.ChatGLMForConditionalGeneration"}}, 9_399_951_392},
	{"gpt2", "GPT2LMHeadModel", "gpt2", "F32", Sizes{H: 768, L: 12, N: 12, F: 3072, V: 50257, P: 1024}, gpt2, nil, 124_439_808},
	{"starcoderbase-1b", "GPTBigCodeForCausalLM", "gpt_bigcode", "F32", Sizes{H: 2048, L: 24, N: 16, F: 8192, V: 49152, P: 8192}, bigCode,
		map[string]any{"multi_query": true, "activation_function": "gelu_pytorch_tanh"}, 1_137_207_296},
	{"starcoder2-3b", "Starcoder2ForCausalLM", "starcoder2", "F32", Sizes{H: 3072, L: 30, N: 24, K: 2, F: 12288, V: 49152}, starcoder2,
		map[string]any{"hidden_act": "gelu_pytorch_tanh", "sliding_window": 4096}, 3_030_371_328},
	{"pythia-160m", "GPTNeoXForCausalLM", "gpt_neox", "F16", Sizes{H: 768, L: 12, N: 12, F: 3072, V: 50304}, neox,
		map[string]any{"tie_word_embeddings": false, "use_parallel_residual": true, "rotary_pct": 0.25, "hidden_act": "gelu"}, 162_322_944},
	{"phi-2", "PhiForCausalLM", "phi", "F16", Sizes{H: 2560, L: 32, N: 32, F: 10240, V: 51200}, phi2,
		map[string]any{"tie_word_embeddings": false, "partial_rotary_factor": 0.4, "hidden_act": "gelu_new"}, 2_779_683_840},
	{"bert-base-uncased", "BertForMaskedLM", "bert", "F32", Sizes{H: 768, L: 12, N: 12, F: 3072, V: 30522, P: 512, T: 2}, bert + maskedHead,
		map[string]any{"hidden_act": "gelu", "layer_norm_eps": 1e-12}, 110_106_428},
	{"roberta-base", "RobertaForMaskedLM", "roberta", "F32", Sizes{H: 768, L: 12, N: 12, F: 3072, V: 50265, P: 514, T: 1},
		strings.ReplaceAll(bert, "bert.", "roberta.") + robertaHead, map[string]any{"hidden_act": "gelu"}, 125_288_025},
	{"Mixtral-8x7B-v0.1", "MixtralForCausalLM", "mixtral", "BF16", Sizes{H: 4096, L: 32, N: 32, K: 8, F: 14336, V: 32000, E: 8},
		llamaEnds + llamaBlock + mixtralFeed + head, map[string]any{"num_local_experts": 8, "num_experts_per_tok": 2}, 46_702_792_704},
	{"Qwen3-30B-A3B", "Qwen3MoeForCausalLM", "qwen3_moe", "BF16", Sizes{H: 2048, L: 48, N: 32, K: 4, D: 128, F: 768, V: 151936, E: 128},
		llamaEnds + llamaBlock + qkNorm + qwenExperts + head, map[string]any{"num_experts": 128, "num_experts_per_tok": 8, "norm_topk_prob": true,
			"intermediate_size": 6144, "moe_intermediate_size": 768}, 30_532_122_624},
}

// Published lists the published models in full size. Write them sparse.
func Published() []*Model {
	var out []*Model
	for _, r := range records {
		out = append(out, r.model(r.sizes))
	}
	return out
}

// PublishedParams returns the number of parameters that a model's publisher states.
func PublishedParams(name string) int64 {
	for _, r := range records {
		if r.name == name {
			return r.params
		}
	}
	return 0
}

// Tiny lists one small model of each record, with two layers.
func Tiny() []*Model {
	var out []*Model
	for _, r := range records {
		s := Sizes{H: 64, L: 2, N: 4, K: 2, D: 16, F: 96, V: 100, P: 32, T: r.sizes.T, E: min(4, r.sizes.E)}
		if r.sizes.K == 0 {
			s.K = 0
		}
		m := r.model(s)
		for _, key := range []string{"num_local_experts", "num_experts"} {
			if m.Config[key] != nil {
				m.Config[key] = s.E
			}
		}
		if m.Config["num_experts_per_tok"] != nil {
			m.Config["num_experts_per_tok"] = 2
		}
		out = append(out, m)
	}
	return out
}

// Named returns the model of a name out of a list.
func Named(list []*Model, name string) *Model {
	for _, m := range list {
		if m.Name == name {
			return m
		}
	}
	panic("archtest: no model " + name)
}

func (r *record) model(s Sizes) *Model {
	d := s.D
	if d == 0 {
		d = s.H / s.N
	}
	k := s.K
	if k == 0 {
		k = s.N
	}
	full := s
	full.D, full.K = d, k
	m := &Model{Name: r.name, DType: r.dtype, Tensors: full.expand(r.list)}
	m.Config = map[string]any{"architectures": []string{r.class}, "model_type": r.kind}
	switch r.kind {
	case "gpt2", "gpt_bigcode":
		m.set("n_embd", s.H, "n_layer", s.L, "n_head", s.N, "vocab_size", s.V, "n_positions", s.P, "n_inner", nil)
		if r.kind == "gpt_bigcode" || s.F != 4*s.H {
			m.Config["n_inner"] = s.F
		}
	case "chatglm":
		m.set("hidden_size", s.H, "num_layers", s.L, "num_attention_heads", s.N, "kv_channels", d, "multi_query_group_num", k,
			"padded_vocab_size", s.V, "vocab_size", s.V, "ffn_hidden_size", s.F)
	default:
		m.set("hidden_size", s.H, "num_hidden_layers", s.L, "num_attention_heads", s.N, "intermediate_size", s.F, "vocab_size", s.V)
		if s.K > 0 {
			m.Config["num_key_value_heads"] = s.K
		}
		if s.D > 0 {
			m.Config["head_dim"] = s.D
		}
		if s.P > 0 {
			m.Config["max_position_embeddings"] = s.P
		}
	}
	for key, v := range r.config {
		m.Config[key] = v
	}
	return m
}

func (m *Model) set(pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		m.Config[pairs[i].(string)] = pairs[i+1]
	}
}
