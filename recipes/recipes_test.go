package recipes_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/internal/cli"
	"github.com/pare-ml/pare/recipes"
)

// runs are the ways in which the recipes are meant to be run, beside their defaults.
var runs = map[string][][]string{
	"fashion.yaml": {nil, {"--set", "distill=false"}},
	"devices.yaml": {nil, {"--set", "device=onnx-portable"}, {"--set", "device=onnxruntime-cpu-x86-avx2"}, {"--set", "device=onnxruntime-cpu-x86-vnni"}},
	"sparse.yaml":  {nil, {"--set", "sparsity=70%", "--set", "steps=400"}},
}

// absent are the recipes whose model is not here: they are held against its manifest.
var absent = []string{"llm-int4.yaml", "llm-gguf.yaml", "llm-fp8.yaml", "llm-sparse.yaml"}

// waiting are the recipes that lint clean and cannot be run yet, with what is missing.
var waiting = map[string]string{
	"llm-sparse.yaml": "data of text to train on, and gradients of a language model's operators",
}

// without drops from what lint prints the note that a manifest was taken for the model.
func without(out string) string {
	var kept []string
	for _, block := range strings.Split(out, "\n\n") {
		if !strings.Contains(block, "[manifest-used]") {
			kept = append(kept, block)
		}
	}
	return strings.Join(kept, "\n\n")
}

// Every recipe is an example, is formatted, lints without a finding and has a plan, in every way that it is meant to run.
func TestRecipes(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.yaml") {
			continue // tests of a recipe, for pare test
		}
		if !slices.ContainsFunc(recipes.Examples(), func(e recipes.Example) bool { return e.Recipe == file }) {
			t.Errorf("%s is no example", file)
		}
		ways := runs[file]
		if ways == nil {
			ways = [][]string{nil}
		}
		for _, set := range ways {
			if slices.Contains(absent, file) {
				code, out := pare(append([]string{"lint", "--strict", file}, set...)...)
				rest := without(out)
				if code != 0 || rest != "" {
					t.Errorf("%s %v: exit %d\n%s", file, set, code, out)
				}
			} else if code, out := pare(append([]string{"lint", "--strict", file}, set...)...); code != 0 || out != "1 recipe: no findings\n" {
				t.Errorf("%s %v: exit %d\n%s", file, set, code, out)
			}
			if code, out := pare(append([]string{"plan", file}, set...)...); code != 0 {
				t.Errorf("%s %v: exit %d\n%s", file, set, code, out)
			}
		}
	}
	for name, missing := range waiting {
		if !slices.Contains(files, name) || missing == "" {
			t.Errorf("%s waits for %q", name, missing)
		}
	}
	for name := range runs {
		if !slices.Contains(files, name) {
			t.Errorf("%s is not there", name)
		}
	}
}

// The recipe that needs no training is built as a user would: from a new folder, with its gates met. Those that train are
// too long for a test; their gates were met when they were written.
func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("a build takes seconds")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "demo")
	if code, out := pare("init", "--example", "int8", dir); code != 0 {
		t.Fatalf("exit %d\n%s", code, out)
	}
	code, out := pare("build", filepath.Join(dir, "int8.yaml"), "--out", filepath.Join(dir, "out"))
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, out)
	}
	if info, err := os.Stat(filepath.Join(dir, "out", "fashion-int8.onnx")); err != nil || info.Size() > 270e3 {
		t.Errorf("the result: %v, %v", info, err)
	}
}

func pare(args ...string) (code int, out string) {
	var b bytes.Buffer
	code = cli.Main(args, &b, &b)
	return code, b.String()
}
