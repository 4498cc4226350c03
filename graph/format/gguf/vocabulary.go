package gguf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// Kinds of tokens, as llama.cpp numbers them; SentencePiece does so too.
const (
	normal      = 1
	unknown     = 2
	control     = 3
	userDefined = 4
	unused      = 5
	byteToken   = 6
)

const (
	maxTokens    = 4 << 20
	missingScore = -10000
	addedScore   = -1000
)

// tokens is a vocabulary by the numbers of its tokens.
type tokens struct {
	texts  []string
	scores []float32 // nil: it has none
	kinds  []int32
}

func newTokens(n int, scored bool) *tokens {
	t := &tokens{texts: make([]string, n), kinds: make([]int32, n)}
	if scored {
		t.scores = make([]float32, n)
	}
	for i := range t.texts {
		t.texts[i], t.kinds[i] = "[PAD"+strconv.Itoa(i)+"]", unused
		if scored {
			t.scores[i] = missingScore
		}
	}
	return t
}

func (t *tokens) set(i int64, text string, score float32, kind int32) {
	if i < 0 || i >= int64(len(t.texts)) {
		return // as converters do: the model has no row for it
	}
	t.texts[i], t.kinds[i] = text, kind
	if t.scores != nil {
		t.scores[i] = score
	}
}

var errNoTokenizer = errors.New("GGUF needs the tokenizer, and there is neither tokenizer.json nor a SentencePiece tokenizer.model beside the model")

// tokenizer is what the files of a tokenizer say.
type tokenizer struct {
	json, settings *strictjson.Value // tokenizer.json, tokenizer_config.json; nil where there is none
	pieces         []byte            // tokenizer.model
	template       string
	config         *strictjson.Value
	size           int
}

// vocabulary makes the tokenizer's metadata, as convert_hf_to_gguf does.
func vocabulary(m *ir.Model, config *strictjson.Value) ([]KeyValue, error) {
	t := &tokenizer{config: config}
	var err error
	parse := func(name string) *strictjson.Value {
		b, readErr := attached(m, name)
		if readErr != nil || b == nil {
			err = errors.Join(err, readErr)
			return nil
		}
		v, parseErr := strictjson.ParsePython(b)
		if parseErr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, parseErr))
		}
		return v
	}
	t.json, t.settings = parse("tokenizer.json"), parse("tokenizer_config.json")
	pieces, readErr := attached(m, "tokenizer.model")
	template, templateErr := attached(m, "chat_template.jinja")
	if err = errors.Join(err, readErr, templateErr); err != nil {
		return nil, err
	}
	t.pieces, t.template = pieces, string(template)
	n, ok := config.Get("vocab_size").Int()
	if !ok {
		n, ok = config.Get("padded_vocab_size").Int()
	}
	if !ok || n <= 0 || n > maxTokens {
		return nil, fmt.Errorf("config.json: vocab_size is missing, or not from 1 to %d", maxTokens)
	}
	t.size = int(n)
	switch {
	case t.pieces != nil && strings.HasPrefix(string(t.pieces), "\n"): // a message of pieces; GLM's file of that name is none
		return t.sentencePiece()
	case t.json == nil:
		return nil, errNoTokenizer
	case t.json.Get("model").Get("byte_fallback").True():
		return t.byteFallback()
	case t.json.Get("model").Get("type").TextOr("BPE") == "BPE":
		return t.bytePairs()
	}
	return nil, fmt.Errorf("tokenizer.json: a model of type %q cannot be converted to GGUF; BPE can", t.json.Get("model").Get("type").TextOr(""))
}

// entries lists the metadata of a vocabulary, then those of special tokens.
func (t *tokenizer) entries(model, pre string, v *tokens, more ...KeyValue) ([]KeyValue, error) {
	list := []KeyValue{TextEntry("tokenizer.ggml.model", model), TextEntry("tokenizer.ggml.pre", pre), TextsEntry("tokenizer.ggml.tokens", v.texts)}
	if v.scores != nil {
		list = append(list, Float32sEntry("tokenizer.ggml.scores", v.scores))
	}
	list = append(append(list, Int32sEntry("tokenizer.ggml.token_type", v.kinds)), more...)
	return append(list, t.special(len(v.texts))...), nil
}

// looksSpecial tells tokens that control the model though files do not say so.
func looksSpecial(s string) bool {
	switch s {
	case "<pad>", "<mask>", "<2mass>", "[@BOS@]":
		return true
	}
	return strings.HasPrefix(s, "<|") && strings.HasSuffix(s, "|>") || strings.HasPrefix(s, "<｜") && strings.HasSuffix(s, "｜>") ||
		strings.HasPrefix(s, "<unused") && strings.HasSuffix(s, ">")
}

// added enters a token that was added to the vocabulary.
func (v *tokens) added(i int64, text string, special bool) {
	if special || looksSpecial(text) {
		v.set(i, text, addedScore, control)
		return
	}
	v.set(i, strings.ReplaceAll(text, "▁", " "), addedScore, userDefined)
}

