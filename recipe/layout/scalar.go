package layout

import (
	"slices"
	"strings"
	"unicode"

	"github.com/pare-ml/pare/internal/lazyregexp"
	"github.com/pare-ml/pare/recipe/syntax"
)

// A word means the same with quotes and without, to every reader: it begins with a letter and holds nothing that YAML or
// the recipe language could take for more. Words that some reader takes for another value are none.
var (
	wordForm = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*([./-][A-Za-z0-9_]+)*$`)
	oddWords = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity"}
)

func isWord(s string) bool {
	return wordForm.MatchString(s) && !slices.Contains(oddWords, strings.ToLower(s))
}

// scalarText writes a plain or quoted scalar with the quotes it needs.
func (p *printer) scalarText(t *syntax.Tree) string {
	raw := t.Span.Text()
	switch {
	case t.Style != syntax.QuotedStyle || hasBreak(raw):
		return raw
	case isWord(t.Text):
		return t.Text
	case raw != "" && raw[0] == '\'' && isEasy(t.Text):
		return `"` + t.Text + `"`
	}
	return raw
}

// isEasy tells whether a text needs no escape in double quotes.
func isEasy(s string) bool {
	for _, r := range s {
		if r == '"' || r == '\\' || !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

// key writes a key.
func (p *printer) key(t *syntax.Tree) string {
	if t.Alias != "" {
		return "*" + t.Alias
	}
	return with(t.Props, p.scalarText(t))
}

// splitLines cuts a text at its line ends.
func splitLines(s string) []string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(s, "\r", "\n"), "\n")
}

// block prints a block scalar in this column. Its lines stay as they are, but for their indentation.
func (p *printer) block(t *syntax.Tree, code string, column int) {
	text := t.Span.Text()
	open := !hasBreak(text[max(0, len(text)-1):])
	lines := splitLines(text)
	if !open {
		lines = lines[:len(lines)-1]
	}
	p.add(with(code, blockHeader(lines[0], t.Text)), "")
	for _, s := range lines[1:] {
		if len(s) >= t.Indent && strings.Trim(s[:t.Indent], " ") == "" {
			s = s[t.Indent:]
		} else {
			s = strings.TrimLeft(s, " ")
		}
		if s != "" {
			s = spaces(max(column, indent)) + s
		}
		p.add(s, "")
	}
	p.lines[len(p.lines)-1].keep = strings.Contains(headerWord(lines[0]), "+")
}

// headerWord is | or > with what follows it up to a blank.
func headerWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	word, _, _ = strings.Cut(word, "\t")
	return word
}

// blockHeader writes what stands behind | or >: the indentation that the lines now have, if it has to be said, and how the
// text ends. A text that the end of the file cut off before its line end says so.
func blockHeader(raw, text string) string {
	word := headerWord(raw)
	rest := strings.TrimRight(raw[len(word):], " \t")
	end := ""
	switch {
	case strings.Contains(word, "-") || !strings.HasSuffix(text, "\n") && text != "":
		end = "-"
	case strings.Contains(word, "+"):
		end = "+"
	}
	digit := ""
	if strings.ContainsAny(word, "123456789") {
		digit = "2"
	}
	return word[:1] + digit + end + rest
}
