package graph_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pare-ml/pare/evaluate"
	evaluateall "github.com/pare-ml/pare/evaluate/all"
	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/dataset"
	passesall "github.com/pare-ml/pare/passes/all"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"

	formatall "github.com/pare-ml/pare/graph/format/all"
)

// small holds a step of every kind: one that sees the whole model, one that measures, one whose units are local, one that
// trains, and a local one that changes the structure.
const small = `version: 1
model: {path: model.onnx}
seed: 5
data:
  train: {images: train.idx, labels: train-labels.idx}
  test: {images: test.idx, labels: test-labels.idx}
passes:
  - fold: {}
  - id: thin
    prune: {sparsity: 40%, structure: filter, criterion: taylor, data: train, batch: 5}
    targets: ["stage2.*.conv1"]
  - id: recover
    distill: {data: train, steps: 12, batch: 4}
    gates:
      - {metric: top1, data: test, threshold: 0%}
  - id: sparse
    prune: {sparsity: 50%}
    targets: ["type:conv"]
    overrides:
      - {targets: ["stage1.block1.conv1"], set: {sparsity: 20%}}
  - id: pack
    quantize: {weights: {type: int8, granularity: channel}}
gates:
  - {metric: agreement, data: test, threshold: 0%}
outputs:
  - {path: out.onnx}
`

// shop builds recipes with one store.
type shop struct {
	t     testing.TB
	dir   string
	store *store.Store
	suite *graph.Suite
	model *ir.Model
	files map[string]string // content of files by path; their digests are that of the text
}

func newShop(t testing.TB) *shop {
	s := &shop{t: t, dir: t.TempDir(), files: map[string]string{},
		suite: &graph.Suite{Passes: passesall.All(), Formats: formatall.All(), Metrics: evaluateall.Metrics()}}
	name := filepath.Join(s.dir, "model.onnx")
	data, err := onnx.Encode(passtest.ResNet())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
	m, closeFile, err := onnx.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeFile() })
	s.model = m
	s.store = s.open()
	return s
}

func (s *shop) open() *store.Store {
	st, err := store.Open(filepath.Join(s.dir, "store"), store.Options{Warn: func(text string) { s.t.Log(text) }})
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

func (s *shop) plan(text string) *graph.Plan {
	s.t.Helper()
	var report diag.List
	r := recipe.Parse(&diag.Source{Name: "r.yaml", Text: []byte(text)}, s.suite.Language(), recipe.Options{}, &report)
	if r == nil || report.HasErrors() {
		s.t.Fatal(report)
	}
	p := graph.Compile(r, s.model, s.suite, graph.Opener{}, &report)
	if p == nil {
		s.t.Fatal(report)
	}
	return p
}

func (s *shop) runner() *graph.Runner {
	samples := passtest.Samples(60, 1, 8, 8)
	part := func(from, to int) dataset.Memory {
		return dataset.Memory{Shape: samples.Shape, Inputs: samples.Inputs[64*from : 64*to], Labels: samples.Labels[from:to]}
	}
	return &graph.Runner{
		Suite: s.suite, Workers: 1, Store: s.store,
		Data: func(name string) (dataset.Set, error) {
			if name == "train" {
				return part(0, 30), nil
			}
			return part(30, 60), nil
		},
		Digest: func(path string) (store.Digest, error) {
			text, ok := s.files[path]
			if !ok {
				text = path
			}
			return store.Sum([]byte(text)), nil
		},
	}
}

// build builds a recipe and returns everything that it wrote.
func (s *shop) build(r *graph.Runner, text string) map[string]string {
	s.t.Helper()
	out := filepath.Join(s.t.TempDir(), "out")
	if _, err := r.Build(context.Background(), s.plan(text), s.model, evaluate.Tool{Name: "pare", Version: "0"}, nil, out); err != nil {
		s.t.Fatal(err)
	}
	files := map[string]string{}
	err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[filepath.Base(path)] = string(b)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

// titles are the store's entries.
func (s *shop) titles() map[string]int {
	list, err := s.store.List()
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]int{}
	for _, e := range list {
		out[e.Entry.Title()]++
	}
	return out
}

// made builds a recipe and returns what was made for it and not found, sorted.
func (s *shop) made(text string) []string {
	s.t.Helper()
	before := s.titles()
	s.build(s.runner(), text)
	var list []string
	for title, n := range s.titles() {
		for range n - before[title] {
			list = append(list, title)
		}
	}
	slices.Sort(list)
	return list
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s differs", what, name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d files, want %d", what, len(got), len(want))
	}
}

// Nothing that a build writes tells whether there was a store, or what was in it.
func TestColdAndWarm(t *testing.T) {
	s := newShop(t)
	r := s.runner()
	r.Store = nil
	want := s.build(r, small)
	same(t, "cold", s.build(s.runner(), small), want)
	if list := s.made(small); list != nil {
		t.Errorf("a second build makes %q", list)
	}
	r = s.runner()
	r.Data = func(name string) (dataset.Set, error) { return nil, errors.New("data " + name + " was read") }
	same(t, "warm", s.build(r, small), want)
	r = s.runner()
	r.Store, r.Shuffle = nil, 3
	same(t, "shuffled", s.build(r, small), want)
}

