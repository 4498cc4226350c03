package syntax

import (
	"sort"
	"unicode/utf8"

	"github.com/pare-ml/pare/recipe/diag"
	"gopkg.in/yaml.v3"
)

// lineTable turns the library's lines and columns into offsets. Lines and columns count from 1, columns in runes. Asked
// in rising order, as the walk does, it reads each line once.
type lineTable struct {
	text         []byte
	starts       []int
	line, column int // the last answer
	offset       int
}

func newLineTable(text []byte) lineTable {
	t := lineTable{text: text}
	first := 0
	if len(text) >= 3 && string(text[:3]) == "\ufeff" {
		first = 3 // the library does not count it
	}
	t.starts = append(t.starts, first)
	for i := first; i < len(text); {
		if isBreak(text[i]) {
			i = breakEnd(text, i)
			t.starts = append(t.starts, i)
			continue
		}
		i++
	}
	return t
}

func (t *lineTable) at(line, column int) int {
	line = min(max(line, 1), len(t.starts))
	if line != t.line || column < t.column {
		t.line, t.column, t.offset = line, 1, t.starts[line-1]
	}
	for t.column < column && t.offset < len(t.text) && !isBreak(t.text[t.offset]) {
		_, size := utf8.DecodeRune(t.text[t.offset:])
		t.offset += size
		t.column++
	}
	return t.offset
}

// number returns the line of an offset.
func (t *lineTable) number(offset int) int {
	return max(1, sort.Search(len(t.starts), func(i int) bool { return t.starts[i] > offset }))
}

// properties are what may stand before a value.
type properties struct{ anchor, tag diag.Span }

// place returns where the value of y begins. The library gives the place of its tag or anchor, if it has one.
func (w *walk) place(y *yaml.Node) (start int, p properties) {
	start = w.lines.at(y.Line, y.Column)
	if y.Kind == yaml.AliasNode || y.Anchor == "" && y.Style&yaml.TaggedStyle == 0 && !w.tagAt(start) {
		return start, p
	}
	for range 2 {
		switch {
		case p.anchor.IsZero() && y.Anchor != "" && w.byteAt(start) == '&':
			end := start + 1 + len(y.Anchor)
			p.anchor = spanAt(w.src, start, end)
			start = w.afterSpace(end)
		case p.tag.IsZero() && w.tagAt(start):
			end := w.tagEnd(start)
			p.tag = spanAt(w.src, start, end)
			start = w.afterSpace(end)
		}
	}
	if y.Kind == yaml.ScalarNode && y.Value == "" && y.Style&^yaml.TaggedStyle == 0 {
		// Nothing follows; what stands there is somebody else's.
		start = max(p.anchor.End, p.tag.End)
	}
	return start, p
}

func (w *walk) byteAt(i int) byte {
	if i < len(w.shown) {
		return w.shown[i]
	}
	return '\n'
}

// tagAt tells whether a tag is at i. No value begins with an exclamation mark unless it is quoted.
func (w *walk) tagAt(i int) bool { return w.byteAt(i) == '!' }

func (w *walk) tagEnd(i int) int {
	if w.byteAt(i+1) == '<' {
		for i < len(w.shown) && w.shown[i] != '>' {
			i++
		}
		return min(i+1, len(w.shown))
	}
	for i < len(w.shown) && !isSpace(w.shown[i]) && !isFlowIndicator(w.shown[i]) {
		i++
	}
	return i
}

// afterSpace skips blanks, line ends and comments.
func (w *walk) afterSpace(i int) int {
	for i < len(w.shown) {
		switch c := w.shown[i]; {
		case isSpace(c):
			i++
		case c == '#' && isSpace(w.byteAt(i-1)):
			for i < len(w.shown) && !isBreak(w.shown[i]) {
				i++
			}
		default:
			return i
		}
	}
	return i
}

// closeFlow extends a collection in brackets to its closing bracket.
func (w *walk) closeFlow(n *Node) {
	start := n.Span.Start
	if c := w.byteAt(start); c != '[' && c != '{' || n.Kind == Mapping && c == '[' && len(n.Pairs) > 0 {
		return
	}
	n.Span.End = max(n.Span.End, start+1)
	tokens := w.words.tokens
	k := sort.Search(len(tokens), func(i int) bool { return tokens[i].start >= start })
	if k == len(tokens) || tokens[k].start != start || tokens[k].kind != openToken || tokens[k].mate < 0 {
		return
	}
	closing := tokens[tokens[k].mate]
	if want := w.text[start] + 2; closing.start >= n.Span.End && w.text[closing.start] == want {
		n.Span.End = closing.end
	}
}

// masksIn returns the hidden ranges inside a span.
func (w *walk) masksIn(s diag.Span) []mask {
	from := sort.Search(len(w.masks), func(i int) bool { return w.masks[i].end > s.Start })
	to := sort.Search(len(w.masks), func(i int) bool { return w.masks[i].start >= s.End })
	if from >= to {
		return nil
	}
	return w.masks[from:to]
}
