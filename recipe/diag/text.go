package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// TextOptions says how findings are shown to a person.
type TextOptions struct {
	Color   bool // with ANSI colours; only for a terminal
	Excerpt bool // with the line of the text and a mark under the span
}

// WriteText writes findings for a person and for tools that follow file:line:col. A warning or a note says that it is
// one; an error needs no word. Everything that comes from the user's text is made Printable.
//
//	smollm2.yaml:14:15: layer has no fact "bit"; it has bytes, depth, dtype, index [unknown-fact]
//	   |
//	14 |       - when: layer.bit > 4
//	   |               ^~~~~~~~~
//	  common.yaml:3:5: brought in here
func WriteText(w io.Writer, list List, o TextOptions) error {
	var b bytes.Buffer
	for i, d := range list {
		if i > 0 && o.Excerpt {
			b.WriteByte('\n')
		}
		writeFinding(&b, d, o)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// The colours of a terminal, by SGR parameter.
const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	yellow = "1;33"
	cyan   = "1;36"
)

func (o TextOptions) paint(sgr, s string) string {
	if !o.Color || s == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

func (s Severity) color() string {
	switch s {
	case Note:
		return cyan
	case Warning:
		return yellow
	}
	return red
}

func writeFinding(b *bytes.Buffer, d Diagnostic, o TextOptions) {
	if d.Span.Source != nil {
		b.WriteString(o.paint(bold, Printable(d.Span.String())+":") + " ")
	}
	if d.Severity != Error {
		b.WriteString(o.paint(d.Severity.color(), d.Severity.String()+":") + " ")
	}
	if d.Subject != "" {
		b.WriteString(Printable(d.Subject) + ": ")
	}
	b.WriteString(o.paint(bold, Printable(d.Message)))
	if d.Code != "" {
		b.WriteString(" " + o.paint(dim, "["+Printable(d.Code)+"]"))
	}
	b.WriteByte('\n')

	gutter := gutterWidth(d)
	if o.Excerpt {
		writeExcerpt(b, d.Span, gutter, d.Severity.color(), o)
	}
	for _, r := range d.Related {
		b.WriteString("  ")
		if r.Span.Source != nil {
			b.WriteString(o.paint(bold, Printable(r.Span.String())+":") + " ")
		}
		b.WriteString(Printable(r.Message) + "\n")
		if o.Excerpt {
			writeExcerpt(b, r.Span, gutter, cyan, o)
		}
	}
	for _, f := range d.Fixes {
		if f.Message != "" {
			b.WriteString("  fix: " + Printable(f.Message) + "\n")
		}
	}
}

// gutterWidth is the width of the longest line number that a finding shows.
func gutterWidth(d Diagnostic) int {
	width := 0
	for _, s := range append([]Related{{Span: d.Span}}, d.Related...) {
		if s.Span.Source != nil {
			line, _ := s.Span.Source.Position(s.Span.Start)
			width = max(width, len(fmt.Sprint(line)))
		}
	}
	return width
}

// writeExcerpt shows the first line of a span and marks the part of it that the span covers.
func writeExcerpt(b *bytes.Buffer, s Span, gutter int, color string, o TextOptions) {
	if s.Source == nil || len(s.Source.Text) == 0 {
		return
	}
	number, _ := s.Source.Position(s.Start)
	from, to := s.Source.line(number)
	start, end := s.bounds()
	text, before, under := excerpt(s.Source.Text[from:to], min(start, to)-from, min(end, to)-from)

	bar := o.paint(dim, "|")
	empty := strings.Repeat(" ", gutter)
	fmt.Fprintf(b, "%s %s\n", empty, bar)
	fmt.Fprintf(b, "%s %s", o.paint(dim, fmt.Sprintf("%*d", gutter, number)), bar)
	if text != "" {
		b.WriteString(" " + text)
	}
	mark := "^" + strings.Repeat("~", max(under-1, 0))
	fmt.Fprintf(b, "\n%s %s %s%s\n", empty, bar, strings.Repeat(" ", before), o.paint(color, mark))
}
