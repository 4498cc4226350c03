// Package strictjson reads JSON as RFC 8259 has it and nothing else: no repeated keys, no invalid UTF-8, no numbers that
// JSON does not know, nesting bounded. encoding/json takes the last of repeated keys and any case of a key, so that one
// file can say different things to different readers.
package strictjson

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// maxDepth is how deep lists and objects may nest.
const maxDepth = 200

// Error says what is wrong at a byte of the text.
type Error struct {
	Offset int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("offset %d: %s", e.Offset, e.Reason) }

// Scanner reads a text token by token. The first error stays; after it every method returns at once, so that readers need
// no checks in between.
type Scanner struct {
	data  []byte
	pos   int
	depth int
	err   error

	python bool // NaN and Infinity are numbers
}

// New starts reading a text, which must not change while what was read from it is in use: texts without escapes are cut
// out of it.
func New(data []byte) *Scanner {
	s := &Scanner{data: data}
	if !utf8.Valid(data) {
		at := 0
		for at < len(data) {
			r, n := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		s.pos = at
		s.Fail("the text is not valid UTF-8")
	}
	return s
}

// Fail notes an error at the place where the scanner stands.
func (s *Scanner) Fail(format string, args ...any) { s.FailAt(s.pos, format, args...) }

// FailAt notes an error at a byte.
func (s *Scanner) FailAt(offset int, format string, args ...any) {
	if s.err == nil {
		s.err = &Error{offset, fmt.Sprintf(format, args...)}
	}
}

// Err returns the first error, an *Error.
func (s *Scanner) Err() error { return s.err }

// Pos returns the byte at which the scanner stands.
func (s *Scanner) Pos() int { return s.pos }

// Peek skips blanks and returns the next byte; 0 at the end.
func (s *Scanner) Peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// End demands that nothing but blanks follows.
func (s *Scanner) End() {
	if s.err == nil && (s.Peek() != 0 || s.pos < len(s.data)) {
		s.Fail("%s stands behind the end", s.found())
	}
}

// expect takes one byte.
func (s *Scanner) expect(c byte) {
	if s.err != nil {
		return
	}
	if s.Peek() != c || s.pos >= len(s.data) {
		s.Fail("%s stands where %q must be", s.found(), c)
		return
	}
	s.pos++
}

// found describes the next byte.
func (s *Scanner) found() string {
	if s.Peek() == 0 && s.pos >= len(s.data) {
		return "the end"
	}
	r, _ := utf8.DecodeRune(s.data[s.pos:])
	return strconv.QuoteRune(r)
}

func (s *Scanner) items(open, end byte, item func()) {
	s.expect(open)
	if s.depth++; s.depth > maxDepth {
		s.Fail("lists and objects nest deeper than %d", maxDepth)
	}
	for first := true; s.err == nil; first = false {
		if s.Peek() == end {
			s.pos++
			break
		}
		if !first {
			s.expect(',')
		}
		if s.err == nil {
			item()
		}
	}
	s.depth--
}

// List reads a list; item is called at each element.
func (s *Scanner) List(item func()) { s.items('[', ']', item) }

// Members reads an object; value is called behind each key. Repeated keys are the caller's to find.
func (s *Scanner) Members(value func(key string, at int)) {
	s.items('{', '}', func() {
		s.Peek()
		at := s.pos
		key := s.Text()
		s.expect(':')
		if s.err == nil {
			value(key, at)
		}
	})
}

// Object reads an object without repeated keys.
func (s *Scanner) Object(value func(key string, at int)) {
	var first [16]string // most objects have fewer keys
	few := first[:0]
	var many map[string]bool
	s.Members(func(key string, at int) {
		if many[key] || many == nil && slices.Contains(few, key) {
			s.FailAt(at, "the key %q stands twice", key)
			return
		}
		switch {
		case many != nil:
			many[key] = true
		case len(few) < len(first):
			few = append(few, key)
		default:
			many = map[string]bool{key: true}
			for _, k := range few {
				many[k] = true
			}
		}
		value(key, at)
	})
}

// Word takes null, true or false if it stands next.
func (s *Scanner) Word(w string) bool {
	if s.err == nil && s.Peek() != 0 && bytes.HasPrefix(s.data[s.pos:], []byte(w)) {
		s.pos += len(w)
		return true
	}
	return false
}

// Text reads a string.
func (s *Scanner) Text() string {
	s.expect('"')
	if s.err != nil {
		return ""
	}
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return cut(s.data[start : s.pos-1])
		case c == '\\':
			return s.escaped(s.data[start:s.pos])
		case c < 0x20:
			s.Fail("a text holds a control character")
			return ""
		}
		s.pos++
	}
	s.Fail("a text does not end")
	return ""
}

