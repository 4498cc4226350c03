package evaluate_test

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/classification"
	"github.com/pare-ml/pare/evaluate/fidelity"
	"github.com/pare-ml/pare/evaluate/size"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it); got:\n%s", path, got)
	}
}

// outcomes returns items of n samples of which the first right are right, but for losses and gains against them.
func outcomes(n, right, losses, gains int) []float64 {
	items := make([]float64, n)
	for i := range items {
		if i < right {
			items[i] = 1
		}
		if i < losses || i >= n-gains {
			items[i] = 1 - items[i]
		}
	}
	return items
}

func score(m *evaluate.Metric, data string, items []float64) *evaluate.Score {
	s := evaluate.MeanOf(items)
	return finish(m, data, s)
}

// finish makes a score as Measure would.
func finish(m *evaluate.Metric, data string, s *evaluate.Score) *evaluate.Score {
	fixed := *m
	fixed.Score = func(*evaluate.Input) (*evaluate.Score, error) { return s, nil }
	fixed.Needs = evaluate.Needs{}
	r, err := evaluate.Measure([]evaluate.Want{{Metric: &fixed}}, &evaluate.Subject{}, nil)
	if err != nil {
		panic(err)
	}
	s = r.Scores[0]
	s.Metric, s.Data = m, data
	return s
}

func figure(m *evaluate.Metric, data string, v float64) *evaluate.Score {
	return finish(m, data, evaluate.FigureOf(v))
}

// entropies are items whose mean is about 0.24 nats, and somewhat more for a worse model.
func entropies(n int, worse float64) []float64 {
	items := make([]float64, n)
	for i := range items {
		x := float64(i%97) / 97
		items[i] = float64(0.7*x*x) + float64(worse*float64(i%13)/13)
	}
	return items
}

func results() (model, baseline *evaluate.Result) {
	const n = 5000
	agree := outcomes(n, 4873, 0, 0)
	kl := entropies(n, 0)
	for i := range kl {
		kl[i] *= 0.02
	}
	after := figure(size.Bytes, "", 271098)
	before := figure(size.Bytes, "", 1108520)
	sqnr := figure(fidelity.SQNR, "test", 24.61)
	sqnr.N = n
	return &evaluate.Result{Scores: []*evaluate.Score{
			score(classification.Top1, "test", outcomes(n, 4605, 61, 40)),
			score(classification.CrossEntropy, "test", entropies(n, 0.02)),
			score(fidelity.Agreement, "test", agree),
			score(fidelity.KLDivergence, "test", kl),
			sqnr, after, figure(fidelity.WeightSQNR, "", 3.1),
			figure(size.BitsPerWeight, "", 7.82),
		}}, &evaluate.Result{Scores: []*evaluate.Score{
			score(classification.Top1, "test", outcomes(n, 4605, 0, 0)),
			score(classification.CrossEntropy, "test", entropies(n, 0)),
			before,
			figure(size.BitsPerWeight, "", 31.99),
		}}
}

// measured is what is slow about the sample, made once.
var measured = sync.OnceValues(func() (rows []evaluate.Row, err error) {
	return evaluate.Rows(results())
})

