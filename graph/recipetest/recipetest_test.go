package recipetest_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	evaluateall "github.com/pare-ml/pare/evaluate/all"
	"github.com/pare-ml/pare/graph"
	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/recipetest"
	passesall "github.com/pare-ml/pare/passes/all"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

const tested = `version: 1
vars: {share: 0.5}
model: {path: resnet.onnx}
data: {test: {images: a.idx, labels: b.idx}}
passes:
  - fold: {}
  - id: idle
    prune: {sparsity: 10%}
    when: vars.share > 2
  - prune: {sparsity: "${{ vars.share }}"}
    targets: ["**.conv?"]
    overrides:
      - {targets: ["stage1.**"], set: {sparsity: 20%}}
  - id: pack
    quantize: {weights: {type: int8, granularity: channel}}
    ignore: ["head"]
gates: [{metric: top1, data: test, max_degradation: 1%}]
outputs: [{format: onnx, path: out.onnx}]
`

func suite() *graph.Suite {
	return &graph.Suite{Passes: passesall.All(), Metrics: evaluateall.Metrics(), Formats: formatall.All()}
}

// verdict runs the only case of a file of tests and returns what does not hold.
func verdict(t *testing.T, text string) string {
	t.Helper()
	var report diag.List
	file := recipetest.Parse(&diag.Source{Name: "r_test.yaml", Text: []byte(text)}, &report)
	if report.HasErrors() {
		t.Fatalf("%s\n%v", text, report)
	}
	if file.Recipe != "r.yaml" || len(file.Cases) != 1 {
		t.Fatalf("recipe %q, %d cases", file.Recipe, len(file.Cases))
	}
	c := file.Cases[0]
	s := suite()
	var o recipetest.Outcome
	lang := s.Language()
	r := recipe.Parse(&diag.Source{Name: "r.yaml", Text: []byte(tested)}, lang, recipe.Options{Set: c.Set}, &o.Findings)
	if r != nil && !o.Findings.HasErrors() {
		o.Plan = graph.Compile(r, passtest.ResNet(), s, graph.Opener{}, &o.Findings)
	}
	o.Findings.Sort()
	found := c.Check(lang, o)
	found.Sort()
	var b bytes.Buffer
	if err := diag.WriteText(&b, found, diag.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// Expectations that hold, and what is said of those that do not.
func TestExpectations(t *testing.T) {
	for _, c := range []struct{ expect, want string }{
		{"{counts: {prune: 8, pack: <= 10}}", ""},
		{"{counts: {prune: 9}}", "step prune treats 8 layers; the test expects 9"},
		{"{counts: {prun: 8}}", `the recipe has no step "prun"; did you mean "prune"?`},
		{"{counts: {prune: many}}", `step prune: "many" is no number; write 10, 300kB, or a bound such as <= 10`},
		{"{steps: {idle: left_out, pack: runs}}", ""},
		{"{steps: {idle: runs}}", "step idle is left_out: vars.share > 2 is false; the test expects runs"},
		{"{steps: {idle: gone}}", `"gone" is nothing that a step does; it must be runs, left_out or at_run`},
		{"{bytes: <= 1MB, params: '> 5000', bits_per_weight: < 32, work: '>0'}", ""},
		{"{bytes: < 1kB}", "bytes is 1"},
		{"{findings: none}", ""},
		{"{findings: [suspicious-number]}", "the recipe has no finding suspicious-number; it has"},
		{"{findings: [nonsense-code]}", `there is no finding with the code "nonsense-code"`},
		{`{layers: {"stage1.**.conv?": {prune: {sparsity: 0.2}}}}`, ""},
		{`{layers: {"stage2.**.conv?": {prune: {sparsity: 50%}}}}`, ""},
		{`{layers: {"**.conv?": {prune: {sparsity: 20%}}}}`, "stage2.block1.conv1: step prune: sparsity is 0.5; the test expects 0.2"},
		{`{layers: {head: {pack: none, prune: none, becomes: {type: float32, shape: [5, 16], gone: false}}}}`, ""},
		{`{layers: {head: {pack: treated}}}`, `step pack leaves head alone: ignored: "head" matches it; the test expects that it treats the layer`},
		{`{layers: {head: {pack: {weights.type: int8}}}}`, `step pack does not treat head: ignored: "head" matches it`},
		{`{layers: {"type:conv": {pack: {weights.type: int8, weights: {granularity: channel}, algorithm: nearest, activations: none}}}}`, ""},
		{`{layers: {stem.conv: {pack: {weights.type: int7}}}}`, `unknown type "int7"`},
		{`{layers: {stem.conv: {pack: {wieghts: {type: int8}}}}}`, `unknown key "wieghts"`},
		{`{layers: {stem.conv: {pack: maybe}}}`, `pack is "maybe"; it must be treated, none or a mapping of parameters`},
		{`{layers: {"type:norm": {fold: treated, becomes: {gone: true}}}}`, ""},
		{`{layers: {stem.norm: {becomes: {type: float32}}}}`, "stem.norm is gone in the end, so it has no type"},
		{`{layers: {nothing: {pack: none}}}`, `"nothing" matches no layer`},
		{`{layers: {"type:nothing": {pack: none}}}`, `unknown layer type "nothing"`},
		{`{layers: {stem.conv: {becomes: {typ: int8}}}}`, `becomes has no key "typ"; did you mean "type"?`},
	} {
		got := verdict(t, "cases:\n  - name: one\n    expect: "+c.expect+"\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.expect, got, c.want)
		}
	}
	if got := verdict(t, "cases:\n  - name: one\n    set: {share: 0.9}\n    expect: {layers: {stage2.block1.conv1: {prune: {sparsity: 90%}}}}\n"); got != "" {
		t.Error(got)
	}
	if got := verdict(t, "cases:\n  - name: one\n    set: {shar: 0.9}\n    expect: {bytes: 1}\n"); !strings.Contains(got, `error that the case does not expect: the recipe declares no variable "shar"`) {
		t.Error(got)
	}
}

// A file of tests is read as strictly as a recipe.
func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"cases: []":                                             "",
		"case: []":                                              `unknown key "case"`,
		"cases: [{expect: {}}]":                                 "name",
		"cases: [{name: a, expect: {}}]":                        "expect is empty",
		"cases: [{name: a, expect: {counts: 3}}]":               "counts is a value; it must be a mapping",
		"cases: [{name: a, set: 3, expect: {bytes: 1}}]":        "set is a value; it must be a mapping",
		"cases: [{name: a, set: {x: [1]}, expect: {bytes: 1}}]": "x is a list; a variable has one value",
		"cases: [{name: a, expect: {bytes: 1}}, {name: a, expect: {bytes: 1}}]":                             `two cases have the name "a"`,
		"cases: [{name: a, expect: {bites: 1}}]":                                                            `unknown key "bites"`,
		"recipe: ../other.yaml\ncases: [{name: a, manifest: m.json, set: {x: 1}, expect: {findings: [a]}}]": "",
	} {
		var report diag.List
		recipetest.Parse(&diag.Source{Name: "x_test.yaml", Text: []byte(text)}, &report)
		found := ""
		for _, d := range report {
			found += d.Message + "\n"
		}
		if (want == "") != (found == "") || !strings.Contains(found, want) {
			t.Errorf("%s\n got %s\nwant %s", text, found, want)
		}
	}
}

// FuzzParse: no text makes the reader panic, and what it reads can be held against a plan.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("../../recipes/fashion_test.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add("cases: [{name: a, expect: {layers: {\"**\": {prune: {a.b.c: 1, a: {b: 2}, ..: 3}, becomes: {shape: 3, gone: [], type: {}}}}, counts: {prune: {}}}}]")
	f.Add("cases: [{name: a, expect: {findings: {}, steps: {prune: []}, bytes: <=, params: [1], layers: {x: 1}}}]")
	s := suite()
	lang := s.Language()
	var report diag.List
	r := recipe.Parse(&diag.Source{Name: "r.yaml", Text: []byte(tested)}, lang, recipe.Options{}, &report)
	plan := graph.Compile(r, passtest.ResNet(), s, graph.Opener{}, &report)
	if plan == nil {
		f.Fatal(report)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := recipetest.Parse(&diag.Source{Name: "x_test.yaml", Text: []byte(text)}, &diag.List{})
		if file == nil {
			return
		}
		for _, c := range file.Cases {
			c.Check(lang, recipetest.Outcome{Plan: plan, Findings: report})
			c.Check(lang, recipetest.Outcome{Findings: report})
		}
	})
}
