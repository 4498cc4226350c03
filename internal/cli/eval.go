package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/recipe/diag"
)

var evalVerb = &verb{
	name: "eval", args: "MODEL", summary: "metrics of a model, alone or against a baseline", min: 1, max: 1,
	long: `Runs the model on a data set that a recipe declares and prints its metrics with their intervals. With a baseline
both see the same samples, and the metrics that compare two models are added.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		var o evalOptions
		f.StringVar(&o.data, "data", "", "the data: a recipe and the name of one of its data sets, recipes/fashion.yaml:test")
		f.StringVar(&o.baseline, "baseline", "", "a model to compare with")
		f.StringVar(&o.logits, "logits", "", "also write the model's outputs to this .npy file, a row a sample")
		f.IntVar(&o.workers, "workers", 0, "goroutines that compute (0: one for each processor)")
		f.BoolVar(&o.asJSON, "json", false, "print JSON")
		return func(s *session, args []string) error { return s.eval(args[0], o) }
	},
}

type evalOptions struct {
	data, baseline, logits string
	workers                int
	asJSON                 bool
}

func (s *session) eval(path string, o evalOptions) error {
	file, name, ok := cutLast(o.data, ":")
	if !ok {
		return usageError{"say what to measure on with --data RECIPE:NAME, for example --data recipes/fashion.yaml:test"}
	}
	p, err := s.load(file, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	if p.recipe == nil {
		if err := printFindings(s.stderr, p.report, false); err != nil {
			return err
		}
		return findingsError{}
	}
	set, err := p.Data(name)
	if err != nil {
		return err
	}
	model, done, err := s.subject(path, name, set, o.workers)
	if err != nil {
		return err
	}
	defer done()
	baseline := (*evaluate.Subject)(nil)
	if o.baseline != "" {
		b, done, err := s.subject(o.baseline, name, set, o.workers)
		if err != nil {
			return err
		}
		defer done()
		baseline = b
	}
	if o.logits != "" {
		preds := model.Predictions[name]
		if err := os.WriteFile(o.logits, npy(preds.Logits, preds.Len(), preds.Classes), 0o666); err != nil {
			return err
		}
	}
	var wants []evaluate.Want
	for _, m := range s.suite.Metrics {
		if m.Needs.Labels && model.Predictions[name].Labels == nil || m.Needs.Baseline && baseline == nil {
			continue
		}
		w := evaluate.Want{Metric: m}
		if m.Needs.Data {
			w.Data = name
		}
		wants = append(wants, w)
	}
	result, err := evaluate.Measure(wants, model, baseline)
	if err != nil {
		return err
	}
	return s.printScores(path, result, o.asJSON)
}

// cutLast splits s at the last sep, so that a path may hold colons.
func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// subject opens a model and lets it predict a data set.
func (s *session) subject(path, name string, set dataset.Set, workers int) (*evaluate.Subject, func() error, error) {
	m, done, err := openModel(path)
	if err != nil {
		return nil, nil, err
	}
	if err := needWeights(m, "eval"); err != nil {
		done()
		return nil, nil, err
	}
	info, err := os.Stat(path)
	if err == nil {
		var preds *evaluate.Predictions
		if preds, err = evaluate.Predict(s.ctx, m, set, evaluate.PredictOptions{Workers: workers}); err == nil {
			return &evaluate.Subject{Model: m, Files: info.Size(), Predictions: map[string]*evaluate.Predictions{name: preds}}, done, nil
		}
	}
	done()
	return nil, nil, fmt.Errorf("%s: %w", path, err)
}

func (s *session) printScores(path string, r *evaluate.Result, asJSON bool) error {
	if asJSON {
		type row struct {
			Metric string    `json:"metric"`
			Data   string    `json:"data,omitempty"`
			Value  float64   `json:"value"`
			Unit   string    `json:"unit"`
			N      int       `json:"n,omitempty"`
			Bounds []float64 `json:"interval,omitempty"` // at 95%
		}
		rows := []row{}
		for _, x := range r.Scores {
			line := row{Metric: x.Metric.Name, Data: x.Data, Value: x.Value, Unit: string(x.Metric.Unit), N: x.N}
			if x.Interval != nil {
				line.Bounds = []float64{x.Interval.Low, x.Interval.High}
			}
			rows = append(rows, line)
		}
		enc := json.NewEncoder(s.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"model": path, "metrics": rows})
	}
	fmt.Fprintln(s.stdout, diag.Printable(path))
	tw := tabwriter.NewWriter(s.stdout, 0, 8, 2, ' ', 0)
	for _, x := range r.Scores {
		fmt.Fprintf(tw, "  %s\t%s\t%s\n", x.Label(), x.Text(), x.IntervalText())
	}
	return tw.Flush()
}