// vocab enters the words of tokenizer.json.
func (t *tokenizer) vocab(v *tokens, kind func(text string) int32) error {
	words := t.json.Get("model").Get("vocab")
	if !words.Is(strictjson.Object) {
		return errors.New("tokenizer.json: model.vocab is missing")
	}
	for _, w := range words.Members {
		i, ok := w.Value.Int()
		if !ok {
			return fmt.Errorf("tokenizer.json: the token %q has no number", w.Key)
		}
		v.set(i, w.Key, addedScore, kind(w.Key))
	}
	return nil
}

func (t *tokenizer) addAll(v *tokens) error {
	for _, a := range t.addedTokens() {
		i, ok := a.Get("id").Int()
		if !ok || !a.Get("content").Is(strictjson.Text) {
			return errors.New("tokenizer.json: an added token lacks id or content")
		}
		v.added(i, a.Get("content").Text, a.Get("special").True())
	}
	return nil
}

func (t *tokenizer) addedTokens() []*strictjson.Value {
	if a := t.json.Get("added_tokens"); a.Is(strictjson.List) {
		return a.Items
	}
	return nil
}

// bytePairs converts a tokenizer that merges pairs of bytes.
func (t *tokenizer) bytePairs() ([]KeyValue, error) {
	v := newTokens(t.size, false)
	if err := t.vocab(v, func(string) int32 { return normal }); err != nil {
		return nil, err
	}
	if err := t.addAll(v); err != nil {
		return nil, err
	}
	pre, err := t.split()
	if err != nil {
		return nil, err
	}
	merges, err := t.merges()
	if err != nil {
		return nil, err
	}
	return t.entries("gpt2", pre, v, TextsEntry("tokenizer.ggml.merges", merges))
}

// merges lists the pairs, each in one string.
func (t *tokenizer) merges() ([]string, error) {
	list := t.json.Get("model").Get("merges")
	if !list.Is(strictjson.List) {
		return nil, errors.New("tokenizer.json: model.merges is missing")
	}
	out := make([]string, 0, len(list.Items))
	for _, m := range list.Items {
		switch {
		case m.Is(strictjson.Text):
			out = append(out, m.Text)
		case m.Is(strictjson.List) && len(m.Items) == 2 && m.Items[0].Is(strictjson.Text) && m.Items[1].Is(strictjson.Text):
			out = append(out, strings.ReplaceAll(m.Items[0].Text, " ", "Ġ")+" "+strings.ReplaceAll(m.Items[1].Text, " ", "Ġ"))
		default:
			return nil, errors.New("tokenizer.json: an entry of model.merges is no pair")
		}
	}
	return out, nil
}

// byteFallback converts a SentencePiece vocabulary that is there as tokenizer.json alone: without its scores.
func (t *tokenizer) byteFallback() ([]KeyValue, error) {
	v := newTokens(t.size, true)
	err := t.vocab(v, func(text string) int32 {
		if len(text) == 6 && strings.HasPrefix(text, "<0x") && text[5] == '>' {
			return byteToken
		}
		return normal
	})
	if err == nil {
		err = t.addAll(v)
	}
	if err != nil {
		return nil, err
	}
	return t.entries("llama", "default", v)
}

// sentencePiece converts tokenizer.model: a message whose field 1 are pieces of text, score and kind.
func (t *tokenizer) sentencePiece() ([]KeyValue, error) {
	v := newTokens(t.size, true)
	bad := func(i int64) error {
		return fmt.Errorf("tokenizer.model: piece %d is no SentencePiece", i)
	}
	var i int64
	for b := t.pieces; len(b) > 0; {
		no, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, bad(i)
		}
		b = b[n:]
		if no != 1 || typ != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(no, typ, b); n < 0 {
				return nil, bad(i)
			}
			b = b[n:]
			continue
		}
		msg, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return nil, bad(i)
		}
		b = b[n:]
		text, score, kind, ok := readPiece(msg)
		if !ok {
			return nil, bad(i)
		}
		v.set(i, text, score, kind)
		i++
	}
	if added := t.settings.Get("added_tokens_decoder"); added.Is(strictjson.Object) {
		for _, a := range added.Members {
			n, err := strconv.ParseInt(a.Key, 10, 64)
			if err != nil || !a.Value.Get("content").Is(strictjson.Text) {
				return nil, fmt.Errorf("tokenizer_config.json: added token %q has no number or no content", a.Key)
			}
			v.added(n, a.Value.Get("content").Text, a.Value.Get("special").True())
		}
	} else if err := t.addAll(v); err != nil {
		return nil, err
	}
	list, err := t.entries("llama", "default", v)
	if err == nil && strings.HasPrefix(t.config.Get("model_type").TextOr(""), "gemma") {
		list = append(list, BoolEntry("tokenizer.ggml.add_space_prefix", false))
	}
	return list, err
}

