package golden

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/evaluate"
	evaluateall "github.com/pare-ml/pare/evaluate/all"
	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/format"
	formats "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/dataset"
	passesall "github.com/pare-ml/pare/passes/all"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// recipes are the steps of builds, one set of parameters a line.
var recipes = []struct {
	model  func() *ir.Model
	before string // a step that stands before
	pass   string
	params []string
}{
	{resnet, "", "fold", []string{`{}`}},
	{resnet, "", "prune", []string{
		`{sparsity: 60%}`,
		`{sparsity: 60%, scope: row}`,
		`{sparsity: 60%, scope: global}`,
		`{sparsity: 60%, criterion: random}`,
		`{sparsity: 60%, criterion: taylor, data: train, batch: 5}`,
		`{sparsity: 50%, structure: n_m}`,
		`{sparsity: 75%, structure: n_m, n: 1, m: 4, criterion: taylor, data: train}`,
		`{sparsity: 40%, structure: filter}`,
		`{sparsity: 40%, structure: filter, criterion: l2, round_to: 4}`,
		`{sparsity: 40%, structure: filter, criterion: taylor, data: train}`,
		`{sparsity: 40%, structure: filter, criterion: apoz, data: train}`,
		`{sparsity: 40%, structure: filter, criterion: mean_activation, data: train, batch: 7}`,
		`{sparsity: 40%, structure: filter, criterion: bn_scale}`,
		`{sparsity: 40%, structure: filter, criterion: random}`,
		`{sparsity: 40%, structure: filter, remove: false, scope: global}`,
	}},
	{resnet, "  - prune: {sparsity: 60%}\n", "distill", []string{
		`{data: train, steps: 20, batch: 4}`,
		`{data: train, steps: 20, batch: 4, augment: {shift: 1, flip: true}, optimizer: {kind: sgd, learning_rate: 0.01, warmup: 3}}`,
		`{data: train, steps: 20, batch: 4, losses: [{kind: labels, weight: 0.3}, {kind: hidden, layers: [stage2.block1.conv2]}], schedule: linear}`,
	}},
	{resnet, "", "quantize", []string{
		`{weights: {type: int8, granularity: channel}}`,
		`{weights: {type: int8, granularity: tensor, symmetric: false}}`,
		`{weights: {type: uint8, granularity: channel, symmetric: false, observer: {kind: percentile, percentile: 99}}}`,
		`{weights: {type: uint8, granularity: tensor, observer: mse}}`,
		`{weights: {type: int8}, algorithm: mse}`,
		`{scheme: W8A8, data: calibration}`,
		`{scheme: W8A8, data: calibration, batch: 5, activations: {type: int8, symmetric: true, observer: minmax}}`,
		`{scheme: W8A8, data: calibration, batch: 5, activations: {observer: ema_minmax}}`,
		`{scheme: W8A8, data: calibration, activations: {observer: {kind: percentile, percentile: 99.9}}}`,
		`{scheme: W8A8, data: calibration, activations: {observer: entropy}}`,
	}},
	{llama, "", "prune", []string{
		`{sparsity: 50%}`,
		`{sparsity: 50%, structure: n_m}`,
	}},
	{llama, "", "quantize", []string{
		`{weights: {type: int8, granularity: channel}}`,
		`{weights: {type: uint8, granularity: tensor, symmetric: false, observer: mse}}`,
	}},
}

func llama() *ir.Model {
	return transformer(build.Transformer{Vocabulary: 11, Width: 16, Hidden: 24, Blocks: 2, Heads: 4, KVHeads: 2, Rotary: true})
}

// whole is a build in which every step stands on those before it.
const whole = `
passes:
  - fold: {}
  - id: thin
    prune: {sparsity: 40%, structure: filter, criterion: taylor, data: train, batch: 5}
    targets: ["**.conv1"]
  - id: sparse
    prune: {sparsity: 50%}
    targets: ["type:conv"]
    overrides:
      - {targets: ["stem.*"], set: {sparsity: 10%}}
      - {when: layer.params > 700, set: {sparsity: 70%}}
  - id: recover
    distill: {data: train, steps: 20, batch: 4, losses: [{kind: logits, weight: 0.9}, {kind: labels, weight: 0.1}]}
    gates:
      - {metric: top1, data: test, max_degradation: 10%, on_fail: warn}
  - quantize: {scheme: W8A8, data: calibration}
gates:
  - {metric: agreement, data: test, threshold: 5%, confidence: 90%}
  - {metric: cross_entropy, data: test, max_degradation: 5, on_fail: warn, confidence: 95%}
  - {metric: sqnr, data: test, threshold: 1}
`

