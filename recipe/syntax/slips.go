package syntax

import (
	"fmt"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
)

// The slips behind the library's syntax errors. Each function looks for one of them and says it in words that tell what
// to write.

func (c *complaint) say(span diag.Span, format string, args ...any) (diag.Diagnostic, bool) {
	return diag.Diagnostic{Span: span, Message: fmt.Sprintf(format, args...)}, true
}

var none diag.Diagnostic

func (c *complaint) tooDeep() (diag.Diagnostic, bool) {
	for _, t := range c.words.tokens {
		if t.kind == openToken && t.flow >= maxDepth {
			return diag.Diagnostic{
				Code: "yaml-too-deep", Span: c.span(t),
				Message: fmt.Sprintf("nested more than %d levels deep; a recipe may have up to %d", maxDepth, maxDepth),
			}, true
		}
	}
	return diag.Diagnostic{
		Code: "yaml-too-deep", Span: c.lineSpan(c.line),
		Message: fmt.Sprintf("nested far too deep; a recipe may have up to %d levels", maxDepth),
	}, true
}

// glob is what to say where a value begins with a star.
func (c *complaint) glob(t token) (diag.Diagnostic, bool) {
	d, ok := c.say(c.span(t), "a value that begins with * is an alias in YAML; put a glob in quotes")
	if !isOpening(c.byteAt(t.end)) {
		d.Fixes = quoteFix(d.Span, c.word(t))
	}
	return d, ok
}