// readPiece reads one piece: text 1, score 2 (float), type 3.
func readPiece(b []byte) (text string, score float32, kind int32, ok bool) {
	kind = normal
	for len(b) > 0 {
		no, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return "", 0, 0, false
		}
		b = b[n:]
		switch {
		case no == 1 && typ == protowire.BytesType:
			var s []byte
			if s, n = protowire.ConsumeBytes(b); n >= 0 {
				text = string(s)
			}
		case no == 2 && typ == protowire.Fixed32Type:
			var f uint32
			if f, n = protowire.ConsumeFixed32(b); n >= 0 {
				score = math.Float32frombits(f)
			}
		case no == 3 && typ == protowire.VarintType:
			var k uint64
			if k, n = protowire.ConsumeVarint(b); n >= 0 && k <= byteToken {
				kind = int32(k)
			}
		default:
			n = protowire.ConsumeFieldValue(no, typ, b)
		}
		if n < 0 {
			return "", 0, 0, false
		}
		b = b[n:]
	}
	return text, score, kind, true
}

// special lists the numbers of special tokens, what is added to a text, and the template of chats, which is copied and
// never run.
func (t *tokenizer) special(size int) []KeyValue {
	var list []KeyValue
	adds := map[string]bool{}
	t.postProcessing(adds)
	for _, s := range []struct{ name, key string }{{"bos", "bos"}, {"eos", "eos"}, {"eot", "eot"}, {"unk", "unknown"}, {"sep", "seperator"}, {"pad", "padding"}} {
		if i, ok := t.tokenNumber(s.name); ok && i >= 0 && i < int64(size) {
			list = append(list, Uint32Entry("tokenizer.ggml."+s.key+"_token_id", uint32(i)))
		}
		if v := t.settings.Get("add_" + s.name + "_token"); v.Is(strictjson.Bool) {
			if _, known := adds[s.name]; !known {
				adds[s.name] = v.True()
			}
		}
	}
	for _, name := range []string{"bos", "eos", "sep"} {
		if v, ok := adds[name]; ok {
			list = append(list, BoolEntry("tokenizer.ggml.add_"+name+"_token", v))
		}
	}
	if v := t.settings.Get("add_prefix_space"); v.Is(strictjson.Bool) {
		list = append(list, BoolEntry("tokenizer.ggml.add_space_prefix", v.True()))
	}
	template := t.settings.Get("chat_template").TextOr(t.template)
	if template != "" {
		list = append(list, TextEntry("tokenizer.chat_template", template))
	}
	return list
}

// glmSpecial are the special tokens of GLM by their texts, whatever its files say.
var glmSpecial = map[string]string{"bos": "<|endoftext|>", "eos": "<|endoftext|>", "unk": "<|endoftext|>", "eot": "<|user|>"}

// tokenNumber finds the number of a special token: by its text among the added ones, else in config.json.
func (t *tokenizer) tokenNumber(name string) (int64, bool) {
	if kind := t.config.Get("model_type").TextOr(""); kind == "glm4" || kind == "chatglm" {
		if i, ok := t.addedNumber(glmSpecial[name]); ok {
			return i, true
		}
	}
	entry := t.settings.Get(name + "_token")
	text := entry.TextOr(entry.Get("content").TextOr(""))
	if i, ok := t.addedNumber(text); ok {
		return i, true
	}
	return t.config.Get(name + "_token_id").Int()
}

// addedNumber finds an added token by its text.
func (t *tokenizer) addedNumber(text string) (int64, bool) {
	for _, a := range t.addedTokens() {
		if text != "" && a.Get("content").TextOr("") == text {
			return a.Get("id").Int()
		}
	}
	return 0, false
}

// postProcessing finds which special tokens tokenizer.json puts round a text.
func (t *tokenizer) postProcessing(adds map[string]bool) {
	post := t.json.Get("post_processor")
	list := []*strictjson.Value{post}
	if p := post.Get("processors"); p.Is(strictjson.List) {
		list = p.Items
	}
	text := func(name string) string {
		e := t.settings.Get(name + "_token")
		return e.TextOr(e.Get("content").TextOr(""))
	}
	for _, p := range list {
		switch p.Get("type").TextOr("") {
		case "ByteLevel":
			for _, name := range []string{"bos", "eos"} {
				if _, known := adds[name]; !known {
					adds[name] = false
				}
			}
		case "TemplateProcessing":
			single := p.Get("single")
			if !single.Is(strictjson.List) || len(single.Items) < 2 {
				continue
			}
			if s := single.Items[0].Get("SpecialToken").Get("id").TextOr(""); s != "" {
				adds["bos"] = s == text("bos")
			}
			if s := single.Items[len(single.Items)-1].Get("SpecialToken").Get("id").TextOr(""); s != "" {
				adds["eos"] = s == text("eos")
			}
		}
	}
}
