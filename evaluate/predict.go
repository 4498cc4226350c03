package evaluate

import (
	"context"
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
)

// PredictVersion is raised when Predict would give other numbers.
const PredictVersion = 1

// Predictions are what a classifier says of every sample of a set.
type Predictions struct {
	Classes int
	Logits  []float32 // N × Classes
	Labels  []int     // N, or nil
}

// PredictOptions of Predict. The zero value works.
type PredictOptions struct {
	Workers  int                   // goroutines; below 1: one for each processor
	Batch    int                   // samples a forward pass; below 1: 64. It changes no bit of the result
	Progress func(done, total int) // may be nil
}

// Predict runs the model on all samples of a set. The model takes one input, whose first dimension is the batch, and
// its first output has a row of one number for each class. Where that output comes straight from a Softmax, what goes
// into the Softmax is taken, so that logits are logits.
func Predict(ctx context.Context, m *ir.Model, set dataset.Set, o PredictOptions) (*Predictions, error) {
	run, err := newPredictor(m, set, o)
	if err != nil {
		return nil, err
	}
	n := set.Len()
	out := &Predictions{}
	for from := 0; from < n; from += run.batch {
		to := min(n, from+run.batch)
		if err := run.rows(ctx, out, from, to); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(to, n)
		}
	}
	return out, nil
}

type predictor struct {
	set    dataset.Set
	prog   *exec.Program
	input  string
	output string
	batch  int
	fixed  bool // the model takes batches of exactly this size
}

const defaultBatch = 64

func newPredictor(m *ir.Model, set dataset.Set, o PredictOptions) (*predictor, error) {
	if set.Len() == 0 {
		return nil, fmt.Errorf("the data set has no samples")
	}
	if len(m.Graph.Outputs) == 0 {
		return nil, fmt.Errorf("the model has no output")
	}
	p := &predictor{set: set, output: logits(m.Graph), batch: o.Batch}
	if p.batch < 1 {
		p.batch = defaultBatch
	}
	var err error
	if p.prog, err = exec.Compile(m, exec.Options{Workers: o.Workers, Taps: []string{p.output}}); err != nil {
		return nil, err
	}
	inputs := p.prog.Inputs()
	if len(inputs) != 1 {
		return nil, fmt.Errorf("the model takes %d inputs; images go into exactly one", len(inputs))
	}
	p.input = inputs[0].Name
	if s := inputs[0].Shape; len(s) > 0 && s[0].Known() {
		if s[0].Size < 1 || s[0].Size > 1<<20 {
			return nil, fmt.Errorf("the model's input %q takes batches of %d", p.input, s[0].Size)
		}
		p.batch, p.fixed = int(s[0].Size), true
	}
	return p, nil
}

// logits returns the name of the value to read: the first output, or what its Softmax takes.
func logits(g *ir.Graph) string {
	name := g.Outputs[0].Name
	if n := g.Producer(name); n != nil && n.Is("Softmax") && len(n.Inputs) == 1 {
		return n.Inputs[0]
	}
	return name
}

// rows appends the predictions of the samples [from, to).
func (p *predictor) rows(ctx context.Context, out *Predictions, from, to int) error {
	index := make([]int, 0, p.batch)
	for i := from; i < to; i++ {
		index = append(index, i)
	}
	for p.fixed && len(index) < p.batch { // the last sample fills up the batch; its copies are dropped below
		index = append(index, to-1)
	}
	x, labels, err := p.set.Batch(index)
	if err != nil {
		return err
	}
	results, err := p.prog.Run(ctx, map[string]*exec.Array{p.input: x})
	if err != nil {
		return err
	}
	y := results[p.output]
	if y == nil || y.DType != ir.Float32 {
		return fmt.Errorf("output %q is not float32", p.output)
	}
	if len(y.Shape) == 0 || y.Shape[0] != len(index) || y.Len() == 0 {
		return fmt.Errorf("output %q has shape %v for a batch of %d; it must have a row for each sample", p.output, y.Shape, len(index))
	}
	classes := y.Len() / len(index)
	if out.Classes == 0 {
		out.Classes = classes
		out.Logits = make([]float32, 0, p.set.Len()*classes)
	}
	if classes != out.Classes {
		return fmt.Errorf("output %q has %d classes in one batch and %d in another", p.output, out.Classes, classes)
	}
	out.Logits = append(out.Logits, y.Float32s()[:(to-from)*classes]...)
	return out.addLabels(labels, to-from)
}

func (p *Predictions) addLabels(labels []int, n int) error {
	if labels == nil {
		return nil
	}
	for _, l := range labels[:n] {
		if l < 0 || l >= p.Classes {
			return fmt.Errorf("sample %d has label %d; the model tells %d classes apart", len(p.Labels), l, p.Classes)
		}
		p.Labels = append(p.Labels, l)
	}
	return nil
}

// Len returns the number of samples.
func (p *Predictions) Len() int {
	if p.Classes == 0 {
		return 0
	}
	return len(p.Logits) / p.Classes
}

// Row returns the logits of sample i.
func (p *Predictions) Row(i int) []float32 { return p.Logits[i*p.Classes : (i+1)*p.Classes] }

// Finite tells whether all logits of sample i are.
func (p *Predictions) Finite(i int) bool {
	for _, v := range p.Row(i) {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}

// NonFinite counts the samples with a logit that is infinite or not a number.
func (p *Predictions) NonFinite() int {
	count := 0
	for i := range p.Len() {
		if !p.Finite(i) {
			count++
		}
	}
	return count
}

// Top returns the class with the largest logit of sample i, the lowest among equals; -1 if the logits are not finite.
func (p *Predictions) Top(i int) int {
	if !p.Finite(i) {
		return -1
	}
	row := p.Row(i)
	best := 0
	for c, v := range row {
		if v > row[best] {
			best = c
		}
	}
	return best
}

// Rank returns how many classes stand before class c in sample i: those with a larger logit, and among equals those
// with a lower index. It is Classes if the logits are not finite.
func (p *Predictions) Rank(i, c int) int {
	if !p.Finite(i) {
		return p.Classes
	}
	row := p.Row(i)
	rank := 0
	for k, v := range row {
		if v > row[c] || v == row[c] && k < c {
			rank++
		}
	}
	return rank
}
