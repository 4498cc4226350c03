package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
	"gopkg.in/yaml.v3"
)

// changesPerFile bounds how many bytes are changed in each file, as the whole file is read again for each.
const changesPerFile = 4

// checker compares one file's nodes with the library's.
type checker struct {
	*counts
	text     []byte
	refused  bool  // a finding is an error, so that a part may be left out
	starts   []int // of lines, as the library counts them
	last     diag.Span
	problems []string
	changes  []change
}

// change is a byte that could be changed: the scalar with this number holds it at index.
type change struct {
	number, index, offset int
	value                 string
}

func (c *checker) problem(place diag.Span, format string, args ...any) {
	at := ""
	if !place.IsZero() {
		_, at, _ = strings.Cut(place.String(), ":")
		at = ":" + at
	}
	c.problems = append(c.problems, at+": "+fmt.Sprintf(format, args...))
}

func (c *checker) document(root *syntax.Node, library *yaml.Node) {
	c.starts = lineStarts(c.text)
	number := 0
	c.node(root, library.Content[0], &number)
	for i := range min(len(c.changes), changesPerFile) {
		c.change(library, c.changes[i*len(c.changes)/min(len(c.changes), changesPerFile)])
	}
}

// node compares n with the library's y. number counts the library's scalars.
func (c *checker) node(n *syntax.Node, y *yaml.Node, number *int) {
	switch y.Kind {
	case yaml.AliasNode:
		c.merged++
		if n.Alias.Text() != "*"+y.Value {
			c.problem(n.Alias, "%q is not the alias *%s", n.Alias.Text(), y.Value)
		}
	case yaml.SequenceNode:
		if n.Kind != syntax.Sequence || len(n.Items) != len(y.Content) {
			c.problem(n.Span, "%s of %d items, and the library has %d", n.Kind, len(n.Items), len(y.Content))
			return
		}
		for i, item := range n.Items {
			c.inside(n, item)
			c.node(item, y.Content[i], number)
		}
	case yaml.MappingNode:
		if n.Kind != syntax.Mapping {
			c.problem(n.Span, "%s, and the library has a mapping", n.Kind)
			return
		}
		c.mapping(n, y, number)
	default:
		*number++
		c.scalar(n, y, *number)
	}
}

func (c *checker) mapping(n *syntax.Node, y *yaml.Node, number *int) {
	keys := map[string]int{}
	for i := 0; i < len(y.Content); i += 2 {
		keys[y.Content[i].Value]++
	}
	for i := 0; i < len(y.Content); i += 2 {
		key := y.Content[i]
		p := n.Pair(key.Value)
		switch {
		case key.Value == "<<" && p == nil, c.refused && (p == nil || key.Kind != yaml.ScalarNode || keys[key.Value] > 1):
			// Merge keys are applied already; keys that are no text, and the same key twice, are refused.
			c.skip(key, number)
			c.skip(y.Content[i+1], number)
			c.merged++
		case p == nil:
			c.problem(n.Span, "key %q is lost", key.Value)
			return
		default:
			c.node(p.Key, key, number)
			c.node(p.Value, y.Content[i+1], number)
			c.inside(n, p.Key)
			c.inside(n, p.Value)
		}
	}
}

// skip counts the scalars of y without a look.
func (c *checker) skip(y *yaml.Node, number *int) {
	if y.Kind == yaml.ScalarNode {
		*number++
	}
	for _, child := range y.Content {
		c.skip(child, number)
	}
}

// inside demands that a part lies in its collection.
func (c *checker) inside(n, part *syntax.Node) {
	s := part.Span
	if !part.Alias.IsZero() {
		s = part.Alias
	}
	whole := n.Span
	if s.Start < whole.Start || s.End > whole.End {
		c.problem(s, "the place of a part, %d to %d, is not in that of the whole, %d to %d", s.Start, s.End, whole.Start, whole.End)
	}
}

func (c *checker) scalar(n *syntax.Node, y *yaml.Node, number int) {
	if n.Kind != syntax.Scalar && n.Kind != syntax.Null {
		c.problem(n.Span, "%s, and the library has the value %q", n.Kind, y.Value)
		return
	}
	if s := n.Span; s.Start < c.last.End && s.End > s.Start {
		c.problem(s, "the place begins before the one of the value before it ends")
	}
	if n.Span.End > n.Span.Start {
		c.last = n.Span
	}
	if strings.HasPrefix(n.Span.Text(), "!") {
		c.tags++
		if n.Span.Text() != n.Text || !strings.HasSuffix(n.Text, y.Value) {
			c.problem(n.Span, "a value behind a tag is %q, and the text says %q", n.Text, n.Span.Text())
		}
		return
	}
	if n.Text != y.Value {
		c.problem(n.Span, "the value is %q, and the library says %q", short(n.Text), short(y.Value))
		return
	}
	if n.Text == "" {
		return
	}
	c.scalars++
	if want := c.start(y); n.Span.Start != want && y.Anchor == "" && y.Style&yaml.TaggedStyle == 0 && !c.tagAt(want) {
		c.problem(n.Span, "the value begins at offset %d, and the library says %d", n.Span.Start, want)
		return
	}
	if fallenBack(n) {
		c.fell++
		c.fallback(n)
		return
	}
	c.mapped++
	c.alone(n)
	c.bytes(n, number)
}

func (c *checker) tagAt(i int) bool { return i < len(c.text) && c.text[i] == '!' }

// fallenBack tells whether the bytes of n cannot be followed: then a part has the place of the whole.
func fallenBack(n *syntax.Node) bool {
	first := n.Sub(0, 1)
	return first == n.Span && (n.Span.End-n.Span.Start > 1 || len(n.Text) > 1)
}

