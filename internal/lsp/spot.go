package lsp

import (
	"bytes"
	"sort"
)

// spot is what a text has at an offset, and what may be written there.
type spot struct {
	in    *entry // a key here would be one of this entry's value, and a value here its value
	at    *entry // the key, item or word under the offset; nil where nothing stands yet
	key   bool   // a key may stand here
	value bool   // a value may stand here
	dash  bool   // it must be put behind a dash: the value of in is a list, and no dash stands here

	start, end int // the bytes that stand here now, quotes included: what a completion replaces
}

// find returns the spot at an offset, or nil where nothing of the language can stand: in a comment, behind a value.
func (o *outline) find(offset int) *spot {
	if o.inComment(offset) {
		return nil
	}
	e := o.lastBefore(offset)
	if b := o.brackets(e, offset); b != nil {
		return o.inFlow(b, offset)
	}
	start, end := lineAt(o.text, offset)
	switch {
	case e.start >= start && e != o.root:
		return o.onLine(e, offset)
	case e.hasScalar() && offset >= e.value && offset <= e.end:
		return valueSpot(e, e.value, e.end)
	case len(bytes.TrimLeft(o.text[start:offset], " \t")) == 0 && (len(bytes.TrimSpace(o.text[offset:end])) == 0):
		return o.onEmptyLine(e, offset-start, offset)
	}
	return nil
}

// lastBefore returns the last entry of the block structure that begins at or before an offset, the root if none does.
func (o *outline) lastBefore(offset int) *entry {
	e := o.root
	for e.flow == 0 {
		k := e.before(offset)
		if k == nil {
			break
		}
		e = k
	}
	return e
}

// before returns the last entry in the value of e that begins at or before an offset, or nil.
func (e *entry) before(offset int) *entry {
	i := sort.Search(len(e.kids), func(i int) bool { return e.kids[i].start > offset })
	if i == 0 {
		return nil
	}
	return e.kids[i-1]
}

// brackets returns e if the offset is inside the brackets that are its value.
func (o *outline) brackets(e *entry, offset int) *entry {
	if e.flow == 0 || offset <= e.open || offset >= e.flowEnd && (e.close >= 0 || offset > e.flowEnd || o.lineStartsAt(offset)) {
		return nil
	}
	return e
}

// lineStartsAt tells whether a line of the text starts at an offset, which ends brackets that are not closed.
func (o *outline) lineStartsAt(offset int) bool {
	return offset > 0 && offset <= len(o.text) && isBreak(o.text[offset-1])
}

func valueSpot(e *entry, start, end int) *spot {
	return &spot{in: e, at: e, value: true, start: start, end: end}
}

// inFlow returns the spot inside the brackets of e.
func (o *outline) inFlow(e *entry, offset int) *spot {
	for {
		k := e.before(offset)
		switch {
		case k == nil || k.stop >= 0 && offset > k.stop:
			return &spot{in: e, key: e.flow == '{', value: e.flow == '[', start: offset, end: offset}
		case o.brackets(k, offset) != nil:
			e = k
		case k.flow != 0 && offset > k.open:
			return nil // behind its brackets, before a comma
		case k.item && len(k.kids) == 1: // [key: value]
			e = k
		case k.item:
			return o.scalar(k, k.start, offset)
		case k.colon >= 0 && offset > k.colon:
			return o.scalar(k, k.value, offset)
		case offset <= k.keyEnd:
			return &spot{in: e, at: k, key: true, start: k.start, end: k.keyEnd}
		default:
			return nil
		}
	}
}

// scalar returns the spot in or before the value of e, or right behind it with nothing but blanks between: as long as a
// condition is typed it ends in blanks.
func (o *outline) scalar(e *entry, start, offset int) *spot {
	switch {
	case !e.hasScalar() || offset < start:
		return valueSpot(e, offset, offset)
	case offset <= e.end:
		return valueSpot(e, start, e.end)
	case len(bytes.TrimLeft(o.text[e.end:offset], " \t")) == 0 && !o.quotedAt(start):
		return valueSpot(e, start, offset)
	}
	return nil
}

func (o *outline) quotedAt(i int) bool {
	return i < len(o.text) && (o.text[i] == '"' || o.text[i] == '\'')
}

// onLine returns the spot in the line in which the block entry e begins.
func (o *outline) onLine(e *entry, offset int) *spot {
	switch {
	case e.item:
		if offset < e.keyEnd+1 {
			return nil
		}
		s := o.scalar(e, e.value, offset)
		if s != nil && !o.quotedAt(s.start) {
			s.key = true
		}
		return s
	case e.colon < 0: // a word
		if offset > e.keyEnd {
			return nil
		}
		return &spot{in: e.parent, at: e, key: true, value: len(e.parent.kids) == 1, start: e.start, end: e.keyEnd,
			dash: e.parent.listed(e)}
	case offset <= e.keyEnd:
		return &spot{in: e.parent, at: e, key: true, start: e.start, end: e.keyEnd}
	case offset <= e.colon || e.flow != 0 || e.block:
		return nil
	}
	return o.scalar(e, e.value, offset)
}

// listed tells whether the value of e has items besides the entry x.
func (e *entry) listed(x *entry) bool {
	for _, k := range e.kids {
		if k != x && k.item {
			return true
		}
	}
	return false
}

// onEmptyLine returns the spot in a line without text. The column says to which of the entries above it belongs.
func (o *outline) onEmptyLine(e *entry, column, offset int) *spot {
	if e.block && column > e.column {
		return valueSpot(e, e.value, max(e.end, e.value))
	}
	for e != o.root && (e.column >= column || e.inBrackets() || e.flow != 0 || e.hasScalar()) {
		if e.column == column && e.colon >= 0 && !e.item && o.wantsList(e) {
			break // the dashes of its list may stand right below it
		}
		e = e.parent
	}
	return &spot{in: e, key: true, value: len(e.kids) == 0 && e != o.root, start: offset, end: offset, dash: e.listed(nil)}
}

// wantsList tells whether the value of a key is a list with dashes in the key's own column.
func (o *outline) wantsList(e *entry) bool {
	return len(e.kids) > 0 && e.kids[0].item && e.kids[0].column == e.column
}
