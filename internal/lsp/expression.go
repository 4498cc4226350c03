package lsp

import (
	"strings"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// expression is a condition, or what stands inside ${{ }}, as far as it is written.
type expression struct {
	start, end int // in the text
	asks       recipe.Asking
	tokens     []exprToken
}

type exprKind uint8

const (
	exprWord   exprKind = iota // a name, with its dots
	exprString                 // a text in quotes; start and end are inside of them
	exprSign
)

// exprToken is a word of an expression. Places are those of the text, so they are exact through YAML's quotes too.
type exprToken struct {
	kind       exprKind
	start, end int
	text       string
}

// expression returns the expression at an offset of the scalar at sp, or nil.
func (w *words) expression(sp *spot, p place, offset int) *expression {
	start, end := sp.start, sp.end
	raw := w.text[start:end]
	quote := byte(0)
	if len(raw) > 0 && (raw[0] == '"' || raw[0] == '\'') {
		quote = raw[0]
		if start++; end > start && w.text[end-1] == quote {
			end--
		}
	}
	asks := p.asks
	if p.format() != schema.FormatCondition {
		before := string(w.text[start:max(start, min(offset, end))])
		open := strings.LastIndex(before, "${{")
		if open < 0 || strings.Contains(before[open:], "}}") {
			return nil
		}
		start += open + len("${{")
		if k := strings.Index(string(w.text[start:end]), "}}"); k >= 0 {
			end = start + k
		}
		if asks != recipe.AskFill {
			asks = recipe.AskVars
		}
	}
	if offset < start || offset > end {
		return nil
	}
	return &expression{start, end, asks, exprTokens(w.text, start, end, quote)}
}

// exprTokens cuts text[start:end], which stands in a YAML scalar with these quotes, into words.
func exprTokens(text []byte, start, end int, yaml byte) []exprToken {
	var out []exprToken
	for i := start; i < end; {
		c := text[i]
		quote, width := exprQuote(text, i, end, yaml)
		switch {
		case quote != 0:
			from := i + width
			i = from
			for i < end {
				if q, n := exprQuote(text, i, end, yaml); q == quote {
					width = n
					break
				}
				i++
			}
			out = append(out, exprToken{exprString, from, i, string(text[from:i])})
			i += width
		case isNameByte(c) && (c < '0' || c > '9'):
			from := i
			for i < end && (isNameByte(text[i]) || text[i] == '.') {
				i++
			}
			out = append(out, exprToken{exprWord, from, i, string(text[from:i])})
		case isBlank(c) || isBreak(c):
			i++
		default:
			from := i
			for i++; i < end && strings.IndexByte("=!<>&|", c) >= 0 && strings.IndexByte("=&|", text[i]) >= 0; {
				i++
			}
			for i < end && c >= '0' && c <= '9' && (isNameByte(text[i]) || text[i] == '.') { // 1e6, 90MB
				i++
			}
			out = append(out, exprToken{exprSign, from, i, string(text[from:i])})
		}
	}
	return out
}

// exprQuote returns the quote of the expression at i and how many bytes it takes: inside YAML's quotes of the same kind
// it is written twice, or behind a backslash.
func exprQuote(text []byte, i, end int, yaml byte) (quote byte, width int) {
	c := text[i]
	switch {
	case c == '\\' && yaml == '"' && i+1 < end && text[i+1] == '"':
		return '"', 2
	case c == '\'' && yaml == '\'' && i+1 < end && text[i+1] == '\'':
		return '\'', 2
	case c == '"' || c == '\'' || c == '`':
		return c, 1
	}
	return 0, 0
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// token returns the index of the token at an offset, or -1.
func (e *expression) token(offset int) int {
	for i, t := range e.tokens {
		if t.start <= offset && offset <= t.end && t.kind != exprSign {
			return i
		}
	}
	return -1
}

// fact returns the fact whose value the string at index i is compared with, or "".
func (e *expression) compared(i int) string {
	for i--; i >= 0; i-- {
		switch t := e.tokens[i]; {
		case t.kind == exprWord && strings.Contains(t.text, "."):
			return t.text
		case t.text == "&&" || t.text == "||" || t.text == "and" || t.text == "or":
			return ""
		}
	}
	return ""
}

// variable is a declared variable.
type variable struct {
	name  string
	value string // as it is written
	typ   string // int, share, text …
	key   *entry // nil if an imported file declares it
	at    recipe.Var
}

// variables lists the variables that the text declares, then those that its imports bring in.
func (w *words) variables(r *recipe.Recipe) []variable {
	var out []variable
	own := map[string]bool{}
	if vars := w.root.kid("vars"); vars != nil {
		for _, k := range vars.kids {
			if k.item || k.colon < 0 || k.key == "" || own[k.key] {
				continue
			}
			own[k.key] = true
			raw := string(w.text[k.value:k.end])
			n := &syntax.Node{Kind: syntax.Scalar, Text: raw, Plain: true}
			if raw != "" && (raw[0] == '"' || raw[0] == '\'') {
				n.Plain, n.Text = false, unquote(raw)
			}
			v := variable{name: k.key, value: raw, key: k}
			if _, kind, ok := (&schema.Decoder{}).Variable(n, k.key); ok {
				v.typ = string(kind)
			}
			out = append(out, v)
		}
	}
	if r != nil {
		for _, v := range r.Vars {
			if !own[v.Name] && v.Node.Span.Source != r.Source {
				out = append(out, variable{name: v.Name, value: schema.FormatValue(v.Value, v.Kind), typ: string(v.Kind), at: v})
			}
		}
	}
	return out
}

// env lists what an expression may ask about, the variables last.
func (w *words) env(asks recipe.Asking, r *recipe.Recipe) condition.Env {
	env := append(condition.Env{}, w.lang.Asks(asks)...)
	vars := condition.Namespace{Name: "vars", Doc: "the variables that the recipe declares", Noun: "variable"}
	for _, v := range w.variables(r) {
		vars.Facts = append(vars.Facts, condition.Fact{Name: v.name, Type: condition.Type(v.typ), Doc: v.value})
	}
	return append(env, vars)
}
