// Package evaluate measures models, compares them with their baseline, decides gates and writes the report.
//
// A Metric is a constant record that turns a Subject (a model, its files, what it predicts on a data set) into a Score;
// the metrics there are stand in evaluate/all. Decide holds scores against a gate, with the statistics of
// evaluate/stats; docs/gates.md explains them. A Report is everything a build has to say for itself.
package evaluate

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
)

// Metric is one way to measure a model: a constant record.
type Metric struct {
	Name    string // as in a recipe: "top1"
	Doc     string // one sentence, then more
	Version int    // from 0; raised when the same predictions would give another value
	Unit    Unit
	Higher  bool // more is better
	Kind    Kind
	Needs   Needs

	// Relative marks a metric whose value is itself a comparison with the baseline (agreement): the baseline's own value
	// says nothing, and gates limit it by a threshold.
	Relative bool

	// Detail marks a metric that is for gates and tools: the JSON report has it, the tables for people leave it out.
	Detail bool

	// Score measures in.Model. What Needs lists is there.
	Score func(in *Input) (*Score, error)
}

// Unit is what a metric's values are counted in.
type Unit string

const (
	Share   Unit = "share" // 0 … 1, printed as percent; differences in points
	Nats    Unit = "nats"
	Decibel Unit = "dB"
	Bytes   Unit = "bytes"
	Bits    Unit = "bits"
	Count   Unit = "count"
)

// Kind says how a metric's value comes about, and so which statistics fit it.
type Kind uint8

const (
	Figure Kind = iota // one number without sampling error of its own: bytes; or none that can be stated: a quantile
	Rate               // the share of samples with a property; Items are 0 or 1
	Mean               // the mean over samples of a number; Items are those numbers
)

func (k Kind) String() string { return [...]string{"figure", "rate", "mean"}[k] }

// Needs lists what a metric must be given.
type Needs struct {
	Data     bool // predictions on a data set
	Labels   bool // and the set has labels
	Baseline bool // a baseline
	Artifact bool // the bytes of the files
}

// Subject is what is measured: a model, as read back from its artefact, with what it predicts.
type Subject struct {
	Model       *ir.Model
	Files       int64 // bytes of the artefact's files together; 0: not known
	Predictions map[string]*Predictions

	// Rounding is what is known, without reading it again, of how far a layer's weight is from the baseline's.
	Rounding map[string]measure.Rounding
	Workers  int // that read weights; below 1: one

	weights []LayerRounding // of all layers, once they have been compared with those of against
	against *Subject
}

// Input is what a metric works on.
type Input struct {
	Model    *Subject
	Baseline *Subject // nil: none

	Data  string       // name of the data set, empty for metrics that need none
	Preds *Predictions // of Model on Data
	Base  *Predictions // of Baseline on Data; nil: none
}

// Want names a score: a metric and what to measure it on.
type Want struct {
	Metric *Metric
	Data   string // empty for metrics that need no data
}

// Measure makes the scores wanted of model. The baseline's own scores come from Measure(wants, baseline, baseline).
func Measure(wants []Want, model, baseline *Subject) (*Result, error) {
	r := &Result{}
	for _, w := range wants {
		in := w.input(model, baseline)
		if err := w.Metric.check(in); err != nil {
			return nil, fmt.Errorf("measure %s: %w", w, err)
		}
		s, err := w.Metric.Score(in)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", w, err)
		}
		s.Metric, s.Data = w.Metric, in.Data
		s.complete()
		r.Scores = append(r.Scores, s)
	}
	return r, nil
}

// Wants lists every score that can be made of model with these metrics: on each of the data sets for those that need
// one. A metric that lacks something (labels, a baseline, an artefact) is left out.
func Wants(metrics []*Metric, data []string, model, baseline *Subject) []Want {
	var wants []Want
	for _, m := range metrics {
		names := data
		if !m.Needs.Data {
			names = []string{""}
		}
		for _, name := range names {
			if w := (Want{m, name}); m.check(w.input(model, baseline)) == nil {
				wants = append(wants, w)
			}
		}
	}
	return wants
}

func (w Want) input(model, baseline *Subject) *Input {
	in := &Input{Model: model, Baseline: baseline}
	if w.Metric.Needs.Data {
		in.Data, in.Preds = w.Data, model.Predictions[w.Data]
		if baseline != nil {
			in.Base = baseline.Predictions[w.Data]
		}
	}
	return in
}

func (w Want) String() string { return label(w.Metric.Name, w.Data) }

// label is how a score is called everywhere: "top1 on test".
func label(metric, data string) string {
	if data == "" {
		return metric
	}
	return metric + " on " + data
}

func (m *Metric) check(in *Input) error {
	n := m.Needs
	switch {
	case n.Data && in.Preds == nil:
		return fmt.Errorf("it needs predictions on data %q, which were not made", in.Data)
	case n.Labels && in.Preds.Labels == nil:
		return fmt.Errorf("it needs labels, and data %q has none", in.Data)
	case n.Baseline && (in.Baseline == nil || n.Data && in.Base == nil):
		return fmt.Errorf("it compares with a baseline, and there is none")
	case n.Baseline && n.Data && in.Base.Len() != in.Preds.Len():
		return fmt.Errorf("model and baseline saw different data: %d and %d samples", in.Preds.Len(), in.Base.Len())
	case n.Artifact && in.Model.Files <= 0:
		return fmt.Errorf("it measures an artefact's files, and there are none")
	}
	return nil
}
