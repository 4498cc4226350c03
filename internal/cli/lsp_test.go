package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
)

// An editor sees what pare lint says of the files beside the recipe, too: its lock, its manifest, its imports.
func TestEditorSeesLintsFindings(t *testing.T) {
	dir := recipeFolder(t)
	path := filepath.Join(dir, "small.yaml")
	if code, said := run(t, nil, "manifest", filepath.Join(dir, "model.onnx"), "-o", filepath.Join(dir, "model.json")); code != 0 {
		t.Fatal(said)
	}
	text := strings.Replace(small, "{path: model.onnx}\ndata", "{path: model.onnx, manifest: model.json}\ndata", 1)
	write(t, path, []byte(text))
	if code, said := run(t, nil, "lock", "--update", path); code != 0 {
		t.Fatal(said)
	}
	model, err := os.ReadFile(filepath.Join(dir, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	models := newHeaders()
	check := func(text string, buffers map[string]string) []string {
		s := &session{ctx: context.Background(), suite: Suite()}
		r := s.checkText(path, []byte(text), &held{func(p string) []byte {
			if b, ok := buffers[filepath.Base(p)]; ok {
				return []byte(b)
			}
			return nil
		}, models})
		if r.Failed != nil {
			t.Fatal(r.Failed)
		}
		return heads(r.Findings)
	}
	lint := func() []string {
		s := &session{ctx: context.Background(), suite: Suite()}
		p, err := s.check(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		return heads(p.report)
	}
	same := func(when string, want ...string) {
		t.Helper()
		got, linted := check(text, nil), lint()
		if strings.Join(got, "\n") != strings.Join(linted, "\n") || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: the editor sees %q, lint says %q, want %q", when, got, linted, want)
		}
	}
	same("as it was locked")
	if got := check(text, map[string]string{"base.yaml": "version: 1\npasses:\n  - fold: {}\n"}); len(got) > 0 {
		t.Errorf("with an import open in the editor: %q", got)
	}
	if got := check(strings.Replace(text, "300kB", "301kB", 1), nil); len(got) != 1 || !strings.HasPrefix(got[0], "lock-stale pare.lock was made from something else: the recipe has changed") {
		t.Errorf("with another limit: %q", got)
	}
	write(t, filepath.Join(dir, "model.json"), []byte(strings.Replace(string(model), `"conv"`, `"cnov"`, 1)))
	if got, linted := check(text, nil), lint(); len(got) == 0 || len(got) != len(linted) {
		t.Errorf("with another manifest: the editor sees %q, lint says %q", got, linted)
	}
	write(t, filepath.Join(dir, "model.json"), model)
	write(t, filepath.Join(dir, "pare.lock"), []byte("<<<<<<< ours\n"))
	if got, linted := check(text, nil), lint(); len(got) != 1 || !strings.HasPrefix(got[0], "lock-damaged ") || got[0] != linted[0] {
		t.Errorf("with a damaged lock: the editor sees %q, lint says %q", got, linted)
	}
}

func heads(list diag.List) []string {
	var out []string
	list.Sort()
	for _, d := range list {
		out = append(out, d.Code+" "+d.Message)
	}
	return out
}
