package evaluate

import "bytes"

// lineWidth is how long a line of JSON may get before its parts go onto lines of their own.
const lineWidth = 120

// layout appends compact JSON to out, indented for a reader: what fits on a line stays on it, so that an interval or a
// shape takes one line and not six.
func layout(out, json []byte, indent int) []byte {
	if len(json) < 2 || json[0] != '{' && json[0] != '[' {
		return append(out, json...)
	}
	parts := split(json[1 : len(json)-1])
	if indent > 0 && 2*indent+len(json)+2*len(parts) <= lineWidth && bytes.Count(json, []byte("{")) <= 2 || len(parts) == 0 {
		return append(out, spaced(json)...)
	}
	newline := func(n int) {
		out = append(out, '\n')
		out = append(out, bytes.Repeat([]byte("  "), n)...)
	}
	out = append(out, json[0])
	for i, p := range parts {
		if i > 0 {
			out = append(out, ',')
		}
		newline(indent + 1)
		if json[0] == '{' {
			end := stringEnd(p)
			out = append(append(out, p[:end]...), ": "...)
			p = p[end+1:]
		}
		out = layout(out, p, indent+1)
	}
	newline(indent)
	return append(out, json[len(json)-1])
}

// split cuts the inside of an object or array at its own commas.
func split(inner []byte) [][]byte {
	var parts [][]byte
	depth, start := 0, 0
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '"':
			i += stringEnd(inner[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, inner[start:i])
				start = i + 1
			}
		}
	}
	if start < len(inner) {
		parts = append(parts, inner[start:])
	}
	return parts
}

// stringEnd returns the length of the string literal at the start of s.
func stringEnd(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// spaced puts a space after each comma and colon outside of strings.
func spaced(json []byte) []byte {
	out := make([]byte, 0, len(json)*5/4)
	for i := 0; i < len(json); i++ {
		if json[i] == '"' {
			end := i + stringEnd(json[i:])
			out = append(out, json[i:end]...)
			i = end - 1
			continue
		}
		out = append(out, json[i])
		if json[i] == ',' || json[i] == ':' {
			out = append(out, ' ')
		}
	}
	return out
}
