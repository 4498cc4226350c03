package evaluate

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pare-ml/pare/internal/lazyregexp"
)

// longest is how many characters of a name or text are printed; the middle of a longer one is left out.
const longest = 400

// plain makes a name or text safe for a terminal and for a line of a log: control characters, those that turn the
// direction of writing, line separators and broken UTF-8 become escapes. The text stays on one line.
func plain(s string) string {
	var b strings.Builder
	for _, r := range clip(strings.ToValidUTF8(s, "\uFFFD")) {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80 && unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case r != ' ' && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func clip(s string) string {
	if len(s) <= longest || utf8.RuneCountInString(s) <= longest {
		return s
	}
	r := []rune(s)
	return string(r[:longest*3/4]) + "…" + string(r[len(r)-longest/4:])
}

// defuse keeps a line of a log from being a command to the machine that runs the build: GitHub takes lines that begin
// with :: and lines that hold ##[.
func defuse(line string) string {
	if rest := strings.TrimLeft(line, " "); strings.HasPrefix(rest, "::") {
		line = line[:len(line)-len(rest)] + `\x3a` + rest[1:]
	}
	return strings.ReplaceAll(line, "##[", `#\x23[`)
}

// MarkdownText makes text safe inside a line or a table cell of GitHub's Markdown.
func MarkdownText(s string) string { return markdown(s) }

// MarkdownCode is text in the form of code, safe inside a line or a table cell.
func MarkdownCode(s string) string { return code(s) }

// markdown makes text safe inside a line or a table cell of GitHub's Markdown: whatever could be markup becomes an
// entity. GitHub looks for people to notify, issues to link and emoji in the finished page, where an entity is long
// gone, but not inside code: so @, # and the colon of :smile: become code.
func markdown(s string) string { return entities(plain(s), false) }

// code is text in the form of code, in which nothing is markup. Backquotes would not do: in tables a | ends them.
func code(s string) string { return "<code>" + entities(plain(s), true) + "</code>" }

func entities(s string, inCode bool) string {
	var b strings.Builder
	before := ' '
	for i, r := range s {
		rest := s[i+utf8.RuneLen(r):]
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '@', r == '#', r == ':' && shortcode.MatchString(rest):
			if inCode {
				fmt.Fprintf(&b, "&#%d;", r)
			} else {
				fmt.Fprintf(&b, "<code>&#%d;</code>", r)
			}
		case strings.ContainsRune("|`*[]\\~$", r), // markup and mathematics
			r == '_' && !(wordRune(before) && wordRune(first(rest))),               // emphasis, if not inside a word
			r == ':' && first(rest) == '/',                                         // http://
			r == '.' && unicode.ToLower(before) == 'w',                             // www.
			i == 0 && (r == '-' || r == '+') && (rest == "" || first(rest) == ' '): // lists
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

// shortcode matches what follows the first colon of an emoji.
var shortcode = lazyregexp.New(`^[A-Za-z0-9_+-]+:`)

func first(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
