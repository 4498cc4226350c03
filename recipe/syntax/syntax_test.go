package syntax

import (
	"fmt"
	"strings"
	"testing"

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

func TestTree(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"kinds", "a: 1\nb:\n  - x\n  -\n  - {c: ~}\n", `mapping "a: 1\nb:\n  - x\n  -\n  - {c: ~}"
  a: plain "1" from "1"
  b: list "- x\n  -\n  - {c: ~}"
      - plain "x" from "x"
      - null at 4:4-4
      - mapping "{c: ~}"
          c: null at 5:9-10
`},
		{"brackets", "a: [1, {b: [], c: {}, }, \"]\", # ]\n ]\nd: x\n", `mapping "a: [1, {b: [], c: {}, }, \"]\", # ]\n ]\nd: x"
  a: list "[1, {b: [], c: {}, }, \"]\", # ]\n ]"
      - plain "1" from "1"
      - mapping "{b: [], c: {}, }"
          b: list "[]"
          c: mapping "{}"
      - "]" from "\"]\""
  d: plain "x" from "x"
`},
		{"aliases and merges", "a: &x {k: 1, l: 2}\nb: *x\nc: {l: 3, <<: *x, m: 4}\nd: {<<: [{k: 5}, *x]}\n", `mapping "a: &x {k: 1, l: 2}\nb: *x\nc: {l: 3, <<: *x, m: 4}\nd: {<<: [{k: 5}, *x]}"
  a: mapping "{k: 1, l: 2}"
      k: plain "1" from "1"
      l: plain "2" from "2"
  b: mapping "{k: 1, l: 2}"
      k: plain "1" from "1"
      l: plain "2" from "2"
  c: mapping "{l: 3, <<: *x, m: 4}"
      l: plain "3" from "3"
      k: plain "1" from "1"
      m: plain "4" from "4"
  d: mapping "{<<: [{k: 5}, *x]}"
      k: plain "5" from "5"
      l: plain "2" from "2"
`},
		{"tags and anchors", "a: !!str &q 8\nb: *q\nc: &e\nd: !!str\ne: &f # c\n  g: 1\n", `mapping "a: !!str &q 8\nb: *q\nc: &e\nd: !!str\ne: &f # c\n  g: 1"
  a: "8" from "8"
  b: "8" from "8"
  c: null at 3:6-6
  d: "" from ""
  e: mapping "g: 1"
      g: plain "1" from "1"
`},
		{"nulls", "a: null\nb: 'null'\nc: NULL\nd: nul\n", `mapping "a: null\nb: 'null'\nc: NULL\nd: nul"
  a: null at 1:4-8
  b: "null" from "'null'"
  c: null at 3:4-8
  d: plain "nul" from "nul"
`},
		{"blocks", "a: |\n  x\n   y\n\nb: >-\n  f\n  g\n\n  h\n   i\n  j\nc: |2+\n    k\n\nd: |\n\n", `mapping "a: |\n  x\n   y\n\nb: >-\n  f\n  g\n\n  h\n   i\n  j\nc: |2+\n    k\n\nd: |"
  a: "x\n y\n" from "|\n  x\n   y\n"
  b: "f g\nh\n i\nj" from ">-\n  f\n  g\n\n  h\n   i\n  j"
  c: "  k\n\n" from "|2+\n    k\n\n"
  d: "" from "|"
`},
		{"quotes", "a: 'it''s\n\n  b'\nc: \"\\\"\\u00e9 \\\n   d\\te\n  f\"\n", `mapping "a: 'it''s\n\n  b'\nc: \"\\\"\\u00e9 \\\n   d\\te\n  f\""
  a: "it's\nb" from "'it''s\n\n  b'"
  c: "\"é d\te f\"" from "..."
`},
		{"fills", "a: {b: ${{ vars.w == \"}\" }}, c: [${{x}}, y${{ {} }}]}\nd: ${{ a ? b : c # d }}\n", `mapping "a: {b: ${{ vars.w == \"}\" }}, c: [${{x}}, y${{ {} }}]}\nd: ${{ a ? b : c # d }}"
  a: mapping "{b: ${{ vars.w == \"}\" }}, c: [${{x}}, y${{ {} }}]}"
      b: plain "${{ vars.w == \"}\" }}" from "${{ vars.w == \"}\" }}"
      c: list "[${{x}}, y${{ {} }}]"
          - plain "${{x}}" from "${{x}}"
          - plain "y${{ {} }}" from "y${{ {} }}"
  d: plain "${{ a ? b : c # d }}" from "${{ a ? b : c # d }}"
`},
		{"CR LF and a byte-order mark", "\ufeffa: b\r\nc: |\r\n  d\r\n  e\r\nf: g\r\n  h\r\n", `mapping "a: b\r\nc: |\r\n  d\r\n  e\r\nf: g\r\n  h"
  a: plain "b" from "b"
  c: "d\ne\n" from "|\r\n  d\r\n  e\r\n"
  f: plain "g h" from "g\r\n  h"
`},
		{"wide runes", "ключ: {漢: \"字\\\\\", b: c}\n", `mapping "ключ: {漢: \"字\\\\\", b: c}"
  ключ: mapping "{漢: \"字\\\\\", b: c}"
      漢: "字\\" from "\"字\\\\\""
      b: plain "c" from "c"
`},
	} {
		root, findings := parseText(c.text)
		if strings.Contains(findings, "error") {
			t.Errorf("%s: %s", c.name, findings)
			continue
		}
		got := outline(root)
		want := strings.Replace(c.want, `"\"é d\te f\"" from "..."`, `"\"é d\te f" from "\"\\\"\\u00e9 \\\n   d\\te\n  f\""`, 1)
		if got != want {
			t.Errorf("%s: got\n%s want\n%s", c.name, got, want)
		}
	}
}

