package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/store"
)

const small = `version: 1
name: small
imports: [base.yaml]
model: {path: model.onnx}
data:
  calibration: {images: images.gz, labels: labels.gz, samples: 16, mean: [0.2860], std: [0.3530]}
  test: {images: images.gz, labels: labels.gz, skip: 16, samples: 40, mean: [0.2860], std: [0.3530]}
target: device.yaml
passes:
  - quantize: {weights: {type: uint8}, activations: {type: uint8}, data: calibration, samples: 8}
gates:
  - {expect: artifact.bytes <= 300kB}
  - {metric: top1, data: test, max_degradation: 30%, confidence: 80%}
outputs:
  - {path: small.onnx}
`

// project returns a folder with a recipe and inputs of every kind.
func recipeFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for from, to := range map[string]string{"models/fashion.onnx": "model.onnx", "data/fashion/test-images.idx.gz": "images.gz", "data/fashion/test-labels.idx.gz": "labels.gz"} {
		b, err := os.ReadFile(filepath.Join("../../recipes", filepath.FromSlash(from)))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, to), b)
	}
	write(t, filepath.Join(dir, "device.yaml"), []byte("name: camera\nsize: 1MB\n# a comment, so that a flipped bit is sure to mean nothing: "+strings.Repeat("-", 200)+"\n"))
	write(t, filepath.Join(dir, "small.yaml"), []byte(small))
	write(t, filepath.Join(dir, "base.yaml"), []byte("version: 1\npasses:\n  - fold: {}\n# "+strings.Repeat("-", 200)+"\n"))
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"model.onnx", "images.gz", "labels.gz", "device.yaml", "base.yaml"} {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, files store.FS, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	code = MainOn(files, args, &out, &out)
	if strings.Contains(out.String(), "goroutine ") || strings.Contains(out.String(), "internal error") {
		t.Errorf("pare %v says\n%s", args, out.String())
	}
	return code, out.String()
}

// during does something once, when the build makes a file or folder of this name.
type during struct {
	store.OS
	name string
	once sync.Once
	do   func()
}

func (d *during) at(name string) {
	if strings.Contains(filepath.Base(name), d.name) {
		d.once.Do(d.do)
	}
}

func (d *during) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	if flag&os.O_CREATE != 0 {
		d.at(name)
	}
	return d.OS.OpenFile(name, flag, perm)
}

func (d *during) Mkdir(name string, perm fs.FileMode) error {
	d.at(name)
	return d.OS.Mkdir(name, perm)
}

// An input that is altered, replaced or cut while the build runs makes it exit 5, and nothing is published; one that is
// only removed served its content.
func TestInputsThatChange(t *testing.T) {
	edits := []struct {
		name string
		do   func(path string) error
		code int
	}{
		{"cut", func(p string) error { return os.Truncate(p, 100) }, exitIntegrity},
		{"emptied", func(p string) error { return os.Truncate(p, 0) }, exitIntegrity},
		{"overwritten", func(p string) error { return flip(p, false) }, exitIntegrity},
		{"overwritten, with the old times", func(p string) error { return flip(p, true) }, exitIntegrity},
		{"replaced", func(p string) error {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			if err := os.WriteFile(p+".new", b, 0o666); err != nil {
				return err
			}
			return os.Rename(p+".new", p)
		}, exitIntegrity},
		{"removed", os.Remove, exitFine},
	}
	test := func(input, when, edit string) {
		for _, e := range edits {
			if edit != "" && edit != e.name {
				continue
			}
			t.Run(fmt.Sprintf("%s %s at %s", input, e.name, when), func(t *testing.T) {
				dir := recipeFolder(t)
				path := filepath.Join(dir, input)
				hook := &during{name: when, do: func() {
					if err := e.do(path); err != nil {
						t.Error(err)
					}
				}}
				out := filepath.Join(dir, "dist", "small")
				code, said := run(t, hook, "build", filepath.Join(dir, "small.yaml"), "--out", out, "--quiet", "--no-cache")
				hook.once.Do(func() { t.Fatalf("the build never made %s:\n%s", when, said) })
				if code != e.code {
					t.Fatalf("exit code %d, want %d:\n%s", code, e.code, said)
				}
				_, err := os.Stat(out)
				_, lockErr := os.Stat(filepath.Join(dir, lock.Name))
				if code == exitIntegrity && (err == nil || lockErr == nil || !strings.Contains(said, input) || !strings.Contains(said, "changed")) {
					t.Errorf("published %v, locked %v, and it says\n%s", err == nil, lockErr == nil, said)
				}
			})
		}
	}
	const sly = "overwritten, with the old times"
	// When: as the stage is made, before anything is read; with the artefact; with the report, when all has been read.
	test("model.onnx", ".small.tmp", "")
	test("model.onnx", "small.onnx", "cut")
	test("model.onnx", "small.onnx", sly)
	test("model.onnx", "report.md", sly)
	test("model.onnx", "report.md", "removed")
	test("images.gz", ".small.tmp", "cut")
	test("images.gz", ".small.tmp", "removed")
	for _, input := range []string{"images.gz", "base.yaml", "device.yaml"} {
		test(input, "report.md", sly)
		test(input, "report.md", "replaced")
	}
}

