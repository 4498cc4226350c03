package diag

import (
	"strings"
	"unicode/utf8"
)

const (
	excerptWidth = 100  // columns of text shown at most
	excerptLead  = 40   // columns kept before the marked part of a line that is too long
	excerptBytes = 4096 // bytes looked at on each side of the place; a hostile line may be a megabyte
	tabStop      = 4
)

// cell is one rune of a line as it is shown.
type cell struct {
	text   string
	at     int // column of its left edge
	offset int // its first byte in the line
}

// excerpt renders a line for a terminal and says where the bytes line[start:end] are in it: so many columns before, so
// many under them. A line that is too long is cut at both sides, marked by …, so that the place stays in sight.
func excerpt(line []byte, start, end int) (text string, before, under int) {
	cutLeft, cutRight := start > excerptBytes, len(line)-start > excerptBytes
	if cutRight {
		line = line[:runeStart(line, start+excerptBytes)]
	}
	if cutLeft {
		skip := runeStart(line, start-excerptBytes)
		line, start, end = line[skip:], start-skip, end-skip
	}
	cells, total := layOut(line)
	column := func(offset int) int {
		for _, c := range cells {
			if c.offset >= offset {
				return c.at
			}
		}
		return total
	}
	left, right := column(start), column(end)

	from, to := 0, total
	if total > excerptWidth {
		from = max(0, min(left-excerptLead, total-excerptWidth))
		to = from + excerptWidth
	}
	var b strings.Builder
	shift := from
	if from > 0 || cutLeft {
		b.WriteString("…")
		shift--
	}
	shown := 0
	for i, c := range cells {
		width := total - c.at
		if i+1 < len(cells) {
			width = cells[i+1].at - c.at
		}
		// Marks that take no column are bounded by number.
		if c.at < from || c.at+width > to || shown > 4*excerptWidth {
			continue
		}
		if shown == 0 {
			shift += c.at - from
		}
		b.WriteString(c.text)
		shown++
	}
	if to < total || cutRight {
		b.WriteString("…")
	}
	left, right = min(left, to), min(right, to)
	return strings.TrimRight(b.String(), " "), left - shift, right - left
}

// runeStart moves an offset back to the start of the rune it is in.
func runeStart(line []byte, offset int) int {
	for i := 0; i < utf8.UTFMax && offset > 0 && !utf8.RuneStart(line[offset]); i++ {
		offset--
	}
	return offset
}

// layOut expands tabs, escapes what must not reach a terminal, and gives each rune its column.
func layOut(line []byte) (cells []cell, total int) {
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		c := cell{text: string(line[i : i+size]), at: total, offset: i}
		if r == '\t' {
			c.text = strings.Repeat(" ", tabStop-total%tabStop)
		} else {
			c.text = printableRune(r, c.text)
		}
		for _, shown := range c.text {
			total += width(shown)
		}
		cells = append(cells, c)
		i += size
	}
	return cells, total
}
