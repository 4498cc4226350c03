package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/internal/cli"
	"github.com/pare-ml/pare/passes/passtest"
)

const surroundedRecipe = `version: 1
name: small
model: {path: model.onnx}
vars: {sparsity: 50%}
data:
  train: {images: images.idx, labels: labels.idx, samples: 24}
  calibration: {images: images.idx, labels: labels.idx, skip: 24, samples: 12}
  test: {images: images.idx, labels: labels.idx, skip: 36}
seed: 3
passes:
  - fold: {}
  - prune: {sparsity: "${{ vars.sparsity }}", structure: filter, criterion: taylor, data: train}
    targets: ["**.conv1"]
  - distill: {data: train, steps: 3, batch: 8}
  - quantize: {scheme: W8A8, data: calibration}
gates:
  - {metric: agreement, data: test, threshold: 0%, confidence: 95%}
outputs:
  - {path: small.onnx}
`

// surroundings are what a build may stand in: none of it may reach a byte of what it writes.
var surroundings = []struct {
	name   string
	env    []string
	before []string // a command that runs the rest of the line
	folder string   // where the recipe lies, below the test's own folder
	files  func(t *testing.T, dir string)
	fake   bool // the clock stands in another year
}{
	{name: "as it is"},
	{name: "again"},
	{name: "time zone", env: []string{"TZ=Pacific/Kiritimati"}},
	{name: "language", env: []string{"LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8", "LANGUAGE=tr"}},
	{name: "umask", before: []string{"sh", "-c", `umask 077; exec "$@"`, "sh"}},
	{name: "home", env: []string{"HOME=/nonexistent", "USER=somebody", "LOGNAME=somebody"}},
	{name: "host name", before: []string{"unshare", "--map-root-user", "--uts", "sh", "-c", `hostname elsewhere; exec "$@"`, "sh"}},
	{name: "long path", folder: strings.Repeat("a long name of a folder/", 9)},
	{name: "name of the folder", folder: "größer, 'quoted' & \"so on\""},
	{name: "one processor", env: []string{"GOMAXPROCS=1"}},
	{name: "two processors", env: []string{"GOMAXPROCS=2"}},
	{name: "seven processors", env: []string{"GOMAXPROCS=7"}},
	{name: "collection of garbage", env: []string{"GOGC=1", "GOMEMLIMIT=20MiB"}},
	{name: "SOURCE_DATE_EPOCH", env: []string{"SOURCE_DATE_EPOCH=1"}},
	{name: "terminal", env: []string{"TERM=dumb", "COLUMNS=20", "CI=true", "GITHUB_ACTIONS=true"}},
	{name: "folder for temporary files", env: []string{"TMPDIR=."}},
	{name: "files of another time", files: func(t *testing.T, dir string) {
		for i, name := range []string{"recipe.yaml", "model.onnx", "images.idx", "labels.idx"} {
			when := time.Now().AddDate(0, 0, 400+i)
			if err := os.Chtimes(filepath.Join(dir, name), when, when); err != nil {
				t.Fatal(err)
			}
		}
	}},
	{name: "files in another order", files: func(t *testing.T, dir string) {
		for _, name := range []string{"labels.idx", "recipe.yaml", "images.idx", "model.onnx"} {
			whole, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				err = os.Remove(filepath.Join(dir, name))
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), whole, 0o600)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "0 "+name), nil, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}},
	{name: "clock", fake: true},
}

// TestSurroundings builds one recipe in each of them and compares everything that is written: the result and the lock.
func TestSurroundings(t *testing.T) {
	model, images, labels := surroundedFiles(t)
	var first map[string]string
	for _, s := range surroundings {
		t.Run(s.name, func(t *testing.T) {
			root := t.TempDir()
			dir := filepath.Join(root, "work", s.folder)
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			for name, data := range map[string][]byte{"recipe.yaml": []byte(surroundedRecipe), "model.onnx": model, "images.idx": images, "labels.idx": labels} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if s.files != nil {
				s.files(t, dir)
			}
			command := append(s.before[:len(s.before):len(s.before)], "pare", "build", "recipe.yaml", "--out", "out", "--quiet")
			if s.fake {
				in400Days(t, dir, filepath.Join(root, "cache"), command[1:])
			} else {
				if len(s.before) > 0 && exec.Command(s.before[0], append(s.before[1:len(s.before):len(s.before)], "true")...).Run() != nil {
					t.Skipf("%s is not allowed here", s.before[0])
				}
				cmd := exec.Command(command[0], command[1:]...)
				cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(root, "cache")), s.env...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			got := written(t, dir)
			if first == nil {
				first = got
			}
			if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, slices.Sorted(maps.Keys(first))) || len(names) < 5 {
				t.Fatalf("files %v", names)
			}
			for name, data := range got {
				if data != first[name] {
					t.Errorf("%s differs: %s", name, difference(first[name], data))
				}
			}
		})
	}
}

// in400Days runs the command with a clock that no other can have.
func in400Days(t *testing.T, dir, cache string, args []string) {
	t.Chdir(dir)
	t.Setenv("XDG_CACHE_HOME", cache)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt) // starts what waits for signals, which must not belong to the other clock
	defer signal.Stop(signals)
	synctest.Test(t, func(t *testing.T) { // begins with the year 2000
		time.Sleep(400 * 24 * time.Hour)
		var out bytes.Buffer
		if code := cli.Main(args, &out, &out); code != 0 {
			t.Fatalf("exit code %d\n%s", code, out.Bytes())
		}
	})
}

// written returns what a build has written, by name.
func written(t *testing.T, dir string) map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil || filepath.Dir(rel) == "." && filepath.Ext(rel) != ".lock" {
			return err // what went in
		}
		data, err := os.ReadFile(name)
		all[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// difference shows the first lines that differ.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "\n" + x[i] + "\n" + y[i]
		}
	}
	return "one is longer"
}

// surroundedFiles are a small network and samples for it.
func surroundedFiles(t *testing.T) (model, images, labels []byte) {
	files, err := onnx.Format.Encode(passtest.ResNet())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (format.Stream{Workers: 1}).Write(context.Background(), &out, files[0]); err != nil {
		t.Fatal(err)
	}
	const n = 60
	images = binary.BigEndian.AppendUint32(nil, 0x803)
	labels = binary.BigEndian.AppendUint32(nil, 0x801)
	for _, d := range []uint32{n, 8, 8} {
		images = binary.BigEndian.AppendUint32(images, d)
	}
	labels = binary.BigEndian.AppendUint32(labels, n)
	for _, v := range passtest.Samples(n, 1, 8, 8).Inputs {
		images = append(images, byte(max(0, min(255, 128+40*v))))
	}
	for i := range n {
		labels = append(labels, byte(i%5))
	}
	return out.Bytes(), images, labels
}