// buildCases are builds of each pass alone and one of all of them.
func buildCases() (cases []testCase) {
	for _, r := range recipes {
		for _, params := range r.params {
			model := r.model().Graph.Name
			cases = append(cases, testCase{fmt.Sprintf("%s %s %s", model, r.pass, params), true, func(t *testing.T, h how) result {
				return built(t, h, r.model(), fmt.Sprintf("passes:\n%s  - %s: %s\n", r.before, r.pass, params))
			}})
		}
	}
	return append(cases, testCase{"resnet, a whole build", true, func(t *testing.T, h how) result {
		return built(t, h, resnet(), whole)
	}})
}

// sets are the data of all builds: parts of one.
var sets = map[string]dataset.Set{"train": samples(0, 24), "calibration": samples(24, 36), "test": samples(36, 60)}

func samples(from, to int) dataset.Memory {
	s := passtest.Samples(60, 1, 8, 8)
	s.Inputs, s.Labels = s.Inputs[64*from:64*to], s.Labels[from:to]
	return s
}

const header = `version: 1
model: {path: model.onnx}
seed: 5
data:
  train: {images: train.idx, labels: train-labels.idx}
  calibration: {images: calibration.idx, labels: calibration-labels.idx}
  test: {images: test.idx, labels: test-labels.idx}
`

// built builds steps on a model and returns the digests of the artefact's model and of what the report says.
func built(t *testing.T, h how, m *ir.Model, steps string) result {
	t.Helper()
	text := header + steps
	images := m.Graph.Feeds()[0].DType == ir.Float32
	if !images {
		text = strings.Replace(text, header[strings.Index(header, "data:"):], "", 1)
	} else if !strings.Contains(steps, "gates:") {
		text += "gates:\n  - {metric: agreement, data: test, threshold: 0%}\n"
	}
	text += "outputs:\n  - {path: out.onnx}\n"
	suite := &graph.Suite{Passes: passesall.All(), Formats: formats.All(), Metrics: evaluateall.Metrics()}
	var report diag.List
	r := recipe.Parse(&diag.Source{Name: "recipe.yaml", Text: []byte(text)}, suite.Language(), recipe.Options{}, &report)
	if r == nil || report.HasErrors() {
		t.Fatalf("%s\n%v", text, report)
	}
	dir := t.TempDir()
	input, closeInput := stored(t, suite.Format("onnx"), m, filepath.Join(dir, "model.onnx"))
	defer closeInput()
	plan := graph.Compile(r, input, suite, graph.Opener{}, &report)
	if plan == nil || report.HasErrors() {
		t.Fatalf("%s\n%v", text, report)
	}
	runner := &graph.Runner{Suite: suite, Workers: h.workers, Shuffle: h.shuffle, Data: func(name string) (dataset.Set, error) { return sets[name], nil }}
	b, err := runner.Build(context.Background(), plan, input, evaluate.Tool{Name: "pare", Version: "0"}, nil, filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	back, closeFile, err := suite.Format("onnx").Open(filepath.Join(b.Dir, "out.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeFile()
	return result{"model": ofModel(t, back), "report": ofReport(b.Report)}
}

// stored returns a model as it is read from a file.
func stored(t *testing.T, f *format.Format, m *ir.Model, name string) (*ir.Model, func() error) {
	files, err := f.Encode(m)
	if err != nil || len(files) != 1 {
		t.Fatal(len(files), err)
	}
	var data bytes.Buffer
	if err := (format.Stream{Workers: 1}).Write(context.Background(), &data, files[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	back, closeFile, err := f.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return back, closeFile
}
