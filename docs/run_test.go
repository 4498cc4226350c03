package docs_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/internal/cli"
	"github.com/pare-ml/pare/recipes"
)

var update = flag.Bool("update", false, "write the outputs on the pages anew")

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The pages whose recipes and outputs are tried. A yaml block is written to a file: that of its first line, `# name.yaml`,
// else recipe.yaml; one without version is a part, and is completed by what the rest of fashion.yaml says. A console
// block is run, `$ pare …` in this process, and what it prints must be what the page shows. A recipe that no console
// block asks about must have no findings.
var pages = []string{"recipe.md", "checks.md", "recipes.md", "review.md", "gates.md", "tests.md", "reproducible.md"}

func TestPages(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, name := range pages {
		path, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			page := read(t, path)
			if got := newRunner(t).run(page); *update && got != page {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// runner tries the blocks of a page, in a folder that holds the example and models of the tests.
type runner struct {
	t *testing.T
}

func newRunner(t *testing.T) *runner {
	dir := t.TempDir()
	for _, e := range recipes.Examples() {
		if err := e.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	models(t, filepath.Join(dir, "models"))
	// The root that inputs may come from is a repository's.
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.WriteFile("rest", []byte(strings.Replace(complete(""), "passes:\n  - fold: {}\n", "passes: [fold: {}]\n", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	return &runner{t}
}

// run tries a page and returns it with the outputs that it should show.
func (r *runner) run(page string) string {
	list := blocks(page)
	var out strings.Builder
	at := 0
	for i, b := range list {
		switch {
		case strings.HasPrefix(b.kind, "yaml"):
			name := r.write(b)
			if name != "" && !asked(list[i+1:], name) {
				r.lint(b, name)
			}
		case b.kind == "console":
			want := r.console(b.text)
			if want != b.text && !*update {
				r.t.Errorf("line %d: the page shows\n%s\nbut it is\n%s", b.line, b.text, want)
			}
			out.WriteString(page[at:b.start] + want)
			at = b.end
		}
	}
	return out.String() + page[at:]
}

var named = regexp.MustCompile(`^# ([A-Za-z0-9_./-]+\.ya?ml)\n`)

// write puts a block into a file and returns the file's name if it holds a recipe.
func (r *runner) write(b block) string {
	name, text := "recipe.yaml", b.text
	whole := strings.Contains(b.kind, "whole") || topLevel(text, "version")
	if m := named.FindStringSubmatch(text); m != nil {
		name = m[1]
	} else if !whole {
		text = complete(text)
		whole = true
	}
	if dir := filepath.Dir(name); dir != "." {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		r.t.Fatal(err)
	}
	if !whole || strings.HasSuffix(name, "_test.yaml") || !topLevel(text, "passes") && b.kind == "yaml" {
		return ""
	}
	return name
}

// asked tells whether a console block speaks of a file before it is written again.
func asked(rest []block, name string) bool {
	for _, b := range rest {
		if b.kind == "console" && strings.Contains(b.text, name) {
			return true
		}
		if m := named.FindStringSubmatch(b.text); strings.HasPrefix(b.kind, "yaml") && (m == nil && name == "recipe.yaml" || m != nil && m[1] == name) {
			return false
		}
	}
	return false
}

// lint demands that a recipe is right. Parts pick few layers, so notes are let through.
func (r *runner) lint(b block, name string) {
	var out bytes.Buffer
	if code := cli.Main([]string{"lint", "--strict", name}, &out, &out); code != 0 {
		r.t.Errorf("line %d: pare lint exits %d\n%s", b.line, code, out.String())
	}
}

// console runs the lines that begin with $ and returns the block with what they print.
func (r *runner) console(text string) string {
	var out strings.Builder
	for _, line := range strings.Split(text, "\n") {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		out.WriteString(line + "\n")
		printed := r.command(command)
		out.WriteString(printed)
		if printed != "" && !strings.HasSuffix(printed, "\n") {
			out.WriteString("\n")
		}
	}
	return out.String()
}

// command runs a line: pare in this process, anything else, and what stands behind a bar, by bash.
func (r *runner) command(line string) string {
	args, isPare := strings.CutPrefix(line, "pare ")
	if !isPare {
		return r.bash(line, "")
	}
	args, rest, piped := strings.Cut(args, " | ")
	var out bytes.Buffer
	cli.Main(strings.Fields(args), &out, &out)
	if piped {
		return r.bash(rest, out.String())
	}
	return out.String()
}

func (r *runner) bash(line, input string) string {
	bash, err := exec.LookPath("bash")
	if err != nil {
		r.t.Skip("no bash")
	}
	cmd := exec.Command(bash, "-c", line)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Errorf("$ %s: %v", line, err)
	}
	return string(out)
}

func topLevel(text, key string) bool {
	return strings.HasPrefix(text, key+":") || strings.Contains(text, "\n"+key+":")
}

// complete adds the keys that a part of a recipe leaves out, below it, so that its lines keep their numbers.
func complete(text string) string {
	for _, k := range []struct{ key, text string }{
		{"version", "version: 1\n"},
		{"model", "model: {path: models/fashion.onnx}\n"},
		{"passes", "passes:\n  - fold: {}\n"},
		{"gates", "gates:\n  - {metric: top1, data: test, max_degradation: 1%, confidence: 95%}\n"},
		{"outputs", "outputs:\n  - {path: small.onnx}\n"},
	} {
		if !topLevel(text, k.key) {
			text += k.text
		}
	}
	if topLevel(text, "data") {
		return text
	}
	sets := []struct{ name, text string }{
		{"train", "{images: data/fashion/train-images.idx.gz, labels: data/fashion/train-labels.idx.gz, samples: 4500, mean: [0.2860], std: [0.3530]}"},
		{"calibration", "{images: data/fashion/train-images.idx.gz, labels: data/fashion/train-labels.idx.gz, skip: 4500, mean: [0.2860], std: [0.3530]}"},
		{"test", "{images: data/fashion/test-images.idx.gz, labels: data/fashion/test-labels.idx.gz, mean: [0.2860], std: [0.3530]}"},
	}
	sets = slices.DeleteFunc(sets, func(s struct{ name, text string }) bool { return !strings.Contains(text, "data: "+s.name) })
	if len(sets) > 0 {
		text += "data:\n"
	}
	for _, s := range sets {
		text += "  " + s.name + ": " + s.text + "\n"
	}
	return text
}
