package gguf

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/strictjson"
)

// settings turn a config.json into metadata. The first error stays.
type settings struct {
	*family
	config                   *strictjson.Value
	meta                     Metadata
	heads, keyHeads, experts int
	err                      error
}

func (s *settings) put(kv KeyValue) { s.meta = s.meta.With(kv) }

// find returns the first of the keys that has a value.
func (s *settings) find(keys ...string) *strictjson.Value {
	for _, k := range keys {
		if v := s.config.Get(k); v != nil && v.Kind != strictjson.Null {
			return v
		}
	}
	return nil
}

// number reads a whole number that must be there.
func (s *settings) number(keys ...string) int64 {
	n, ok := s.find(keys...).Int()
	if (!ok || n < 0 || n > math.MaxUint32) && s.err == nil {
		s.err = fmt.Errorf("%s is missing, or no whole number from 0 to %d", keys[0], uint32(math.MaxUint32))
	}
	return n
}

// uint puts a number under a key of the architecture.
func (s *settings) uint(key string, v int64) { s.put(Uint32Entry(s.arch+"."+key, uint32(v))) }

// maybe puts a number if the configuration has it.
func (s *settings) maybe(key string, keys ...string) {
	if s.find(keys...) != nil {
		s.uint(key, s.number(keys...))
	}
}

// float puts a number of the configuration, if it is there.
func (s *settings) float(key string, keys ...string) {
	if f, ok := s.find(keys...).Float(); ok {
		s.put(Float32Entry(s.arch+"."+key, float32(f)))
	}
}

// rope returns a value of the rotary positions: of rope_parameters, of rope_scaling, else of the configuration itself.
func (s *settings) rope(key string) *strictjson.Value {
	for _, at := range []string{"rope_parameters", "rope_scaling"} {
		of := s.config.Get(at)
		if full := of.Get("full_attention"); full != nil {
			of = full
		}
		if v := of.Get(key); v != nil && v.Kind != strictjson.Null {
			return v
		}
	}
	return s.find(key)
}

// sizes reads what later steps need.
func (s *settings) sizes() {
	s.heads = int(s.number("num_attention_heads"))
	s.keyHeads = s.heads
	if s.find("num_key_value_heads") != nil {
		s.keyHeads = int(s.number("num_key_value_heads"))
	}
	if s.find("num_local_experts") != nil {
		s.experts = int(s.number("num_local_experts"))
	}
}

// width is that of one head.
func (s *settings) width() int64 {
	if s.find("head_dim") != nil {
		return s.number("head_dim")
	}
	if s.heads == 0 {
		return 0
	}
	return s.number("hidden_size") / int64(s.heads)
}

// commonKeys are what every decoder has.
func commonKeys(s *settings) {
	s.sizes()
	s.uint("block_count", s.number("num_hidden_layers"))
	s.maybe("context_length", "max_position_embeddings")
	s.uint("embedding_length", s.number("hidden_size"))
	s.uint("feed_forward_length", s.number("intermediate_size"))
	s.uint("attention.head_count", int64(s.heads))
	s.uint("attention.head_count_kv", int64(s.keyHeads))
	s.scaling()
	if f, ok := s.rope("rope_theta").Float(); ok {
		s.put(Float32Entry(s.arch+".rope.freq_base", float32(f)))
	}
	s.float("attention.layer_norm_rms_epsilon", "rms_norm_eps")
	if s.experts > 0 {
		s.uint("expert_count", int64(s.experts))
		s.maybe("expert_used_count", "num_experts_per_tok")
	}
	if s.find("head_dim") != nil {
		s.uint("attention.key_length", s.width())
		s.uint("attention.value_length", s.width())
	}
}

// scaling puts how positions beyond those of the training are scaled.
func (s *settings) scaling() {
	kind := s.rope("rope_type").TextOr(s.rope("type").TextOr(""))
	factor, ok := s.rope("factor").Float()
	if kind != "linear" && kind != "yarn" || !ok {
		return
	}
	s.put(TextEntry(s.arch+".rope.scaling.type", kind))
	s.put(Float32Entry(s.arch+".rope.scaling.factor", float32(factor)))
	if n, ok := s.rope("original_max_position_embeddings").Int(); ok && kind == "yarn" {
		s.uint("rope.scaling.original_context_length", n)
	}
}

func llamaKeys(s *settings) {
	commonKeys(s)
	s.maybe("vocab_size", "vocab_size")
	s.uint("rope.dimension_count", s.width())
}

