package layout

import (
	"github.com/pare-ml/pare/internal/lazyregexp"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// comment is a comment on a line of its own.
type comment struct {
	text  string
	blank bool // a blank line stands before it
}

// root is a document: comments at the top that belong to nothing, the value, and comments at the end.
type root struct {
	header []comment
	gap    bool // a blank line between the header and the value
	body   *node
	foot   []comment
}

// node is a value with the comments in it.
type node struct {
	tree    *syntax.Tree
	entries []*entry  // of a collection
	foot    []comment // behind the last entry, inside the collection
	broken  bool      // holds comments or lines that brackets in one line cannot
}

// entry is a pair or an item, with its comments.
type entry struct {
	key   *syntax.Tree // nil for an item
	value *node
	head  []comment
	blank bool      // a blank line stands before it, behind its head
	line  string    // the comment at the end of its line, or ""
	under []comment // below its line, further right than the entry
}

// spaced tells whether a blank line stands before an entry and its head.
func (e *entry) spaced() bool {
	if len(e.head) > 0 {
		return e.head[0].blank
	}
	return e.blank
}

// attacher hands the comments of a text to the values they stand at, in the order of the text.
type attacher struct {
	src  *diag.Source
	left []syntax.Comment
}

func attach(src *diag.Source, tree *syntax.Tree) *root {
	a := &attacher{src: src, left: syntax.Comments(src)}
	r := &root{}
	first := tree.Begin
	if len(tree.Pairs) > 0 && tree.Props == "" && tree.Style != syntax.FlowStyle {
		first = -1 // the first key has a head of its own
	}
	r.header = a.before(first)
	r.gap = first >= 0 && a.blankAbove(tree.Begin)
	r.body = a.node(tree, len(src.Text)+1, -1)
	for len(a.left) > 0 {
		r.foot = append(r.foot, a.take())
	}
	if first < 0 {
		r.split()
	}
	r.body.markBroken()
	return r
}

// aboutFile matches comments that are about the file wherever they stand at its top: for pare, for editors, for lawyers.
var aboutFile = lazyregexp.New(`(?i)^#\s*(!|pare:allow-file\b|yaml-language-server:|vim:|-\*-|spdx-|copyright\b|licen[cs]ed?\b)`)

// split takes the comments that are about the file out of the head of the first key: those that a blank line parts from
// it, and those that say so.
func (r *root) split() {
	e := r.body.entries[0]
	cut := 0
	for i, c := range e.head {
		switch {
		case aboutFile.MatchString(c.text):
			cut = i + 1
		case c.blank && i > 0:
			cut = i
		}
	}
	if e.blank {
		cut = len(e.head)
	}
	r.header, e.head = e.head[:cut:cut], e.head[cut:]
	r.gap, e.blank = e.spaced(), e.blank && len(e.head) > 0
	if len(e.head) > 0 {
		e.head[0].blank = false
	}
}

// take hands out the next comment, to stand on a line of its own.
func (a *attacher) take() comment {
	c := a.left[0]
	a.left = a.left[1:]
	return comment{text: commentText(c), blank: a.blankAbove(c.Span.Start)}
}

// before takes the comments that begin before an offset.
func (a *attacher) before(offset int) (list []comment) {
	for len(a.left) > 0 && a.left[0].Span.Start < offset {
		list = append(list, a.take())
	}
	return list
}

// behind takes the next comment if it ends a line that something else begins, and begins before an offset.
func (a *attacher) behind(offset int) string {
	if len(a.left) == 0 || a.left[0].Alone || a.left[0].Span.Start >= offset {
		return ""
	}
	c := a.left[0]
	a.left = a.left[1:]
	return commentText(c)
}

// node attaches the comments inside a value, which end before limit. parent is the column of the collection in lines
// around it, or -1.
func (a *attacher) node(t *syntax.Tree, limit, parent int) *node {
	n := &node{tree: t}
	count := len(t.Pairs) + len(t.Items)
	if t.Alias != "" || count == 0 {
		return n
	}
	flow := t.Style == syntax.FlowStyle
	column := parent
	if flow {
		limit = t.Span.End
	} else {
		column = a.column(t.Span.Start) // in a line's indentation, so near
	}
	for i := range count {
		next := limit
		if i+1 < count {
			next = min(limit, beginOf(t, i+1))
		}
		n.entries = append(n.entries, a.entry(t, i, next, column))
	}
	for len(a.left) > 0 && a.left[0].Span.Start < limit {
		c := a.left[0]
		if !flow && (!c.Alone || a.column(c.Span.Start) < column || a.column(c.Span.Start) <= parent) {
			break
		}
		n.foot = append(n.foot, a.take())
	}
	return n
}

// beginOf is where entry i begins.
func beginOf(t *syntax.Tree, i int) int {
	if t.Kind == syntax.Mapping {
		return t.Pairs[i].Key.Begin
	}
	return t.Items[i].Begin
}

// entry attaches the comments of entry i of a collection in this column.
func (a *attacher) entry(t *syntax.Tree, i, limit, column int) *entry {
	begin := beginOf(t, i)
	e := &entry{head: a.before(begin), blank: a.blankAbove(begin)}
	value := (*syntax.Tree)(nil)
	if t.Kind == syntax.Mapping {
		e.key, value = t.Pairs[i].Key, t.Pairs[i].Value
		e.head = append(e.head, a.before(e.key.Span.End)...)
	} else {
		value = t.Items[i]
	}
	if inLines(value) {
		if e.key != nil || value.Props != "" {
			e.line = a.behind(value.Span.Start)
		}
		e.value = a.node(value, limit, column)
		return e
	}
	if value.Kind != syntax.Null || value.Text != "" {
		e.between(a, value.Span.Start)
		if len(value.Pairs)+len(value.Items) > 0 {
			e.between(a, beginOf(value, 0))
		}
	}
	e.value = a.node(value, limit, column)
	if value.Style == syntax.FlowStyle && len(e.value.entries) == 0 {
		e.head = append(e.head, a.before(value.Span.End)...)
	}
	if line := a.sameLine(max(value.Span.End, begin), limit); line != "" {
		e.setLine(line)
	}
	if t.Style == syntax.FlowStyle || value.Style == syntax.BlockStyle {
		return e // in a block scalar a comment would be text
	}
	for len(a.left) > 0 && a.left[0].Alone && a.left[0].Span.Start < limit && a.column(a.left[0].Span.Start) > column {
		e.under = append(e.under, a.take())
	}
	return e
}

// between takes what stands before an offset: a comment at the end of a line is the entry's, others go to its head.
func (e *entry) between(a *attacher, offset int) {
	for len(a.left) > 0 && a.left[0].Span.Start < offset {
		if line := a.behind(offset); line != "" {
			e.setLine(line)
			continue
		}
		e.head = append(e.head, a.take())
	}
}

// setLine makes a comment the one at the end of the entry's line. A second one goes to the entry's head.
func (e *entry) setLine(line string) {
	if e.line == "" {
		e.line = line
		return
	}
	e.head = append(e.head, comment{text: line})
}

// sameLine takes the comment behind an offset in its line.
func (a *attacher) sameLine(offset, limit int) string {
	if len(a.left) == 0 || a.left[0].Alone || a.left[0].Span.Start >= limit {
		return ""
	}
	for i := offset; i < a.left[0].Span.Start; i++ {
		if a.src.Text[i] == '\n' || a.src.Text[i] == '\r' {
			return ""
		}
	}
	return a.behind(limit)
}

// inLines tells whether a value is a collection in lines, with something in it.
func inLines(t *syntax.Tree) bool {
	return t.Alias == "" && t.Style != syntax.FlowStyle && len(t.Pairs)+len(t.Items) > 0
}

// column of an offset, in bytes.
func (a *attacher) column(offset int) int {
	n := 0
	for n < offset && a.src.Text[offset-n-1] != '\n' && a.src.Text[offset-n-1] != '\r' {
		n++
	}
	return n
}

// blankAbove tells whether an offset is the first in its line and the line before is blank.
func (a *attacher) blankAbove(offset int) bool {
	text := a.src.Text[:offset]
	end := len(text)
	for range 2 {
		for end > 0 && (text[end-1] == ' ' || text[end-1] == '\t') {
			end--
		}
		switch {
		case end == 0 || text[end-1] != '\n' && text[end-1] != '\r':
			return false
		case end > 1 && text[end-1] == '\n' && text[end-2] == '\r':
			end--
		}
		end--
	}
	return true
}

func commentText(c syntax.Comment) string {
	text := c.Span.Text()
	for len(text) > 0 && (text[len(text)-1] == ' ' || text[len(text)-1] == '\t') {
		text = text[:len(text)-1]
	}
	return text
}

// markBroken finds out which values cannot stand in brackets in one line.
func (n *node) markBroken() {
	n.broken = len(n.foot) > 0 || len(n.entries) == 0 && n.tree.Style != syntax.FlowStyle && hasBreak(n.tree.Span.Text())
	for _, e := range n.entries {
		e.value.markBroken()
		if len(e.head) > 0 || e.line != "" || e.value.broken || e.key != nil && hasBreak(e.key.Span.Text()) {
			n.broken = true
		}
	}
}

func hasBreak(s string) bool {
	for i := range len(s) {
		if s[i] == '\n' || s[i] == '\r' {
			return true
		}
	}
	return false
}