// TestMapped: each scalar of the samples that has a value can be followed.
func TestMapped(t *testing.T) {
	for _, text := range samples {
		root, _ := parseText(text)
		if root != nil && strings.Contains(outline(root), "unmapped") {
			t.Errorf("%q: %s", text, outline(root))
		}
	}
}

func TestSub(t *testing.T) {
	for _, c := range []struct{ text, part, want string }{
		{"a: layer.bit > 4", "layer.bit", "layer.bit"},
		{"a: 'it''s layer.bit'", "layer.bit", "layer.bit"},
		{"a: 'it''s'", "'", "''"},
		{`a: "\u00e9\t x"`, "é", `\u00e9`},
		{`a: "\u00e9\t x"`, "\t x", `\t x`},
		{"a: x &&\n   y", "&& y", "&&\n   y"},
		{"a: x &&\n   y", "y", "y"},
		{"a: >\n  x &&\n  layer.bit\n", "layer.bit", "layer.bit"},
		{"a: |\n  x\n  layer.bit\n", "x\nlayer", "x\n  layer"},
		{"a: \"x\\\n   y\"", "xy", "x\\\n   y"},
		{"a: {b: ${{ vars.x }}}", "vars.x", "vars.x"},
	} {
		root, findings := parseText(c.text)
		if findings != "" {
			t.Errorf("%q: %s", c.text, findings)
		}
		n := root.Get("a")
		if n.Kind == Mapping {
			n = n.Get("b")
		}
		i := strings.Index(n.Text, c.part)
		if got := n.Sub(i, i+len(c.part)).Text(); i < 0 || got != c.want {
			t.Errorf("%q: %q is %q, want %q", c.text, c.part, got, c.want)
		}
	}
}

func TestSubEdges(t *testing.T) {
	root, _ := parseText("a: \"b\\u00e9\"\nc: \"\"\nd: [e]\nf: \"\xff\"\n")
	n := root.Get("a")
	whole := n.Span.Text()
	for _, c := range []struct {
		i, j int
		want string
	}{{0, 3, `b\u00e9`}, {1, 2, `\u00e9`}, {2, 3, `\u00e9`}, {-1, 1, whole}, {0, 4, whole}, {2, 1, whole}, {0, 0, ""}, {3, 3, ""}} {
		if got := n.Sub(c.i, c.j).Text(); got != c.want {
			t.Errorf("Sub(%d, %d) = %q, want %q", c.i, c.j, got, c.want)
		}
	}
	if s := n.Sub(3, 3); s.Start != n.Span.End-1 {
		t.Errorf("the end is at %d of %v", s.Start, n.Span)
	}
	if s := root.Get("c").Sub(0, 0); s != root.Get("c").Span {
		t.Errorf("in nothing: %v", s)
	}
	if s := root.Get("d").Sub(0, 1); s != root.Get("d").Span {
		t.Errorf("in a list: %v", s)
	}
	var none *Node
	if s := none.Sub(0, 1); !s.IsZero() {
		t.Errorf("of nil: %v", s)
	}
}

func TestAlias(t *testing.T) {
	root, _ := parseText("a: &x {k: 1}\nb: *x\n")
	b := root.Get("b")
	if b.Span != root.Get("a").Span || b.Alias.Text() != "*x" || b.Alias.String() != "r.yaml:2:4" || !root.Get("a").Alias.IsZero() {
		t.Errorf("alias %v of %v", b.Alias, b.Span)
	}
}

func TestAt(t *testing.T) {
	root, _ := parseText("weights: {group_size: 64}\nlosses:\n  - weight: 0.9\n\"a.b\": {\"c\": 1}\n")
	for path, want := range map[string]string{
		"":                     root.Span.Text(),
		"weights.group_size":   "64",
		"weights.type":         "{group_size: 64}",
		"losses.0.weight":      "0.9",
		"losses.1.weight":      "- weight: 0.9",
		"losses.x":             "- weight: 0.9",
		"losses.0.weight.deep": "0.9",
		"a.b.c":                "1",
		"nothing.at.all":       root.Span.Text(),
		"weights.":             "{group_size: 64}",
		"..":                   root.Span.Text(),
	} {
		if got := root.At(path).Span.Text(); got != want {
			t.Errorf("At(%q) = %q, want %q", path, got, want)
		}
	}
	var none *Node
	if none.At("a") != nil {
		t.Error("At of nil")
	}
}

