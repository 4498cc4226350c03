package syntax

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pare-ml/pare/recipe/diag"
)

func runeLength(text []byte, i int) int {
	if i >= len(text) {
		return 0
	}
	_, size := utf8.DecodeRune(text[i:])
	return size
}

// secondColon words `a: b: c`, and a key that stands deeper than a line which already has its value.
func (c *complaint) secondColon() (diag.Diagnostic, bool) {
	tokens := c.on(c.line)
	colons := 0
	for i, t := range tokens {
		if t.kind == questToken && t.first {
			return c.say(c.span(t), "? begins a key that is no name, which a recipe does not have; put a text in quotes")
		}
		if t.kind != colonToken || t.flow > 0 {
			continue
		}
		colons++
		if colons == 2 {
			return c.say(c.span(t), "a second colon in one line; put the value in quotes if the colon belongs to it, or begin a mapping on the next line")
		}
		if i > 0 && tokens[i-1].first {
			if d, ok := c.tooDeepKey(tokens[i-1]); ok {
				return d, ok
			}
		}
	}
	return none, false
}

// tooDeepKey words a key below a value that is not a mapping.
func (c *complaint) tooDeepKey(key token) (diag.Diagnostic, bool) {
	above, ok := c.valueAbove(key)
	switch {
	case !ok:
		return none, false
	case above.first && above.column >= key.column:
		c.line = c.lineOf(above.start)
		return c.missingColon()
	}
	d, ok := c.say(c.span(key), "%s stands deeper than the key above it, which already has a value; give both keys the same indentation", c.key(key))
	d.Related = []diag.Related{{Span: c.span(above), Message: "this is the value of the key above"}}
	return d, ok
}

// key names a key for a message.
func (c *complaint) key(t token) string { return "key " + quote(strings.Trim(c.word(t), `"'`)) }

// valueAbove returns the last token before t, if it is a value that ends a line.
func (c *complaint) valueAbove(t token) (token, bool) {
	tokens := c.words.tokens
	for i := len(tokens) - 1; i >= 0; i-- {
		if tokens[i].start < t.start {
			return tokens[i], endsValue(tokens[i])
		}
	}
	return token{}, false
}

func (c *complaint) dashBehind() (diag.Diagnostic, bool) {
	for _, t := range c.on(c.line) {
		if t.kind == dashToken && !t.first {
			return c.say(c.span(t), "a list cannot begin in the line of its key; put - on the next line, or write [a, b]")
		}
		if t.kind == dashToken {
			return c.say(c.span(t), "- begins a list item, and here none can stand; see whether its indentation is that of the other items")
		}
	}
	return none, false
}

func (c *complaint) missingKey() (diag.Diagnostic, bool) {
	for _, t := range c.on(c.problemLine()) {
		if t.kind == colonToken && t.first {
			d, ok := c.say(c.span(t), "this value has no key; write a name before the colon")
			d.Code = "yaml-key"
			return d, ok
		}
	}
	return none, false
}

// missingColon words a line of a mapping that has no colon, or no space after it.
func (c *complaint) missingColon() (diag.Diagnostic, bool) {
	tokens := c.on(c.line)
	if len(tokens) == 0 {
		return none, false
	}
	t := tokens[0]
	if t.kind != plainToken {
		return c.say(c.span(t), "a colon is missing after this key; a line of a mapping reads key: value")
	}
	word := c.text[t.start:t.end]
	if i := bytes.IndexByte(word, ':'); i > 0 && i+1 < len(word) {
		at := t.start + i + 1
		d, ok := c.say(spanAt(c.src, t.start+i, at), "a space is missing after the colon: %s: %s", word[:i], word[i+1:])
		d.Fixes = []diag.Fix{{Message: "put a space after the colon", Edits: []diag.Edit{{Span: spanAt(c.src, at, at), New: " "}}}}
		return d, ok
	}
	if i := bytes.IndexByte(word, '='); i > 0 {
		return c.say(spanAt(c.src, t.start+i, t.start+i+1), "a value is set with a colon, not with =: %s: %s",
			bytes.TrimSpace(word[:i]), bytes.TrimSpace(word[i+1:]))
	}
	return c.say(c.span(t), "a colon is missing after %s; a line of a mapping reads key: value", quote(string(word)))
}

