package recipe

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
)

// parseWith reads a recipe named recipes/a.yaml whose imports are in files, by path relative to it.
func parseWith(text, dir string, files map[string]string) (*Recipe, diag.List) {
	var found diag.List
	open := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	src := &diag.Source{Name: "recipes/a.yaml", Text: []byte(text)}
	return Parse(src, testLanguage(), Options{Open: open, Dir: dir}, &found), found
}

// However many files import each other, only so many are read.
func TestImportBounds(t *testing.T) {
	var names []string
	files := map[string]string{}
	for i := range 60 {
		name := fmt.Sprintf("f%d.yaml", i)
		names = append(names, name)
		files[name] = "version: 1\nvars: {v" + fmt.Sprint(i) + ": 1}\n"
	}
	r, found := parseWith("version: 1\nimports: ["+strings.Join(names, ", ")+"]\nmodel: {path: a}\npasses: []\n", "", files)
	if len(r.Imports) != mostImports || found.Count(diag.Error) != 1 || found[0].Code != "too-many" {
		t.Errorf("%d imports, %v", len(r.Imports), found)
	}
	// Files that all import each other: each is read once, and the circles are told.
	for _, name := range names[:6] {
		files[name] = "version: 1\nimports: [" + strings.Join(names[:6], ", ") + "]\n"
	}
	r, found = parseWith("version: 1\nimports: [f0.yaml]\nmodel: {path: a}\npasses: []\n", "", files)
	if len(r.Imports) != 6 || !hasCode(found, "import-cycle") || !hasCode(found, "repeated-import") || len(found) > 60 {
		t.Errorf("%d imports, %d findings", len(r.Imports), len(found))
	}
}

// The recipe itself cannot be imported, whatever its path is called.
func TestImportOfItself(t *testing.T) {
	text := "version: 1\nimports: [../recipes/a.yaml]\nmodel: {path: a}\npasses: []\n"
	_, found := parseWith(text, "recipes", nil)
	if !hasCode(found, "import-cycle") {
		t.Errorf("%v", found)
	}
}

// What a later file says wins, and every path counts from its own file.
func TestImportPrecedence(t *testing.T) {
	r, found := parseWith(`version: 1
imports: [../x/one.yaml, two.yaml]
model: {path: m.onnx}
vars: {c: 3}
`, "recipes", map[string]string{
		"../x/one.yaml": "version: 1\nname: one\nseed: 1\nvars: {a: 1, b: 1, c: 1}\ndata: {d: {images: d.gz, skip: 1}}\nmodel: {manifest: m.json}\npasses: [{id: x, prune: {sparsity: 1%}}]\n",
		"two.yaml":      "version: 1\nname: two\nvars: {b: 2, c: 2}\ndata: {d: {skip: 2}}\npasses: [{id: z, prune: {sparsity: 2%}}]\n",
	})
	if found.HasErrors() {
		t.Fatal(show(t, found))
	}
	d, v := r.Data[0], r.VarFacts()
	if r.Name != "two" || r.Seed != 1 || v["a"] != int64(1) || v["b"] != int64(2) || v["c"] != int64(3) {
		t.Errorf("name %s, seed %d, vars %v", r.Name, r.Seed, v)
	}
	if d.Images != "../x/d.gz" || d.Skip != 2 || r.Model.Path != "m.onnx" || r.Model.Manifest != "../x/m.json" {
		t.Errorf("data %+v, model %+v", d, r.Model)
	}
	if len(r.Steps) != 2 || r.Steps[0].ID != "x" || r.Steps[0].Node.Span.Source.Name != "x/one.yaml" || r.Steps[1].Node.Span.Source.Name != "recipes/two.yaml" {
		t.Errorf("steps %v", r.Steps)
	}
	var paths []string
	for _, text := range r.Texts() {
		paths = append(paths, text.Path)
	}
	if got := strings.Join(paths, " "); got != "recipes/a.yaml x/one.yaml recipes/two.yaml" {
		t.Errorf("texts are %s", got)
	}
}

func TestWhenAtRun(t *testing.T) {
	r := mustParse(t, "imports.yaml")
	for _, s := range r.Steps {
		if want := s.Pass == "quantize"; s.WhenAtRun != want {
			t.Errorf("step %s: when is decided at run: %v", s.ID, s.WhenAtRun)
		}
	}
	if g := r.Steps[2].Gates; len(g) != 2 || g[0].Metric != "top1" || g[0].OnFail != "warn" || g[1].Expr == nil {
		t.Errorf("gates of the step are %v", g)
	}
	if r.Target.Path != "common/targets/phone.yaml" || r.Target.Name != "" || !r.Model.Remote() {
		t.Errorf("target %+v, model %+v", r.Target, r.Model)
	}
}
