package lsp

import (
	"bytes"
	"sort"
	"strconv"
	"strings"
)

// outline is the structure of a text as far as it is written: what a reader takes from indentation, dashes, colons and
// brackets, whether or not it is YAML yet. A bracket or quote that is not closed ends where a line stands further left
// than it may. It is made in one pass and knows nothing of the language.
type outline struct {
	text     []byte
	root     *entry
	comments [][2]int
}

// entry is a key with its value, an item of a list, or a word that may become one.
type entry struct {
	parent *entry
	kids   []*entry

	item   bool   // an item of a list
	key    string // decoded, if it is no item
	start  int    // of the key or the dash; of an item in brackets: of its value
	keyEnd int    // behind the key or the dash
	colon  int    // of the colon; -1: the key has none yet
	column int    // of the key or dash in its line; -1 in brackets and for the root

	value, end int  // bytes of a scalar that is the value, quotes included; equal: there is none
	block      bool // it is a block scalar: its bytes are those below the line of the | or >
	flow       byte // { or [ if the value stands in brackets
	open       int  // of the opening bracket
	close      int  // of the closing bracket, -1 if there is none
	flowEnd    int  // behind the bracketed value, closed or not
	stop       int  // of the comma or bracket that ends an element in brackets, -1 if there is none
}

func (e *entry) hasScalar() bool { return e.value < e.end }

// first returns the offset of the first key or item of the value of e, of e itself if there is none.
func (e *entry) first() int {
	if len(e.kids) > 0 {
		return e.kids[0].start
	}
	return e.start
}

// inBrackets tells whether an entry stands inside brackets.
func (e *entry) inBrackets() bool { return e.parent != nil && e.parent.flow != 0 }

// kid returns the entry of a key in the value of e, or nil.
func (e *entry) kid(key string) *entry {
	for _, k := range e.kids {
		if !k.item && k.colon >= 0 && k.key == key {
			return k
		}
	}
	return nil
}

// maxNesting bounds how deep brackets are followed. A recipe may nest to the same depth.
const maxNesting = 100

// maxQuoteLines bounds the search for the closing quote of a text over several lines.
const maxQuoteLines = 100

func readOutline(text []byte) *outline {
	root := &entry{column: -1, colon: -1, close: -1, stop: -1}
	s := &outliner{outline: &outline{text: text, root: root}, top: root}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		s.i = 3
	}
	for s.i < len(text) {
		s.line()
	}
	return s.outline
}

