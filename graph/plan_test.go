package graph_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

var update = flag.Bool("update", false, "write the goldens anew")

// models are headers that test recipes name in place of a file.
var models = map[string]func() *ir.Model{
	"resnet": resnet,
	"stack":  func() *ir.Model { return stack(6) },
	"tied":   tied,
}

func resnet() *ir.Model {
	b := build.New("resnet", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: []int{8, 16}, Blocks: 2, Classes: 5})
	return b.Model().Header()
}

// tied is two linear layers that share a weight.
func tied() *ir.Model {
	b := build.New("tied", 17)
	x := b.Input("x", ir.Float32, "batch", 8)
	w := b.Weight("shared.weight", 8, 8, 8)
	x = b.Op("MatMul", "encoder.linear", []string{x, w})
	x = b.Op("MatMul", "decoder.linear", []string{b.Relu(x), w})
	x = b.MatMul("out", x, 8, 4)
	b.Output(x, ir.Float32, "batch", 4)
	return b.Model().Header()
}

// compile plans a recipe whose model.path is a name of models.
func compile(t testing.TB, name, text string, set ...string) (*graph.Plan, diag.List) {
	t.Helper()
	var report diag.List
	s := suite()
	r := recipe.Parse(&diag.Source{Name: name, Text: []byte(text)}, s.Language(), recipe.Options{Set: set}, &report)
	if r == nil || report.HasErrors() {
		report.Sort()
		return nil, report
	}
	m := models[r.Model.Path]
	if m == nil {
		t.Fatalf("there is no model %q", r.Model.Path)
	}
	plan := graph.Compile(r, m(), s, graph.Opener{}, &report)
	report.Sort()
	return plan, report
}

// Each recipe in testdata/plans has beside it what planning it prints: the findings, then the plan.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/plans/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d recipes, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			plan, report := compile(t, filepath.Base(file), string(text))
			var b bytes.Buffer
			if err := diag.WriteText(&b, report, diag.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if plan != nil {
				if err := plan.WriteText(&b); err != nil {
					t.Fatal(err)
				}
				var work int64
				for _, w := range plan.Model.Work(nil) {
					work += w
				}
				if plan.Before.Work != work {
					t.Errorf("the work of the model that comes in is %d, want %d", plan.Before.Work, work)
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", b.Bytes())
			for i, line := range strings.Split(b.String(), "\n") {
				if len([]rune(line)) > 100 && plan != nil && !strings.Contains(line, ".yaml:") {
					t.Errorf("line %d has %d columns: %s", i+1, len([]rune(line)), line)
				}
			}
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// What --json prints is what docs/plan.schema.json describes, no key more, and the drawings name every step.
func TestPlanJSON(t *testing.T) {
	schema := jsonschema.NewCompiler()
	file, err := os.Open("../docs/plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	closeObjects(doc)
	if err := schema.AddResource("plan.json", doc); err != nil {
		t.Fatal(err)
	}
	check, err := schema.Compile("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/plans/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plans := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plan, _ := compile(t, filepath.Base(file), string(text))
		if plan == nil {
			continue
		}
		plans++
		var b, again, dot, mermaid bytes.Buffer
		if err := errors.Join(plan.WriteJSON(&b), plan.WriteJSON(&again), plan.WriteDOT(&dot), plan.WriteMermaid(&mermaid)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("%s: two prints differ", file)
		}
		value, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := check.Validate(value); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, s := range plan.Steps {
			if s.Skipped == "" && (!strings.Contains(dot.String(), s.Step.ID) || !strings.Contains(mermaid.String(), s.Step.ID)) {
				t.Errorf("%s: step %s is not drawn", file, s.Step.ID)
			}
		}
	}
	if plans < 6 {
		t.Errorf("only %d plans", plans)
	}
}

// closeObjects refuses keys that the schema does not list: a schema for users is open, for fields are added.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if v["properties"] != nil {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}

// Texts of a recipe do not break out of the drawings.
func TestDrawingsEscape(t *testing.T) {
	plan, report := compile(t, "r.yaml", "version: 1\nmodel: {path: resnet}\ndata: {test: {images: a, labels: b}}\npasses:\n"+
		"  - prune: {sparsity: 50%}\n    when: metrics.top1 < 1 && model.format != '\"];x<script>'\n"+
		"gates: [{metric: top1, data: test, max_degradation: 1%}]\noutputs: [{format: onnx, path: a.onnx}]\n")
	if plan == nil {
		t.Fatal(report)
	}
	var dot, mermaid bytes.Buffer
	if err := errors.Join(plan.WriteDOT(&dot), plan.WriteMermaid(&mermaid)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(dot.String(), `'\"];x<script>'`) {
		t.Error(dot.String())
	}
	if strings.Contains(mermaid.String(), "<script>") || strings.Contains(mermaid.String(), `"];x`) {
		t.Error(mermaid.String())
	}
}
