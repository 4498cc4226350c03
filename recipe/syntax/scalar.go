package syntax

import (
	"strconv"
	"unicode/utf8"
)

// This file reads scalars a second time, from the text, to learn where each byte of a value comes from. The library's
// value is the truth: a result that differs from it is thrown away by the caller.

// scalarAt reads the scalar that starts at text[start], whose value is known to be want. It returns the runs and the end
// of the scalar, or false if it cannot follow the value.
func scalarAt(text []byte, start int, want string) (runs []run, end int, ok bool) {
	if start >= len(text) {
		return nil, start, want == ""
	}
	var b builder
	switch text[start] {
	case '"':
		end, ok = b.double(text, start)
	case '\'':
		end, ok = b.single(text, start)
	case '|', '>':
		return blockScalar(text, start, want)
	default:
		end, ok = b.plain(text, start, want)
	}
	if !ok || string(b.value) != want {
		return nil, start, false
	}
	return b.runs, end, true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
func isBreak(c byte) bool { return c == '\n' || c == '\r' }

// breakEnd returns the end of the line break at text[i], or of the text if it ends before i.
func breakEnd(text []byte, i int) int {
	if i >= len(text) {
		return len(text)
	}
	if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
		return i + 2
	}
	return i + 1
}

// plain reads a plain scalar along its known value: where such a scalar ends depends on what is around it.
func (b *builder) plain(text []byte, start int, want string) (end int, ok bool) {
	i := start
	for len(b.value) < len(want) {
		if i >= len(text) {
			return i, false
		}
		if isBlank(text[i]) || isBreak(text[i]) {
			i = b.space(text, i)
		} else {
			b.copy(text, i)
			i++
		}
	}
	return i, true
}

// space reads the white space inside a flow scalar: kept as it is within a line; with line breaks in it, folded to one
// space or to the line breaks after the first. It returns the end of the white space.
func (b *builder) space(text []byte, start int) (end int) {
	breaks := 0
	i := start
	for i < len(text) && (isBlank(text[i]) || isBreak(text[i])) {
		if isBlank(text[i]) {
			i++
			continue
		}
		next := breakEnd(text, i)
		if breaks > 0 {
			b.lineBreak(text, i, next)
		}
		breaks++
		i = next
	}
	switch breaks {
	case 0:
		for k := start; k < i; k++ {
			b.copy(text, k)
		}
	case 1:
		b.put(" ", start, i)
	}
	return i
}

func (b *builder) single(text []byte, start int) (end int, ok bool) {
	for i := start + 1; i < len(text); {
		switch c := text[i]; {
		case c == '\'' && i+1 < len(text) && text[i+1] == '\'':
			b.put("'", i, i+2)
			i += 2
		case c == '\'':
			return i + 1, true
		case isBlank(c) || isBreak(c):
			i = b.space(text, i)
		default:
			b.copy(text, i)
			i++
		}
	}
	return len(text), false
}

func (b *builder) double(text []byte, start int) (end int, ok bool) {
	for i := start + 1; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			return i + 1, true
		case c == '\\' && i+1 < len(text) && isBreak(text[i+1]):
			i = b.joined(text, i+1)
		case c == '\\':
			value, next := unescape(text, i)
			if value == "" {
				return i, false
			}
			b.put(value, i, next)
			i = next
		case isBlank(c) || isBreak(c):
			i = b.space(text, i)
		default:
			b.copy(text, i)
			i++
		}
	}
	return len(text), false
}

// joined reads what follows a backslash at the end of a line: the break goes, and so do the blanks around it; further
// empty lines stay.
func (b *builder) joined(text []byte, start int) (end int) {
	i := breakEnd(text, start)
	for i < len(text) && (isBlank(text[i]) || isBreak(text[i])) {
		next := i + 1
		if isBreak(text[i]) {
			next = breakEnd(text, i)
			b.lineBreak(text, i, next)
		}
		i = next
	}
	return i
}

// escapes of double-quoted scalars that stand for one value (YAML 1.2, 5.7).
var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': `"`, '\'': "'", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// unescape reads the escape at text[i], a backslash. It returns "" if it is none.
func unescape(text []byte, i int) (value string, end int) {
	if i+1 >= len(text) {
		return "", i
	}
	if v, ok := escapes[text[i+1]]; ok {
		return v, i + 2
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[i+1]]
	end = i + 2 + digits
	if digits == 0 || end > len(text) {
		return "", i
	}
	code, err := strconv.ParseUint(string(text[i+2:end]), 16, 32)
	if err != nil || code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
		return "", i
	}
	return string(rune(code)), end
}
