package arch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/internal/strictjson"
)

// Error is what contradicts itself in a configuration, or between it and the tensors.
type Error struct{ Reason string }

func (e *Error) Error() string { return e.Reason }

func damaged(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// config is the part of a config.json that describes the language model, with its sizes checked.
type config struct {
	*strictjson.Value
	kind   string   // model_type
	models []string // architectures: class names

	hidden, layers, heads, kvHeads, headDim int
	vocabulary                              int // rows of the table of tokens
	inner                                   int // width of the feed-forward network; 0: not said
	experts, chosen                         int // of which each token takes so many
	epsilon                                 float64
}

// Bounds of what a configuration may say. They are far beyond real models and keep products of sizes inside an int.
const (
	maxWidth  = 1 << 24
	maxHeads  = 1 << 16
	maxLayers = 1 << 14
	maxRows   = 1 << 30
)

// readConfig reads what all families have. f tells where one deviates.
func readConfig(root *strictjson.Value) (*config, error) {
	if !root.Is(strictjson.Object) {
		return nil, damaged("config.json holds no object")
	}
	c := &config{Value: root}
	c.kind = c.text("model_type")
	for _, a := range listOf(root.Get("architectures")) {
		c.models = append(c.models, a.Text)
	}
	if inner := root.Get("text_config"); inner.Is(strictjson.Object) { // models that see or hear keep the language model apart
		c.Value = inner
		if kind := c.text("model_type"); kind != "" {
			c.kind = kind
		}
	}
	return c, nil
}

func listOf(v *strictjson.Value) []*strictjson.Value {
	if !v.Is(strictjson.List) {
		return nil
	}
	return v.Items
}

// text returns a string, empty if there is none.
func (c *config) text(keys ...string) string {
	for _, k := range keys {
		if v := c.Get(k); v.Is(strictjson.Text) {
			return v.Text
		}
	}
	return ""
}

// float returns a number, def if there is none.
func (c *config) float(def float64, keys ...string) float64 {
	for _, k := range keys {
		if f, ok := c.Get(k).Float(); ok {
			return f
		}
	}
	return def
}

// flag returns true or false, def if the key is missing.
func (c *config) flag(key string, def bool) bool {
	if v := c.Get(key); v.Is(strictjson.Bool) {
		return v.True()
	}
	return def
}

// sizes reads and checks the sizes. The first key of each that is there and not null counts; rows are those of the table
// of tokens.
func (c *config) sizes(f *family, rows int) error {
	for _, s := range []struct {
		to   *int
		max  int64
		keys []string
		def  func() int // nil: the key must be there
	}{
		{&c.hidden, maxWidth, []string{"hidden_size", "n_embd", "d_model"}, nil},
		{&c.layers, maxLayers, []string{"num_hidden_layers", "n_layer", "num_layers"}, nil},
		{&c.heads, maxHeads, []string{"num_attention_heads", "n_head"}, nil},
		{&c.kvHeads, maxHeads, []string{"num_key_value_heads"}, func() int { return c.groups() }},
		{&c.headDim, maxWidth, []string{"head_dim", "kv_channels"}, func() int { return 0 }},
		{&c.vocabulary, maxRows, []string{"padded_vocab_size", "vocab_size"}, func() int { return rows }},
		{&c.inner, maxWidth, []string{"intermediate_size", "n_inner", "ffn_hidden_size"}, func() int { return 0 }},
		{&c.experts, maxLayers, []string{"num_local_experts", "num_experts"}, func() int { return 0 }},
		{&c.chosen, maxLayers, []string{"num_experts_per_tok"}, func() int { return 0 }},
	} {
		at := slices.IndexFunc(s.keys, func(k string) bool { v := c.Get(k); return v != nil && v.Kind != strictjson.Null })
		if at < 0 {
			n, ok := f.defaults[s.keys[0]]
			switch {
			case ok:
				*s.to = n
			case s.def != nil:
				*s.to = s.def()
			default:
				return &unknown{"config.json does not say " + s.keys[0]}
			}
			continue
		}
		v := c.Get(s.keys[at])
		n, ok := v.Int()
		low := int64(1)
		if s.to == &c.experts || s.to == &c.chosen { // dense members of a family of experts say 0
			low = 0
		}
		if !ok || n < low || n > s.max {
			return damaged("%s is %s; it must be a whole number from %d to %d", s.keys[at], said(v), low, s.max)
		}
		*s.to = int(n)
	}
	if f.bothWays { // encoders share no keys, whatever a configuration carries along
		c.kvHeads = c.heads
	}
	switch {
	case c.heads%c.kvHeads != 0:
		return damaged("num_attention_heads is %d, which %d heads of keys and values do not divide", c.heads, c.kvHeads)
	case c.headDim == 0 && c.hidden%c.heads != 0:
		return damaged("hidden_size is %d, which %d heads do not divide, and head_dim is not given", c.hidden, c.heads)
	case c.headDim == 0:
		c.headDim = c.hidden / c.heads
	}
	if c.headDim > maxWidth/c.heads {
		return damaged("%d heads of head_dim %d are wider than %d", c.heads, c.headDim, maxWidth)
	}
	if c.chosen > c.experts {
		return damaged("num_experts_per_tok is %d of %d experts", c.chosen, c.experts)
	}
	c.epsilon = c.float(1e-5, "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "layernorm_epsilon", "norm_epsilon")
	return nil
}

// groups is the number of heads of keys and values where num_key_value_heads does not say it.
func (c *config) groups() int {
	switch {
	case c.flag("multi_query_attention", false): // ChatGLM
		if n, ok := c.Get("multi_query_group_num").Int(); ok && n >= 1 && n <= maxHeads {
			return int(n)
		}
	case c.kind == "gpt_bigcode" && c.flag("multi_query", true):
		return 1
	}
	return c.heads
}

// said is a value as a message shows it.
func said(v *strictjson.Value) string {
	switch v.Kind {
	case strictjson.Text:
		return fmt.Sprintf("%.40q", v.Text)
	case strictjson.Number, strictjson.Bool:
		return fmt.Sprintf("%.40s", v.Text)
	case strictjson.List:
		return "a list"
	case strictjson.Object:
		return "an object"
	}
	return "null"
}

// hasHead reports whether the class of the model gives logits; by the class's name, as the configuration says it.
func (c *config) hasHead() bool {
	return slices.ContainsFunc(c.models, func(m string) bool {
		return strings.HasSuffix(m, "ForCausalLM") || strings.HasSuffix(m, "LMHeadModel") || strings.HasSuffix(m, "ForMaskedLM") ||
			strings.HasSuffix(m, "ForConditionalGeneration") || strings.HasSuffix(m, "ForPreTraining")
	})
}

// activation is the name of the feed-forward network's activation function.
func (c *config) activation() string {
	return c.text("hidden_activation", "hidden_act", "activation_function")
}

// windowed reports whether the attention of layer i sees a sliding window alone.
func (c *config) windowed(i int) bool {
	if types := listOf(c.Get("layer_types")); i < len(types) {
		return types[i].Text == "sliding_attention"
	}
	if n, ok := c.Get("sliding_window").Int(); !ok || n <= 0 {
		return false
	}
	switch c.kind {
	case "gemma2":
		return i%2 == 0
	case "gemma3", "gemma3_text":
		pattern := int(c.float(6, "sliding_window_pattern"))
		return pattern > 0 && (i+1)%pattern != 0
	case "qwen2", "qwen3", "qwen2_moe", "qwen3_moe":
		return c.flag("use_sliding_window", false) && float64(i) >= c.float(0, "max_window_layers")
	}
	return true
}

// rotated reports whether positions turn the queries and keys of layer i.
func (c *config) rotated(i int) bool {
	list := listOf(c.Get("no_rope_layers")) // SmolLM3: 1 where positions do turn
	if i < len(list) {
		n, ok := list[i].Int()
		return !ok || n != 0
	}
	return true
}