// flip changes a bit in the middle of a file, in place.
func flip(path string, keepTimes bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := flipAt(path, info.Size()/2); err != nil || !keepTimes {
		return err
	}
	return os.Chtimes(path, info.ModTime(), info.ModTime())
}

func flipAt(path string, at int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		return err
	}
	b[0] ^= 4
	_, err = f.WriteAt(b, at)
	return err
}

// A bit flipped in any sixteenth of the model, the data or the lock is found by a locked build.
func TestFlippedBits(t *testing.T) {
	dir := recipeFolder(t)
	build := func(extra ...string) (int, string) {
		return run(t, nil, append([]string{"build", filepath.Join(dir, "small.yaml"), "--out", filepath.Join(dir, "dist", "small"), "--quiet", "--no-cache"}, extra...)...)
	}
	if code, said := build(); code != exitFine {
		t.Fatal(said)
	}
	good, err := os.ReadFile(filepath.Join(dir, "dist", "small", store.Sums))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model.onnx", "images.gz", "labels.gz", lock.Name} {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 16 {
			at := int64(len(text)) * int64(2*i+1) / 32
			if err := flipAt(path, at); err != nil {
				t.Fatal(err)
			}
			code, said := build("--locked")
			if code != exitIntegrity || !strings.Contains(said, name) {
				t.Errorf("%s, byte %d: exit code %d, and it says\n%s", name, at, code, said)
			}
			if name == "model.onnx" && !strings.Contains(said, "in tensor ") {
				t.Errorf("%s, byte %d: no tensor is named:\n%s", name, at, said)
			}
			write(t, path, text)
		}
	}
	if code, said := build("--locked"); code != exitFine {
		t.Errorf("with everything as it was: exit code %d\n%s", code, said)
	}
	again, err := os.ReadFile(filepath.Join(dir, "dist", "small", store.Sums))
	if err != nil || !bytes.Equal(again, good) {
		t.Errorf("the digests are others, or not there: %v", err)
	}
	// Unlocked it is built, and the new digests are kept.
	if err := flipAt(filepath.Join(dir, "model.onnx"), 500_000); err != nil {
		t.Fatal(err)
	}
	if code, said := build(); code != exitFine {
		t.Fatal(said)
	}
	if code, said := build("--locked"); code != exitFine {
		t.Errorf("after an unlocked build: exit code %d\n%s", code, said)
	}
}

// A bit flipped in any sixteenth of any file of a result is found by verify, which names the file.
func TestVerifyFindsFlippedBits(t *testing.T) {
	dir := recipeFolder(t)
	out := filepath.Join(dir, "dist", "small")
	if code, said := run(t, nil, "build", filepath.Join(dir, "small.yaml"), "--out", out, "--quiet", "--no-cache"); code != exitFine {
		t.Fatal(said)
	}
	list, err := os.ReadDir(out)
	if err != nil || len(list) < 7 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, e := range list {
		path := filepath.Join(out, e.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 16 {
			at := int64(len(text)) * int64(2*i+1) / 32
			if err := flipAt(path, at); err != nil {
				t.Fatal(err)
			}
			code, said := run(t, nil, "verify", out, "--recipe", filepath.Join(dir, "small.yaml"))
			if code != exitIntegrity || e.Name() != store.Sums && !strings.Contains(said, e.Name()+" has changed") {
				t.Errorf("%s, byte %d: exit code %d, and it says\n%s", e.Name(), at, code, said)
			}
			write(t, path, text)
		}
	}
	if code, said := run(t, nil, "verify", out, "--recipe", filepath.Join(dir, "small.yaml")); code != exitFine {
		t.Errorf("with everything as it was: exit code %d\n%s", code, said)
	}
}
