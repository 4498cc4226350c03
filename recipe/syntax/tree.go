package syntax

import (
	"sort"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"gopkg.in/yaml.v3"
)

// Tree is a value as it is written: with its anchor and its style, with aliases and merge keys as such. It is for those
// who write a text anew; what a text means is in its Node.
type Tree struct {
	Kind  Kind
	Alias string    // the name, where *name stands for the value; Kind then says nothing
	Props string    // anchor and tag as written, with one blank between them
	Begin int       // offset of the value with its Props, and for an item of a list in lines, of its dash
	Span  diag.Span // the value's own bytes, as in a Node; of a collection in lines, from its first key or dash
	Text  string    // Scalar and Null: the decoded value
	Style Style
	Pairs []TreePair // Mapping
	Items []*Tree    // Sequence

	// Indent is how many blanks begin each line of a BlockStyle scalar; they are not a part of it.
	Indent int
}

// TreePair is a key with its value.
type TreePair struct{ Key, Value *Tree }

// Style is how a value is written.
type Style uint8

const (
	PlainStyle Style = iota // without quotes; a collection: in lines
	QuotedStyle
	BlockStyle // | or >
	FlowStyle  // [ ] or { }
)

// ReadTree reads the document of a text as it is written. It returns nil if Parse finds an error in the text, or if the
// text holds what a tree does not: a directive, or words that belong to no value. What Parse finds is reported.
func ReadTree(src *diag.Source, report *diag.List) *Tree {
	var found diag.List
	root := Parse(src, &found)
	for _, d := range found {
		report.Add(d)
	}
	if root == nil || found.HasErrors() {
		return nil
	}
	text := readable(src, nil)
	words := lex(text)
	if !explained(src, words) {
		return nil
	}
	masks := words.masks
	for {
		_, fewer := parse(src, text, words, masks, nil)
		if fewer == nil {
			break
		}
		masks = fewer
	}
	shown := hide(text, masks)
	document, _, err := load(shown)
	if err != nil || document == nil || len(document.Content) != 1 {
		return nil
	}
	// The walk checks nothing here: all has been checked above.
	t := trees{newWalk(src, text, shown, words, masks, nil)}
	return t.value(document.Content[0])
}

// explained tells whether all of a text is words that a tree holds, blanks and comments.
func explained(src *diag.Source, words *lexer) bool {
	comments := Comments(src)
	end := 0
	if strings.HasPrefix(string(src.Text), "\ufeff") {
		end = 3
	}
	for i := 0; i <= len(words.tokens); i++ {
		next := len(src.Text)
		if i < len(words.tokens) {
			next = words.tokens[i].start
			if words.tokens[i].kind == strangeToken {
				return false
			}
		}
		for end < next {
			switch {
			case len(comments) > 0 && comments[0].Span.Start == end:
				end = comments[0].Span.End
				comments = comments[1:]
			case isSpace(src.Text[end]):
				end++
			default:
				return false
			}
		}
		if i < len(words.tokens) {
			end = words.tokens[i].end
		}
	}
	return true
}

// trees makes a Tree from the library's nodes.
type trees struct{ *walk }

func (t trees) value(y *yaml.Node) *Tree {
	begin := t.lines.at(y.Line, y.Column)
	start, props := t.place(y)
	v := &Tree{Begin: begin, Span: spanAt(t.src, start, start), Props: t.props(props)}
	switch y.Kind {
	case yaml.AliasNode:
		v.Alias = y.Value
		v.Span.End = start + 1 + len(y.Value)
	case yaml.SequenceNode:
		t.sequence(y, v)
	case yaml.MappingNode:
		t.mapping(y, v)
	default:
		t.scalar(y, v)
	}
	return v
}

// props writes the anchor and the tag in the order of the text.
func (t trees) props(p properties) string {
	first, second := p.anchor.Text(), p.tag.Text()
	if p.tag.Start < p.anchor.Start {
		first, second = second, first
	}
	return strings.TrimSpace(first + " " + second)
}

func (t trees) scalar(y *yaml.Node, v *Tree) {
	n := Node{Span: v.Span}
	t.walk.scalar(y, &n)
	if strings.Contains(v.Props, "!!str") {
		n.Kind = Scalar
	}
	v.Kind, v.Text, v.Span = n.Kind, n.Text, n.Span
	switch {
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		v.Style = BlockStyle
		v.Indent = blockIndent(t.shown, v.Span.Start, y.Value)
	case !n.Plain:
		v.Style = QuotedStyle
	}
}

// blockIndent is the column in which the lines of a block scalar begin.
func blockIndent(text []byte, start int, want string) int {
	h := readBlockHeader(text, start)
	for column := contentColumn(text, h.body); column > 0; column-- {
		var b builder
		b.block(text, h, column)
		if string(b.value) == want {
			return column
		}
	}
	return 0
}

func (t trees) sequence(y *yaml.Node, v *Tree) {
	v.Kind = Sequence
	if y.Style&yaml.FlowStyle != 0 {
		v.Style = FlowStyle
	}
	for _, c := range y.Content {
		item := t.value(c)
		if v.Style != FlowStyle {
			item.Begin = t.dash(item)
		}
		v.Items = append(v.Items, item)
		v.Span.End = max(v.Span.End, item.Span.End)
	}
	t.close(v)
}

// dash is the place of the dash of an item.
func (t trees) dash(item *Tree) int {
	tokens := t.words.tokens
	k := sort.Search(len(tokens), func(i int) bool { return tokens[i].start >= item.Begin })
	for k--; k >= 0; k-- {
		if tokens[k].kind == dashToken {
			return tokens[k].start
		}
	}
	return item.Begin
}

func (t trees) mapping(y *yaml.Node, v *Tree) {
	v.Kind = Mapping
	if y.Style&yaml.FlowStyle != 0 {
		v.Style = FlowStyle
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		p := TreePair{t.value(y.Content[i]), t.value(y.Content[i+1])}
		v.Pairs = append(v.Pairs, p)
		v.Span.End = max(v.Span.End, p.Key.Span.End, p.Value.Span.End)
	}
	t.close(v)
}

// close extends a collection in brackets to its closing bracket.
func (t trees) close(v *Tree) {
	n := Node{Kind: v.Kind, Span: v.Span, Pairs: make([]Pair, len(v.Pairs))}
	t.closeFlow(&n)
	v.Span = n.Span
}
