package recipe

import (
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// zeroToOne migrates from a version of the language that there never was: it said steps for passes, and in a gate
// dataset for data.
var zeroToOne = Migration{
	From: 0,
	Doc:  "steps is called passes, and dataset of a gate data",
	Edits: func(root *syntax.Node) []diag.Edit {
		edits := RenameKey(root, "steps", "passes")
		if gates := root.Get("gates"); gates != nil {
			for _, g := range gates.Items {
				edits = append(edits, RenameKey(g, "dataset", "data")...)
			}
		}
		return edits
	},
}

const versionZero = `# What the product ships.
version: 0 # old

model: {path: a.onnx}
data:
  test: {images: test.gz}   # 10,000 images
steps:
  # thin it
  - prune: {sparsity: 50%}
gates:
  - {metric: top1, dataset: test, threshold: 90%} # as agreed
outputs: [{path: b.onnx}]
`

func TestMigrate(t *testing.T) {
	src := &diag.Source{Name: "old.yaml", Text: []byte(versionZero)}
	text, changed, found := Migrate(src, testLanguage())
	want := strings.NewReplacer("version: 0", "version: 1", "steps:", "passes:", "dataset:", "data:").Replace(versionZero)
	if string(text) != want || !changed || len(found) != 1 || found[0].Code != "version-migrated" {
		t.Errorf("%v, %v:\n%s", changed, found, text)
	}
	if _, found := parse("t", string(text)); len(found) > 0 {
		t.Error(show(t, found))
	}
	again, changed, found := Migrate(&diag.Source{Name: "new.yaml", Text: text}, testLanguage())
	if string(again) != want || changed || len(found) > 0 {
		t.Errorf("a second time: %v, %v:\n%s", changed, found, again)
	}
}

func TestMigrateRefuses(t *testing.T) {
	for text, code := range map[string]string{
		"version: 7\n":            "unknown-version",
		"version: -1\n":           "unknown-version",
		"version: one\n":          "",
		"":                        "",
		"passes: []\n":            "",
		"version: 0\nsteps: [\n":  "",
		"version: 1\nsteps: []\n": "",
		"&a version: 0\n":         "version-migrated",
	} {
		got, _, found := Migrate(&diag.Source{Name: "t", Text: []byte(text)}, testLanguage())
		if code == "" && len(found) > 0 || code != "" && (len(found) != 1 || found[0].Code != code) {
			t.Errorf("%q: %v", text, found)
		}
		if code != "version-migrated" && string(got) != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	// A migration whose edits meet leaves the text as it is.
	lang := testLanguage()
	lang.Migrations = []Migration{{From: 0, Edits: func(root *syntax.Node) []diag.Edit {
		return []diag.Edit{{Span: root.Span, New: "x"}}
	}}}
	src := &diag.Source{Name: "t", Text: []byte(versionZero)}
	if text, changed, found := Migrate(src, lang); string(text) != versionZero || changed || found[0].Code != "migration-fails" {
		t.Errorf("%v, %v", changed, found)
	}
}

func FuzzMigrate(f *testing.F) {
	f.Add(versionZero)
	f.Add("version: 0\nsteps: &a []\ngates: [{dataset: x}]")
	f.Fuzz(func(t *testing.T, text string) {
		got, changed, found := Migrate(&diag.Source{Name: "t", Text: []byte(text)}, testLanguage())
		checkSpans(t, found)
		if changed == (string(got) == text) {
			t.Fatalf("changed is %v, from %q to %q", changed, text, got)
		}
		if _, again, _ := Migrate(&diag.Source{Name: "t", Text: got}, testLanguage()); changed && again {
			t.Fatalf("%q is migrated a second time", got)
		}
	})
}
