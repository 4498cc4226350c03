package syntax

import "bytes"

// The lexer here is light: it knows where words, quotes, brackets and comments begin and end, not what they add up to.
// It serves three ends: hiding ${{ }}, closing brackets, and wording the library's syntax errors. Where it is wrong a
// span is wider or a message blunter; no value comes from it.

type tokenKind uint8

const (
	plainToken tokenKind = iota // one line of a plain scalar
	quotedToken
	blockToken   // | or > with its body
	anchorToken  // &name
	aliasToken   // *name
	tagToken     // !tag
	openToken    // [ or {
	closeToken   // ] or }
	commaToken   // ,
	colonToken   // :
	dashToken    // -
	questToken   // ?
	markerToken  // --- or ...
	strangeToken // a character that begins nothing: @ ` %
)

type token struct {
	kind       tokenKind
	first      bool // nothing but blanks before it in its line
	closed     bool // quotedToken: the closing quote is there; openToken: the bracket is closed
	start, end int
	column     int32 // bytes into the line
	flow       int32 // how many brackets are open around it
	mate       int32 // openToken, closeToken: index of the other one, or -1
}

// maxTokens bounds the lexer's memory, and the library's: it makes no more nodes than there are tokens, or nearly.
const maxTokens = 150_000

type lexer struct {
	text   []byte
	tokens []token
	masks  []mask
	full   bool // stopped at maxTokens

	i         int
	lineStart int
	first     bool
	open      []int // indexes of the brackets that are open
	lineEnd   int   // end of the line that fillEnd last looked at
	unclosed  bool  // it found a ${{ there that is not closed
	parent    int   // column of the block key or dash that a block scalar here belongs to, -1 at the root
}

func lex(text []byte) *lexer {
	l := &lexer{text: text, first: true, parent: -1, tokens: make([]token, 0, len(text)/8)}
	for l.i < len(text) {
		if len(l.tokens) >= maxTokens {
			l.full = true
			break
		}
		l.next()
	}
	return l
}

func (l *lexer) at(i int) byte {
	if i < len(l.text) {
		return l.text[i]
	}
	return '\n'
}

// spaceAt tells whether a blank, a line break or the end is at i.
func (l *lexer) spaceAt(i int) bool { return isSpace(l.at(i)) }

func (l *lexer) add(kind tokenKind, end int) *token {
	l.tokens = append(l.tokens, token{
		kind: kind, start: l.i, end: end, column: int32(l.i - l.lineStart), flow: int32(len(l.open)), first: l.first, mate: -1,
	})
	l.i, l.first = end, false
	return &l.tokens[len(l.tokens)-1]
}

func (l *lexer) newLine(i int) { l.i, l.lineStart, l.first = i, i, true }

// next reads one token, or one stretch that is none.
func (l *lexer) next() {
	c := l.text[l.i]
	switch {
	case isBlank(c):
		l.i++
	case isBreak(c):
		l.newLine(breakEnd(l.text, l.i))
	case c == '#':
		for l.i < len(l.text) && !isBreak(l.text[l.i]) {
			l.i++
		}
	case l.i == l.lineStart && l.marker():
		l.parent = -1
		l.open = l.open[:0]
		l.add(markerToken, l.i+3)
	case c == '"' || c == '\'':
		l.quoted(c)
	case bytes.IndexByte([]byte("&*!"), c) >= 0:
		kind := map[byte]tokenKind{'&': anchorToken, '*': aliasToken, '!': tagToken}[c]
		l.add(kind, l.wordEnd(l.i+1))
	case bytes.IndexByte([]byte("[]{},"), c) >= 0:
		l.flow(c)
	case bytes.IndexByte([]byte("-?:"), c) >= 0 && l.indicator(c):
		l.structure(c)
	case (c == '|' || c == '>') && len(l.open) == 0:
		l.block()
	case c == '@' || c == '`' || c == '%':
		l.add(strangeToken, l.wordEnd(l.i+1))
	default:
		l.plain()
	}
}

func (l *lexer) marker() bool {
	s := l.text[l.i:]
	return (bytes.HasPrefix(s, []byte("---")) || bytes.HasPrefix(s, []byte("..."))) && l.spaceAt(l.i+3)
}

// indicator tells whether - ? or : here is one, not the start of a word.
func (l *lexer) indicator(c byte) bool {
	if l.spaceAt(l.i + 1) {
		return true
	}
	return c == ':' && len(l.open) > 0
}

func (l *lexer) structure(c byte) {
	kind := map[byte]tokenKind{'-': dashToken, '?': questToken, ':': colonToken}[c]
	if len(l.open) == 0 {
		l.parent = l.i - l.lineStart
		if c == ':' {
			l.parent = l.keyColumn()
		}
	}
	l.add(kind, l.i+1)
}

