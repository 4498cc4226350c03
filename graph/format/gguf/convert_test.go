package gguf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
)

const llamaConfig = `{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8, "intermediate_size": 12,
"num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64, "rms_norm_eps": 1e-05,
"rope_theta": 10000.0, "vocab_size": 6, "bos_token_id": 4, "eos_token_id": 5, "tie_word_embeddings": true}`

const bytePairs = `{"added_tokens": [{"id": 4, "content": "<|im_start|>", "special": false}, {"id": 5, "content": "<end>", "special": true}],
"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, {"type": "ByteLevel", "use_regex": true}]},
"post_processor": null,
"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}}`

// folder makes a model as it is read from a Hugging Face folder.
func folder(files map[string]string, tensors ...*ir.Tensor) *ir.Model {
	g := &ir.Graph{}
	for _, t := range tensors {
		g.AddTensor(t)
	}
	m := &ir.Model{Format: "safetensors", Graph: g}
	for name, text := range files {
		m.Attached = append(m.Attached, ir.Attachment{Name: name, Size: int64(len(text)), Read: func() ([]byte, error) { return []byte(text), nil }})
	}
	return m
}

// count returns a tensor whose elements count from 0.
func count(name string, shape ...int) *ir.Tensor {
	n, _ := ir.Elements(shape)
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	return ir.FromFloat32s(name, shape, x)
}

func llamaTensors() []*ir.Tensor {
	p := "model.layers.0."
	return []*ir.Tensor{count("model.embed_tokens.weight", 6, 8), count("model.norm.weight", 8), count(p+"input_layernorm.weight", 8),
		count(p+"post_attention_layernorm.weight", 8), count(p+"self_attn.q_proj.weight", 8, 8), count(p+"self_attn.k_proj.weight", 4, 8),
		count(p+"self_attn.v_proj.weight", 4, 8), count(p+"self_attn.o_proj.weight", 8, 8), count(p+"mlp.gate_proj.weight", 12, 8),
		count(p+"mlp.up_proj.weight", 12, 8), count(p+"mlp.down_proj.weight", 8, 12), ir.FromFloat32s(p+"self_attn.rotary_emb.inv_freq", []int{2}, []float32{1, 2})}
}

func TestConvert(t *testing.T) {
	m := folder(map[string]string{"config.json": llamaConfig, "tokenizer.json": bytePairs,
		"tokenizer_config.json": `{"bos_token": "<|im_start|>", "eos_token": {"content": "<end>"}, "add_bos_token": true, "chat_template": "{{ x }}"}`}, llamaTensors()...)
	b := encoded(t, m)
	h, err := readHeader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, kv := range h.meta {
		fmt.Fprintf(&got, "%s %s", kv.Key, kv.Kind)
		if s, ok := h.meta.Text(kv.Key); ok {
			fmt.Fprintf(&got, " %q", s)
		} else if v, ok := h.meta.Int(kv.Key); ok {
			fmt.Fprintf(&got, " %d", v)
		} else if v, ok := h.meta.Float(kv.Key); ok {
			fmt.Fprintf(&got, " %g", v)
		} else if v, ok := h.meta.Bool(kv.Key); ok {
			fmt.Fprintf(&got, " %t", v)
		} else if l, ok := h.meta.Texts(kv.Key); ok {
			fmt.Fprintf(&got, " %q", l)
		} else if l, ok := h.meta.Ints(kv.Key); ok {
			fmt.Fprintf(&got, " %d", l)
		}
		got.WriteString("\n")
	}
	want := `general.architecture string "llama"
general.type string "model"
llama.block_count u32 1
llama.context_length u32 64
llama.embedding_length u32 8
llama.feed_forward_length u32 12
llama.attention.head_count u32 2
llama.attention.head_count_kv u32 1
llama.rope.freq_base f32 10000
llama.attention.layer_norm_rms_epsilon f32 9.999999747378752e-06
llama.vocab_size u32 6
llama.rope.dimension_count u32 4
tokenizer.ggml.model string "gpt2"
tokenizer.ggml.pre string "smollm"
tokenizer.ggml.tokens array ["a" "b" "ab" "[PAD3]" "<|im_start|>" "<end>"]
tokenizer.ggml.token_type array [1 1 1 5 3 3]
tokenizer.ggml.merges array ["a b"]
tokenizer.ggml.bos_token_id u32 4
tokenizer.ggml.eos_token_id u32 5
tokenizer.ggml.add_bos_token bool true
tokenizer.chat_template string "{{ x }}"
general.quantization_version u32 2
general.file_type u32 0
`
	if got.String() != want {
		t.Errorf("metadata:\n%s\nwant\n%s", got.String(), want)
	}
	for _, i := range h.tensors {
		if i.name != "blk.0.attn_q.weight" {
			continue
		}
		// Two heads of four rows: the halves 0 1 | 2 3 become the pairs 0 2 1 3.
		x, _ := ir.NewTensor("q", i.dtype, i.shape, b[h.data+i.offset:][:i.size]).Float32s()
		var rows []float32
		for r := range 8 {
			rows = append(rows, x[8*r]/8)
		}
		if fmt.Sprint(rows) != "[0 2 1 3 4 6 5 7]" {
			t.Errorf("rows of queries stand in the order %v", rows)
		}
	}
	if len(h.tensors) != 11 {
		t.Errorf("%d tensors", len(h.tensors))
	}
}

