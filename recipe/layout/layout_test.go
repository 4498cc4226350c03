package layout

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

var update = flag.Bool("update", false, "write the goldens anew")

// testLanguage has two passes with nested parameters.
func testLanguage() *recipe.Language {
	type observer struct {
		Kind       string
		Percentile float64
	}
	type weights struct {
		Type, Granularity string
		Group             int
		Observer          observer
	}
	fields := func(w *weights) schema.Object {
		return schema.Object{Fields: []*schema.Field{
			schema.String(&w.Type, "type", "", "type"),
			schema.String(&w.Granularity, "granularity", "", "granularity"),
			schema.Int(&w.Group, "group_size", 0, "group"),
			schema.Nested("observer", "observer", schema.Object{Short: "kind", Fields: []*schema.Field{
				schema.String(&w.Observer.Kind, "kind", "", "kind"),
				schema.Float(&w.Observer.Percentile, "percentile", 0, "percentile"),
			}}),
		}}
	}
	return &recipe.Language{
		Metrics: []recipe.Word{{Name: "top1", Unit: "share"}},
		Formats: []recipe.Word{{Name: "onnx", Extensions: []string{".onnx"}}},
		Passes: []recipe.PassWord{
			{Name: "fold"},
			{Name: "prune", Fields: func() schema.Object {
				var sparsity float64
				var criterion string
				return schema.Object{Fields: []*schema.Field{
					schema.Ratio(&sparsity, "sparsity", 0, "share"),
					schema.String(&criterion, "criterion", "", "criterion"),
				}}
			}},
			{Name: "quantize", Fields: func() schema.Object {
				var list []weights
				var one weights
				return schema.Object{Fields: []*schema.Field{
					schema.Nested("weights", "weights", fields(&one)),
					schema.List(&list, "more", "more", fields),
				}}
			}},
		},
	}
}

func format(t *testing.T, text string) (string, diag.List) {
	t.Helper()
	var report diag.List
	out := Format(&diag.Source{Name: "r.yaml", Text: []byte(text)}, testLanguage(), &report)
	return string(out), report
}

// TestGolden formats testdata/*.in.yaml and compares with *.out.yaml.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, report := format(t, string(in))
		for _, d := range report {
			t.Errorf("%s: %s: %s", file, d.Span, d.Message)
		}
		golden := strings.TrimSuffix(file, ".in.yaml") + ".out.yaml"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
		}
		check(t, string(in))
	}
}

