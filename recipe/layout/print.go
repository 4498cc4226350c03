package layout

import (
	"strings"
	"unicode/utf8"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

const (
	indent = 2
	widest = 120 // columns of a line with brackets
)

// line is one line of the result. Comments are put behind the code when all lines are known.
type line struct {
	code, comment string
	keep          bool // the last line of a block scalar to which blank lines behind it belong
}

type printer struct {
	src   *diag.Source
	lines []line
}

// print writes a document. Every line ends with LF.
func print(src *diag.Source, r *root) []byte {
	p := &printer{src: src}
	p.comments(r.header, 0)
	if r.gap && len(r.header) > 0 {
		p.blank()
	}
	p.document(r.body)
	p.comments(r.foot, 0)
	return join(p.lines)
}

func (p *printer) add(code, comment string) {
	p.lines = append(p.lines, line{code: code, comment: comment})
}

// blank adds a blank line, unless one is there, nothing is above it, or it would become a part of a block scalar.
func (p *printer) blank() {
	if n := len(p.lines); n > 0 && !p.lines[n-1].keep && p.lines[n-1] != (line{}) {
		p.add("", "")
	}
}

// comments adds lines of comments with the blank lines between them; the first has none above it if nothing is.
func (p *printer) comments(list []comment, column int) {
	for _, c := range list {
		if c.blank {
			p.blank()
		}
		p.add(spaces(column)+c.text, "")
	}
}

func spaces(n int) string { return strings.Repeat(" ", n) }

// document prints the value of the document.
func (p *printer) document(n *node) {
	if !p.opens(n, "") {
		p.value(n, n.tree.Props, "", -indent)
		return
	}
	if n.tree.Props != "" {
		p.add(n.tree.Props, "")
	}
	p.entries(n, "", 0, true)
}

// entries prints the entries of a collection in lines, each beginning in this column; the first stands behind lead, if
// there is one. Among sections those of several lines are parted by blank lines.
func (p *printer) entries(n *node, lead string, column int, sections bool) {
	long := false // the section before has several lines
	for i, e := range n.entries {
		from := len(p.lines)
		e.hoist(p)
		p.comments(e.head, column)
		if len(e.head) > 0 && e.blank {
			p.blank()
		}
		code := lead
		if i > 0 || lead == "" {
			code = spaces(column)
		}
		head := len(p.lines)
		if e.key == nil {
			p.value(e.value, code+"-", e.line, column)
		} else {
			p.value(e.value, code+p.key(e.key)+":", e.line, column)
		}
		p.comments(e.under, column+indent)
		wasLong := long
		long = len(p.lines)-head > 1
		if i > 0 && (e.spaced() || sections && (long || wasLong)) {
			p.insertBlank(from)
		}
	}
	p.comments(n.foot, column)
}

// insertBlank puts a blank line before a line that is there, by the rules of blank.
func (p *printer) insertBlank(at int) {
	if before := p.lines[at-1]; before.keep || before == (line{}) || p.lines[at] == (line{}) {
		return
	}
	p.lines = append(p.lines, line{})
	copy(p.lines[at+1:], p.lines[at:])
	p.lines[at] = line{}
}

// hoist moves the head of the first entry of a value that begins in the line of the dash before it to the item itself.
func (e *entry) hoist(p *printer) {
	if e.key != nil || !inLinesNow(e.value, p) || e.value.tree.Props != "" {
		return
	}
	first := e.value.entries[0]
	first.hoist(p)
	e.head = append(e.head, first.head...)
	if first.blank && len(first.head) > 0 {
		e.blank = true
	}
	first.head = nil
}

// inLinesNow tells whether a value is printed as a collection in lines whatever its width.
func inLinesNow(n *node, _ *printer) bool {
	return len(n.entries) > 0 && (n.tree.Style != syntax.FlowStyle || n.broken)
}

// opens tells whether a value is printed in lines, and not behind code in the same line.
func (p *printer) opens(n *node, code string) bool {
	if len(n.entries) == 0 {
		return false
	}
	if inLinesNow(n, p) {
		return true
	}
	return utf8.RuneCountInString(code)+1+utf8.RuneCountInString(p.flow(n)) > widest
}

// value prints a value behind code, which ends with a colon or a dash of a collection in this column.
func (p *printer) value(n *node, code, comment string, column int) {
	t := n.tree
	inner := column + indent
	if p.opens(n, code) {
		sections := p.isSteps(n, code, column)
		if strings.HasSuffix(code, "-") && t.Props == "" && comment == "" {
			p.entries(n, code+" ", inner, sections)
			return
		}
		p.add(with(code, t.Props), comment)
		p.entries(n, "", inner, sections)
		return
	}
	switch {
	case len(n.entries) > 0 || t.Alias != "" || t.Kind == syntax.Sequence || t.Kind == syntax.Mapping:
		p.add(with(code, p.flow(n)), comment)
	case t.Style == syntax.BlockStyle:
		p.block(t, with(code, t.Props), inner)
		if comment != "" {
			p.add(spaces(column)+comment, "")
		}
	default:
		p.scalar(t, with(code, t.Props), comment, inner)
	}
}

// isSteps tells whether a value is the list of steps.
func (p *printer) isSteps(n *node, code string, column int) bool {
	return column == 0 && code == "passes:" && n.tree.Kind == syntax.Sequence
}

// with puts words behind code, with a blank between.
func with(code, words string) string {
	if code == "" || words == "" {
		return code + words
	}
	return code + " " + words
}

// scalar prints a plain or quoted scalar, whose lines stay as they are.
func (p *printer) scalar(t *syntax.Tree, code, comment string, column int) {
	lines := splitLines(p.scalarText(t))
	for i, s := range lines {
		s = strings.Trim(s, " \t")
		switch {
		case i == 0:
			s = with(code, s)
		case s != "":
			s = spaces(max(column, indent)) + s
		}
		if i < len(lines)-1 {
			p.add(s, "")
		} else {
			p.add(s, comment)
		}
	}
}

// flow writes a value in one line.
func (p *printer) flow(n *node) string {
	t := n.tree
	words := make([]string, len(n.entries))
	for i, e := range n.entries {
		words[i] = p.flow(e.value)
		if e.key != nil {
			words[i] = p.key(e.key) + ": " + words[i]
		}
	}
	switch {
	case t.Alias != "":
		return with(t.Props, "*"+t.Alias)
	case t.Kind == syntax.Sequence:
		return with(t.Props, "["+strings.Join(words, ", ")+"]")
	case t.Kind == syntax.Mapping:
		return with(t.Props, "{"+strings.Join(words, ", ")+"}")
	}
	return with(t.Props, p.scalarText(t))
}

// join puts the lines together, with the comments of lines that follow one another below each other.
func join(lines []line) []byte {
	var b strings.Builder
	for i := 0; i < len(lines); {
		width := utf8.RuneCountInString(lines[i].code)
		end := i + 1
		if lines[i].comment != "" && width <= alignable {
			for end < len(lines) && lines[end].comment != "" {
				w := utf8.RuneCountInString(lines[end].code)
				if w > alignable {
					break
				}
				width = max(width, w)
				end++
			}
		}
		for ; i < end; i++ {
			b.WriteString(lines[i].code)
			if lines[i].comment != "" {
				b.WriteString(spaces(width-utf8.RuneCountInString(lines[i].code)+2) + lines[i].comment)
			}
			b.WriteByte('\n')
		}
	}
	return []byte(b.String())
}

// alignable is the width of the longest line whose comment stands below others.
const alignable = 72
