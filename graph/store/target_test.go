//go:build unix

package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/store/storetest"
)

// What stands at the target is refused before anything is done, and stays as it is.
func TestCheck(t *testing.T) {
	root := t.TempDir()
	in := func(name string) string { return filepath.Join(root, name) }
	file := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(in(name)), 0o755), os.WriteFile(in(name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	file("file", "mine")
	file("inputs/model.onnx", "model")
	file("made/SHA256SUMS", "00  model.onnx\n")
	file("made/model.onnx", "made by pare")
	file("piped/model.onnx", "")
	err := errors.Join(os.Symlink(in("nowhere"), in("dangling")), os.Symlink(in("made"), in("link")), syscall.Mkfifo(in("pipe"), 0o644),
		os.Mkdir(in("fixed"), 0o555), os.Mkdir(in("empty"), 0o755), os.Symlink(root, in("around")), syscall.Mkfifo(in("piped/SHA256SUMS"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	model := in("inputs/model.onnx")
	for _, c := range []struct{ target, input, want string }{
		{"absent", model, ""},
		{"empty", model, ""},
		{"made", model, ""},
		{"deep/er/absent", model, ""},
		{"file", model, "is a file, not a folder"},
		{"dangling", model, "is a symbolic link"},
		{"link", model, "is a symbolic link"},
		{"pipe", model, "is a pipe"},
		{"piped", model, "is a pipe"},
		{"fixed", model, "must not be changed"},
		{"inputs", model, "holds " + model + ", an input of this build"},
		{"inputs/model.onnx", model, "is an input of this build"},
		{"around/inputs", model, "an input of this build"},
		{"made", in("around/made/model.onnx"), "an input of this build"},
		{"inputs", "", "which pare did not write"},
		{"inputs/model.onnx/out", model, "not a directory"},
	} {
		var inputs []string
		if c.input != "" {
			inputs = append(inputs, c.input)
		}
		before := snapshot(t, root)
		err := store.Check(in(c.target), inputs...)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with input %q: %v; want %q", c.target, c.input, err, c.want)
		}
		var occupied *store.Occupied
		if err != nil && !errors.As(err, &occupied) && c.want != "not a directory" {
			t.Errorf("%s: %T", c.target, err)
		}
		if snapshot(t, root) != before {
			t.Errorf("%s: something was changed", c.target)
		}
	}
	t.Chdir(in("empty"))
	for _, target := range []string{".", "..", in("empty"), "/"} {
		var occupied *store.Occupied
		if err := store.Check(target); !errors.As(err, &occupied) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// The second build of other work is refused at once, with who runs; one of the same work waits.
func TestHoldTarget(t *testing.T) {
	target := filepath.Join(t.TempDir(), "deep", "out")
	free, err := store.HoldTarget(ctx, nil, target, "build of one.yaml", "plan 1", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{"", "plan 2"} {
		start := time.Now()
		var held *store.Held
		_, err := store.HoldTarget(ctx, nil, target, "build of two.yaml", same, nil)
		if !errors.As(err, &held) || held.Holder.PID != os.Getpid() || !strings.Contains(err.Error(), "build of one.yaml") {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("refused after %v", took)
		}
	}
	got := make(chan error)
	go func() {
		free, err := store.HoldTarget(ctx, nil, target, "build of copy.yaml", "plan 1", nil)
		if err == nil {
			free()
		}
		got <- err
	}()
	select {
	case err := <-got:
		t.Errorf("equal work did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	free()
	free()
	if err := <-got; err != nil {
		t.Errorf("equal work: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(target)); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// Stages that nobody fills any more go; those of living builds, and what only looks like one, stay.
func TestClean(t *testing.T) {
	parent := t.TempDir()
	target := filepath.Join(parent, "out")
	stage, err := store.NewStage(target)
	if err != nil {
		t.Fatal(err)
	}
	defer stage.Discard()
	for _, dir := range []string{".out.tmp-0123456789abc/sub", ".out.tmp-notes", ".other.tmp-0123456789abc", "out.tmp-0123456789abc", ".out.tmp-0123456789abd.old"} {
		if err := os.MkdirAll(filepath.Join(parent, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(parent, ".out.tmp-0123456789abe"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(parent, ".out.tmp-0123456789abc/fixed"), 0o555); err != nil {
		t.Fatal(err)
	}
	n, err := store.Clean(nil, target)
	if err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	entries, err := os.ReadDir(parent)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{".other.tmp-0123456789abc", ".out.tmp-0123456789abe", ".out.tmp-notes", filepath.Base(stage.Dir), "out", "out.tmp-0123456789abc"}
	if err != nil || strings.Join(slices.Sorted(slices.Values(names)), " ") != strings.Join(slices.Sorted(slices.Values(want)), " ") {
		t.Errorf("%v, %v; want %v", names, err, want)
	}
	free, err := store.HoldTarget(ctx, nil, target, "test", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	if n, err := store.Clean(nil, target); n != 0 || err != nil {
		t.Errorf("while a build runs: %d, %v", n, err)
	}
	if n, err := store.Clean(storetest.Unsynced{}, filepath.Join(parent, "no", "where")); n != 0 || err != nil {
		t.Errorf("nowhere: %d, %v", n, err)
	}
}
