package evaluate

import (
	"math"
	"slices"
	"time"
)

// Report is everything a build has to say for itself. WriteText, WriteMarkdown and JSON print it; what they print
// depends on the fields alone, and of these only Times tells of clocks: the JSON and the Markdown leave it out, so a
// build that is repeated writes the same report.
//
// Names and texts may hold anything; the printers escape them.
type Report struct {
	Tool      Tool
	Recipe    Recipe
	Baseline  File // the model that came in
	Artifacts []File
	Data      []Data
	Before    Totals
	After     Totals
	Metrics   []Row
	Gates     []Decision
	Steps     []Step
	Layers    []LayerReport
	Findings  []Finding
	Notes     []string // what else to know: "dist/fashion was left as it was"
	Failure   string   // why the build failed, other than by its gates; set by Fail

	Times []Time
}

// Tool is the program that wrote the report.
type Tool struct{ Name, Version string }

// Recipe names the recipe that was built.
type Recipe struct {
	Path        string
	Name        string
	Description string
	SHA256      string // of the effective recipe
	Seed        uint64
	Vars        []Var
}

// Var is a variable of the recipe, with the value it had.
type Var struct{ Name, Value string }

// File is a model's file.
type File struct {
	Path   string
	Format string
	SHA256 string // in hexadecimal
	Bytes  int64
}

// Data is a data set that the build read.
type Data struct {
	Name    string
	Samples int
	SHA256  string // of the files' contents; may be empty
}

// Totals of a model, over all its layers.
type Totals struct {
	Layers int
	Params int64 // elements of all tensors of the layers
	Zeros  int64 // weights that are zero
	Bytes  int64 // of the layers' tensors as stored
}

// Row is one metric before and after.
type Row struct {
	Score    *Score
	Baseline *Score      // nil: none, or the metric is relative to it
	Change   *Comparison // nil if Baseline is
	Interval *Interval   // of Change.Drop, at ShownConfidence; nil: none can be stated
}

// Rows pairs the scores of a model with those of its baseline, which may be nil.
func Rows(model, baseline *Result) ([]Row, error) {
	var rows []Row
	for _, s := range model.Scores {
		row := Row{Score: s}
		if b := baseline.Score(s.Metric.Name, s.Data); b != nil && !s.Metric.Relative {
			c, err := Compare(s, b)
			if err != nil {
				return nil, err
			}
			row.Baseline, row.Change, row.Interval = b, c, c.Interval(ShownConfidence)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Step is an entry of the recipe's passes.
type Step struct {
	ID, Pass string
	Did      string // what it did to the model as a whole: "400 steps, loss 1.21 to 0.34"; may be empty
	LeftOut  string // why it did not run; empty if it did
}

// LayerReport is what happened to one layer.
type LayerReport struct {
	Name, Type string
	From, To   LayerState // To is empty if the layer is Gone
	Gone       bool
	Rounded    bool    // what follows was measured: how far the weight moved over the step that rounds it
	SQNR       float64 // of its weight, in dB; 0 or NaN: not measured
	Cosine     float64
	MeanError  float64 // mean |w−ŵ| in units of the root mean square of w
	MaxError   float64 // the largest, in the same units
	Steps      []LayerStep
}

// LayerState is a layer's weight, with the bytes of all that belongs to the layer.
type LayerState struct {
	DType  string
	Shape  []int
	Params int
	Zeros  int
	Bytes  int64
}

// LayerStep is what one step did to a layer.
type LayerStep struct {
	Step string
	Did  string // "8 of 32 filters removed"; empty with Why: nothing
	Why  string // the reason for doing nothing or something else
}

// Finding is what lint, compile or run had to say about the recipe.
type Finding struct {
	Severity string // error, warning, note
	Code     string
	Path     string // of the recipe or of a file that it imports; empty: no place
	Line     int    // from 1; 0: no place
	Column   int
	Subject  string
	Message  string
}

// Time is how long a part of the build took.
type Time struct {
	What string
	Took time.Duration
	Note string // "cached", "resumed at step 250 of 450"; may be empty
}

// Outcomes of a build besides those of a gate.
const (
	Failed  Outcome = "failed"   // the build broke off
	NoGates Outcome = "no_gates" // nothing was asked of the result
)

// Outcome of all gates together: met only if every gate is met or says on_fail: warn.
func (r *Report) Outcome() Outcome {
	if r.Failure != "" {
		return Failed
	}
	return Overall(r.Gates)
}

// Overall is the outcome of all gates together; NoGates if there are none.
func Overall(gates []Decision) Outcome {
	out := Met
	if len(gates) == 0 {
		return NoGates
	}
	for _, d := range gates {
		switch {
		case d.Gate.OnFail == "warn":
		case d.Outcome == NotMet:
			return NotMet
		case d.Outcome != Met:
			out = Undecided
		}
	}
	return out
}

// Fail marks the report as that of a build that broke off.
func (r *Report) Fail(err error) { r.Failure = err.Error() }

// gates returns the decisions as they are printed. In the report of a build that broke off no gate is met: what it was
// measured on is not what the user has.
func (r *Report) gates() []Decision {
	if r.Failure == "" {
		return r.Gates
	}
	out := slices.Clone(r.Gates)
	for i := range out {
		if d := &out[i]; d.Outcome == Met {
			d.Outcome = Undecided
			d.Message = "undecided, because the build failed after this gate was measured: " + d.Message
		}
	}
	return out
}

func (t Totals) zeroShare() float64 { return share(t.Zeros, t.Params) }

func (s LayerState) zeroShare() float64 { return share(int64(s.Zeros), int64(s.Params)) }

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// noSQNR tells that none was measured. Noise of exactly the weight's own energy does not happen.
func (l *LayerReport) noSQNR() bool { return l.Gone || l.SQNR == 0 || math.IsNaN(l.SQNR) }
