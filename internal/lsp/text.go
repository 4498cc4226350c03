package lsp

import (
	"bytes"
	"net/url"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"
)

// encoding says what a client counts in a line: UTF-16 code units, unless both sides agree on bytes.
type encoding string

const (
	utf8Units  encoding = "utf-8"
	utf16Units encoding = "utf-16"
)

// lines turns offsets of a text into positions and back. A line ends at LF, CR LF or CR.
type lines struct {
	text   []byte
	starts []int
	enc    encoding
	marks  []int // utf16Units: how many units stand before the byte k*markEvery
}

// markEvery keeps a position in a very long line from being counted from its beginning.
const markEvery = 1 << 12

func newLines(text []byte, enc encoding) *lines {
	l := &lines{text: text, starts: []int{0}, enc: enc}
	for i, units := 0, 0; enc == utf16Units && i <= len(text); i += markEvery {
		l.marks = append(l.marks, units)
		units += utf16Length(text[i:min(i+markEvery, len(text))])
	}
	for i := 0; i < len(text); {
		k := bytes.IndexAny(text[i:], "\r\n")
		if k < 0 {
			break
		}
		i = breakEnd(text, i+k)
		l.starts = append(l.starts, i)
	}
	return l
}

// breakEnd returns the end of the line break at text[i].
func breakEnd(text []byte, i int) int {
	if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
		return i + 2
	}
	return i + 1
}

// lineAt returns the bounds of the line that holds an offset, its line break left out.
func lineAt(text []byte, offset int) (start, end int) {
	start = bytes.LastIndexAny(text[:offset], "\r\n") + 1
	if k := bytes.IndexAny(text[offset:], "\r\n"); k >= 0 {
		return start, offset + k
	}
	return start, len(text)
}

// offset returns the offset of a position. One behind the end of its line means that end; one inside a character, its
// beginning; one behind the last line, the end of the text.
func (l *lines) offset(p position) int {
	if int64(p.Line) >= int64(len(l.starts)) {
		return len(l.text)
	}
	i := l.starts[p.Line]
	_, end := lineAt(l.text, i)
	for left := int64(p.Character); left > 0 && i < end; {
		units, size := l.units(l.text[i:end])
		if left -= units; left < 0 {
			break
		}
		i += size
	}
	return i
}

// units returns how many units the first character of a text counts, and its bytes.
func (l *lines) units(text []byte) (units int64, size int) {
	r, size := utf8.DecodeRune(text)
	switch {
	case l.enc == utf8Units:
		return int64(size), size
	case r >= 0x10000:
		return 2, size
	}
	return 1, size
}

// position returns the position of an offset; one outside the text means its nearest end.
func (l *lines) position(offset int) position {
	offset = min(max(offset, 0), len(l.text))
	line := sort.Search(len(l.starts), func(i int) bool { return l.starts[i] > offset }) - 1
	return position{uint32(line), uint32(l.before(offset) - l.before(l.starts[line]))}
}

// before returns how many units of the text stand before an offset.
func (l *lines) before(offset int) int {
	if l.enc == utf8Units {
		return offset
	}
	k := offset / markEvery
	return l.marks[k] + utf16Length(l.text[k*markEvery:offset])
}

// utf16Length counts the UTF-16 code units of a text. A character is counted at its first byte, so the text may be cut
// anywhere.
func utf16Length(text []byte) int {
	n := 0
	for _, c := range text {
		switch {
		case c < 0x80 || c >= 0xc0 && c < 0xf0:
			n++
		case c >= 0xf0:
			n += 2
		}
	}
	return n
}

// span returns the range of some bytes.
func (l *lines) span(start, end int) textRange {
	return textRange{l.position(start), l.position(max(start, end))}
}

// path returns the file that a URI names, or "" if it names none.
func pathOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return ""
	}
	path := u.Path
	if len(path) >= 3 && path[0] == '/' && path[2] == ':' { // /c:/…
		path = path[1:]
	}
	if u.Host != "" && u.Host != "localhost" {
		path = "//" + u.Host + path
	}
	if path = filepath.FromSlash(path); !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return ""
	}
	return filepath.Clean(path)
}

// uriOf returns the URI of an absolute path.
func uriOf(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
