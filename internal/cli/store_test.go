package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/store/storetest"
)

// Two recipes, one target, at once: the second is refused, told who builds there, and changes nothing.
func TestTargetInUse(t *testing.T) {
	model, err := os.ReadFile(filepath.FromSlash("../../recipes/models/fashion.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	recipe := "version: 1\nname: second\nmodel: {path: model.onnx}\npasses:\n  - fold: {}\noutputs:\n  - {path: small.onnx}\n"
	for name, data := range map[string][]byte{"model.onnx": model, "second.yaml": []byte(recipe)} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	free, err := store.HoldTarget(t.Context(), nil, "dist/out", "pare build first.yaml", "digest of the first", nil)
	if err != nil {
		t.Fatal(err)
	}
	build := func() (int, string) {
		var out, errs bytes.Buffer
		code := MainOn(storetest.Unsynced{}, []string{"build", "second.yaml", "--out", "dist/out", "--cache", "cache", "--quiet"}, &out, &errs)
		return code, errs.String()
	}
	code, text := build()
	want := fmt.Sprintf("pare: dist/out is being made by process %d on ", os.Getpid())
	if code != exitMachine || !strings.Contains(text, want) || !strings.Contains(text, "(pare build first.yaml); wait for it, or name another folder with --out") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	if entries, err := os.ReadDir("dist"); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	free()
	if code, text := build(); code != exitFine {
		t.Errorf("exit code %d\n%s", code, text)
	}
	if err := storetest.CheckLitter("dist", "out"); err != nil {
		t.Error(err)
	}
}
