package evaluate

import (
	"strings"
	"unicode/utf8"
)

// style is a way to print a piece of text on a terminal that has colour.
type style string

const (
	normal style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// cell is text without line breaks or control characters.
type cell struct {
	text  string
	style style
	right bool // aligned to the right
}

// page collects lines for a terminal.
type page struct {
	b     strings.Builder
	width int
	color bool
}

func (p *page) paint(text string, s style) string {
	if !p.color || s == normal || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func (p *page) line(text string) {
	p.b.WriteString(defuse(strings.TrimRight(text, " ")))
	p.b.WriteByte('\n')
}

func (p *page) heading(text string) {
	if p.b.Len() > 0 {
		p.line("")
	}
	p.line(p.paint(text, bold))
}

// wrapped prints text behind a first part (already painted, wide columns wide), broken at spaces to the page's width and
// indented below the first part.
func (p *page) wrapped(first string, wide int, text string, s style) {
	for i, part := range wrap(text, p.width-wide) {
		if i > 0 {
			first = strings.Repeat(" ", wide)
		}
		p.line(first + p.paint(part, s))
	}
}

// table prints rows in columns two spaces apart, indented by two. A last column that holds text is wrapped to the page.
func (p *page) table(rows [][]cell) {
	widths := columnWidths(rows)
	for _, row := range rows {
		var b strings.Builder
		b.WriteString("  ")
		used := 2
		for i, c := range row {
			if i == len(row)-1 && !c.right {
				break
			}
			pad := strings.Repeat(" ", widths[i]-columns(c.text))
			text := p.paint(c.text, c.style)
			if c.right {
				text = pad + text
			} else {
				text += pad
			}
			b.WriteString(text + "  ")
			used += widths[i] + 2
		}
		if last := row[len(row)-1]; !last.right {
			p.wrapped(b.String(), used, last.text, last.style)
		} else {
			p.line(b.String())
		}
	}
}

func columnWidths(rows [][]cell) []int {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i >= len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(c.text))
		}
	}
	return widths
}

// columns returns the width of text on a terminal, wide scripts not considered.
func columns(s string) int { return utf8.RuneCountInString(s) }

// leastText is the width below which text is not wrapped any tighter.
const leastText = 24

// wrap breaks text at spaces into parts of at most width columns; a word that is longer stands alone. There is always
// one part.
func wrap(text string, width int) []string {
	width = max(width, leastText)
	var parts []string
	part := ""
	for word := range strings.FieldsSeq(text) {
		if part != "" && columns(part)+1+columns(word) > width {
			parts = append(parts, part)
			part = ""
		}
		if part != "" {
			part += " "
		}
		part += word
	}
	return append(parts, part)
}
