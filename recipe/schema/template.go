package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// hole is one ${{ expression }} of a scalar's text: all of it is text[start:end], the expression, without the space
// around it, text[from:to].
type hole struct{ start, end, from, to int }

// HasTemplate tells whether a scalar holds ${{.
func HasTemplate(n *syntax.Node) bool {
	return n != nil && n.Kind == syntax.Scalar && strings.Contains(n.Text, "${{")
}

// holes finds the templates of a text. open is the offset of a ${{ that is not closed, or -1.
func holes(s string) (found []hole, open int) {
	for at := 0; ; {
		i := strings.Index(s[at:], "${{")
		if i < 0 {
			return found, -1
		}
		start := at + i
		end := closing(s, start+3)
		if end < 0 {
			return found, start
		}
		h := hole{start: start, end: end + 2, from: start + 3, to: end}
		for h.from < h.to && isSpace(s[h.from]) {
			h.from++
		}
		for h.to > h.from && isSpace(s[h.to-1]) {
			h.to--
		}
		found = append(found, h)
		at = h.end
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// closing returns the offset of the }} that ends a template whose expression begins at i, or -1. A }} inside a quoted
// string of the expression does not count.
func closing(s string, i int) int {
	var quote byte
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '}' && strings.HasPrefix(s[i:], "}}"):
			return i
		}
	}
	return -1
}

// given is the value of a scalar as a field finds it: written out, or filled in.
type given struct {
	node  *syntax.Node
	span  diag.Span // where findings about the value point
	text  string    // as written, or the text with its templates filled in
	plain bool      // written without quotes, so that it may be a number

	filled  bool           // the scalar is one template, and
	value   any            // this its value: int64, float64, string or bool
	expr    string         // of this expression
	related []diag.Related // which came from here
}

// read takes a scalar for a field that findings call name, filling in ${{ }}. If the value is not known yet, ok is
// false without a finding.
func (d *Decoder) read(n *syntax.Node, f *Field, name string) (g given, ok bool) {
	if n.Kind != syntax.Scalar {
		d.wrongType(n, name, f.wants())
		return given{}, false
	}
	g = given{node: n, span: n.Span, text: n.Text, plain: n.Plain}
	if !HasTemplate(n) {
		return g, true
	}
	hs, open := holes(n.Text)
	if open >= 0 {
		d.fail(n.Sub(open, open+3), "template-unclosed", "%s begins ${{ and does not end it; write ${{ … }}", name)
		return given{}, false
	}
	if d.Fill == nil {
		d.fail(n.Sub(hs[0].start, hs[0].end), "template-not-allowed", "%s must be written out; ${{ }} is not filled in here", name)
		return given{}, false
	}
	if h := hs[0]; len(hs) == 1 && h.start == 0 && h.end == len(n.Text) {
		return d.whole(n, h, f, name)
	}
	if f.Kind != KindString && f.Kind != KindEnum {
		d.fail(n.Span, "template-type", "%s mixes text and ${{ }}; it must be %s, so write one ${{ }} and nothing round it", name, f.wants())
		return given{}, false
	}
	return d.mixed(n, hs, g)
}

// whole fills in a scalar that is one template: it has the type of the expression.
func (d *Decoder) whole(n *syntax.Node, h hole, f *Field, name string) (given, bool) {
	v, ok := d.fill(n, h)
	if !ok {
		return given{}, false
	}
	g := given{node: n, span: n.Sub(h.from, h.to), filled: true, expr: n.Text[h.from:h.to]}
	later, isLater := v.(Later)
	if isLater {
		v = later.Like
	}
	if !f.suits(v) {
		d.fail(g.span, "template-type", "%s is %s; %s must be %s", g.expr, describe(v, isLater), name, f.wants())
		return given{}, false
	}
	if isLater {
		d.later++
		return given{}, false
	}
	g.value, g.text = v, plainText(v)
	if d.Origin != nil {
		g.related = d.Origin(n, h.from, h.to)
	}
	return g, true
}

// mixed fills in the templates of a text one by one, as text.
func (d *Decoder) mixed(n *syntax.Node, hs []hole, g given) (given, bool) {
	var b strings.Builder
	at, all := 0, true
	for _, h := range hs {
		b.WriteString(n.Text[at:h.start])
		at = h.end
		v, ok := d.fill(n, h)
		if _, isLater := v.(Later); ok && isLater {
			d.later++
			ok = false
		}
		if !ok {
			all = false
			continue
		}
		b.WriteString(plainText(v))
	}
	b.WriteString(n.Text[at:])
	g.text, g.plain = b.String(), false
	return g, all
}

func (d *Decoder) fill(n *syntax.Node, h hole) (any, bool) {
	if h.from == h.to {
		d.fail(n.Sub(h.start, h.end), "template-empty", "${{ }} holds nothing; write an expression such as ${{ vars.name }}")
		return nil, false
	}
	v, ok := d.Fill(n, h.from, h.to)
	if !ok {
		d.errors++
	}
	return v, ok
}

// suits tells whether a filled-in value is of the field's type.
func (f *Field) suits(v any) bool {
	switch v.(type) {
	case bool:
		return f.Kind == KindBool
	case int64:
		return f.Kind == KindInt || f.Kind == KindFloat || f.Kind == KindRatio || f.Kind == KindBytes
	case float64:
		return f.Kind == KindFloat || f.Kind == KindRatio
	case string:
		return f.Kind == KindString || f.Kind == KindEnum
	}
	return false
}

// describe says in words what a filled-in value is.
func describe(v any, later bool) string {
	kind := ""
	switch v.(type) {
	case bool:
		kind = "true or false"
	case int64:
		kind = "a whole number"
	case float64:
		kind = "a number"
	case string:
		kind = "text"
	}
	if later {
		return kind
	}
	if s, ok := v.(string); ok {
		return "the text " + quoteShort(s)
	}
	return fmt.Sprintf("%s, %s", plainText(v), kind)
}

// plainText writes a value as text.
func plainText(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return formatFloat(v)
	case string:
		return v
	}
	return ""
}
