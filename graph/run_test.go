package graph

import (
	"context"
	"errors"
	"strings"
	"testing"

	evaluateall "github.com/pare-ml/pare/evaluate/all"
	"github.com/pare-ml/pare/internal/dataset"
	passesall "github.com/pare-ml/pare/passes/all"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

const twoSteps = `version: 1
model: {path: resnet.onnx}
data:
  test: {images: test.idx, labels: test-labels.idx}
passes:
  - prune: {sparsity: 50%}
    targets: ["**.conv?"]
    gates: [{GATE}]
  - id: more
    prune: {structure: filter, sparsity: 50%}
    targets: ["**.conv1"]
    when: WHEN
  - quantize: {weights: {type: int8, granularity: channel}}
gates:
  - {metric: agreement, data: test, threshold: 0%}
outputs:
  - {path: out.onnx}
`

// transformed runs twoSteps on a small model with data in memory.
func transformed(t *testing.T, gate, when string) (*Plan, []*Done, error) {
	t.Helper()
	s := &Suite{Passes: passesall.All(), Metrics: evaluateall.Metrics()}
	lang := s.Language()
	lang.Formats = []recipe.Word{{Name: "onnx", Doc: "ONNX", Extensions: []string{".onnx"}}}
	text := strings.NewReplacer("GATE", gate, "WHEN", when).Replace(twoSteps)
	var report diag.List
	r := recipe.Parse(&diag.Source{Name: "r.yaml", Text: []byte(text)}, lang, recipe.Options{}, &report)
	if r == nil || report.HasErrors() {
		t.Fatal(report)
	}
	m := passtest.ResNet()
	p := Compile(r, m, s, Opener{}, &report)
	if p == nil {
		t.Fatal(report)
	}
	samples := passtest.Samples(40, 1, 8, 8)
	runner := &Runner{Suite: s, Workers: 1, Data: func(string) (dataset.Set, error) { return samples, nil }}
	p, _, done, err := runner.transform(context.Background(), p, m)
	return p, done, err
}

// A step whose condition is false at run is left out, with the values that decided, and the steps after it are planned
// for the model as it is without it.
func TestLeftOutAtRun(t *testing.T) {
	p, done, err := transformed(t, "metric: agreement, data: test, threshold: 0%", "metrics.agreement < 0")
	if err != nil {
		t.Fatal(err)
	}
	if why := p.Steps[1].Skipped; !strings.HasPrefix(why, "metrics.agreement < 0 is false: metrics.agreement is ") {
		t.Errorf("left out: %q", why)
	}
	if len(done) != 2 || done[0].Step.Step.ID != "prune" || done[1].Step.Step.ID != "quantize" {
		t.Fatalf("%d steps done", len(done))
	}
	if len(done[0].Gates) != 1 || done[0].Gates[0].Decision.Outcome != "met" {
		t.Errorf("gates of the first step: %v", done[0].Gates)
	}
	for _, l := range done[1].Layers {
		if l.Layer.Name == "stage1.block1.conv1" && l.Effect.To.Shape[0] != 8 {
			t.Errorf("conv1 was cut to %v though the step was left out", l.Effect.To.Shape)
		}
	}
}

func TestRunsAtRun(t *testing.T) {
	p, done, err := transformed(t, "expect: metrics.agreement >= 0", "metrics.agreement >= 0")
	if err != nil {
		t.Fatal(err)
	}
	if p.Steps[1].Skipped != "" || len(done) != 3 {
		t.Errorf("skipped %q, %d steps done", p.Steps[1].Skipped, len(done))
	}
}

// A gate of a step that is not met ends the build, unless it only warns.
func TestStepGate(t *testing.T) {
	_, _, err := transformed(t, "metric: top1, data: test, threshold: 100%", "metrics.agreement >= 0")
	var gate *GateError
	if !errors.As(err, &gate) || gate.Step != "prune" || !strings.Contains(err.Error(), "gate top1 on test after step prune is not met") {
		t.Errorf("error %v", err)
	}
	_, done, err := transformed(t, "metric: top1, data: test, threshold: 100%, on_fail: warn", "metrics.agreement >= 0")
	if err != nil || len(done[0].Gates) != 1 || done[0].Gates[0].Decision.Outcome == "met" {
		t.Errorf("a gate that only warns: %v, %v", done, err)
	}
}
