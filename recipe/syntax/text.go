package syntax

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/pare-ml/pare/recipe/diag"
)

// maxBytes is the size of the largest recipe. The longest in use anywhere is some tens of kilobytes.
const maxBytes = 1 << 20

// maxSame is how many findings of one code are reported before the rest is only counted.
const maxSame = 10

// trim keeps the first findings of each code and says on the last of them how many there are more. Counts holds how many
// there were, where that is more than found has.
func trim(found diag.List, counts map[string]int) diag.List {
	total := map[string]int{}
	for _, d := range found {
		total[d.Code]++
	}
	kept, shown := found[:0:0], map[string]int{}
	for _, d := range found {
		if shown[d.Code]++; shown[d.Code] > maxSame {
			continue
		}
		if more := max(total[d.Code], counts[d.Code]) - maxSame; more > 0 && shown[d.Code] == maxSame {
			d.Message += fmt.Sprintf("; %d more like this are not listed", more)
		}
		kept = append(kept, d)
	}
	return kept
}

// readable checks the text byte by byte, before anything else may see it, and returns a copy that the library can read:
// what is not allowed is replaced, place for place. It returns nil if the text is not worth reading.
func readable(src *diag.Source, report *diag.List) []byte {
	text := src.Text
	switch {
	case len(text) > maxBytes:
		report.Errorf(spanAt(src, 0, 0), "yaml-too-large",
			"the text has %d bytes; a recipe may have up to %d (1 MiB)", len(text), maxBytes)
		return nil
	case bytes.HasPrefix(text, []byte("\xfe\xff")), bytes.HasPrefix(text, []byte("\xff\xfe")),
		len(text) >= 4 && (text[0] == 0) != (text[1] == 0) && text[0] == 0 == (text[2] == 0) && text[1] == 0 == (text[3] == 0):
		report.Errorf(spanAt(src, 0, 2), "yaml-encoding", "the text is UTF-16; save it as UTF-8")
		return nil
	}
	if text == nil {
		text = []byte{}
	}
	var found diag.List
	c := checker{src: src, report: &found, clean: text, seen: map[string]int{}}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		report.Add(diag.Diagnostic{
			Severity: diag.Warning, Code: "yaml-byte-order-mark", Span: spanAt(src, 0, 3),
			Message: "the text begins with a byte-order mark; it means nothing in UTF-8 and hides in a diff",
			Fixes:   []diag.Fix{{Message: "remove the byte-order mark", Edits: []diag.Edit{{Span: spanAt(src, 0, 3)}}}},
		})
		c.i = 3
	}
	for c.i < len(text) {
		c.next()
	}
	c.directives()
	for _, d := range trim(found, c.seen) {
		report.Add(d)
	}
	return c.clean
}

func spanAt(src *diag.Source, start, end int) diag.Span {
	return diag.Span{Source: src, Start: start, End: end}
}

type checker struct {
	src    *diag.Source
	report *diag.List // never nil
	clean  []byte     // src.Text, or a changed copy of it
	i      int
	crlf   bool
	seen   map[string]int // findings by code
}

// replace puts c in the place of the bytes from start to end of what the library is shown.
func (c *checker) replace(start, end int, by byte) {
	if len(c.clean) > 0 && &c.clean[0] == &c.src.Text[0] {
		c.clean = append([]byte(nil), c.clean...)
	}
	for i := start; i < end; i++ {
		c.clean[i] = by
	}
}

func (c *checker) next() {
	text := c.src.Text
	b := text[c.i]
	switch {
	case b == '\r':
		c.carriageReturn()
		return
	case b < utf8.RuneSelf && (b >= ' ' && b != 0x7f || b == '\n' || b == '\t'):
		c.i++
		return
	}
	r, size := utf8.DecodeRune(text[c.i:])
	span := spanAt(c.src, c.i, c.i+size)
	switch {
	case r == utf8.RuneError && size == 1:
		c.error(span, "yaml-encoding", fmt.Sprintf("byte 0x%02x is not UTF-8 here; save the text as UTF-8", b))
	case r == 0:
		c.error(span, "yaml-control-character", "NUL byte; a recipe is text")
	case unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= 0xfffe && r <= 0xffff:
		c.error(span, "yaml-control-character", fmt.Sprintf(
			`control character U+%04X; leave it out, or write it as "\%s" in double quotes`, r, escapeOf(r)))
	case r == '\ufeff':
		c.error(span, "yaml-control-character", "byte-order mark (U+FEFF) inside the text; leave it out")
	case unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' && r != '\u00ad':
		c.hidden(span, r)
	}
	c.i += size
}

// escapeOf is the escape of a double-quoted scalar for r.
func escapeOf(r rune) string {
	if r < 0x100 {
		return fmt.Sprintf("x%02x", r)
	}
	return fmt.Sprintf("u%04x", r)
}

// carriageReturn takes CR LF as a line end. A CR alone ends a line in some readers and not in others.
func (c *checker) carriageReturn() {
	if c.i+1 < len(c.src.Text) && c.src.Text[c.i+1] == '\n' {
		if !c.crlf {
			c.crlf = true
			c.report.Notef(spanAt(c.src, c.i, c.i+2), "yaml-crlf",
				"lines end in CR LF; values are read as if in LF, but the file's digest differs from one with LF")
		}
		c.i += 2
		return
	}
	if c.few("yaml-line-end") {
		c.report.Errorf(spanAt(c.src, c.i, c.i+1), "yaml-line-end",
			"carriage return without line feed; end lines in LF or CR LF")
	}
	c.i++
}

func (c *checker) error(span diag.Span, code, message string) {
	c.replace(span.Start, span.End, 'x')
	if n := len(*c.report); n > 0 {
		// Neighbours of one kind are one finding.
		if last := &(*c.report)[n-1]; last.Code == code && last.Message == message && last.Span.End == span.Start {
			last.Span.End = span.End
			return
		}
	}
	if c.few(code) {
		c.report.Errorf(span, code, "%s", message)
	}
}

// hidden reports a character that is not seen but changes how the text looks, so that a reviewer may read another
// recipe than pare does (CVE-2021-42574, "Trojan Source").
func (c *checker) hidden(span diag.Span, r rune) {
	if c.few("yaml-hidden-character") {
		c.report.Warningf(span, "yaml-hidden-character",
			`invisible character U+%04X: the text may look different from what it says; leave it out`, r)
	}
}

func (c *checker) few(code string) bool {
	c.seen[code]++
	return c.seen[code] <= maxSame
}

// directives refuses %YAML and %TAG lines before the document and hides them from the library.
func (c *checker) directives() {
	for i := 0; i < len(c.clean); {
		end := i
		for end < len(c.clean) && !isBreak(c.clean[end]) {
			end++
		}
		line := bytes.TrimLeft(bytes.TrimPrefix(c.clean[i:end], []byte("\ufeff")), " \t")
		switch {
		case i < len(c.clean) && c.clean[i] == '%':
			if c.few("yaml-directive") {
				c.report.Errorf(spanAt(c.src, i, end), "yaml-directive",
					"a line that begins with %% is a YAML directive; a recipe has none, so leave it out")
			}
			c.replace(i, end, '#')
		case len(line) > 0 && line[0] != '#':
			return
		}
		if end < len(c.clean) {
			end = breakEnd(c.clean, end)
		}
		i = end
	}
}
