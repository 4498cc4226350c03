package arch_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/arch"
	"github.com/pare-ml/pare/graph/arch/archtest"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

var update = flag.Bool("update", false, "write the golden files again")

// built makes the model of a header.
func built(t testing.TB, m *archtest.Model) (*ir.Model, *arch.Built) {
	t.Helper()
	text, err := json.Marshal(m.Config)
	if err != nil {
		t.Fatal(err)
	}
	config, err := strictjson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	b, err := arch.Build(config, headers(m))
	if err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	model := &ir.Model{Format: "safetensors", Graph: b.Graph, Opsets: b.Opsets}
	if err := model.Check(); err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	return model, b
}

func headers(m *archtest.Model) []*ir.Tensor {
	var list []*ir.Tensor
	for _, t := range m.Tensors {
		list = append(list, &ir.Tensor{Name: t.Name, DType: map[string]ir.DType{"F32": ir.Float32, "F16": ir.Float16, "BF16": ir.BFloat16}[m.DType], Shape: t.Shape})
	}
	return list
}

// The lists of tensors have as many parameters as the publishers say, every tensor is a layer's or a note says why not,
// shapes agree and roles are found.
func TestPublished(t *testing.T) {
	for _, m := range archtest.Published() {
		if want := archtest.PublishedParams(m.Name); m.Params() != want {
			t.Errorf("%s has %d parameters; published are %d", m.Name, m.Params(), want)
		}
		model, b := built(t, m)
		if len(b.Notes) > 0 {
			t.Errorf("%s: %s", m.Name, b.Notes)
		}
		if _, err := ir.Infer(model, nil); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		var params int64
		seen := map[*ir.Tensor]bool{}
		for _, l := range model.Layers() {
			if !seen[l.Weight] {
				params += int64(l.Params)
			}
			seen[l.Weight] = true
		}
		if m.Name == "glm-4-9b" {
			params += 32 // the frequencies are no layer
		}
		if strings.HasPrefix(m.Name, "bert") || strings.HasPrefix(m.Name, "roberta") { // the bias of a tied head
			params += int64(m.Config["vocab_size"].(int))
		}
		if params != m.Params() {
			t.Errorf("%s: layers have %d of %d parameters", m.Name, params, m.Params())
		}
	}
}