// sample is a report with some of everything.
func sample(t *testing.T) *evaluate.Report {
	model, baseline := results()
	rows, err := measured()
	if err != nil {
		t.Fatal(err)
	}
	decide := func(g evaluate.GateSpec) evaluate.Decision { return evaluate.Decide(g, model, baseline) }
	none := math.NaN()
	return &evaluate.Report{
		Tool: evaluate.Tool{Name: "pare", Version: "0.1.0"},
		Recipe: evaluate.Recipe{
			Path: "recipes/fashion.yaml", Name: "fashion", Description: "clothes classifier for microcontrollers",
			SHA256: strings.Repeat("5a", 32), Seed: 7, Vars: []evaluate.Var{{Name: "sparsity", Value: "0.5"}},
		},
		Baseline:  evaluate.File{Path: "fashion.onnx", Format: "onnx", SHA256: strings.Repeat("b0", 32), Bytes: 1108520},
		Artifacts: []evaluate.File{{Path: "dist/fashion/fashion.onnx", Format: "onnx", SHA256: strings.Repeat("a7", 32), Bytes: 271098}},
		Data:      []evaluate.Data{{Name: "test", Samples: 5000, SHA256: strings.Repeat("da", 32)}},
		Before:    evaluate.Totals{Layers: 6, Params: 276_906, Zeros: 12, Bytes: 1_107_624},
		After:     evaluate.Totals{Layers: 4, Params: 190_010, Zeros: 96_100, Bytes: 195_530},
		Metrics:   rows,
		Gates: []evaluate.Decision{
			decide(evaluate.GateSpec{Metric: "top1", Data: "test", Limit: evaluate.MaxDegradation, Value: 0.01, Confidence: 0.95}),
			decide(evaluate.GateSpec{Metric: "agreement", Data: "test", Limit: evaluate.Threshold, Value: 0.98, Confidence: 0.95, OnFail: "warn"}),
			decide(evaluate.GateSpec{Metric: "bytes", Limit: evaluate.Threshold, Value: 300_000}),
			evaluate.DecideExpect("artifact.bits_per_weight < 8", "error", true, []evaluate.Used{{Name: "artifact.bits_per_weight", Value: 7.82, Unit: evaluate.Bits}}),
		},
		Steps: []evaluate.Step{{ID: "fold", Pass: "fold"}, {ID: "thin", Pass: "prune"}, {ID: "pack", Pass: "quantize"},
			{ID: "recover", Pass: "distill", Did: "400 steps, loss 1.2108 to 0.3391"},
			{ID: "polish", Pass: "finetune", LeftOut: "top1 is 0.99 of the baseline, when asks for less than 0.98"}},
		Layers: []evaluate.LayerReport{
			{Name: "stem.conv", Type: "conv",
				From: evaluate.LayerState{DType: "float32", Shape: []int{32, 1, 3, 3}, Params: 320, Bytes: 1280},
				To:   evaluate.LayerState{DType: "int8", Shape: []int{24, 1, 3, 3}, Params: 240, Bytes: 417},
				SQNR: 41.25, Steps: []evaluate.LayerStep{{Step: "fold", Did: "took in stem.bn"}, {Step: "thin", Did: "8 of 32 filters removed"},
					{Step: "pack", Did: "weights int8 per channel, activations uint8 (percentile 99.99)"}}},
			{Name: "stem.bn", Type: "norm", Gone: true, SQNR: none,
				From:  evaluate.LayerState{DType: "float32", Shape: []int{32}, Params: 128, Bytes: 512},
				Steps: []evaluate.LayerStep{{Step: "fold", Did: "merged into stem.conv"}}},
			{Name: "block1.conv1", Type: "conv",
				From: evaluate.LayerState{DType: "float32", Shape: []int{64, 32, 3, 3}, Params: 18496, Zeros: 12, Bytes: 73984},
				To:   evaluate.LayerState{DType: "int8", Shape: []int{64, 24, 3, 3}, Params: 13888, Zeros: 6912, Bytes: 14336},
				SQNR: 38.04, Steps: []evaluate.LayerStep{{Step: "thin", Did: "50% of the weights zeroed", Why: "8 inputs gone with stem.conv"},
					{Step: "pack", Did: "weights int8 per channel, activations uint8 (percentile 99.99)"}}},
			{Name: "head", Type: "linear",
				From: evaluate.LayerState{DType: "float32", Shape: []int{10, 128}, Params: 1290, Bytes: 5160},
				To:   evaluate.LayerState{DType: "float32", Shape: []int{10, 128}, Params: 1290, Bytes: 5160},
				SQNR: none, Steps: []evaluate.LayerStep{{Step: "thin", Why: "ignored by the step"}}},
			{Name: "scale", Type: "norm",
				From: evaluate.LayerState{DType: "float32", Shape: []int{10}, Params: 10, Bytes: 40},
				To:   evaluate.LayerState{DType: "float32", Shape: []int{10}, Params: 10, Bytes: 40}, SQNR: none},
		},
		Findings: []evaluate.Finding{{Severity: "warning", Code: "layer-left-alone", Path: "recipes/fashion.yaml", Line: 31, Column: 7,
			Subject: "layer scale", Message: "no step touches this layer; name it in ignore if that is meant"}},
		Notes: []string{"the effective recipe is in dist/fashion/recipe.yaml"},
		Times: []evaluate.Time{{What: "fold", Took: 20 * time.Millisecond}, {What: "thin", Took: 3400 * time.Millisecond},
			{What: "pack", Took: 12 * time.Second}, {What: "measure", Took: 65 * time.Second}},
	}
}