// check holds Format against its promises.
func check(t *testing.T, text string) {
	t.Helper()
	src := &diag.Source{Name: "r.yaml", Text: []byte(text)}
	var report, again diag.List
	out := Format(src, testLanguage(), &report)
	if out == nil {
		if !report.HasErrors() {
			t.Fatalf("%q is not formatted, and nothing is said", text)
		}
		return
	}
	if len(report) > 0 {
		if !bytes.Equal(out, src.Text) {
			t.Fatalf("%q is changed to %q though it is said to stay", text, out)
		}
		return
	}
	after := &diag.Source{Name: "r.yaml", Text: out}
	if a, b := syntax.Parse(src, nil), syntax.Parse(after, nil); !equal(a, b) {
		t.Fatalf("%q\nmeans something else as\n%q", text, out)
	}
	if a, b := commentsOf(src), commentsOf(after); strings.Join(a, "\n") != strings.Join(b, "\n") {
		t.Fatalf("comments %q became %q", a, b)
	}
	if twice := Format(after, testLanguage(), &again); !bytes.Equal(twice, out) || len(again) > 0 {
		t.Fatalf("not idempotent: %q\nbecomes %q\nand then %q %v", text, out, twice, again)
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"order of sections", "passes: []\nversion: 1\nmodel: {path: a}\n", "version: 1\nmodel: {path: a}\npasses: []\n"},
		{"unknown keys last", "zzz: 1\nversion: 1\naaa: 2", "version: 1\nzzz: 1\naaa: 2\n"},
		{"comments move with their key", "# about seed\nseed: 1 # here\n# about version\nversion: 1\n", "# about version\nversion: 1\n# about seed\nseed: 1  # here\n"},
		{"the file's comment stays", "# the file\n\n# about seed\nseed: 1\nversion: 1\n", "# the file\n\nversion: 1\n# about seed\nseed: 1\n"},
		{"a silence of the file stays", "# pare:allow-file gate-missing because\n# about seed\nseed: 1\nversion: 1\n", "# pare:allow-file gate-missing because\nversion: 1\n# about seed\nseed: 1\n"},
		{"the editor's line stays", "# yaml-language-server: $schema=x\nseed: 1\nversion: 1\n", "# yaml-language-server: $schema=x\nversion: 1\nseed: 1\n"},
		{"a merge key first", "passes: [{prune: {criterion: a, <<: {sparsity: 1}}}]\n", "passes: [{prune: {<<: {sparsity: 1}, criterion: a}}]\n"},
		{"anchors hold the order", "seed: &s 1\nversion: *s\n", "seed: &s 1\nversion: *s\n"},
		{"an anchor used later does not", "passes:\n  - fold: &f {}\n    id: a\n  - fold: *f\n    id: b\n", "passes:\n  - id: a\n    fold: &f {}\n\n  - id: b\n    fold: *f\n"},
		{"steps in one line", "passes: \n- fold: {}\n- fold: {}\n\n\n- fold: {}\n", "passes:\n  - fold: {}\n  - fold: {}\n\n  - fold: {}\n"},
		{"line ends", "\ufeffversion: 1\r\n# c\r\nname: 'x'\r\n", "version: 1\n# c\nname: x\n"},
		{"text without an end", "name: x\ndescription: |+\n  a", "name: x\n\ndescription: |-\n  a\n"},
		{"document markers", "---\nversion: 1\n...\n# end\n", "version: 1\n# end\n"},
		{"quotes that mean something", "name: 'yes'\ndescription: '4%'\nvars: {a: '90MB', b: 'word', c: 'a b', d: \"x'y\"}\n", "name: \"yes\"\ndescription: \"4%\"\nvars: {a: \"90MB\", b: word, c: \"a b\", d: \"x'y\"}\n"},
		{"templates", "passes: [prune: {sparsity: ${{ vars.a }}, criterion: \"${{ vars[\\\"b\\\"] }}\"}]\n", "passes: [{prune: {sparsity: ${{ vars.a }}, criterion: \"${{ vars[\\\"b\\\"] }}\"}}]\n"},
	} {
		if got, report := format(t, c.text); got != c.want || len(report) > 0 {
			t.Errorf("%s: got\n%s\nwant\n%s\n%v", c.name, got, c.want, report)
		}
		check(t, c.text)
	}
}

func TestBrokenTextIsLeftAlone(t *testing.T) {
	for _, text := range []string{"", "a: [1", "a: 1\na: 2", "a: *b", "---\na: 1\n---\nb: 2", "%YAML 1.2\n---\na: 1"} {
		if got, report := format(t, text); got != "" || !report.HasErrors() {
			t.Errorf("%q: got %q, %v", text, got, report)
		}
	}
}

// Texts that are large in odd ways take no odd time.
func TestHostileTexts(t *testing.T) {
	const n = 4_000
	for name, text := range map[string]string{
		"brackets in one line":    "a: [" + strings.Repeat("[],", n) + "] # c\n",
		"mappings in one line":    "a: [" + strings.Repeat("{b: [c]},", n/2) + "]\n",
		"deep":                    strings.Repeat("[", 90) + "a" + strings.Repeat("]", 90),
		"deep and long":           "a: " + strings.Repeat("[bbbbbbbbbbbbbbbbbbbbbbbbbbbbb, ", 90) + strings.Repeat("]", 90),
		"comments":                strings.Repeat("# c\n", n) + "a: 1\n" + strings.Repeat("  # d\n", n),
		"comments in brackets":    "a: [" + strings.Repeat("b, # c\n ", n) + "]\n",
		"blank lines":             "a: 1\n" + strings.Repeat("\n", n*10) + "b: 2\n",
		"steps":                   "passes:\n" + strings.Repeat("- fold: {}\n", n/2),
		"dashes":                  strings.Repeat("- ", 90) + "a",
		"kept lines":              "a: |+\n" + strings.Repeat("  x\n\n", n) + "b: 1\n",
		"keys":                    strings.Repeat("{", 1) + keys(n) + "}",
		"one long line of blanks": "a:" + strings.Repeat(" ", n*10) + "1\n",
	} {
		start := time.Now()
		check(t, text)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s takes %v", name, d)
		} else if testing.Verbose() {
			t.Logf("%s takes %v", name, d)
		}
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1, ", i)
	}
	return b.String()
}

func FuzzFormat(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.in.yaml")
	more, _ := filepath.Glob("../testdata/*/*.yaml")
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, s := range []string{"- - a\n  - b\n- # c\n  - x", "a: |+\n  x\n\n\nb: >2-\n   y", "{a: [b, # c\n d], e: }", "? a\n: b", "a:\n- b\n# c\n- d\n# e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { check(t, text) })
}