// quoteFix puts a plain text in quotes: double ones, or single ones if it holds quotes or backslashes itself.
func quoteFix(span diag.Span, text string) []diag.Fix {
	quoted := `"` + text + `"`
	if strings.ContainsAny(text, `"\`) {
		quoted = "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return []diag.Fix{{Message: "put it in quotes: " + quoted, Edits: []diag.Edit{{Span: span, New: quoted}}}}
}

func (c *complaint) byteAt(i int) byte {
	if i < len(c.text) {
		return c.text[i]
	}
	return '\n'
}

func (c *complaint) unknownAnchor() (diag.Diagnostic, bool) {
	set := map[string]bool{}
	var names []string
	for _, t := range c.words.tokens {
		name := string(c.text[t.start+1 : max(t.end, t.start+1)])
		switch {
		case t.kind == anchorToken && !set[name]:
			set[name] = true
			names = append(names, "&"+name)
		case t.kind == aliasToken && !set[name] && strings.Contains(c.problem, "'"+name+"'"):
			if len(names) == 0 {
				return c.glob(t)
			}
			d, ok := c.say(c.span(t), "no anchor &%s is set above%s", name, diag.Suggest("&"+name, names))
			d.Code = "yaml-anchor"
			return d, ok
		}
	}
	return none, false
}

func (c *complaint) badAlias() (diag.Diagnostic, bool) {
	tokens := c.on(c.line)
	for i, t := range tokens {
		if t.kind != aliasToken && t.kind != anchorToken {
			continue
		}
		if i > 0 && tokens[i-1].kind == tagToken {
			return c.badTag()
		}
		good := t.end > t.start+1
		for _, b := range c.text[t.start+1 : t.end] {
			good = good && (b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b == '-')
		}
		if next := c.byteAt(t.end); good && !isOpening(next) {
			continue
		}
		if t.kind == aliasToken {
			return c.glob(t)
		}
		d, ok := c.say(c.span(t), "a value that begins with & is an anchor in YAML; put a text in quotes")
		d.Fixes = quoteFix(d.Span, c.word(t))
		return d, ok
	}
	return none, false
}

func isOpening(b byte) bool { return b == '{' || b == '[' }

func (c *complaint) badTag() (diag.Diagnostic, bool) {
	line := c.line
	if c.parser {
		line = c.problemLine()
	}
	for _, t := range c.on(line) {
		if t.kind == tagToken {
			d, ok := c.say(c.span(t), "a value that begins with ! is a tag in YAML, and a recipe has none; put a text in quotes")
			d.Code = "yaml-tag"
			return d, ok
		}
	}
	return none, false
}

func (c *complaint) openQuote() (diag.Diagnostic, bool) {
	for _, t := range c.words.tokens {
		if t.kind == quotedToken && (!t.closed || c.lineOf(t.start) == c.line && c.lineOf(t.end) > c.line) {
			return c.say(spanAt(c.src, t.start, t.start+1), "the quote that opens here is not closed")
		}
	}
	return none, false
}

func (c *complaint) badEscape() (diag.Diagnostic, bool) {
	for _, t := range c.words.tokens {
		if t.kind != quotedToken || c.text[t.start] != '"' || c.lineOf(t.start) != c.line {
			continue
		}
		for i := t.start + 1; i < t.end; i++ {
			if c.text[i] != '\\' {
				continue
			}
			if isBreak(c.byteAt(i + 1)) {
				i = breakEnd(c.text, i+1) - 1
				continue
			}
			value, end := unescape(c.text, i)
			if value == "" {
				return c.escape(i)
			}
			i = end - 1
		}
	}
	return none, false
}

func (c *complaint) escape(i int) (diag.Diagnostic, bool) {
	span := spanAt(c.src, i, i+1+runeLength(c.text, i+1))
	d := diag.Diagnostic{Code: "yaml-escape", Span: span}
	if strings.IndexByte("xuU", c.byteAt(i+1)) >= 0 {
		d.Message = span.Text() + " must be followed by the number of a character: \\x41, \\u00e9 or \\U0001f600; for a backslash write \\\\"
		return d, true
	}
	d.Message = span.Text() + " is no escape in double quotes; for a backslash write \\\\, or put the value in single quotes"
	d.Fixes = []diag.Fix{{Message: `write \\`, Edits: []diag.Edit{{Span: spanAt(c.src, i, i+1), New: `\\`}}}}
	return d, true
}

func (c *complaint) tab() (diag.Diagnostic, bool) {
	for line := c.line; line <= c.lineOf(len(c.text)); line++ {
		span := c.lineSpan(line)
		start := c.lineStart(line)
		for i := start; i < span.Start; i++ {
			if c.text[i] == '\t' {
				end := i
				for end < span.Start && c.text[end] == '\t' {
					end++
				}
				d, ok := c.say(spanAt(c.src, i, end), "a tab in the indentation; YAML indents with spaces")
				d.Code = "yaml-tab"
				return d, ok
			}
		}
		if strings.HasPrefix(c.problem, "found character") {
			break
		}
	}
	return none, false
}

func (c *complaint) strange() (diag.Diagnostic, bool) {
	for _, t := range c.on(c.line) {
		if t.kind == strangeToken {
			d, ok := c.say(c.span(t), "a value cannot begin with %c; put it in quotes", c.text[t.start])
			d.Fixes = quoteFix(d.Span, c.word(t))
			return d, ok
		}
	}
	for i, line := c.lineStart(c.line), c.lineSpan(c.line); i < line.End; i++ {
		if c.text[i] == '\t' {
			d, ok := c.say(spanAt(c.src, i, i+1), "a tab where YAML wants spaces")
			d.Code = "yaml-tab"
			return d, ok
		}
	}
	return none, false
}

func (c *complaint) blockHeader() (diag.Diagnostic, bool) {
	for _, t := range c.on(c.line) {
		if t.kind == blockToken {
			line := c.lineSpan(c.line)
			return c.say(spanAt(c.src, t.start, line.End),
				"a value that begins with %c is a text on the lines below; if this is the value itself, put it in quotes", c.text[t.start])
		}
	}
	return none, false
}

// lateQuote finds a quote that closes lines later than it should have: right behind its end stands more text.
func (c *complaint) lateQuote() (diag.Diagnostic, bool) {
	tokens := c.words.tokens
	for i, t := range tokens {
		if t.kind != quotedToken || !t.closed || c.lineOf(t.start) == c.lineOf(t.end) || i+1 == len(tokens) {
			continue
		}
		next := tokens[i+1]
		if next.first || next.kind == colonToken && t.flow > 0 || next.kind == commaToken || next.kind == closeToken {
			continue
		}
		d, ok := c.say(spanAt(c.src, t.start, t.start+1), "the quote that opens here closes only in line %d; a quote is missing between", c.lineOf(t.end))
		d.Related = []diag.Related{{Span: spanAt(c.src, t.end-1, t.end), Message: "here it closes"}}
		return d, ok
	}
	return none, false
}

// bracket finds brackets that do not match, then commas that are missing or too many.
func (c *complaint) bracket() (diag.Diagnostic, bool) {
	tokens := c.words.tokens
	for _, t := range tokens {
		switch {
		case t.kind == closeToken && t.mate < 0:
			return c.say(c.span(t), "%s closes nothing", c.word(t))
		case t.kind == closeToken && c.text[tokens[t.mate].start]+2 != c.text[t.start]:
			open := tokens[t.mate]
			d, ok := c.say(c.span(t), "%s stands where %s is still open; close that first, with %c",
				c.word(t), c.word(open), c.text[open.start]+2)
			d.Related = []diag.Related{{Span: c.span(open), Message: c.word(open) + " opens here"}}
			return d, ok
		}
	}
	for _, t := range tokens {
		if t.kind == openToken && t.mate < 0 {
			return c.say(c.span(t), "%s is not closed", c.word(t))
		}
	}
	return c.commas()
}

// commas finds what is wrong between brackets.
func (c *complaint) commas() (diag.Diagnostic, bool) {
	tokens := c.words.tokens
	colon := map[int32]bool{} // by level: the entry has a colon
	for i, t := range tokens {
		switch t.kind {
		case openToken:
			colon[t.flow+1] = false
		case commaToken:
			colon[t.flow] = false
		}
		if t.flow == 0 || i == 0 {
			continue
		}
		before := tokens[i-1]
		switch {
		case t.kind == commaToken && (before.kind == openToken || before.kind == commaToken):
			return c.say(c.span(t), "before this comma an item is missing")
		case t.kind == dashToken:
			return c.say(c.span(t), "inside brackets items are parted by commas, not begun with -")
		case t.kind == colonToken && colon[t.flow]:
			return c.say(c.span(t), "a second colon before the next comma; a comma is missing, or the value needs quotes")
		case startsValue(t) && endsValue(before) && before.flow == t.flow && !(t.kind == plainToken && before.kind == plainToken):
			return c.say(spanAt(c.src, before.end, before.end), "a comma is missing before %s", c.word(firstLine(t, c.text)))
		}
		colon[t.flow] = colon[t.flow] || t.kind == colonToken
	}
	return none, false
}

func startsValue(t token) bool {
	switch t.kind {
	case plainToken, quotedToken, aliasToken, anchorToken, tagToken, openToken:
		return true
	}
	return false
}

func endsValue(t token) bool {
	switch t.kind {
	case plainToken, quotedToken, aliasToken, closeToken:
		return true
	}
	return false
}

// firstLine cuts a token to its first line, and to a length that fits a message.
func firstLine(t token, text []byte) token {
	for i := t.start; i < t.end; i++ {
		if isBreak(text[i]) || i-t.start > 40 {
			t.end = i
			break
		}
	}
	return t
}