func TestConvertGemma(t *testing.T) {
	c := strings.NewReplacer(`"llama"`, `"gemma2"`, `"rms_norm_eps"`, `"head_dim": 4, "attn_logit_softcapping": 50.0, "rms_norm_eps"`).Replace(llamaConfig)
	m := folder(map[string]string{"config.json": c, "tokenizer.json": bytePairs}, append(llamaTensors(),
		count("lm_head.weight", 6, 8), count("model.layers.0.pre_feedforward_layernorm.weight", 8))...)
	_, list, err := convert(m)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]*ir.Tensor{}
	for _, w := range list {
		names[w.Name] = w
	}
	if names["output.weight"] != nil || names["blk.0.ffn_norm.weight"] == nil || names["blk.0.post_attention_norm.weight"] == nil {
		t.Error("names of Gemma's tensors")
	}
	if x, err := names["blk.0.attn_norm.weight"].Float32s(); err != nil || x[0] != 1 || x[7] != 8 {
		t.Errorf("a norm holds %v, %v", x, err)
	}
}

// Experts of a block become one tensor, in their order.
func TestConvertExperts(t *testing.T) {
	c := strings.Replace(llamaConfig, `"llama"`, `"mixtral", "num_local_experts": 2, "num_experts_per_tok": 1`, 1)
	p := "model.layers.0.block_sparse_moe."
	m := folder(map[string]string{"config.json": c, "tokenizer.json": bytePairs}, append(llamaTensors()[:8],
		count(p+"gate.weight", 2, 8), count(p+"experts.0.w1.weight", 12, 8), count(p+"experts.1.w1.weight", 12, 8))...)
	meta, list, err := convert(m)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := meta.Int("llama.expert_count"); n != 2 {
		t.Errorf("%d experts", n)
	}
	last := list[len(list)-1]
	x, err := last.Float32s()
	if last.Name != "blk.0.ffn_gate_exps.weight" || fmt.Sprint(last.Shape) != "[2 12 8]" || err != nil || x[95] != 95 || x[96] != 0 || x[97] != 1 {
		t.Errorf("experts %s %v: %v, %v", last.Name, last.Shape, x, err)
	}
}

func TestConvertRefuses(t *testing.T) {
	for _, tt := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{}, "there is no config.json beside it"},
		{map[string]string{"config.json": `{"model_type": "bert"}`}, `model_type "bert" cannot be converted`},
		{map[string]string{"config.json": `{"model_type": "llama"}`}, "num_attention_heads is missing"},
		{map[string]string{"config.json": llamaConfig}, "neither tokenizer.json nor a SentencePiece"},
		{map[string]string{"config.json": llamaConfig, "tokenizer.json": strings.Replace(bytePairs, "Digits", "Numbers", 1)}, "knows no name for this way to split texts: Numbers ByteLevel"},
		{map[string]string{"config.json": llamaConfig, "tokenizer.json": strings.Replace(bytePairs, `"BPE"`, `"WordPiece"`, 1)}, `a model of type "WordPiece"`},
		{map[string]string{"config.json": strings.Replace(llamaConfig, `"num_attention_heads": 2`, `"num_attention_heads": 3`, 1), "tokenizer.json": bytePairs}, "which are not 3 heads of an even width"},
		{map[string]string{"config.json": llamaConfig, "tokenizer.model": "\n\xff"}, "piece 0 is no SentencePiece"},
	} {
		if _, _, err := convert(folder(tt.files, llamaTensors()...)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
	m := folder(map[string]string{"config.json": llamaConfig, "tokenizer.json": bytePairs}, append(llamaTensors(), count("model.layers.0.strange.weight", 2, 2))...)
	if _, _, err := convert(m); err == nil || !strings.Contains(err.Error(), `tensor "model.layers.0.strange.weight" has no place`) {
		t.Errorf("a strange tensor: %v", err)
	}
}

func TestSentencePiece(t *testing.T) {
	pieces := "\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02" + // unknown, score 0
		"\n\x0a\n\x03\xe2\x96\x81\x15\x00\x00\x80\xbf" + // ▁, score -1
		"\n\x0f\n\x06<0x0A>\x15\x00\x00\x00\x00\x18\x06"
	m := folder(map[string]string{"config.json": llamaConfig, "tokenizer.model": pieces,
		"tokenizer_config.json": `{"added_tokens_decoder": {"4": {"content": "<s>", "special": true}, "5": {"content": "x▁y"}}}`}, llamaTensors()...)
	meta, _, err := convert(m)
	if err != nil {
		t.Fatal(err)
	}
	texts, _ := meta.Texts("tokenizer.ggml.tokens")
	kinds, _ := meta.Ints("tokenizer.ggml.token_type")
	if got := fmt.Sprintf("%q %d", texts, kinds); got != `["<unk>" "▁" "<0x0A>" "[PAD3]" "<s>" "x y"] [2 1 6 5 3 4]` {
		t.Errorf("vocabulary %s", got)
	}
}
