package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep lists and mappings may nest: graphs within graphs use four levels each.
const maxDepth = 200

// scanner reads JSON token by token, strictly (RFC 8259): no repeated keys, no invalid UTF-8, nothing behind the value.
// The first error stays; after it every method returns at once, so that readers need no checks in between.
type scanner struct {
	data  string // which texts are cut out of
	pos   int
	depth int
	err   error
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		line := 1 + strings.Count(s.data[:min(s.pos, len(s.data))], "\n")
		s.err = &scanError{fmt.Sprintf("line %d", line), fmt.Sprintf(format, args...)}
	}
}

type scanError struct{ where, reason string }

func (e *scanError) Error() string { return e.where + ": " + e.reason }

// peek skips blanks and returns the next byte; 0 at the end.
func (s *scanner) peek() byte {
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

// expect takes one byte.
func (s *scanner) expect(c byte) {
	if s.err != nil {
		return
	}
	if got := s.peek(); got != c {
		s.fail("%s stands where %q must be", s.found(), c)
		return
	}
	s.pos++
}

// found describes the next byte.
func (s *scanner) found() string {
	if s.peek() == 0 && s.pos >= len(s.data) {
		return "the end of the file"
	}
	r, _ := utf8.DecodeRuneInString(s.data[s.pos:])
	return strconv.QuoteRune(r)
}

// items calls item for each element between open and end.
func (s *scanner) items(open, end byte, item func()) {
	s.expect(open)
	if s.depth++; s.depth > maxDepth {
		s.fail("lists and mappings nest deeper than %d", maxDepth)
	}
	for first := true; s.err == nil; first = false {
		if s.peek() == end {
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

// list reads a list.
func (s *scanner) list(item func()) { s.items('[', ']', item) }

// mapping reads a mapping; value is called behind each key.
func (s *scanner) mapping(value func(key string)) {
	var first [16]string // most mappings are those of nodes, with fewer keys
	few := first[:0]
	var many map[string]bool
	s.items('{', '}', func() {
		key := s.text()
		s.expect(':')
		if s.err != nil {
			return
		}
		if many[key] || many == nil && slices.Contains(few, key) {
			s.fail("the key %q stands twice", key)
			return
		}
		if many == nil {
			if len(few) < len(first) {
				few = append(few, key)
			} else {
				many = map[string]bool{key: true}
				for _, k := range few {
					many[k] = true
				}
			}
		} else {
			many[key] = true
		}
		value(key)
	})
}

// null takes null if it stands next.
func (s *scanner) null() bool {
	if s.err == nil && s.peek() == 'n' && strings.HasPrefix(s.data[s.pos:], "null") {
		s.pos += len("null")
		return true
	}
	return false
}

// text reads a string.
func (s *scanner) text() string {
	s.expect('"')
	if s.err != nil {
		return ""
	}
	rest := s.data[s.pos:]
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"':
			s.pos += i + 1
			return rest[:i]
		case c == '\\':
			s.pos += i
			return s.escaped([]byte(rest[:i]))
		case c < 0x20:
			s.pos += i
			s.fail("a text holds a control character")
			return ""
		}
	}
	s.pos = len(s.data)
	s.fail("a text does not end")
	return ""
}

// escaped reads on in a string that holds a backslash behind b.
func (s *scanner) escaped(b []byte) string {
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		s.pos++
		switch {
		case c == '"':
			return string(b)
		case c < 0x20:
			s.fail("a text holds a control character")
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
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
			b = append(b, "\"\\/\b\f\n\r\t"[i])
			continue
		}
		if c != 'u' {
			s.fail(`a text holds the escape \%c, which JSON does not have`, c)
			return ""
		}
		r, ok := s.hex()
		if utf16.IsSurrogate(r) {
			second := rune(0)
			if strings.HasPrefix(s.data[s.pos:], `\u`) {
				s.pos += 2
				second, ok = s.hex()
			}
			r = utf16.DecodeRune(r, second)
			ok = ok && r != utf8.RuneError
		}
		if !ok {
			s.fail(`a text holds an escape \u without sense`)
			return ""
		}
		b = utf8.AppendRune(b, r)
	}
	s.fail("a text does not end")
	return ""
}

// hex reads the four digits of an escape.
func (s *scanner) hex() (rune, bool) {
	if len(s.data)-s.pos < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(s.data[s.pos:s.pos+4], 16, 32)
	s.pos += 4
	return rune(v), err == nil
}

// number returns the text of a number, and whether it is an integer.
func (s *scanner) number() (text string, integer bool) {
	if s.err != nil {
		return "", false
	}
	s.peek()
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
		s.fail("%s stands where a number must be", s.found())
		return "", false
	}
	s.pos += i
	return rest[:i], integer
}

// int reads an integer from low to high.
func (s *scanner) int(low, high int64, what string) int64 {
	text, integer := s.number()
	if s.err != nil {
		return 0
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if !integer || err != nil || v < low || v > high {
		s.fail("%s is %s; it must be a whole number from %d to %d", what, text, low, high)
		return 0
	}
	return v
}
