package lsp

import "bytes"

// flow reads the brackets at i, which are the value of e. It ends behind them; if they are not closed, at the start of
// the first line that stands too far left to be in them.
func (s *outliner) flow(e *entry) {
	in := e // whose brackets are open
	s.opens(in)
	depth := 1
	for s.i < len(s.text) {
		c := s.text[s.i]
		switch {
		case isBlank(c):
			s.i++
		case isBreak(c):
			if !s.nextFlowLine(e.column) {
				for k := in; k != e.parent; k = k.parent {
					k.flowEnd = s.i
				}
				return
			}
		case c == '#' && s.spaceAt(s.i-1):
			s.comment()
		case c == ',':
			s.ends(in)
			s.i++
		case c == '}' || c == ']':
			closed := s.closes(in, e, c)
			s.i++
			if closed == nil {
				continue
			}
			for k := in; ; k = k.parent {
				k.flowEnd = s.i
				if k.flow != 0 {
					depth--
				}
				if k == closed {
					break
				}
			}
			if closed == e {
				return
			}
			for in = closed.parent; in.flow == 0; {
				in = in.parent
			}
		case c == '{' || c == '[':
			if depth >= maxNesting {
				s.i++
				continue
			}
			in = s.holder(in)
			s.opens(in)
			depth++
		default:
			s.element(in)
		}
	}
	for k := in; k != e.parent; k = k.parent {
		k.flowEnd = s.i
	}
}

func (s *outliner) opens(e *entry) {
	e.flow, e.open, e.close, e.flowEnd = s.text[s.i], s.i, -1, len(s.text)
	s.i++
}

// closes finds the brackets that c closes, from in outwards to e, marks them closed and returns them. A bracket that
// closes nothing counts for nothing.
func (s *outliner) closes(in, e *entry, c byte) *entry {
	for k := in; ; k = k.parent {
		if k.flow != 0 && k.flow+2 == c {
			s.ends(k)
			k.close = s.i
			return k
		}
		if k == e {
			return nil
		}
	}
}

// ends marks the last element of brackets as complete.
func (s *outliner) ends(in *entry) {
	if n := len(in.kids); n > 0 && in.kids[n-1].stop < 0 {
		in.kids[n-1].stop = s.i
	}
}

// nextFlowLine goes to the next line inside brackets. It returns false at the start of a line that is not in them.
func (s *outliner) nextFlowLine(column int) bool {
	s.i = breakEnd(s.text, s.i)
	s.lineStart = s.i
	s.skipBlanks()
	c := s.at(s.i)
	if isBreak(c) || c == '#' || s.i-s.lineStart > column || bytes.IndexByte([]byte("]},"), c) >= 0 {
		return true
	}
	s.i = s.lineStart
	return false
}

// pending returns the element of brackets that is not complete, or nil.
func pending(in *entry) *entry {
	if n := len(in.kids); n > 0 && in.kids[n-1].stop < 0 {
		return in.kids[n-1]
	}
	return nil
}

// holder returns the entry whose value the brackets at i are, inside those of in.
func (s *outliner) holder(in *entry) *entry {
	p := pending(in)
	if p != nil && p.item && len(p.kids) == 1 { // [key: {…}]
		p = p.kids[0]
	}
	if p != nil && p.flow == 0 && !p.hasScalar() {
		return p
	}
	return s.flowEntry(in)
}

// flowEntry adds an element at i.
func (s *outliner) flowEntry(in *entry) *entry {
	e := &entry{parent: in, item: in.flow == '[', start: s.i, keyEnd: s.i, colon: -1, column: -1, close: -1, stop: -1}
	in.kids = append(in.kids, e)
	return e
}

// element reads a word in brackets: a key with its colon, or a value.
func (s *outliner) element(in *entry) {
	start, end := s.i, 0
	quoted := s.text[start] == '"' || s.text[start] == '\''
	if quoted {
		if end = s.quoteEnd(start); end < 0 {
			end = s.plainEnd(start, true)
		}
	} else {
		s.properties()
		if start = s.i; isBreak(s.at(start)) || bytes.IndexByte([]byte("{[}],"), s.at(start)) >= 0 {
			return
		}
		end = s.plainEnd(start, true)
	}
	end = max(end, start+1)
	s.i = end
	colon := end
	for isBlank(s.at(colon)) {
		colon++
	}
	isKey := s.at(colon) == ':' && (s.flowColon(colon) || quoted)
	p := pending(in)
	if p != nil && p.item && len(p.kids) == 1 {
		p = p.kids[0]
	}
	switch {
	case isKey && (p == nil || p.colon >= 0 && p.hasScalar()):
		// A key right behind a value: the comma is missing.
		e := s.flowEntryAt(in, start)
		if e.item { // [key: value]
			k := &entry{parent: e, start: start, column: -1, close: -1, stop: -1}
			e.kids = append(e.kids, k)
			e = k
		}
		e.key, e.keyEnd, e.colon = unquote(string(s.text[start:end])), end, colon
		s.i = colon + 1
	case p != nil && (p.colon >= 0 || p.item) && p.flow == 0:
		if !p.hasScalar() {
			p.value = start
		}
		p.end = end
	default:
		e := s.flowEntryAt(in, start)
		if e.item {
			e.value, e.end = start, end
		} else {
			e.key, e.keyEnd = unquote(string(s.text[start:end])), end
		}
	}
}

func (s *outliner) flowEntryAt(in *entry, start int) *entry {
	if p := pending(in); p != nil {
		p.stop = start
	}
	e := s.flowEntry(in)
	e.start, e.keyEnd = start, start
	return e
}