// What every layer of a small model of each family is found to be.
func TestLayers(t *testing.T) {
	for _, m := range archtest.Tiny() {
		model, b := built(t, m)
		known, err := ir.Infer(model, nil)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		for _, n := range model.Graph.Nodes {
			if info := known[n.Output(0)]; info.Shape == nil || info.DType == ir.Undefined {
				t.Errorf("%s: nothing is known of %s", m.Name, n.Output(0))
				break
			}
		}
		var out bytes.Buffer
		for _, l := range model.Layers() {
			fmt.Fprintf(&out, "%-62s %-10s %v", l.Name, l.Type, l.Weight.Shape)
			for _, more := range []struct {
				what string
				list []string
			}{{"", l.Roles}, {"with ", l.Siblings}, {"tied to ", l.TiedWith}} {
				if len(more.list) > 0 {
					fmt.Fprintf(&out, " %s%s", more.what, strings.Join(more.list, " "))
				}
			}
			if l.Bias != nil {
				fmt.Fprint(&out, " biased")
			}
			fmt.Fprintln(&out)
		}
		for _, n := range b.Notes {
			fmt.Fprintf(&out, "note: %s\n", n)
		}
		for _, v := range slices.Concat(model.Graph.Inputs, model.Graph.Outputs) {
			fmt.Fprintf(&out, "%s %s %v\n", v.Name, v.DType, v.Shape)
		}
		golden(t, m.Name, out.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// stackExperts puts the weights of each block's experts into two tensors; of straight ones a matrix is stored [in, out].
func stackExperts(m *archtest.Model, straight bool) *archtest.Model {
	m.Tensors = slices.DeleteFunc(m.Tensors, func(t archtest.Tensor) bool { return strings.Contains(t.Name, ".experts.") })
	for i := range 2 {
		p := fmt.Sprintf("model.layers.%d.mlp.experts.", i)
		up, down := []int{4, 2 * 96, 64}, []int{4, 64, 96}
		if straight {
			up, down = []int{4, 64, 2 * 96}, []int{4, 96, 64}
		}
		m.Tensors = append(m.Tensors, archtest.Tensor{Name: p + "gate_up_proj", Shape: up}, archtest.Tensor{Name: p + "down_proj", Shape: down})
	}
	return m
}

// Folders name the same model in several ways.
func TestVariants(t *testing.T) {
	tinyOf := func(name string) *archtest.Model { return archtest.Named(archtest.Tiny(), name) }
	rename := func(m *archtest.Model, pairs ...string) {
		for i := range m.Tensors {
			m.Tensors[i].Name = strings.NewReplacer(pairs...).Replace(m.Tensors[i].Name)
		}
	}
	for _, tt := range []struct {
		what   string
		m      *archtest.Model
		change func(m *archtest.Model)
		layers int
		note   string
		roles  map[string]string // of some layers
		output string
	}{
		{what: "a language model that sees", m: tinyOf("gemma-3-1b"), change: func(m *archtest.Model) {
			rename(m, "model.", "language_model.model.")
			text := m.Config
			delete(text, "num_attention_heads") // 8 by default, which the tensors must have
			delete(text, "vocab_size")
			m.Config = map[string]any{"model_type": "gemma3", "architectures": []string{"Gemma3ForConditionalGeneration"}, "text_config": text}
			text["head_dim"], text["num_key_value_heads"] = 8, 4
			for i := range m.Tensors {
				if strings.HasSuffix(m.Tensors[i].Name, "_norm.weight") && strings.Contains(m.Tensors[i].Name, "self_attn") {
					m.Tensors[i].Shape = []int{8}
				}
			}
			m.Tensors = append(m.Tensors, archtest.Tensor{Name: "vision_tower.encoder.layers.0.self_attn.q_proj.weight", Shape: []int{32, 32}},
				archtest.Tensor{Name: "vision_tower.encoder.layers.0.self_attn.q_proj.bias", Shape: []int{32}},
				archtest.Tensor{Name: "vision_tower.conv.weight", Shape: []int{3, 3, 3, 3}}, archtest.Tensor{Name: "projector.weight", Shape: []int{64, 32}})
			for i := range m.Tensors {
				if strings.Contains(m.Tensors[i].Name, "k_proj") || strings.Contains(m.Tensors[i].Name, "v_proj") {
					m.Tensors[i].Shape[0] = 32
				}
			}
		}, layers: 31, note: "2 matrices are no part of the gemma2 architecture",
			roles:  map[string]string{"vision_tower.encoder.layers.0.self_attn.q_proj": "attention_q", "language_model.model.layers.1.mlp.down_proj": "ffn_down"},
			output: "logits"},
		{what: "no head", m: tinyOf("Llama-3.2-1B"), change: func(m *archtest.Model) {
			rename(m, "model.", "")
			m.Config["architectures"] = []string{"LlamaModel"}
		}, layers: 20, roles: map[string]string{"layers.0.self_attn.o_proj": "attention_o"}, output: "last_hidden_state"},
		{what: "an activation that nobody knows", m: tinyOf("Llama-3.2-1B"), change: func(m *archtest.Model) { m.Config["hidden_act"] = "x" },
			layers: 15, note: `the activation function "x" is not known: its layers are known by name and shape alone`,
			roles: map[string]string{"model.layers.0.mlp.up_proj": "ffn_up", "model.embed_tokens": "embedding"}},
		{what: "a size that is not said", m: tinyOf("Llama-3.2-1B"), change: func(m *archtest.Model) { delete(m.Config, "num_attention_heads") },
			layers: 15, note: "config.json does not say num_attention_heads"},
		{what: "another family's names", m: tinyOf("gpt2"), change: func(m *archtest.Model) { m.Config["model_type"] = "llama" },
			layers: 10, note: `model_type is "llama", but no tensor is named model.embed_tokens.weight`},
		{what: "masks among the tensors", m: tinyOf("gpt2"), change: func(m *archtest.Model) {
			rename(m, "wte.", "transformer.wte.", "wpe.", "transformer.wpe.", "ln_f.", "transformer.ln_f.", "h.0.", "transformer.h.0.", "h.1.", "transformer.h.1.")
			m.Tensors = append(m.Tensors, archtest.Tensor{Name: "transformer.h.0.attn.bias", Shape: []int{1, 1, 32, 32}}, archtest.Tensor{Name: "transformer.h.0.attn.masked_bias", Shape: []int{}})
		}, layers: 16, roles: map[string]string{"transformer.h.0.attn.c_attn": "attention_qkv"}, output: "logits"},
		{what: "norms as TensorFlow calls their weights", m: tinyOf("bert-base-uncased"), change: func(m *archtest.Model) {
			rename(m, "LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta")
		}, layers: 25, output: "logits"},
		{what: "experts in stacks", m: stackExperts(tinyOf("Qwen3-30B-A3B"), false), layers: 25, roles: map[string]string{
			"model.layers.1.mlp.gate": "router", "model.layers.0.mlp.experts.gate_up_proj": "ffn_gate_up", "model.layers.1.mlp.experts.down_proj": "ffn_down"}, output: "logits"},
		{what: "experts in stacks the other way", m: stackExperts(tinyOf("Qwen3-30B-A3B"), true), layers: 25, roles: map[string]string{
			"model.layers.1.mlp.experts.down_proj": "ffn_down"}, output: "logits"},
		{what: "experts in stacks that nobody knows", m: stackExperts(tinyOf("Qwen3-30B-A3B"), true), change: func(m *archtest.Model) {
			m.Tensors[len(m.Tensors)-1].Shape[2]++
		}, layers: 14, note: "are no stacks of 4 experts"},
		{what: "a head of its own beside tied embeddings", m: tinyOf("Llama-3.2-1B"), change: func(m *archtest.Model) {
			m.Tensors = append(m.Tensors, archtest.Tensor{Name: "lm_head.weight", Shape: []int{100, 64}})
		}, layers: 21, roles: map[string]string{"lm_head": "lm_head"}, output: "logits"},
		{what: "nothing", m: &archtest.Model{Name: "nothing", DType: "F32", Config: map[string]any{}}, note: "config.json has no model_type"},
		{what: "names that are the graph's own", m: tinyOf("Llama-3.2-1B"), change: func(m *archtest.Model) {
			for _, name := range []string{"logits", "model.norm/RMSNormalization_out", "/constant/ints[1]", "model.embed_tokens/Gather", "/constant/float1"} {
				m.Tensors = append(m.Tensors, archtest.Tensor{Name: name, Shape: []int{1}})
			}
		}, layers: 21},
	} {
		if tt.change != nil {
			tt.change(tt.m)
		}
		model, b := built(t, tt.m)
		layers := model.Layers()
		if len(layers) != tt.layers {
			t.Errorf("%s: %d layers, want %d", tt.what, len(layers), tt.layers)
		}
		if notes := strings.Join(b.Notes, "\n"); tt.note == "" && notes != "" || !strings.Contains(notes, tt.note) {
			t.Errorf("%s: notes %q, want %q", tt.what, notes, tt.note)
		}
		for name, role := range tt.roles {
			if l, ok := model.Layer(name); !ok || l.Role != role || strings.Contains(name, ".experts.") && !l.Is("expert") {
				t.Errorf("%s: layer %s has role %q, want %q", tt.what, name, l.Role, role)
			}
		}
		if out := model.Graph.Outputs; len(out) == 0 || tt.output != "" && out[0].Name != tt.output {
			t.Errorf("%s: no output %q", tt.what, tt.output)
		}
		if n := len(model.Graph.Tensors()); n != len(tt.m.Tensors) {
			t.Errorf("%s: %d of %d tensors", tt.what, n, len(tt.m.Tensors))
		}
	}
}
