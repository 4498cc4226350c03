package schema

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/recipe/syntax"
)

// Setting is the value that a key has: a bool, int64, float64 or string, []any, or []Setting of a mapping. Field is nil
// where the user chose the name.
type Setting struct {
	Name  string
	Field *Field
	Value any
}

// Settings returns the current values of all fields of o, defaults included, in the order of the records. Left out is
// what is not set: an optional number that is absent, a text or list that is empty and has no other default.
func (o Object) Settings() []Setting {
	var out []Setting
	for _, f := range o.Fields {
		if f.Deprecated != "" {
			continue
		}
		v := f.show()
		if f.isUnset(v) {
			continue
		}
		out = append(out, Setting{f.Name, f, v})
	}
	return out
}

func (f *Field) isUnset(v any) bool {
	if v == nil {
		return true
	}
	if f.Default != "" || f.Required {
		return false
	}
	switch v := v.(type) {
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case []Setting:
		return len(v) == 0
	}
	return false
}

// Effective returns the current values of all fields of o, defaults included, as nested map[string]any, []any and
// scalars: what the effective recipe prints. Sizes are text with their unit, absent optional mappings are "none".
func (o Object) Effective() map[string]any { return asMap(o.Settings()) }

func asMap(list []Setting) map[string]any {
	m := make(map[string]any, len(list))
	for _, s := range list {
		m[s.Name] = asPlain(s.Value)
	}
	return m
}

func asPlain(v any) any {
	switch v := v.(type) {
	case []Setting:
		return asMap(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = asPlain(v[i])
		}
		return out
	}
	return v
}

// Canonical returns Effective as JSON with sorted keys and no spaces: equal settings give equal bytes. It is part of
// cache keys.
func (o Object) Canonical() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// Effective holds finite numbers, texts, lists and maps only: encoding cannot fail.
	if err := e.Encode(o.Effective()); err != nil {
		panic("schema: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Resolve returns the value of a node whose fields are not known, with ${{ }} filled in, in the form of
// Setting.Value: plain numbers and true or false are such, every other scalar is text. What cannot be filled in stays
// as it is written.
func (d *Decoder) Resolve(n *syntax.Node) any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case syntax.Scalar:
		return d.resolveScalar(n)
	case syntax.Sequence:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = d.Resolve(item)
		}
		return out
	case syntax.Mapping:
		out := make([]Setting, len(n.Pairs))
		for i, p := range n.Pairs {
			out[i] = Setting{Name: p.Key.Text, Value: d.Resolve(p.Value)}
		}
		return out
	}
	return nil
}

func (d *Decoder) resolveScalar(n *syntax.Node) any {
	if hs, open := holes(n.Text); len(hs) > 0 && open < 0 && d.Fill != nil {
		quiet := Decoder{Fill: d.Fill}
		if h := hs[0]; len(hs) == 1 && h.start == 0 && h.end == len(n.Text) {
			if v, ok := quiet.fill(n, h); ok {
				if _, later := v.(Later); !later {
					return v
				}
			}
			return n.Text
		}
		if g, ok := quiet.mixed(n, hs, given{text: n.Text}); ok {
			return g.text
		}
		return n.Text
	}
	if !n.Plain {
		return n.Text
	}
	switch form, _ := readNumber(n.Text); {
	case form == plainInt:
		if v, err := strconv.ParseInt(n.Text, 10, 64); err == nil {
			return v
		}
	case form == plainFloat:
		if v, err := strconv.ParseFloat(n.Text, 64); err == nil {
			return v
		}
	case n.Text == "true" || n.Text == "false":
		return n.Text == "true"
	}
	return n.Text
}

// Inline writes a setting's value as YAML in one line, so that decoding it again gives the same value.
func Inline(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return formatFloat(v)
	case string:
		return inlineText(v)
	case []any:
		words := make([]string, len(v))
		for i := range v {
			words[i] = Inline(v[i])
		}
		return "[" + strings.Join(words, ", ") + "]"
	case []Setting:
		words := make([]string, len(v))
		for i, s := range v {
			words[i] = inlineText(s.Name) + ": " + s.Inline()
		}
		return "{" + strings.Join(words, ", ") + "}"
	}
	return ""
}

// Inline writes the setting's value as YAML in one line, in the way its field wants it.
func (s Setting) Inline() string {
	if v, ok := s.Value.(float64); ok && s.Field != nil && s.Field.Kind == KindRatio && (s.Field.Max == nil || *s.Field.Max <= 1) {
		return formatShare(v)
	}
	return Inline(s.Value)
}

// inlineText writes a text without quotes where nobody could take it for anything else.
func inlineText(s string) string {
	plain := s != "" && isLetter(s[0]) || s != "" && s[0] >= '0' && s[0] <= '9'
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = isLetter(c) || c >= '0' && c <= '9' || strings.IndexByte("._-/", c) >= 0
	}
	if form, _ := readNumber(s); !plain || form != notNumber || looksBool(s) || strings.EqualFold(s, "null") {
		return strconv.Quote(s)
	}
	return s
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
