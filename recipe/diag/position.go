package diag

import (
	"fmt"
	"sort"
	"unicode/utf8"
)

// Position returns the line and the column of the byte at offset, both counted from 1, the column in runes. A line ends
// at LF, CR LF or a lone CR. An offset outside the text is moved to its nearest end. Safe for concurrent use.
func (s *Source) Position(offset int) (line, column int) {
	if s == nil {
		return 1, 1
	}
	s.once.Do(s.findLines)
	offset = min(max(offset, 0), len(s.Text))
	line = sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > offset })
	return line, utf8.RuneCount(s.Text[s.lines[line-1]:offset]) + 1
}

// line returns the bounds of a line, counted from 1, without its line end.
func (s *Source) line(number int) (start, end int) {
	s.once.Do(s.findLines)
	start, end = s.lines[number-1], len(s.Text)
	if number < len(s.lines) {
		end = s.lines[number]
	}
	if end > start && s.Text[end-1] == '\n' {
		end--
	}
	if end > start && s.Text[end-1] == '\r' {
		end--
	}
	return start, end
}

func (s *Source) findLines() {
	s.lines = append(s.lines, 0)
	for i, c := range s.Text {
		if c == '\n' || c == '\r' && (i+1 == len(s.Text) || s.Text[i+1] != '\n') {
			s.lines = append(s.lines, i+1)
		}
	}
}

// IsZero tells whether the span points nowhere.
func (s Span) IsZero() bool { return s.Source == nil }

// Text returns the bytes that the span covers. A span that points nowhere covers nothing.
func (s Span) Text() string {
	if s.Source == nil {
		return ""
	}
	start, end := s.bounds()
	return string(s.Source.Text[start:end])
}

// bounds returns Start and End moved inside the text and into order.
func (s Span) bounds() (start, end int) {
	start = min(max(s.Start, 0), len(s.Source.Text))
	return start, min(max(s.End, start), len(s.Source.Text))
}

// String returns "file:line:col" of the first byte, or "" for a span that points nowhere.
func (s Span) String() string {
	if s.Source == nil {
		return ""
	}
	line, column := s.Source.Position(s.Start)
	return fmt.Sprintf("%s:%d:%d", s.Source.Name, line, column)
}

// name of the source, "" if there is none.
func (s Span) name() string {
	if s.Source == nil {
		return ""
	}
	return s.Source.Name
}