// behindValue finds text behind a closing quote or bracket.
func (c *complaint) behindValue() (diag.Diagnostic, bool) {
	tokens := c.on(c.problemLine())
	for i := 1; i < len(tokens); i++ {
		before, t := tokens[i-1], tokens[i]
		if t.flow > 0 || t.kind == colonToken {
			continue
		}
		switch {
		case before.kind == quotedToken && c.text[before.start] == '\'' && t.start == before.end:
			return c.say(spanAt(c.src, before.end-1, before.end), "this quote closes the value; inside single quotes an apostrophe is written twice: ''")
		case before.kind == quotedToken:
			d, ok := c.say(spanAt(c.src, t.start, c.lineSpan(c.lineOf(t.start)).End),
				"behind the closing quote the value ends; if the quotes belong to it, put single quotes round the whole")
			d.Fixes = c.quoteLine(before)
			return d, ok
		case before.kind == closeToken:
			return c.say(spanAt(c.src, t.start, c.lineSpan(c.lineOf(t.start)).End), "behind %s the value ends", c.word(before))
		case before.kind == aliasToken:
			return c.say(spanAt(c.src, t.start, c.lineSpan(c.lineOf(t.start)).End), "behind an alias the value ends; put a text that begins with * in quotes")
		}
	}
	return none, false
}

// quoteLine puts single quotes round a value from its first quote to the end of the line.
func (c *complaint) quoteLine(first token) []diag.Fix {
	line := c.lineSpan(c.lineOf(first.start))
	value := string(c.text[first.start:line.End])
	if c.text[first.start] != '"' || strings.ContainsAny(value, `'#\`) || strings.Contains(value, ": ") {
		return nil
	}
	span := spanAt(c.src, first.start, line.End)
	return []diag.Fix{{Message: "put single quotes round the whole", Edits: []diag.Edit{{Span: span, New: "'" + value + "'"}}}}
}

// indentation words a line whose indentation is that of no block it could belong to, and lists mixed with keys.
func (c *complaint) indentation() (diag.Diagnostic, bool) {
	line := c.problemLine()
	tokens := c.on(line)
	if len(tokens) == 0 || !tokens[0].first {
		return none, false
	}
	t := tokens[0]
	levels := c.levels(line)
	for _, l := range levels {
		if l != int(t.column) {
			continue
		}
		if t.kind == dashToken {
			return c.say(c.span(t), "- begins a list item, and here the keys of a mapping stand; write key: value, or indent the list under its key")
		}
		if strings.Contains(c.problem, "'-'") {
			return c.say(c.span(t), "here the items of a list stand; begin an item with -, or indent this line under the item above")
		}
		return none, false
	}
	if len(levels) == 0 {
		return none, false
	}
	if int(t.column) > levels[len(levels)-1] && len(tokens) > 1 && tokens[1].kind == colonToken {
		return c.tooDeepKey(t)
	}
	return c.say(c.span(firstLine(t, c.text)), "this line is indented by %s; the blocks it could belong to are indented by %s",
		spaces(int(t.column)), numbers(levels))
}

// levels returns the indentations of the blocks that are open above a line, the outermost first.
func (c *complaint) levels(line int) []int {
	start := c.lineStart(line)
	var open []int
	for i, t := range c.words.tokens {
		if t.start >= start {
			break
		}
		isKey := i+1 < len(c.words.tokens) && c.words.tokens[i+1].kind == colonToken
		if t.flow > 0 || t.kind != dashToken && !isKey {
			continue
		}
		for len(open) > 0 && open[len(open)-1] > int(t.column) {
			open = open[:len(open)-1]
		}
		if len(open) == 0 || open[len(open)-1] < int(t.column) {
			open = append(open, int(t.column))
		}
	}
	return open
}

func spaces(n int) string {
	if n == 1 {
		return "1 space"
	}
	return fmt.Sprintf("%d spaces", n)
}

func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = fmt.Sprint(n)
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return words[0]
}