func graniteKeys(s *settings) {
	llamaKeys(s)
	s.meta = s.meta.Without(s.arch+".attention.key_length", s.arch+".attention.value_length")
	s.float("attention.scale", "attention_multiplier")
	s.float("embedding_scale", "embedding_multiplier")
	s.float("residual_scale", "residual_multiplier")
	s.float("logit_scale", "logits_scaling")
}

func gemmaKeys(s *settings) {
	commonKeys(s)
	s.float("attn_logit_softcapping", "attn_logit_softcapping")
	s.float("final_logit_softcapping", "final_logit_softcapping")
	s.maybe("attention.sliding_window", "sliding_window")
}

func gemma2Keys(s *settings) {
	gemmaKeys(s)
	s.meta = s.meta.Without(s.arch + ".rope.freq_base") // that of all Gemma 2 models, which loaders know
}

func gemma3Keys(s *settings) {
	gemmaKeys(s)
	local := s.find("rope_local_base_freq")
	if v := s.config.Get("rope_parameters").Get("sliding_attention").Get("rope_theta"); v != nil {
		local = v
	}
	if f, ok := local.Float(); ok {
		s.put(Float32Entry(s.arch+".rope.freq_base_swa", float32(f)))
	}
}

func phi3Keys(s *settings) {
	commonKeys(s)
	if s.heads > 0 {
		share, ok := s.rope("partial_rotary_factor").Float()
		if !ok {
			share = 1
		}
		s.uint("rope.dimension_count", int64(share*float64(s.number("hidden_size")))/int64(s.heads))
	}
	if n, ok := s.rope("original_max_position_embeddings").Int(); ok {
		s.uint("rope.scaling.original_context_length", n)
	}
	window := int64(0) // tells models without a window apart
	if s.find("sliding_window") != nil {
		window = s.number("sliding_window")
	}
	s.uint("attention.sliding_window", window)
	if s.rope("long_factor") != nil && s.err == nil {
		s.err = fmt.Errorf("rope_scaling with long_factor (a model of long contexts) is not converted")
	}
}

func glm4Keys(s *settings) {
	commonKeys(s)
	share, ok := s.rope("partial_rotary_factor").Float()
	if !ok {
		share = 0.5
	}
	s.uint("rope.dimension_count", int64(float64(s.width())*share))
}

func chatGLMKeys(s *settings) {
	s.heads = int(s.number("num_attention_heads"))
	s.keyHeads = int(s.number("multi_query_group_num"))
	s.uint("context_length", s.number("seq_length"))
	s.uint("embedding_length", s.number("hidden_size"))
	s.uint("feed_forward_length", s.number("ffn_hidden_size"))
	s.uint("block_count", s.number("num_layers"))
	s.uint("attention.head_count", int64(s.heads))
	s.uint("attention.head_count_kv", int64(s.keyHeads))
	s.float("attention.layer_norm_rms_epsilon", "layernorm_epsilon")
	if s.heads > 0 {
		s.uint("rope.dimension_count", s.number("hidden_size")/int64(s.heads)/2)
	}
	s.put(BoolEntry("tokenizer.ggml.add_bos_token", false))
	base := 10000.0
	if f, ok := s.find("rope_ratio").Float(); ok {
		base *= f
	}
	s.put(Float32Entry(s.arch+".rope.freq_base", float32(base)))
}

// frequencies are the divisors of the frequencies of rotary positions that Llama 3 uses for long contexts; nil without
// them.
func (s *settings) frequencies() *ir.Tensor {
	if s.rope("rope_type").TextOr(s.rope("type").TextOr("")) != "llama3" {
		return nil
	}
	value := func(key string, usual float64) float64 {
		if f, ok := s.rope(key).Float(); ok {
			return f
		}
		return usual
	}
	base, factor := value("rope_theta", 10000), value("factor", 8)
	low, high := value("low_freq_factor", 1), value("high_freq_factor", 4)
	context := value("original_max_position_embeddings", 8192)
	width := int(s.width())
	list := make([]float32, width/2)
	for i := range list {
		// As PyTorch computes it: base to a power in float32, then its inverse.
		exponent := float32(2*i) / float32(width)
		frequency := 1 / float32(kernel.Pow64(base, float64(exponent)))
		length := 2 * math.Pi / float64(frequency)
		switch {
		case length < context/high:
			list[i] = 1
		case length > context/low:
			list[i] = float32(factor)
		default:
			smooth := (context/length - low) / (high - low)
			list[i] = float32(1 / (float64((1-smooth)/factor) + smooth))
		}
	}
	return ir.FromFloat32s("rope_freqs.weight", []int{len(list)}, list)
}