func text(t *testing.T, r *evaluate.Report, width int, color bool) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b, width, color); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func markdown(t *testing.T, r *evaluate.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReportGoldens(t *testing.T) {
	r := sample(t)
	golden(t, "report.txt", []byte(text(t, r, 132, false)))
	golden(t, "report-80.txt", []byte(text(t, r, 80, false)))
	golden(t, "report.md", []byte(markdown(t, r)))
	j, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", j)
}

// Colour is all that colour adds.
func TestReportColor(t *testing.T) {
	r := sample(t)
	plain := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(text(t, r, 132, true), "")
	if trim := regexp.MustCompile(` +\n`).ReplaceAllString(plain, "\n"); trim != text(t, r, 132, false) {
		t.Errorf("without its colours the report reads:\n%s", plain)
	}
}

// The JSON of a build that is repeated is the same, however long it took.
func TestReportJSONHasNoClock(t *testing.T) {
	a, b := sample(t), sample(t)
	b.Times = nil
	x, _ := a.JSON()
	y, _ := b.JSON()
	if !bytes.Equal(x, y) || markdown(t, a) != markdown(t, b) {
		t.Error("times show in the JSON or the Markdown")
	}
}

func TestFailedReportNeverSaysMet(t *testing.T) {
	met := regexp.MustCompile(`(?i)gates? (is|are) met|"met"|✓|✅`)
	r := sample(t)
	r.Fail(errors.New("write dist/fashion/fashion.onnx: no space left on device"))
	j, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]string{"text": text(t, r, 100, false), "Markdown": markdown(t, r), "JSON": string(j)} {
		if m := met.FindString(s); m != "" {
			t.Errorf("the %s of a failed build says %q:\n%s", what, m, s)
		}
		if !strings.Contains(s, "no space left on device") {
			t.Errorf("the %s does not say why the build failed:\n%s", what, s)
		}
	}
	if r.Outcome() != evaluate.Failed {
		t.Errorf("outcome %s", r.Outcome())
	}
}

func TestOverall(t *testing.T) {
	gate := func(o evaluate.Outcome, onFail string) evaluate.Decision {
		return evaluate.Decision{Gate: evaluate.GateSpec{OnFail: onFail}, Outcome: o}
	}
	met, not, open := gate(evaluate.Met, ""), gate(evaluate.NotMet, "error"), gate(evaluate.Undecided, "error")
	for _, c := range []struct {
		gates []evaluate.Decision
		want  evaluate.Outcome
	}{
		{nil, evaluate.NoGates},
		{[]evaluate.Decision{met, met}, evaluate.Met},
		{[]evaluate.Decision{met, open}, evaluate.Undecided},
		{[]evaluate.Decision{open, not, met}, evaluate.NotMet},
		{[]evaluate.Decision{met, gate(evaluate.NotMet, "warn"), gate(evaluate.Undecided, "warn")}, evaluate.Met},
		{[]evaluate.Decision{gate("", "error")}, evaluate.Undecided},
	} {
		if got := evaluate.Overall(c.gates); got != c.want {
			t.Errorf("%v: %s, want %s", c.gates, got, c.want)
		}
	}
}

// A build that is not accepted, and one that broke off: what the user reads at the end.
func TestReportEnds(t *testing.T) {
	model, baseline := flips(5000, 900, 100)
	spec := func(limit float64) evaluate.GateSpec {
		return evaluate.GateSpec{Metric: "top1", Data: "test", Limit: evaluate.MaxDegradation, Value: limit, Confidence: 0.95}
	}
	decide := func(limits ...float64) (gates []evaluate.Decision) {
		for _, l := range limits {
			gates = append(gates, evaluate.Decide(spec(l), model, baseline))
		}
		return gates
	}
	warn := spec(0.01)
	warn.OnFail = "warn"
	for _, c := range []struct {
		r    evaluate.Report
		want string
	}{
		{evaluate.Report{}, "Built. The recipe has no gates, so nothing was asked of the result.\n"},
		{evaluate.Report{Gates: decide(0.2)}, "Built. The gate is met.\n"},
		{evaluate.Report{Gates: decide(0.2, 0.3)}, "Built. All 2 gates are met.\n"},
		{evaluate.Report{Gates: append(decide(0.2), evaluate.Decide(warn, model, baseline))}, "Built, with 1 of 2 gates met; the others only warn.\n"},
		{evaluate.Report{Gates: decide(0.01, 0.2)}, "Not accepted: 1 of 2 gates not met.\n"},
		{evaluate.Report{Gates: decide(0.01, 0.16)}, "Not accepted: 1 of 2 gates not met, 1 of 2 gates undecided.\n"},
		{evaluate.Report{Gates: decide(0.2), Failure: "disk full"}, "The build failed: disk full\n"},
	} {
		got := text(t, &c.r, 100, false)
		if !strings.HasSuffix(got, c.want) {
			t.Errorf("the report ends\n%s\nwant %s", got, c.want)
		}
	}
}