func TestWhatIsMadeAnew(t *testing.T) {
	s := newShop(t)
	s.build(s.runner(), small)
	change := func(old, with string) string {
		text := strings.Replace(small, old, with, 1)
		if text == small {
			t.Fatalf("%q is not in the recipe", old)
		}
		return text
	}
	final := "predictions on test"
	for _, c := range []struct {
		name string
		text string
		made []string
	}{
		{"a renamed step", change("id: recover", "id: anew"), nil},
		{"comments and order of keys", change("{data: train, steps: 12, batch: 4}", "{batch: 4,  steps: 12, data: train} # twelve"), nil},
		{"one override", change("set: {sparsity: 20%}", "set: {sparsity: 30%}"), []string{
			final, "prune stage1.block1.conv1", "quantize stage1.block1.conv1"}},
		{"a layer less in the first", change(`targets: ["type:conv"]`, `targets: ["type:conv"]
    ignore: [stem.conv]`), []string{final, "quantize stem.conv"}},
		{"a layer less in the last", change(`quantize: {weights: {type: int8, granularity: channel}}`, `quantize: {weights: {type: int8, granularity: channel}}
    ignore: [stem.conv]`), []string{final}},
		{"a parameter of a step in the middle", change("steps: 12", "steps: 13"), []string{
			"distill stem.conv, stage{1,2}.block{1,2}.conv{1,2}, stage2.block1.short and 1 more", final, final,
			"prune stage1.block1.conv1", "prune stage1.block1.conv2", "prune stage1.block2.conv1", "prune stage1.block2.conv2",
			"prune stage2.block1.conv1", "prune stage2.block1.conv2", "prune stage2.block1.short", "prune stage2.block2.conv1",
			"prune stage2.block2.conv2", "prune stem.conv",
			"quantize head", "quantize stage1.block1.conv1", "quantize stage1.block1.conv2", "quantize stage1.block2.conv1", "quantize stage1.block2.conv2",
			"quantize stage2.block1.conv1", "quantize stage2.block1.conv2", "quantize stage2.block1.short", "quantize stage2.block2.conv1",
			"quantize stage2.block2.conv2", "quantize stem.conv"}},
	} {
		if got := s.made(c.text); !slices.Equal(got, c.made) {
			t.Errorf("%s: made %q, want %q", c.name, got, c.made)
		}
		// What was put together from old and new is what is made from nothing.
		r := s.runner()
		r.Store = nil
		same(t, c.name, s.build(s.runner(), c.text), s.build(r, c.text))
	}
}

// A byte of the store that is not what it was is noticed, and what it was part of is made again.
func TestDamage(t *testing.T) {
	s := newShop(t)
	want := s.build(s.runner(), small)
	var files []string
	for _, kind := range []string{"blobs", "actions"} {
		found, err := filepath.Glob(filepath.Join(s.dir, "store", store.Version, kind, "*", "*"))
		if err != nil || len(found) == 0 {
			t.Fatal(found, err)
		}
		files = append(files, found...)
	}
	const parts = 6
	for part := range parts {
		for i, name := range files {
			b, err := os.ReadFile(name)
			if err != nil || len(b) == 0 || i%parts != part {
				continue // gone since, with an entry that named it
			}
			b[i%len(b)] ^= 1
			if err := os.Chmod(name, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		same(t, "damaged", s.build(s.runner(), small), want)
	}
}

// A build that is stopped in a training goes on there.
func TestResume(t *testing.T) {
	s := newShop(t)
	r := s.runner()
	r.Store = nil
	want := s.build(r, small)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	r = s.runner()
	r.Log = func(step string, done, total int, note string) {
		if step == "recover" && total == 12 && done == 5 {
			stop()
		}
	}
	if _, err := r.Build(ctx, s.plan(small), s.model, evaluate.Tool{}, nil, filepath.Join(t.TempDir(), "out")); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if s.titles()["checkpoint"] != 1 {
		t.Fatalf("the store holds %v", s.titles())
	}
	first := 0
	r = s.runner()
	r.Log = func(step string, done, total int, note string) {
		if step == "recover" && total == 12 && first == 0 {
			first = done
		}
	}
	same(t, "resumed", s.build(r, small), want)
	if first != 6 {
		t.Errorf("the training went on with step %d", first)
	}
	if n := s.titles()["checkpoint"]; n != 0 {
		t.Errorf("%d checkpoints are left", n)
	}
}

// Of equal builds at once one works and the others wait for it.
func TestManyAtOnce(t *testing.T) {
	s := newShop(t)
	plan := s.plan(small)
	var mu sync.Mutex
	steps := map[string]int{}
	var wg sync.WaitGroup
	results := make([][]byte, 16)
	for i := range results {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := s.runner()
			r.Store = s.open()
			r.Log = func(step string, done, total int, note string) {
				if strings.HasPrefix(note, "loss") {
					mu.Lock()
					steps[step]++
					mu.Unlock()
				}
			}
			out := filepath.Join(s.dir, "out", string(rune('a'+i)))
			if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
				t.Error(err)
				return
			}
			if _, err := r.Build(context.Background(), plan, s.model, evaluate.Tool{}, nil, out); err != nil {
				t.Error(err)
				return
			}
			results[i], _ = os.ReadFile(filepath.Join(out, "out.onnx"))
		}()
	}
	wg.Wait()
	for i, b := range results {
		if len(b) == 0 || !bytes.Equal(b, results[0]) {
			t.Errorf("build %d gave other bytes", i)
		}
	}
	if steps["recover"] != 12 {
		t.Errorf("%d steps were trained, want 12", steps["recover"])
	}
}