// cut makes a text of bytes without copying them.
func cut(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// escaped reads on in a string that holds a backslash.
func (s *Scanner) escaped(b []byte) string {
	b = bytes.Clone(b)
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		s.pos++
		switch {
		case c == '"':
			return string(b)
		case c < 0x20:
			s.Fail("a text holds a control character")
			return ""
		case c != '\\':
			b = append(b, c)
			continue
		}
		if s.pos == len(s.data) {
			break
		}
		c = s.data[s.pos]
		s.pos++
		if i := bytes.IndexByte([]byte(`"\/bfnrt`), c); i >= 0 {
			b = append(b, "\"\\/\b\f\n\r\t"[i])
			continue
		}
		if c != 'u' {
			s.Fail(`a text holds the escape \%c, which JSON does not have`, c)
			return ""
		}
		r, ok := s.hex()
		if utf16.IsSurrogate(r) {
			second := rune(0)
			if bytes.HasPrefix(s.data[s.pos:], []byte(`\u`)) {
				s.pos += 2
				second, ok = s.hex()
			}
			r = utf16.DecodeRune(r, second)
			ok = ok && r != utf8.RuneError
		}
		if !ok {
			s.Fail(`a text holds an escape \u without sense`)
			return ""
		}
		b = utf8.AppendRune(b, r)
	}
	s.Fail("a text does not end")
	return ""
}

// hex reads the four digits of an escape.
func (s *Scanner) hex() (rune, bool) {
	if len(s.data)-s.pos < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(string(s.data[s.pos:s.pos+4]), 16, 32)
	s.pos += 4
	return rune(v), err == nil
}

// Number returns the text of a number, and whether it is written as an integer.
func (s *Scanner) Number() (text string, integer bool) {
	if s.err != nil {
		return "", false
	}
	s.Peek()
	rest := s.data[s.pos:]
	i, integer := 0, true
	digits := func() int {
		n := 0
		for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
			i++
			n++
		}
		return n
	}
	if i < len(rest) && rest[i] == '-' {
		i++
	}
	start := i
	ok := digits() > 0 && (rest[start] != '0' || i == start+1)
	if ok && i < len(rest) && rest[i] == '.' {
		i++
		integer = false
		ok = digits() > 0
	}
	if ok && i < len(rest) && (rest[i] == 'e' || rest[i] == 'E') {
		i++
		integer = false
		if i < len(rest) && (rest[i] == '+' || rest[i] == '-') {
			i++
		}
		ok = digits() > 0
	}
	if !ok {
		s.Fail("%s stands where a number must be", s.found())
		return "", false
	}
	s.pos += i
	return cut(rest[:i]), integer
}

// Int reads an integer from low to high; what it is goes into the error.
func (s *Scanner) Int(low, high int64, what string) int64 {
	at := s.pos
	if s.err == nil {
		if c := s.Peek(); c != '-' && (c < '0' || c > '9') {
			s.Fail("%s stands where %s must be, a whole number from %d to %d", s.found(), what, low, high)
			return 0
		}
		at = s.pos
	}
	text, integer := s.Number()
	if s.err != nil {
		return 0
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if !integer || err != nil || v < low || v > high {
		s.FailAt(at, "%s is %s; it must be a whole number from %d to %d", what, short(text), low, high)
		return 0
	}
	return v
}

// short keeps a hostile number from filling the line.
func short(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
