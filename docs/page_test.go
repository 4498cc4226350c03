package docs_test

import (
	"regexp"
	"strings"
	"unicode"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// anchors lists the names that a forge gives to the headings of a page.
func anchors(text string) []string {
	var out []string
	for _, b := range blocks(text) {
		if b.kind != "heading" {
			continue
		}
		var name strings.Builder
		for _, r := range strings.ToLower(b.text) {
			switch {
			case r == ' ':
				name.WriteByte('-')
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				name.WriteRune(r)
			}
		}
		out = append(out, name.String())
	}
	return out
}

// block is a heading or a fenced text of a page.
type block struct {
	kind       string // heading, or the language of a fence
	text       string // without the fence
	start, end int    // of the text in the page, for writing it anew
	line       int
	level      int // of a heading
}

// blocks finds the headings and fences of a page.
func blocks(page string) []block {
	var out []block
	var open *block
	at := 0
	for i, line := range strings.SplitAfter(page, "\n") {
		text := strings.TrimRight(line, "\n")
		switch {
		case open != nil && text == "```":
			open.end = at
			open.text = page[open.start:open.end]
			out = append(out, *open)
			open = nil
		case open != nil:
		case strings.HasPrefix(text, "```"):
			open = &block{kind: strings.TrimPrefix(text, "```"), start: at + len(line), line: i + 2}
		case strings.HasPrefix(text, "#"):
			out = append(out, block{kind: "heading", text: strings.TrimSpace(strings.TrimLeft(text, "#")), line: i + 1, start: at, end: at + len(line), level: len(text) - len(strings.TrimLeft(text, "#"))})
		}
		at += len(line)
	}
	return out
}