// fallback demands that no part of a value claims a place of its own, and that the place is not empty.
func (c *checker) fallback(n *syntax.Node) {
	if n.Span.End <= n.Span.Start {
		c.problem(n.Span, "a value fell back on an empty place")
	}
	for i := range n.Text {
		if n.Sub(i, i+1) != n.Span {
			c.problem(n.Span, "byte %d of a value that fell back has a place of its own", i)
			return
		}
	}
}

// alone reads the marked text by itself. Lines that go on need some indentation, which plain and quoted values do not mind.
func (c *checker) alone(n *syntax.Node) {
	if strings.Contains(n.Span.Text(), "${{") {
		return
	}
	raw := "k: " + n.Span.Text()
	if strings.ContainsAny(raw, "|>") && (raw[3] == '|' || raw[3] == '>') {
		raw += "\n" // the place ends with the last line that says something
	} else {
		raw = strings.NewReplacer("\n", "\n ", "\r\n", "\r\n ").Replace(raw)
	}
	y, err := decode([]byte(raw))
	if err != nil || len(y.Content) != 1 || len(y.Content[0].Content) != 2 {
		c.problem(n.Span, "the marked text is no value by itself: %q (%v)", short(raw[3:]), err)
		return
	}
	got, want := y.Content[0].Content[1].Value, n.Text
	if raw[3] == '|' || raw[3] == '>' { // the line breaks behind are of the text that follows
		got, want = strings.TrimRight(got, "\n"), strings.TrimRight(want, "\n")
	}
	if got != want {
		c.problem(n.Span, "the marked text means %q by itself, and the value is %q", short(got), short(want))
	}
}

// bytes looks at the place of every byte of the value.
func (c *checker) bytes(n *syntax.Node, number int) {
	last := n.Span.Start
	var letters []change
	for i := 0; i < len(n.Text); i++ {
		s := n.Sub(i, i+1)
		if s.Start < last && s != n.Sub(i-1, i) || s.End > n.Span.End || s.End <= s.Start {
			c.problem(n.Span, "byte %d of the value is said to come from %d to %d, after %d", i, s.Start, s.End, last)
			return
		}
		last = s.End
		piece := s.Text()
		if len(piece) == 1 && piece[0] == n.Text[i] {
			if isLetter(piece[0]) && c.text[s.Start] == piece[0] {
				letters = append(letters, change{number, i, s.Start, n.Text})
			}
			continue
		}
		if !meant(n, s, i) {
			c.problem(s, "byte %d of the value is %q, and its source is %q", i, n.Text[i], piece)
			return
		}
	}
	if len(letters) > 0 {
		c.changes = append(c.changes, letters[len(letters)/2])
	}
}

// meant tells whether byte i of the value is what the piece of source stands for: a doubled quote, an escape, or white
// space that folds to a blank or a line break.
func meant(n *syntax.Node, s diag.Span, i int) bool {
	piece := s.Text()
	first, end := i, i+1 // the bytes with the same source
	for first > 0 && n.Sub(first-1, first) == s {
		first--
	}
	for end < len(n.Text) && n.Sub(end, end+1) == s {
		end++
	}
	value := n.Text[first:end]
	switch {
	case piece == "''":
		return value == "'"
	case piece[0] == '\\' && strings.TrimSpace(piece[1:]) != "" || piece == `\ ` || piece == "\\\t":
		y, err := decode([]byte(`"` + piece + `"`))
		return err == nil && y.Content[0].Value == value
	}
	return strings.Trim(piece, " \t\r\n\\") == "" && (value == " " || strings.Trim(value, "\n") == "")
}

// change writes another letter into the text, reads the whole file with the library, and expects the value to have
// changed in this byte, and no other value.
func (c *checker) change(library *yaml.Node, ch change) {
	text := bytes.Clone(c.text)
	text[ch.offset] = other(text[ch.offset])
	after, err := decode(text)
	if err != nil {
		return // an alias without its anchor, a tag that is none: nothing to compare
	}
	c.changed++
	before, now := values(library), values(after)
	want := []byte(ch.value)
	want[ch.index] = text[ch.offset]
	if len(before) != len(now) {
		c.problem(diag.Span{}, "with another letter at offset %d the library has %d values, before %d", ch.offset, len(now), len(before))
		return
	}
	for i := range before {
		expected := before[i]
		if i == ch.number-1 {
			expected = string(want)
		}
		if now[i] != expected {
			c.problem(diag.Span{}, "with another letter at offset %d value %d is %q, not %q", ch.offset, i, short(now[i]), short(expected))
			return
		}
	}
}

// values lists the library's scalars, in the order of the text.
func values(y *yaml.Node) (list []string) {
	if y.Kind == yaml.ScalarNode {
		return []string{y.Value}
	}
	for _, child := range y.Content {
		list = append(list, values(child)...)
	}
	return list
}

func isLetter(b byte) bool { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }

func other(b byte) byte {
	if b == 'q' {
		return 'w'
	}
	return 'q'
}

// lineStarts are the offsets of lines as the library counts them: a byte order mark is not a part of the first.
func lineStarts(text []byte) []int {
	i := len(text) - len(bytes.TrimPrefix(text, []byte("\ufeff")))
	starts := []int{i}
	for ; i < len(text); i++ {
		if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			i++
		}
		if text[i] == '\n' || text[i] == '\r' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// start is where the library says that y begins, its tag and anchor included. Columns count runes.
func (c *checker) start(y *yaml.Node) int {
	i := c.starts[min(y.Line, len(c.starts))-1]
	for range y.Column - 1 {
		_, size := utf8.DecodeRune(c.text[min(i, len(c.text)):])
		i += size
	}
	return i
}

// short makes a value fit for a message.
func short(s string) string {
	if len(s) > 120 {
		return s[:100] + "…" + s[len(s)-10:]
	}
	return s
}
