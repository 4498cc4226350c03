package gguf

import (
	"fmt"
	"strings"

	"github.com/pare-ml/pare/internal/strictjson"
)

// splits of texts into words that llama.cpp knows, by what tokenizer.json says of them: its regular expressions, and
// ByteLevel, Digits and so on by name.
var splitsKnown = []struct{ pre, steps string }{
	{"gpt-2", "ByteLevel"},
	{"smollm", "Digits(1) ByteLevel"},
	{"llama-bpe", `Split((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+) ByteLevel(false)`},
	{"qwen2", `Split((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+) ByteLevel(false)`},
	{"tekken", `Split([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+) ByteLevel(false)`},
	{"gpt-4o", `Split([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+) ByteLevel(false)`},
}

// split finds what llama.cpp calls the way in which tokenizer.json splits texts.
func (t *tokenizer) split() (string, error) {
	var steps []string
	pre := t.json.Get("pre_tokenizer")
	list := []*strictjson.Value{pre}
	if p := pre.Get("pretokenizers"); p.Is(strictjson.List) {
		list = p.Items
	}
	for _, p := range list {
		steps = append(steps, step(p))
	}
	got := strings.Join(steps, " ")
	for _, s := range splitsKnown {
		if s.steps != got {
			continue
		}
		switch kind := t.config.Get("model_type").TextOr(""); {
		case s.pre == "smollm" && kind == "granite":
			return "refact", nil // the same way by another name
		case s.pre == "llama-bpe" && (kind == "glm4" || kind == "chatglm"):
			return "chatglm-bpe", nil
		}
		return s.pre, nil
	}
	return "", fmt.Errorf("tokenizer.json: llama.cpp knows no name for this way to split texts: %s", got)
}

// step names one step of a pre-tokenizer with what matters of it.
func step(p *strictjson.Value) string {
	kind := p.Get("type").TextOr("")
	switch kind {
	case "Split":
		return "Split(" + p.Get("pattern").Get("Regex").TextOr(p.Get("pattern").Get("String").TextOr("")) + ")"
	case "Digits":
		if p.Get("individual_digits").True() {
			return "Digits(1)"
		}
	case "ByteLevel":
		if r := p.Get("use_regex"); r.Is(strictjson.Bool) && !r.True() {
			return "ByteLevel(false)"
		}
	}
	return kind
}
