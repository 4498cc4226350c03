//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/store/storetest"
)

// longRecipe takes so long that there is time to stop it.
var longRecipe = strings.Replace(crashRecipe, "steps: 60", "steps: 200000", 1)

// A build that is told to stop ends at once, as the shell counts, with nothing published and nothing left over; a second one goes
// on from where it was. It is stopped as it begins to compute, and in the midst of training.
func TestSignals(t *testing.T) {
	model, images, labels := surroundedFiles(t)
	for _, c := range []struct {
		name   string
		signal syscall.Signal
		code   int
		after  string // what is there when the signal comes
		holds  string // and in it
	}{
		{"interrupt as it begins", syscall.SIGINT, 130, "dist/.out.tmp-*/", ""},
		{"termination while training", syscall.SIGTERM, 143, "cache/v1/actions/*/*", "\ncheckpoint"},
		{"interrupt while training", syscall.SIGINT, 130, "cache/v1/actions/*/*", "\ncheckpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range map[string][]byte{"recipe.yaml": []byte(longRecipe), "model.onnx": model, "images.idx": images, "labels.idx": labels} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var said bytes.Buffer
			cmd := exec.Command("pare", "build", "recipe.yaml", "--out", "dist/out", "--cache", "cache", "--quiet")
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			for found := false; !found; time.Sleep(5 * time.Millisecond) {
				select {
				case err := <-ended:
					t.Fatalf("it ended by itself: %v\n%s", err, &said)
				default:
				}
				list, err := filepath.Glob(filepath.Join(dir, c.after))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range list {
					text, _ := os.ReadFile(path) // it may be gone again
					found = found || c.holds == "" || bytes.Contains(text, []byte(c.holds))
				}
			}
			begin := time.Now()
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
			case <-time.After(20 * time.Second):
				cmd.Process.Kill()
				t.Fatal("it did not end")
			}
			if took := time.Since(begin); took > 10*time.Second { // two on a machine that does nothing else
				t.Errorf("it took %s", took)
			}
			if code := cmd.ProcessState.ExitCode(); code != c.code || said.String() != "pare: stopped; nothing was published\n" {
				t.Errorf("exit code %d, want %d; it says\n%s", code, c.code, &said)
			}
			if list, err := os.ReadDir(filepath.Join(dir, "dist")); err != nil || len(list) > 0 {
				t.Errorf("left: %v, %v", list, err)
			}
			if _, err := os.Stat(filepath.Join(dir, lock.Name)); err == nil {
				t.Error("a lock was written")
			}
			for _, folder := range []string{"holds", "builds", "tmp"} {
				if list, err := os.ReadDir(filepath.Join(dir, "cache", store.Version, folder)); err != nil || len(list) > 0 {
					t.Errorf("left in %s: %v, %v", folder, list, err)
				}
			}
			if err := storetest.CheckStore(filepath.Join(dir, "cache")); err != nil {
				t.Error(err)
			}
		})
	}
}

// Of sixteen equal builds of one target at once one trains; the others find what it made, and the bytes are the same.
func TestSixteenBuilds(t *testing.T) {
	model, images, labels := surroundedFiles(t)
	dir := t.TempDir()
	for name, data := range map[string][]byte{"recipe.yaml": []byte(crashRecipe), "model.onnx": model, "images.idx": images, "labels.idx": labels} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	said := make([]bytes.Buffer, 16)
	var running []*exec.Cmd
	for i := range said {
		cmd := exec.Command("pare", "build", "recipe.yaml", "--out", "out", "--cache", "cache")
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said[i], &said[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	trained := 0
	for i, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, &said[i])
		}
		if text := strings.Join(strings.Fields(said[i].String()), " "); !strings.Contains(text, "distill cached") {
			trained++
		}
	}
	if trained != 1 {
		t.Errorf("%d builds trained", trained)
	}
	if _, err := storetest.CheckTarget(filepath.Join(dir, "out")); err != nil {
		t.Error(err)
	}
	if err := storetest.CheckStore(filepath.Join(dir, "cache")); err != nil {
		t.Error(err)
	}
}