// outliner reads a text.
type outliner struct {
	*outline
	i         int
	lineStart int
	top       *entry // the deepest block entry that the next line may belong to
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
func isBreak(c byte) bool { return c == '\n' || c == '\r' }

// at returns the byte at i, a line break behind the end.
func (s *outliner) at(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return '\n'
}

func (s *outliner) spaceAt(i int) bool { return isBlank(s.at(i)) || isBreak(s.at(i)) }

func (s *outliner) skipBlanks() {
	for s.i < len(s.text) && isBlank(s.text[s.i]) {
		s.i++
	}
}

// endLine goes to the next line, noting a comment on the way.
func (s *outliner) endLine() {
	for s.i < len(s.text) && !isBreak(s.text[s.i]) {
		if s.text[s.i] == '#' && (s.i == 0 || s.spaceAt(s.i-1)) {
			s.comment()
			break
		}
		s.i++
	}
	if s.i < len(s.text) {
		s.i = breakEnd(s.text, s.i)
	}
}

func (s *outliner) comment() {
	_, end := lineAt(s.text, s.i)
	s.comments = append(s.comments, [2]int{s.i, end})
	s.i = end
}

// line reads one line of block structure, with what belongs to it on further lines.
func (s *outliner) line() {
	s.lineStart = s.i
	s.skipBlanks()
	indent := s.i - s.lineStart
	c := s.at(s.i)
	marker := indent == 0 && (s.has("---") || s.has("...")) && s.spaceAt(s.i+3)
	if isBreak(c) || c == '#' || marker || indent == 0 && c == '%' {
		if marker {
			s.top = s.root
		}
		s.endLine()
		return
	}
	s.pop(indent, c == '-' && s.spaceAt(s.i+1))
	s.content()
}

func (s *outliner) has(prefix string) bool {
	return bytes.HasPrefix(s.text[min(s.i, len(s.text)):], []byte(prefix))
}

// pop leaves the entries that a line with this indentation does not belong to. The dashes of a list may stand right
// below the key whose value it is.
func (s *outliner) pop(indent int, dash bool) {
	for s.top != s.root && s.top.column >= indent {
		if s.top.column == indent && dash && !s.top.item {
			return
		}
		s.top = s.top.parent
	}
}

// content reads the dashes, the key and the value of a line.
func (s *outliner) content() {
	for {
		column := s.i - s.lineStart
		if s.at(s.i) == '-' && s.spaceAt(s.i+1) {
			s.add(&entry{item: true, start: s.i, keyEnd: s.i + 1, colon: -1, column: column})
			s.i++
			s.skipBlanks()
			if c := s.at(s.i); isBreak(c) || c == '#' {
				s.endLine()
				return
			}
			continue
		}
		if e := s.key(); e != nil {
			e.column = column
			s.add(e)
			s.i = e.colon + 1
			s.scalarOrFlow(e)
			return
		}
		s.word(column)
		return
	}
}

// add makes e the deepest entry.
func (s *outliner) add(e *entry) {
	e.parent, e.close, e.stop = s.top, -1, -1
	s.top.kids = append(s.top.kids, e)
	s.top = e
}

// word reads text without a colon: the value of a dash, the continuation of a value, or a word that is being typed.
func (s *outliner) word(column int) {
	e := s.top
	if e.item && e.start >= s.lineStart {
		s.scalarOrFlow(e)
		return
	}
	if e.hasScalar() && len(e.kids) == 0 {
		e.end = s.plainEnd(s.i, false)
		s.i = e.end
		s.endLine()
		return
	}
	if c := s.at(s.i); (e.colon >= 0 || e.item) && len(e.kids) == 0 && bytes.IndexByte([]byte("[{|>\"'"), c) >= 0 {
		s.scalarOrFlow(e) // the value stands on the line below its key
		return
	}
	end := s.plainEnd(s.i, false)
	w := &entry{key: string(s.text[s.i:end]), start: s.i, keyEnd: end, colon: -1, column: column}
	s.add(w)
	s.top = w.parent
	s.i = end
	s.endLine()
}

// key reads a key with its colon at i, without going further. It returns nil if there is none.
func (s *outliner) key() *entry {
	start := s.i
	for c := s.at(start); (c == '&' || c == '!') && !s.spaceAt(start+1); c = s.at(start) {
		for !s.spaceAt(start) {
			start++
		}
		for isBlank(s.at(start)) {
			start++
		}
	}
	end, name := start, ""
	switch c := s.at(start); {
	case c == '"' || c == '\'':
		if end = s.quoteEnd(start); end < 0 {
			return nil
		}
		name = unquote(string(s.text[start:end]))
	case bytes.IndexByte([]byte("[{]},|>*#"), c) >= 0 || isBreak(c):
		return nil
	default:
		for end < len(s.text) && !isBreak(s.text[end]) && !s.colonAt(end) && !(s.text[end] == '#' && s.spaceAt(end-1)) {
			end++
		}
		if !s.colonAt(end) {
			return nil
		}
		name = strings.TrimRight(string(s.text[start:end]), " \t")
	}
	colon := end
	for isBlank(s.at(colon)) {
		colon++
	}
	if !s.colonAt(colon) {
		return nil
	}
	if c := s.text[start]; c != '"' && c != '\'' {
		end = start + len(name)
	}
	return &entry{key: name, start: start, keyEnd: end, colon: colon}
}

func (s *outliner) colonAt(i int) bool { return s.at(i) == ':' && s.spaceAt(i+1) }

// quoteEnd returns the end of the quoted text at i if it ends in the same line, else -1.
func (s *outliner) quoteEnd(i int) int {
	quote := s.text[i]
	for i++; i < len(s.text) && !isBreak(s.text[i]); i++ {
		switch c := s.text[i]; {
		case c == '\\' && quote == '"':
			i++
		case c == '\'' && quote == '\'' && s.at(i+1) == '\'':
			i++
		case c == quote:
			return i + 1
		}
	}
	return -1
}

// unquote decodes a quoted key, roughly: no key of the language needs escapes.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' {
		if v, err := strconv.Unquote(s); err == nil {
			return v
		}
	}
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	}
	return strings.TrimLeft(s, `"'`)
}

