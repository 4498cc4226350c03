package all_test

import (
	"context"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/all"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
)

// linear is a classifier with 2 inputs and 6 classes; its weight is stored as codes of this scale if codes are given.
func linear(w []float32, codes []byte, scale float32) *ir.Model {
	g := &ir.Graph{
		Name:    "linear",
		Inputs:  []*ir.Value{{Name: "x", DType: ir.Float32, Shape: ir.Shape{{Size: -1}, {Size: 2}}}},
		Outputs: []*ir.Value{{Name: "y", DType: ir.Float32}},
	}
	name := "fc.weight"
	if codes != nil {
		g.SetTensor(ir.NewTensor("fc.weight_quantized", ir.Int8, []int{2, 6}, codes))
		g.SetTensor(ir.FromFloat32s("scale", nil, []float32{scale}))
		name = "dequantized"
		g.Nodes = append(g.Nodes, &ir.Node{Op: "DequantizeLinear", Inputs: []string{"fc.weight_quantized", "scale"}, Outputs: []string{name}})
	} else {
		g.SetTensor(ir.FromFloat32s(name, []int{2, 6}, w))
	}
	g.Nodes = append(g.Nodes, &ir.Node{Name: "fc", Op: "MatMul", Inputs: []string{"x", name}, Outputs: []string{"y"}})
	return &ir.Model{IRVersion: 8, Opsets: []ir.Opset{{Version: 17}}, Graph: g}
}

// The metrics of a small model, worked out by hand.
func TestMetrics(t *testing.T) {
	set := dataset.Memory{Shape: []int{2}, Inputs: []float32{1, 0, 0, 1, 1, 1}, Labels: []int{5, 5, 0}}
	before := subject(t, linear([]float32{1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1}, nil, 0), set, 480)
	// The second row's first code is 6 steps of 1 as before, its last 2 instead of 1.
	after := subject(t, linear(nil, []byte{1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 2}, 1), set, 120)

	softmax := func(x []float64, c int) float64 { // -ln p(c)
		sum := 0.0
		for _, v := range x {
			sum += math.Exp(v - x[c])
		}
		return math.Log(sum)
	}
	up, down := []float64{1, 2, 3, 4, 5, 6}, []float64{6, 5, 4, 3, 2, 1}
	down2 := []float64{6, 5, 4, 3, 2, 2}
	kl := func(b, m []float64) float64 {
		sum := 0.0
		for c := range b {
			p := math.Exp(-softmax(b, c))
			sum += p * (softmax(m, c) - softmax(b, c))
		}
		return sum
	}
	sevens, sevens2 := []float64{7, 7, 7, 7, 7, 7}, []float64{7, 7, 7, 7, 7, 8}
	want := map[string]float64{
		// Label 5 leads in sample 0 and comes last in sample 1; in sample 2 label 0 leads before and is second after.
		"top1":              1.0 / 3,
		"top5":              2.0 / 3,
		"cross_entropy":     (softmax(up, 5) + softmax(down2, 5) + softmax(sevens2, 0)) / 3,
		"agreement":         2.0 / 3,
		"kl_divergence":     (0 + kl(down, down2) + kl(sevens, sevens2)) / 3,
		"sqnr":              10 * math.Log10((91+91+6*49)/2.0),
		"weight_sqnr":       10 * math.Log10((91+91)/1.0),
		"weight_cosine":     183 / math.Sqrt(182*185),
		"weight_mean_error": 1.0 / 12 / math.Sqrt(182.0/12),
		"weight_max_error":  1 / math.Sqrt(182.0/12),
		"bytes":             120,
		"bits_per_weight":   8 * 120 / 12.0,
		"params":            12,
	}

	wants := evaluate.Wants(all.Metrics(), []string{"test", "valid"}, after, before)
	if len(wants) != len(all.Metrics()) {
		t.Fatalf("wants are %v", wants)
	}
	r, err := evaluate.Measure(wants, after, before)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Scores {
		w, ok := want[s.Metric.Name]
		if !ok {
			t.Errorf("no value worked out for %s", s.Metric.Name)
		}
		if math.Abs(s.Value-w) > 1e-12*math.Max(1, w) {
			t.Errorf("%s is %v, want %v (%v)", s.Label(), s.Value, w, s.Items)
		}
		if (s.Interval != nil) != (s.Metric.Kind != evaluate.Figure) {
			t.Errorf("%s has the interval %v", s.Label(), s.Interval)
		}
	}
	if note := r.Score("weight_sqnr", "").Note; note != "worst layer fc; mean of the layers that changed 22.6 dB" {
		t.Errorf("note %q", note)
	}

	// A model against itself.
	r, err = evaluate.Measure(wants, before, before)
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]float64{"agreement": 1, "kl_divergence": 0, "sqnr": math.Inf(1), "weight_sqnr": math.Inf(1)} {
		if s := r.Score(name, "test"); s.Value != w {
			t.Errorf("%s of a model against itself is %v, want %v", name, s.Value, w)
		}
	}
}