func TestMerge(t *testing.T) {
	root, _ := parseText("base: {a: 1, w: {t: int8, g: 64}, l: [1, 2], n: {x: 1}}\nover: {w: {t: int4}, l: [3], n: ~, z: 9}\n")
	base, over := root.Get("base"), root.Get("over")
	want := `mapping "{w: {t: int4}, l: [3], n: ~, z: 9}"
  a: plain "1" from "1"
  w: mapping "{t: int4}"
      t: plain "int4" from "int4"
      g: plain "64" from "64"
  l: list "[3]"
      - plain "3" from "3"
  n: null at 2:33-34
  z: plain "9" from "9"
`
	before := outline(root)
	if got := outline(Merge(base, over)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if outline(root) != before {
		t.Error("Merge changed its arguments")
	}
	if Merge(nil, over) != over || Merge(base, nil) != base || Merge(base, over.Get("l")) != over.Get("l") || Merge(nil, nil) != nil {
		t.Error("Merge with nil or another kind")
	}
}

func TestHead(t *testing.T) {
	root, _ := parseText("a: [x]\nb:\n  c: 1\n  d: 2\ne:\n  - f\ng: h\n")
	for key, want := range map[string]string{"a": "[", "b": "c", "e": "-", "g": "h"} {
		if got := root.Get(key).Head().Text(); got != want {
			t.Errorf("Head of %s = %q, want %q", key, got, want)
		}
	}
	if got := root.KeySpan("b").Text(); got != "b" {
		t.Errorf("KeySpan = %q", got)
	}
	if got := root.KeySpan("missing").Text(); got != "a" {
		t.Errorf("KeySpan of a missing key = %q", got)
	}
}

func TestFillEnd(t *testing.T) {
	for text, want := range map[string]int{
		"${{ vars.x }}":         13,
		"${{x}} b":              6,
		`${{ vars.a == "}}" }}`: 21,
		"${{ a matches `}}` }}": 21,
		`${{ "it's" }}`:         13,
		`${{ "a\"}}" }}`:        14,
		"${{ `a\\` }}":          11,
		"${{ x' }}":             9,
		"${{}}":                 5,
		"${{ x":                 -1,
		"${{ y }":               -1,
	} {
		if got := fillEnd([]byte(text), 0); got != want {
			t.Errorf("%s ends at %d, want %d", text, got, want)
		}
	}
}

// TestLimits: a text that is too much of anything is refused in a moment, with one finding.
func TestLimits(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 8), i-1)
	}
	for _, c := range []struct{ name, text, want string }{
		{"large", "a: " + strings.Repeat("x", 1<<20), "1:1-1 error yaml-too-large: the text has 1048579 bytes; a recipe may have up to 1048576 (1 MiB)"},
		{"10 MB scalar", "a: " + strings.Repeat("x", 10<<20), "1:1-1 error yaml-too-large: the text has 10485763 bytes; a recipe may have up to 1048576 (1 MiB)"},
		{"brackets", strings.Repeat("[", 101) + strings.Repeat("]", 101), "1:101-102 error yaml-too-deep: nested 101 levels deep; a recipe may have up to 100"},
		{"many brackets", strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001), "1:101-102 error yaml-too-deep: nested more than 100 levels deep; a recipe may have up to 100"},
		{"open brackets", strings.Repeat("[", 5000), "1:1-2 error yaml-syntax: [ is not closed"},
		{"dashes", strings.Repeat("- ", 10_001) + "a", "1:1-20004 error yaml-too-deep: nested far too deep; a recipe may have up to 100 levels"},
		{"values", strings.Repeat("-\n", 100_001), "100000:2-2 error yaml-too-large: more than 100000 values up to here; a recipe may not have more"},
		{"items", strings.Repeat("- a\n", 100_000), "75000:4-4 error yaml-too-large: more than 150000 words and signs up to here; a recipe may not have more"},
		{"bomb", bomb, "6:10-13 error yaml-too-large: with what *a4 brings in, more than 100000 values up to here; a recipe may not have more"},
		{"aliases", "a: &x 1\nb:\n" + strings.Repeat("  - *x\n", 1001), "1003:5-7 error yaml-too-large: more than 1000 aliases; a recipe may have up to 1000"},
		{"anchors", many(65, "a%[1]d: &a%[1]d 1\n"), "65:6-10 error yaml-too-large: more than 64 anchors; a recipe may have up to 64"},
		{"deep alias", "a: &x " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "\nb: " + strings.Repeat("[", 60) + "*x" + strings.Repeat("]", 60),
			"2:64-66 error yaml-too-deep: with what *x brings in, values are nested 121 levels deep; a recipe may have up to 100"},
	} {
		root, findings := parseText(c.text)
		if root != nil || strings.TrimSuffix(findings, "\n") != c.want {
			t.Errorf("%s: root %v\n got  %.300s\n want %s", c.name, root != nil, findings, c.want)
		}
	}
}