// scalarOrFlow reads the value of e that stands at i in the same line, if there is one, up to the next line.
func (s *outliner) scalarOrFlow(e *entry) {
	s.properties()
	switch c := s.at(s.i); {
	case isBreak(c) || c == '#':
	case c == '{' || c == '[':
		if s.flow(e); s.i < len(s.text) && s.i == s.lineStart {
			return // it was given up at the start of a line
		}
	case c == '|' || c == '>':
		s.blockScalar(e)
		return
	case c == '"' || c == '\'':
		e.value = s.i
		e.end = s.quoted(e.column)
		s.i = e.end
	default:
		e.value = s.i
		e.end = s.plainEnd(s.i, false)
		s.i = e.end
	}
	s.endLine()
}

// properties skips anchors and tags in front of a value.
func (s *outliner) properties() {
	s.skipBlanks()
	for c := s.at(s.i); (c == '&' || c == '!') && !s.spaceAt(s.i+1); c = s.at(s.i) {
		for !s.spaceAt(s.i) {
			s.i++
		}
		s.skipBlanks()
	}
}

// plainEnd returns the end of the plain text at i: of its line, or in brackets of its element. ${{ }} holds together.
func (s *outliner) plainEnd(i int, flow bool) int {
	end := i
	for i < len(s.text) && !isBreak(s.text[i]) {
		c := s.text[i]
		switch {
		case c == '#' && s.spaceAt(i-1):
			return end
		case c == '$' && bytes.HasPrefix(s.text[i:], []byte("${{")):
			if i = s.templateEnd(i, flow); i > end {
				end = i
			}
			continue
		case flow && (bytes.IndexByte([]byte(",[]{}"), c) >= 0 || c == ':' && s.flowColon(i)):
			return end
		}
		if i++; !isBlank(c) {
			end = i
		}
	}
	return end
}

// templateEnd returns the end of the ${{ at i. One that is not closed in its line ends where an element would.
func (s *outliner) templateEnd(i int, flow bool) int {
	_, lineEnd := lineAt(s.text, i)
	if k := bytes.Index(s.text[i:lineEnd], []byte("}}")); k >= 0 {
		return i + k + 2
	}
	for i += 3; i < lineEnd && !(flow && bytes.IndexByte([]byte(",]}"), s.text[i]) >= 0); {
		i++
	}
	return i
}

// flowColon tells whether the colon at i, in brackets, ends a key.
func (s *outliner) flowColon(i int) bool {
	return s.spaceAt(i+1) || bytes.IndexByte([]byte(",[]{}"), s.at(i+1)) >= 0
}

// quoted returns the end of the quoted text at i. It may go on over lines that stand further right than column; one that
// does not end there ends with its line.
func (s *outliner) quoted(column int) int {
	if end := s.quoteEnd(s.i); end >= 0 {
		return end
	}
	_, first := lineAt(s.text, s.i)
	quote := s.text[s.i]
	for line, k := first, 0; line < len(s.text) && k < maxQuoteLines; k++ {
		start := breakEnd(s.text, line)
		indent := start
		for indent < len(s.text) && isBlank(s.text[indent]) {
			indent++
		}
		_, end := lineAt(s.text, min(start, len(s.text)))
		if indent < end && indent-start <= column {
			break
		}
		for i := start; i < end; i++ {
			if s.text[i] == '\\' && quote == '"' {
				i++
			} else if s.text[i] == quote {
				return i + 1
			}
		}
		line = end
	}
	return first
}

// blockScalar reads the | or > at i and the lines below it that stand further right than e.
func (s *outliner) blockScalar(e *entry) {
	s.endLine()
	e.block, e.value, e.end = true, s.i, s.i
	for s.i < len(s.text) {
		start := s.i
		_, end := lineAt(s.text, start)
		indent := start
		for indent < end && isBlank(s.text[indent]) {
			indent++
		}
		if indent < end && indent-start <= e.column {
			return
		}
		if indent < end {
			e.end = end
		}
		if s.i = end; s.i < len(s.text) {
			s.i = breakEnd(s.text, s.i)
		}
	}
}

// inComment tells whether an offset stands in a comment, behind its #.
func (o *outline) inComment(offset int) bool {
	i := sort.Search(len(o.comments), func(i int) bool { return o.comments[i][1] >= offset })
	return i < len(o.comments) && o.comments[i][0] < offset
}
