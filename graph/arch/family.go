package arch

import "slices"

// family says how a family of models names its tensors and what deviates from the plainest decoder: norm, attention, sum,
// norm, gated feed-forward network, sum. What is there is told by the tensors: biases, norms of queries and keys, fused
// projections, experts.
type family struct {
	name  string
	known []string // model_type in config.json
	roots []string // what stands before the names; the first under which the table of tokens is found

	tokens, positions, segments, embedNorm string
	block                                  string // with %d for its number
	final                                  string // the norm behind the last block
	head                                   string // complete name, without root
	headDense, headNorm, headBias          string // BERT: before and behind the head
	pooler                                 string
	onPooled                               []string // layers that classify what the pooler gives

	norm1, norm2         string // before attention and network; of postNorm models behind their sums
	afterAttn, afterFeed string // norms of what attention and network give, before the sum; optional

	q, k, v, qkv, o string
	qNorm, kNorm    string
	gate, up, down  string
	gateUp          string // fused
	router          string
	expert          string // with %d; its layers are eGate, eUp, eDown
	eGate, eUp, eDn string
	shared          string // expert that every token takes; its gate is shared+"_gate"

	layerNorm   bool // LayerNorm; else by the root of the mean square
	oneMore     bool // the norms' weights are stored less one
	postNorm    bool // norms stand behind the sums
	parallel    bool // attention and network read the same stream
	bothWays    bool // every position sees all others
	conv1D      bool // weights of blocks are stored [in, out]
	perHead     bool // a fused qkv holds q, k and v of one head after the other
	learned     bool // positions are looked up and added; else they turn queries and keys
	interleaved bool // of turned positions: neighbours form pairs, not halves
	embedScale  bool // embeddings are multiplied by the root of the width
	activation  string
	tied        bool           // the head is the table of tokens unless the configuration says otherwise
	rotary      float64        // share of a head's width that positions turn; 0: all of it
	defaults    map[string]int // sizes that configurations leave out
}

// llama is the scheme of names that most of Hugging Face follows.
var llama = family{
	name:  "llama",
	known: []string{"llama", "mistral", "qwen2", "qwen3", "smollm3", "phi3", "granite", "seed_oss"},
	roots: []string{"model.", "", "language_model.model.", "model.language_model."}, tokens: "embed_tokens", block: "layers.%d.", final: "norm", head: "lm_head",
	norm1: "input_layernorm", norm2: "post_attention_layernorm",
	q: "self_attn.q_proj", k: "self_attn.k_proj", v: "self_attn.v_proj", qkv: "self_attn.qkv_proj", o: "self_attn.o_proj",
	qNorm: "self_attn.q_norm", kNorm: "self_attn.k_norm",
	gate: "mlp.gate_proj", up: "mlp.up_proj", down: "mlp.down_proj", gateUp: "mlp.gate_up_proj",
	activation: "silu",
}

// like returns a variation of a family.
func like(f family, change func(*family)) family {
	change(&f)
	return f
}

var gpt2 = family{
	name: "gpt2", known: []string{"gpt2"},
	roots: []string{"transformer.", ""}, tokens: "wte", positions: "wpe", block: "h.%d.", final: "ln_f", head: "lm_head",
	norm1: "ln_1", norm2: "ln_2", qkv: "attn.c_attn", o: "attn.c_proj", up: "mlp.c_fc", down: "mlp.c_proj",
	layerNorm: true, learned: true, conv1D: true, activation: "gelu_new", tied: true,
}

var bert = family{
	name: "bert", known: []string{"bert"},
	roots: []string{"bert.", ""}, tokens: "embeddings.word_embeddings", positions: "embeddings.position_embeddings",
	segments: "embeddings.token_type_embeddings", embedNorm: "embeddings.LayerNorm", block: "encoder.layer.%d.",
	norm1: "attention.output.LayerNorm", norm2: "output.LayerNorm",
	q: "attention.self.query", k: "attention.self.key", v: "attention.self.value", o: "attention.output.dense",
	up: "intermediate.dense", down: "output.dense", pooler: "pooler.dense",
	headDense: "cls.predictions.transform.dense", headNorm: "cls.predictions.transform.LayerNorm", head: "cls.predictions.decoder",
	headBias:  "cls.predictions.bias",
	onPooled:  []string{"cls.seq_relationship", "classifier"},
	layerNorm: true, learned: true, postNorm: true, bothWays: true, activation: "gelu", tied: true,
}

