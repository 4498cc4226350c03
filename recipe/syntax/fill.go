package syntax

func isSpace(c byte) bool { return isBlank(c) || isBreak(c) }

// fillEnd returns the end of the ${{ … }} at start, or -1 if it is not closed. Bytes in a string of the expression count
// for nothing; a string that is not closed is no string.
func fillEnd(text []byte, start int) int {
	strings := true
	for i := start + 3; i < len(text); i++ {
		switch c := text[i]; {
		case c == '}' && i+1 < len(text) && text[i+1] == '}':
			return i + 2
		case strings && (c == '"' || c == '\'' || c == '`'):
			if end := stringEnd(text, i); end > 0 {
				i = end
			} else {
				strings = false
			}
		}
	}
	return -1
}

// stringEnd returns the offset of the quote that closes the one at start within the line, or -1.
func stringEnd(text []byte, start int) int {
	for i := start + 1; i < len(text) && !isBreak(text[i]); i++ {
		switch {
		case text[i] == text[start]:
			return i
		case text[i] == '\\' && text[start] != '`':
			i++
		}
	}
	return -1
}

// mask is a range of the text that the library is shown as letters.
type mask struct{ start, end int }

// hide returns a copy of text in which the masked ranges are letters, byte for byte, so that every place stays.
func hide(text []byte, masks []mask) []byte {
	if len(masks) == 0 {
		return text
	}
	hidden := append([]byte(nil), text...)
	for _, m := range masks {
		for i := m.start; i < m.end; i++ {
			hidden[i] = 'x'
		}
	}
	return hidden
}
