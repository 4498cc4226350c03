package syntax

import (
	"fmt"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
)

// parseText parses a text and returns its root and its findings, one a line: "line:col-line:col severity code: message",
// with the related places after them.
func parseText(text string) (*Node, string) {
	src := &diag.Source{Name: "r.yaml", Text: []byte(text)}
	var list diag.List
	root := Parse(src, &list)
	list.Sort()
	return root, show(list)
}

func show(list diag.List) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "%s %s %s: %s\n", extent(d.Span), d.Severity, d.Code, d.Message)
		for _, r := range d.Related {
			fmt.Fprintf(&b, "  %s %s\n", extent(r.Span), r.Message)
		}
	}
	return b.String()
}

func extent(s diag.Span) string {
	line, column := s.Source.Position(s.Start)
	endLine, endColumn := s.Source.Position(s.End)
	if line == endLine {
		return fmt.Sprintf("%d:%d-%d", line, column, endColumn)
	}
	return fmt.Sprintf("%d:%d-%d:%d", line, column, endLine, endColumn)
}

// outline writes a tree with the text under each span.
func outline(n *Node) string {
	var b strings.Builder
	writeOutline(&b, n, "")
	return b.String()
}

func writeOutline(b *strings.Builder, n *Node, indent string) {
	switch n.Kind {
	case Null:
		fmt.Fprintf(b, "null at %s\n", extent(n.Span))
	case Scalar:
		mark := ""
		if n.Plain {
			mark = "plain "
		}
		if len(n.runs) == 0 && n.Text != "" {
			mark += "unmapped "
		}
		fmt.Fprintf(b, "%s%q from %q\n", mark, n.Text, n.Span.Text())
	case Sequence:
		fmt.Fprintf(b, "list %q\n", n.Span.Text())
		for _, c := range n.Items {
			b.WriteString(indent + "  - ")
			writeOutline(b, c, indent+"    ")
		}
	case Mapping:
		fmt.Fprintf(b, "mapping %q\n", n.Span.Text())
		for _, p := range n.Pairs {
			fmt.Fprintf(b, "%s  %s: ", indent, p.Key.Text)
			writeOutline(b, p.Value, indent+"    ")
		}
	}
}

// samples are texts of every kind: seeds of the fuzz target, and each must be mapped byte for byte if it is right.
var samples = []string{
	"a: 1\nb:\n  - x\n  - {type: ${{ vars.w }}, g: 64}\n  -\nc: |\n  foo\n   bar\n\nd: 'it''s'\n",
	"a: &x {k: [1, 2, ], }\nb: *x\nc: {<<: *x, z: ~}\n",
	"a: !!str &q 8\nb: *q\nc: &e\nd: !foo [x]\n",
	"---\na: \"x\\n\\u00e9 y\n  z\"\n...\n---\nb: 2",
	"a: >-\n  folded\n  text\n\n  more\n   ind\n\n  x\nb: plain\n  cont\n\n  inued # c\n",
	"when: ${{ a ? \"x: y # z\" : b }}\nw: \"${{ vars.a == \\\"x\\\" }}\"\n",
	"\ufeffa: b\r\nc: |2+\r\n    x\r\n\r\n# end\r\n",
	"a: &a [*a]\n", "a: &a {<<: *a}\n", "? [x]\n: y\n? b\n", "a: 1\na: 2\n", "%YAML 1.2\n---\na: @x\n",
	"a: \"x\\\n   y\\\n\n  \\t z\"\n", "- - - a\n  - b\n-\n - c: d\n", "a: [b: c, {d}, \"e\": f]\n", "a:\n\t- b\n", "a: *.conv\n",
	"a: >\n\n\n  x\n\n   y\n\n\n  z\n\n", "a: |-\n\n", "a: |+\n\n\n", "k\u00e9: v\u00e4 # \u6f22\nl: \"\\xe9\\U0001F600\"\n", "a: 'x\n\n  y'\n",
	"!!map {a: !!str, b: !!int 3}\n", "a: b: c\n", "[a\n", "a: \"b\n", "{a: b]\n", "a:\n  b: 1\n c: 2\n",
}
