package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// fullWriter is like a file on a disk that is full after some bytes: nothing that is written after that arrives.
type fullWriter struct{ after int }

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.after < len(p) {
		n := w.after
		w.after = 0
		return n, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	}
	w.after -= len(p)
	return len(p), nil
}

// A command whose output does not arrive, none of it or not the end, exits 3 and says so in one line, whatever it found.
func TestOutputFull(t *testing.T) {
	dir := recipeFolder(t)
	recipe, model, out := filepath.Join(dir, "small.yaml"), filepath.Join(dir, "model.onnx"), filepath.Join(dir, "dist")
	bad := filepath.Join(dir, "bad.yaml")
	write(t, bad, []byte("version:   1\nname: x\nmodel: {path: model.onnx}\npasses:\n  - fold: {}\ngates:\n  - {expect: artifact.bytes < 1kB}\noutputs:\n  - {path: out.onnx}\n"))
	broken := filepath.Join(dir, "broken.yaml")
	write(t, broken, []byte("version: 1\nnme: x\n"))
	write(t, filepath.Join(dir, "small_test.yaml"), []byte("cases:\n  - name: a case\n    expect:\n      steps: {quantize: left_out}\n"))
	if code, said := run(t, nil, "build", recipe, "--out", out, "--quiet", "--no-cache"); code != exitFine {
		t.Fatal(said)
	}
	commands := [][]string{
		{"help"}, {"help", "build"}, {"build", "--help"}, {"--version"},
		{"lint", recipe}, {"lint", broken, "--format", "json"}, {"lint", broken, "--format", "sarif"}, {"lint", broken, "--format", "github"},
		{"fmt", bad, "--diff"}, {"fmt", bad, "--check"},
		{"plan", recipe}, {"plan", recipe, "--json"}, {"plan", recipe, "--graph", "dot"}, {"plan", recipe, "--graph", "mermaid"},
		{"explain", recipe, "stem"}, {"explain", recipe, "stem", "--json"},
		{"diff", recipe, bad}, {"diff", recipe, bad, "--json"}, {"diff", recipe, bad, "--markdown"},
		{"test", recipe}, {"test", recipe, "-v"},
		{"build", recipe, "--out", out, "--quiet", "--no-cache"}, {"build", recipe, "--out", out, "--no-cache"},
		{"build", bad, "--out", filepath.Join(dir, "gate"), "--quiet", "--no-cache"},
		{"lock", recipe}, {"lock", recipe, "--update"}, {"verify", out, "--recipe", recipe},
		{"eval", model, "--data", recipe + ":test"}, {"eval", model, "--data", recipe + ":test", "--json"},
		{"inspect", model}, {"inspect", model, "--json"}, {"manifest", model},
		{"cache", "path"}, {"cache", "ls", "--cache", filepath.Join(dir, "none")}, {"cache", "gc", "--cache", filepath.Join(dir, "none")},
		{"cache", "verify", "--cache", filepath.Join(dir, "none")},
		{"init", "--example", "fashion", filepath.Join(dir, "new")}, {"list"}, {"list", "passes"}, {"list", "quantize"}, {"list", "onnx-portable"},
		{"schema"}, {"completion", "bash"}, {"version"},
	}
	for _, v := range verbs {
		if v.name != "lsp" && !slices.ContainsFunc(commands, func(c []string) bool { return c[0] == v.name }) {
			t.Errorf("pare %s is not in this table", v.name)
		}
	}
	for _, args := range commands {
		var first, stdout, stderr bytes.Buffer
		if code := MainOn(nil, slices.Clone(args), &stdout, &first); stdout.Len() == 0 || code == exitUsage {
			t.Errorf("pare %s: exit code %d, and prints %q\n%s", strings.Join(args, " "), code, &stdout, &first)
			continue
		}
		if args[0] == "init" {
			if err := os.RemoveAll(args[3]); err != nil {
				t.Fatal(err)
			}
		}
		for _, after := range []int{0, stdout.Len() - 1} {
			stderr.Reset()
			if code := MainOn(nil, slices.Clone(args), &fullWriter{after}, &stderr); code != exitMachine {
				t.Errorf("pare %s: exit code %d when %d bytes of its output arrive\n%s", strings.Join(args, " "), code, after, &stderr)
			} else if lines := strings.Split(strings.TrimSpace(stderr.String()), "\n"); !strings.HasSuffix(lines[len(lines)-1], "no space left on device") {
				t.Errorf("pare %s says\n%s", strings.Join(args, " "), &stderr)
			}
			if args[0] == "init" {
				os.RemoveAll(args[3])
			}
		}
	}
}
