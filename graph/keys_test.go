package graph

import (
	"slices"
	"strings"
	"testing"

	evaluateall "github.com/pare-ml/pare/evaluate/all"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/passes"
	passesall "github.com/pare-ml/pare/passes/all"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

const keyed = `version: 1
model: {path: model.onnx}
seed: 5
data:
  train: {images: train.idx, labels: train-labels.idx}
  test: {images: test.idx, labels: test-labels.idx}
passes:
  - fold: {}
  - id: sparse
    prune: {sparsity: 50%}
    targets: ["type:conv"]
    overrides:
      - {targets: ["stage1.block1.conv1"], set: {sparsity: 20%}}
  - id: recover
    distill: {data: train, steps: 12, batch: 4}
outputs:
  - {path: out.onnx}
`

// keysIn computes the keys of a recipe: of the first unit and the one with the override, of the training, and of the end.
func keysIn(t *testing.T, text string, list []*passes.Pass, m *ir.Model, files map[string]string) map[string]string {
	t.Helper()
	s := &Suite{Passes: list, Metrics: evaluateall.Metrics()}
	lang := s.Language()
	lang.Formats = []recipe.Word{{Name: "onnx", Doc: "ONNX", Extensions: []string{".onnx"}}}
	var report diag.List
	r := recipe.Parse(&diag.Source{Name: "r.yaml", Text: []byte(text)}, lang, recipe.Options{}, &report)
	if r == nil || report.HasErrors() {
		t.Fatal(report)
	}
	p := Compile(r, m, s, Opener{}, &report)
	if p == nil {
		t.Fatal(report)
	}
	k, err := p.keys(func(path string) (store.Digest, error) {
		content, ok := files[path]
		if !ok {
			content = path[strings.LastIndexByte(path, '/')+1:]
		}
		return store.Sum([]byte(content)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]*stepKeys{}
	for _, s := range p.Steps { // the last of a pass
		steps[s.Pass.Name] = k.steps[s]
	}
	return map[string]string{
		"fold": steps["fold"].units[0].Hex(), "stem": steps["prune"].units[0].Hex(), "overridden": steps["prune"].units[1].Hex(),
		"distill": steps["distill"].units[0].Hex(), "end": k.final.Hex(),
	}
}

// A key follows from what decides the result, and from nothing else.
func TestKeys(t *testing.T) {
	m := passtest.ResNet()
	base := keysIn(t, keyed, passesall.All(), m, nil)
	change := func(old, with string) string {
		text := strings.ReplaceAll(keyed, old, with)
		if text == keyed {
			t.Fatalf("%q is not in the recipe", old)
		}
		return text
	}
	newer := func(name string) []*passes.Pass {
		list := passesall.All()
		for i, p := range list {
			if p.Name == name {
				c := *p
				c.Version++
				list[i] = &c
			}
		}
		return list
	}
	other := m.Clone()
	other.Graph.Nodes[0].Name += "x"
	const all = "fold stem overridden distill end"
	for _, c := range []struct {
		name    string
		text    string
		list    []*passes.Pass
		model   *ir.Model
		files   map[string]string
		changed string // keys that are others
	}{
		{name: "nothing", text: keyed},
		{name: "another id", text: change("id: recover", "id: train_again")},
		{name: "a comment", text: "# made smaller\n" + keyed},
		{name: "the recipe in another folder", text: change("path: model.onnx", "path: ../models/model.onnx")},
		{name: "data in another folder", text: change("train.idx", "elsewhere/train.idx")},
		{name: "another output", text: change("out.onnx", "result.onnx")},
		{name: "a default written out", text: change("{sparsity: 50%}", "{sparsity: 0.5, criterion: magnitude}")},
		{name: "the model's content", text: keyed, files: map[string]string{"model.onnx": "another"}, changed: all},
		{name: "the training data's content", text: keyed, files: map[string]string{"train.idx": "another"}, changed: "distill end"},
		{name: "the test data's content", text: keyed, files: map[string]string{"test.idx": "another"}},
		{name: "samples left out", text: change("train-labels.idx}", "train-labels.idx, skip: 3}"), changed: "distill end"},
		{name: "seed", text: change("seed: 5", "seed: 6"), changed: "distill end"},
		{name: "a version", text: keyed, list: newer("distill"), changed: "distill end"},
		{name: "an earlier version", text: keyed, list: newer("fold"), changed: all},
		{name: "an override", text: change("20%", "30%"), changed: "overridden distill end"},
		{name: "a parameter that one layer has not", text: change("50%", "60%"), changed: "stem distill end"},
		{name: "a parameter of the last step", text: change("steps: 12", "steps: 13"), changed: "distill end"},
		{name: "a step that changes no structure before", text: change("  - id: sparse", "  - prune: {sparsity: 10%}\n    targets: [stem.conv]\n  - id: sparse"), changed: "stem distill end"},
	} {
		list, model := c.list, c.model
		if list == nil {
			list = passesall.All()
		}
		if model == nil {
			model = m
		}
		got := keysIn(t, c.text, list, model, c.files)
		for name, key := range base {
			if want := strings.Contains(" "+c.changed+" ", " "+name+" "); (got[name] != key) != want {
				t.Errorf("%s: the key of %s is another: %v, want %v", c.name, name, got[name] != key, want)
			}
		}
	}
	// What is not known has no key, and nothing that follows from it has.
	s := keysIn(t, keyed, passesall.All(), other, nil)
	if s["stem"] == base["stem"] {
		t.Error("another structure under one digest has the same keys for local units")
	}
}

// Keys do not change by accident: every change makes all stores worthless, and wants keyVersion raised.
func TestKeysStay(t *testing.T) {
	want := map[string]string{
		"fold":       "7dbf699767f034cfcf2e4d7c18fa943d61d65966f23703aba429a231498ef6c7",
		"stem":       "54b75a70dcacc15b8ad1f88822a87d5db4f7f763df0f8e79d10469496aba698b",
		"overridden": "590f4afa35e920e0e0f184f07347f4679cc429bb26fd56b85917f464695a96cb",
		"distill":    "de49c85470a6fdd33bc453a6c47e8eb965ec1cbcd6bdfe14da85bb91ec79a0b0",
		"end":        "de49c85470a6fdd33bc453a6c47e8eb965ec1cbcd6bdfe14da85bb91ec79a0b0",
	}
	got := keysIn(t, keyed, passesall.All(), passtest.ResNet(), nil)
	for name, key := range want {
		if got[name] != key {
			t.Errorf("the key of %s is %s, was %s", name, got[name], key)
		}
	}
}

// Without digests there are no keys.
func TestUnknownKeys(t *testing.T) {
	k := keyOf("treat")
	k.of(store.Sum(nil))
	if k.sum().IsZero() {
		t.Error("a known key is none")
	}
	k = keyOf("treat")
	k.of(store.Sum(nil), store.Digest{})
	if !k.sum().IsZero() {
		t.Error("the key of something unknown is one")
	}
}

// An importance matrix is no data that is read or tested on. Keys of units that look into it follow from its content and its
// name, which is written into files.
func TestImportanceKeys(t *testing.T) {
	const text = `version: 1
model: {path: model.onnx}
data:
  matrix: {importance: m.imatrix}
  other: {importance: other.imatrix}
passes:
  - quantize: {weights: {type: int8}, importance: matrix}
    targets: ["type:linear"]
outputs:
  - {path: out.onnx}
`
	m := passtest.ResNet()
	keyOf := func(text string, files map[string]string) string {
		t.Helper()
		s := &Suite{Passes: passesall.All(), Metrics: evaluateall.Metrics()}
		lang := s.Language()
		lang.Formats = []recipe.Word{{Name: "onnx", Doc: "ONNX", Extensions: []string{".onnx"}}}
		var report diag.List
		r := recipe.Parse(&diag.Source{Name: "r.yaml", Text: []byte(text)}, lang, recipe.Options{}, &report)
		p := Compile(r, m, s, Opener{}, &report)
		if p == nil {
			t.Fatal(report)
		}
		if len(p.Reads()) > 0 || len(p.Tests()) > 0 || !slices.Equal(p.Weighs(), []string{"matrix"}) {
			t.Errorf("reads %v, tests %v, weighs by %v", p.Reads(), p.Tests(), p.Weighs())
		}
		k, err := p.keys(func(path string) (store.Digest, error) { return store.Sum([]byte(path[:1] + files[path])), nil })
		if err != nil {
			t.Fatal(err)
		}
		return k.steps[p.Steps[0]].units[0].Hex()
	}
	base := keyOf(text, nil)
	for _, tt := range []struct {
		name, text, file string
		same             bool
	}{
		{"nothing", text, "", true},
		{"the matrix's content", text, "m.imatrix", false},
		{"another matrix's content", text, "other.imatrix", true},
		{"the matrix's name", strings.Replace(text, "m.imatrix", "m2.imatrix", 1), "", false},
	} {
		if got := keyOf(tt.text, map[string]string{tt.file: "new"}); (got == base) != tt.same {
			t.Errorf("%s: the key is the same: %v, want %v", tt.name, got == base, tt.same)
		}
	}
}
