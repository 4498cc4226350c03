package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/store/storetest"
	"github.com/pare-ml/pare/internal/cli"
)

// hostileNames stand in the place of names of layers, byte for byte as long.
var hostileNames = []string{
	"stage1.block1.conv1", "\n::set-output x|\u202e",
	"stage2.block1.short", "<script>\x1b[31m|`@all",
	"stage2.block2.conv1", "\r\n##[error]\x00abx](y)",
}

const hostileRecipe = `version: 1
name: small
description: "a \e[31m\n::set-output name=x::y\n<script>alert(1)</script> | @all \u202e"
model: {path: model.onnx}
vars: {text: "\n::error::x <script> \e[2J | \u202e"}
data:
  train: {images: images.idx, labels: labels.idx, samples: 24}
  test: {images: images.idx, labels: labels.idx, skip: 36}
passes:
  - fold: {}
  - prune: {sparsity: 50%}
    targets: ["type:conv"]
    overrides:
      - {targets: ["re:(?s).*set-output.*"], set: {sparsity: 25%}}
      - {targets: ["re:(?s).*<script>\e.*"], set: {sparsity: 25%}}
  - quantize: {scheme: W8A16}
gates:
  - {metric: agreement, data: test, threshold: 0%, confidence: 95%}
  - {expect: "artifact.bytes > 0 && vars.text != '<script>|'"}
outputs:
  - {path: small.onnx}
`

// What a secret looks like; none may be printed or written.
const canary = "canary-5up3r-s3cr3t"

// Names of a hostile model and texts of a hostile recipe reach no terminal, no log of GitHub and no page as commands or markup;
// secrets of the environment reach nothing at all.
func TestHostileNames(t *testing.T) {
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "HF_TOKEN", "ACTIONS_RUNTIME_TOKEN", "PARE_SECRET"} {
		t.Setenv(name, canary)
	}
	model, images, labels := surroundedFiles(t)
	for i := 0; i < len(hostileNames); i += 2 {
		if len(hostileNames[i]) != len(hostileNames[i+1]) || !bytes.Contains(model, []byte(hostileNames[i])) {
			t.Fatalf("%q cannot stand for %q", hostileNames[i+1], hostileNames[i])
		}
		model = bytes.ReplaceAll(model, []byte(hostileNames[i]), []byte(hostileNames[i+1]))
	}
	dir := t.TempDir()
	t.Chdir(dir)
	for name, data := range map[string][]byte{"recipe.yaml": []byte(hostileRecipe), "model.onnx": model, "images.idx": images, "labels.idx": labels,
		"other.yaml":       []byte(strings.Replace(hostileRecipe, "sparsity: 50%", "sparsity: 75%", 1)),
		"recipe_test.yaml": []byte("cases:\n  - name: \"\\e[31m::x\"\n    expect: {layers: {\"**conv**\": {prune: none}}}\n"),
		"wrong.yaml":       []byte(strings.Replace(hostileRecipe, "  - fold: {}", "  - {fold: {}, when: \"env.GITHUB_TOKEN == '\\e[31m'\"}\n  - \"\\e[31m\\n::x\": {}", 1))} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	commands := [][]string{
		{"build", "recipe.yaml", "--out", "out", "--cache", "cache"}, {"build", "recipe.yaml", "--out", "out", "--cache", "cache"},
		{"lint", "recipe.yaml"}, {"lint", "wrong.yaml"}, {"lint", "wrong.yaml", "--format", "json"}, {"lint", "wrong.yaml", "--format", "sarif"}, {"lint", "wrong.yaml", "--format", "github"},
		{"lint", "recipe.yaml", "--format", "github"}, {"plan", "recipe.yaml"}, {"plan", "recipe.yaml", "--full"}, {"plan", "recipe.yaml", "--json"},
		{"plan", "recipe.yaml", "--graph", "dot"}, {"plan", "recipe.yaml", "--graph", "mermaid"},
		{"explain", "recipe.yaml", hostileNames[1]}, {"explain", "recipe.yaml", hostileNames[3]}, {"explain", "recipe.yaml", "x" + hostileNames[3]}, {"explain", "recipe.yaml", hostileNames[5], "--json"},
		{"diff", "recipe.yaml", "other.yaml"}, {"diff", "recipe.yaml", "other.yaml", "--markdown"}, {"diff", "recipe.yaml", "other.yaml", "--json"},
		{"test", "recipe.yaml", "-v"}, {"lock", "recipe.yaml"}, {"lock", "other.yaml"}, {"verify", "out", "--recipe", "recipe.yaml"}, {"verify", "out", "--recipe", "other.yaml"},
		{"eval", "model.onnx", "--data", "recipe.yaml:test"}, {"inspect", "model.onnx"}, {"inspect", "model.onnx", "--stats"}, {"inspect", "model.onnx", "--json"}, {"manifest", "model.onnx"},
		{"cache", "ls", "--cache", "cache"}, {"lint", "\x1b[31m\n::x.yaml"}, {"\x1b[31m\n::x"}, {"plan", "--\x1b[31m\n::x"},
		{"build", "recipe.yaml", "--set", "text=\x1b[31m\n::x", "--out", "out2", "--cache", "cache"},
		{"build", "recipe.yaml", "--set", "\x1b[31m\n::x=1", "--out", "out2", "--cache", "cache"},
	}
	for _, args := range commands {
		var out, errs bytes.Buffer
		code := cli.MainOn(storetest.Unsynced{}, args, &out, &errs)
		form := args[len(args)-1]
		what := strings.Join(args, " ")
		if args[0] == "build" && len(args) == 6 && code != 0 {
			t.Fatalf("pare %q: exit code %d\n%s%s", what, code, &out, &errs)
		}
		if out.Len()+errs.Len() == 0 && args[0] != "lint" {
			t.Errorf("pare %q prints nothing", what)
		}
		harmless(t, "pare "+what, errs.String(), "text")
		if args[0] == "manifest" {
			form = "--json"
		}
		harmless(t, "pare "+what, out.String(), form)
	}
	for folder, n := range map[string]int{"out": 7, ".": 0, "cache": 0} {
		seen := 0
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(canary)) {
				t.Errorf("%s holds a secret of the environment", path)
			}
			switch {
			case folder != "out":
			case strings.HasSuffix(path, ".md"):
				harmless(t, path, string(text), "--markdown")
			case strings.HasSuffix(path, ".json"):
				harmless(t, path, string(text), "--json")
			}
			seen++
			return err
		})
		if err != nil || seen < n {
			t.Errorf("%s: %d files, %v", folder, seen, err)
		}
	}
}