// keyColumn is the column of the key that a colon here follows.
func (l *lexer) keyColumn() int {
	for k := len(l.tokens) - 1; k >= 0; k-- {
		t := l.tokens[k]
		switch {
		case t.kind == closeToken && t.mate >= 0:
			return int(l.tokens[t.mate].column)
		case t.kind == anchorToken || t.kind == tagToken:
			continue
		}
		if k > 0 && (l.tokens[k-1].kind == anchorToken || l.tokens[k-1].kind == tagToken) && !t.first {
			return int(l.tokens[k-1].column)
		}
		return int(t.column)
	}
	return 0
}

func (l *lexer) flow(c byte) {
	switch c {
	case ',':
		l.add(commaToken, l.i+1)
	case '[', '{':
		l.add(openToken, l.i+1)
		l.open = append(l.open, len(l.tokens)-1)
	default:
		mate := -1
		if n := len(l.open); n > 0 {
			mate = l.open[n-1]
			l.open = l.open[:n-1]
			l.tokens[mate].mate, l.tokens[mate].closed = int32(len(l.tokens)), true
		}
		l.add(closeToken, l.i+1).mate = int32(mate)
	}
}

func (l *lexer) quoted(quote byte) {
	start := l.i
	i := start + 1
	lineStart := l.lineStart
	closed := false
	for ; i < len(l.text) && !closed; i++ {
		switch c := l.text[i]; {
		case c == '\\' && quote == '"':
			i++
		case c == '\'' && quote == '\'' && l.at(i+1) == '\'':
			i++
		case c == quote:
			closed = true
		}
	}
	i = min(i, len(l.text))
	l.add(quotedToken, i).closed = closed
	for k := start; k < i; k++ {
		if isBreak(l.text[k]) {
			lineStart = breakEnd(l.text, k)
		}
	}
	l.lineStart = lineStart
}

// wordEnd returns the end of the word at i: at a blank, a break, or a flow indicator inside brackets.
func (l *lexer) wordEnd(i int) int {
	for i < len(l.text) && !isSpace(l.text[i]) && !(len(l.open) > 0 && isFlowIndicator(l.text[i])) {
		i++
	}
	return i
}

func isFlowIndicator(c byte) bool { return c == ',' || c == '[' || c == ']' || c == '{' || c == '}' }

// plain reads a plain scalar up to the end of its line. A ${{ }} in it is a part of it, whatever it holds.
func (l *lexer) plain() {
	end := l.i
	for i := l.i; i < len(l.text) && !isBreak(l.text[i]); {
		c := l.text[i]
		if c == '$' && bytes.HasPrefix(l.text[i:], []byte("${{")) {
			if stop := l.fillEnd(i); stop > 0 {
				l.masks = append(l.masks, mask{i, stop})
				i, end = stop, stop
				continue
			}
		}
		if c == ':' && (l.spaceAt(i+1) || len(l.open) > 0 && isFlowIndicator(l.at(i+1))) ||
			c == '#' && i > l.i && isBlank(l.text[i-1]) || len(l.open) > 0 && isFlowIndicator(c) {
			break
		}
		i++
		if !isBlank(c) {
			end = i
		}
	}
	l.add(plainToken, max(end, l.i+1))
}

// fillEnd is the end of the ${{ }} at i if it is closed in the same line, else -1.
func (l *lexer) fillEnd(i int) int {
	if i < l.lineEnd {
		if l.unclosed {
			return -1
		}
	} else {
		for l.lineEnd = i; l.lineEnd < len(l.text) && !isBreak(l.text[l.lineEnd]); {
			l.lineEnd++
		}
	}
	end := fillEnd(l.text[:l.lineEnd], i)
	l.unclosed = end < 0
	return end
}

// block reads a block scalar: its header and every line that is indented deeper than what it belongs to.
func (l *lexer) block() {
	h := readBlockHeader(l.text, l.i)
	column := 0
	if h.indent > 0 {
		column = max(l.parent, 0) + h.indent
	}
	end := h.body
	for i := h.body; i < len(l.text); {
		line := i
		for i < len(l.text) && l.text[i] == ' ' {
			i++
		}
		indent := i - line
		blankLine := i >= len(l.text) || isBreak(l.text[i])
		if !blankLine && column == 0 {
			column = max(indent, l.parent+1)
		}
		if !blankLine && indent < column {
			break
		}
		for i < len(l.text) && !isBreak(l.text[i]) {
			i++
		}
		if i < len(l.text) {
			i = breakEnd(l.text, i)
		}
		end = i
	}
	l.add(blockToken, end)
	l.newLine(end)
}
