package syntax

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
)

var update = flag.Bool("update", false, "write testdata/findings.txt")

// slips are texts that are wrong. What is said about each stands in testdata/findings.txt, to be read in review.
var slips = []string{
	"a: *.conv1\n", "targets: [*.conv, b]\n", "targets: [**.{a,b}]\n", "a: *conv\n", "a: &x 1\nb: *xy\n", "a: &x. 1\n", "a: @x\n", "a: `x`\n", "a: %x\n", "a:\n\tb: 1\n", "a: |\n\tb\n", "a: x\n\ty\n",
	"a: b: c\n", "a: b\n  c: d\n", "a:\n  b: 1\n c: 2\n", "a: 1\nfoo\nb: 2\n", "a: 1\nfoo:bar\nb: 2\n", "a: 1\nfoo = bar\nb: 2\n", "a: \"x\" y\n", "when: \"conv\" == layer.type\nb: 1\n", "a: [x] y\n", "a: 1\n- b\n", "- b\na: 1\n", "a:\n  - b\n  c: 1\n", "a: - b\n",
	"a: [x, y\nb: 1\n", "a: [x, y}\n", "{a: 1\n", "a: {b: 1, c: [2}\n", "a: [x \"y\"]\n", "a: {b: 1 \"c\": 2}\n", "a: [x,, y]\n", "a: ]\n", "a: [,]\n", "a: \"b\n", "a: 'b\nb: 'c'\n", "a: \"foo\nb: \"bar\"\nc: 1\n", "a: \"conv\\d\"\n", "a: \"x\\u12\"\n", "when: >= 3\n", "a: |foo\n", "a: !foo!bar x\n", "a: !<x y\n", "  a: 1\nb: 2\n", "? a\n: b\n", "foo\nbar: 1\n", "a: 1\n...\nb: 2\n", "[a]\nb: 1\n",
	"a: [x\nb: 1\nc: @d\nd:\n  - e: f: g\n", "passes:\n- id: a\n  x: @y\n- id: b\n  z: `w\n", "a: *x y\n", "a: &b *c\n", "key: - x\n", "a: b # c: d\n e: f\n", "!layer.tied\n", "a: !layer.tied && x\n", "a: [b: c: d]\n", "a: {x: y: z}\n", "a: 'it's'\n", "a:b\nc: d\n", "\"a\" : b\n\"c\" d\n", "a: 1\n b: 2\n", "- a\n - b\n", "a: [\n- x\n]\n", "a: ${{ x\n", "a: {b: ${{ c }\n", "x: {y: ${{ \"}\" }}, z: 1}\n", "a: \"x\"y\n", "---\na: 1\n---\nb: @\n", "a: ! x\n", "a: !!binary aGk=\n",
	"a: 1\na: 2\n'a': 3\n", "a: &a [*a]\n", "a: &a {<<: *a}\n", "a: &b {c: *b}\n", "a: 1\n<<: 3\n", "a: &x [1]\nb: {<<: *x}\n", "a: &x {k: 1}\nb: {<<: *x, <<: *x}\n", "<<:\n", "[a]: 1\n", "{a: b}: 1\n", "~: 1\n", ": 1\n", "a: &x b\n*x : c\n",
	"a: &x 1\nb: &x 2\nc: *x\n", "", "# c\n", "---\n", "a: !!int 3\n", "a: !!str\n", "%YAML 1.2\n---\na: 1\n", "%TAG ! !\n%FOO\na: 1\n",
	"a: b\x00c\n", "a: \xff\n", "\ufeffa: 1\n", "a: \ufeffb\n", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\n", "a: \u202eb\n", "a: b\u2028c\n", "\xff\xfea\x00", "a\x00:\x00 \x00", "a: \x7f\x1b\u0085\n", strings.Repeat("\x00", 12), "a: @\na: 1\nb: 1\nb: 2\n", "a: &x @\nb: *x\n",
}

func TestFindings(t *testing.T) {
	var b bytes.Buffer
	for _, text := range slips {
		src := &diag.Source{Name: "r", Text: []byte(text)}
		var list diag.List
		usable := "no document"
		if Parse(src, &list) != nil {
			usable = "document"
		}
		list.Sort()
		fmt.Fprintf(&b, "=== %q: %s\n", text, usable)
		if err := diag.WriteText(&b, list, diag.TextOptions{Excerpt: true}); err != nil {
			t.Fatal(err)
		}
		checkFindings(t, src, list)
	}
	golden := filepath.Join("testdata", "findings.txt")
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("line %d of %s\n got  %s\n want %s", i+1, golden, gotLines[i], wantLines[i])
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Fatalf("%d lines, want %d", len(gotLines), len(wantLines))
	}
}