func subject(t *testing.T, m *ir.Model, set dataset.Set, files int64) *evaluate.Subject {
	t.Helper()
	p, err := evaluate.Predict(context.Background(), m, set, evaluate.PredictOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &evaluate.Subject{Model: m, Files: files, Predictions: map[string]*evaluate.Predictions{"test": p}}
}

func TestMetricsSayWhatTheyLack(t *testing.T) {
	bare := &evaluate.Subject{Model: linear(make([]float32, 12), nil, 0)}
	unlabelled := subject(t, bare.Model, dataset.Memory{Shape: []int{2}, Inputs: []float32{1, 2}}, 0)
	for _, c := range []struct {
		metric   string
		model    *evaluate.Subject
		baseline *evaluate.Subject
		want     string
	}{
		{"top1", bare, nil, `measure top1 on test: it needs predictions on data "test", which were not made`},
		{"top1", unlabelled, nil, `measure top1 on test: it needs labels, and data "test" has none`},
		{"agreement", unlabelled, nil, "measure agreement on test: it compares with a baseline, and there is none"},
		{"agreement", unlabelled, bare, "measure agreement on test: it compares with a baseline, and there is none"},
		{"bytes", bare, nil, "measure bytes: it measures an artefact's files, and there are none"},
	} {
		for _, m := range all.Metrics() {
			if m.Name != c.metric {
				continue
			}
			w := evaluate.Want{Metric: m}
			if m.Needs.Data {
				w.Data = "test"
			}
			if _, err := evaluate.Measure([]evaluate.Want{w}, c.model, c.baseline); err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %q", err, c.want)
			}
		}
	}
}

// A model that gives NaN is measured, and fails its gates with the reason.
func TestMetricsOfBrokenModel(t *testing.T) {
	set := dataset.Memory{Shape: []int{2}, Inputs: []float32{1, 0, 0, 1}, Labels: []int{0, 0}}
	good := subject(t, linear([]float32{2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0}, nil, 0), set, 1)
	bad := subject(t, linear([]float32{2, 0, 0, 0, 0, 0, float32(math.NaN()), 0, 0, 0, 0, 0}, nil, 0), set, 1)
	bad.Predictions["test"].Logits[0] = 2 // 0·NaN is NaN too: leave one sample whole
	for _, m := range all.Metrics() {
		if !m.Needs.Data {
			continue
		}
		r, err := evaluate.Measure([]evaluate.Want{{Metric: m, Data: "test"}}, bad, good)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		s := r.Scores[0]
		if math.IsNaN(s.Value) == (m.Kind == evaluate.Rate) || s.Note != "1 of 2 samples gave logits that are not finite" {
			t.Errorf("%s is %v, %q", m.Name, s.Value, s.Note)
		}
		d := evaluate.Decide(evaluate.GateSpec{Metric: m.Name, Data: "test", Limit: evaluate.Threshold, Value: 1}, r, nil)
		if d.Outcome != evaluate.NotMet {
			t.Errorf("%s: %s, %s", m.Name, d.Outcome, d.Message)
		}
	}
}

// Every folder of metrics is in the list, and every metric is documented.
func TestListIsComplete(t *testing.T) {
	text, err := os.ReadFile("all.go")
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if !d.IsDir() || d.Name() == "all" || d.Name() == "stats" || d.Name() == "testdata" {
			continue
		}
		if !strings.Contains(string(text), "evaluate/"+d.Name()+`"`) {
			t.Errorf("evaluate/%s is not in the list", d.Name())
		}
	}
	seen := map[string]bool{}
	for _, m := range all.Metrics() {
		if seen[m.Name] || !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(m.Name) || !strings.HasSuffix(m.Doc, ".") || m.Unit == "" || m.Score == nil {
			t.Errorf("metric %+v", m)
		}
		seen[m.Name] = true
	}
}