// ours are the commands to GitHub that pare means.
var ours = regexp.MustCompile(`(?m)^::(error|warning|notice) .*\n`)

// harmless demands of a text that it can drive nothing that shows it.
func harmless(t *testing.T, what, text, form string) {
	t.Helper()
	if strings.Contains(text, canary) {
		t.Errorf("%q prints a secret of the environment", what)
	}
	if form == "github" {
		text = ours.ReplaceAllString(text, "")
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }); i >= 0 {
		t.Errorf("%q prints a control character: %q", what, around(text, i))
	}
	for _, bad := range []string{"\n::", "##[error]"} {
		if i := strings.Index("\n"+text, bad); i >= 0 && form != "--json" && form != "json" && form != "sarif" {
			t.Errorf("%q prints a command: %q", what, around(text, i))
		}
	}
	switch form {
	case "--json", "json", "sarif":
		dec := json.NewDecoder(strings.NewReader(text))
		for dec.More() {
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Errorf("%q prints what is not JSON: %v", what, err)
				return
			}
		}
		return
	case "--markdown", "mermaid", "dot":
		if i := strings.Index(text, "<script>"); i >= 0 && form != "dot" {
			t.Errorf("%q prints markup: %q", what, around(text, i))
		}
	}
	if i := strings.IndexAny(text, "\u202e\u2066\u2028"); i >= 0 {
		t.Errorf("%q turns the direction of writing: %q", what, around(text, i))
	}
}

func around(s string, i int) string { return s[max(0, i-30):min(len(s), i+30)] }