// families is the table: one record a family.
var families = []family{
	llama,
	like(llama, func(f *family) {
		f.name, f.known = "gemma", []string{"gemma"}
		f.oneMore, f.embedScale, f.tied, f.activation = true, true, true, "gelu_pytorch_tanh"
	}),
	like(llama, func(f *family) {
		f.name, f.known = "gemma2", []string{"gemma2", "gemma3", "gemma3_text"}
		f.afterAttn, f.norm2, f.afterFeed = "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"
		f.oneMore, f.embedScale, f.tied, f.activation = true, true, true, "gelu_pytorch_tanh"
		f.defaults = map[string]int{"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256}
	}),
	like(llama, func(f *family) {
		f.name, f.known = "glm4", []string{"glm", "glm4"}
		f.afterAttn, f.afterFeed = "post_self_attn_layernorm", "post_mlp_layernorm"
		f.interleaved, f.rotary = true, 0.5
	}),
	like(llama, func(f *family) {
		f.name, f.known = "mixtral", []string{"mixtral"}
		f.router, f.expert = "block_sparse_moe.gate", "block_sparse_moe.experts.%d."
		f.eGate, f.eUp, f.eDn = "w1", "w3", "w2"
	}),
	like(llama, func(f *family) {
		f.name, f.known = "qwen_moe", []string{"qwen2_moe", "qwen3_moe", "olmoe"}
		f.router, f.expert, f.shared = "mlp.gate", "mlp.experts.%d.", "mlp.shared_expert"
		f.eGate, f.eUp, f.eDn = "gate_proj", "up_proj", "down_proj"
	}),
	like(llama, func(f *family) {
		f.name, f.known = "starcoder2", []string{"starcoder2"}
		f.gate, f.gateUp, f.up, f.down = "", "", "mlp.c_fc", "mlp.c_proj"
		f.layerNorm, f.activation, f.tied = true, "gelu_pytorch_tanh", true
	}),
	like(llama, func(f *family) {
		f.name, f.known = "phi", []string{"phi"}
		f.o, f.qkv, f.norm2, f.final = "self_attn.dense", "", "", "final_layernorm"
		f.qNorm, f.kNorm = "self_attn.q_layernorm", "self_attn.k_layernorm"
		f.gate, f.gateUp, f.up, f.down = "", "", "mlp.fc1", "mlp.fc2"
		f.layerNorm, f.parallel, f.activation, f.rotary = true, true, "gelu_new", 0.5
	}),
	{
		name: "chatglm", known: []string{"chatglm"},
		roots: []string{"transformer."}, tokens: "embedding.word_embeddings", block: "encoder.layers.%d.", final: "encoder.final_layernorm",
		head: "transformer.output_layer", norm1: "input_layernorm", norm2: "post_attention_layernorm",
		qkv: "self_attention.query_key_value", o: "self_attention.dense", gateUp: "mlp.dense_h_to_4h", down: "mlp.dense_4h_to_h",
		interleaved: true, rotary: 0.5, activation: "silu",
	},
	gpt2,
	like(gpt2, func(f *family) {
		f.name, f.known = "bigcode", []string{"gpt_bigcode"}
		f.conv1D, f.activation = false, "gelu_pytorch_tanh"
	}),
	{
		name: "neox", known: []string{"gpt_neox"},
		roots: []string{"gpt_neox.", ""}, tokens: "embed_in", block: "layers.%d.", final: "final_layer_norm", head: "embed_out",
		norm1: "input_layernorm", norm2: "post_attention_layernorm",
		qkv: "attention.query_key_value", o: "attention.dense", up: "mlp.dense_h_to_4h", down: "mlp.dense_4h_to_h",
		layerNorm: true, parallel: true, perHead: true, activation: "gelu", rotary: 0.25,
	},
	bert,
	like(bert, func(f *family) {
		f.name, f.known = "roberta", []string{"roberta", "xlm-roberta", "camembert"}
		f.roots = []string{"roberta.", ""}
		f.headDense, f.headNorm, f.head, f.headBias = "lm_head.dense", "lm_head.layer_norm", "lm_head.decoder", "lm_head.bias"
	}),
}

// familyOf finds the family of a model_type; nil if it is not known.
func familyOf(kind string) *family {
	for i := range families {
		if slices.Contains(families[i].known, kind) {
			return &families[i]
		}
	}
	return nil
}

// Known lists the values of model_type that are known.
func Known() []string {
	var list []string
	for i := range families {
		list = append(list, families[i].known...)
	}
	slices.Sort(list)
	return list
}
