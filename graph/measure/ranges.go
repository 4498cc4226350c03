package measure

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/parallel"
)

// Ranges runs m on samples of set and lets the observer of n choose a range for every float32 value that hangs on the
// model's input, the input itself included. Observers that need a histogram take a second pass over the same samples,
// once the extremes are known. No activations are kept: memory is that of one batch and a histogram for each value.
//
// A NaN or an infinity is an error that names the value, a *format.Damaged.
func Ranges(ctx context.Context, m *ir.Model, set dataset.Set, n Need, workers int) (*Result, error) {
	choose, err := observer(n.Observer)
	if err != nil {
		return nil, err
	}
	f, err := newFeeder(m, set, n.Samples, n.Batch)
	if err != nil {
		return nil, err
	}
	seen, err := observe(ctx, m, f, n.Kind, workers)
	if err != nil {
		return nil, err
	}
	if needsHistogram(n.Observer.Kind) {
		if err := fillHistograms(ctx, m, f, seen, n.Observer.Symmetric, workers); err != nil {
			return nil, err
		}
	}
	ranges := make([]Range, len(seen))
	parallel.For(workers, len(seen), func(i int) { ranges[i] = choose(seen[i]) })
	r := &Result{Samples: f.samples, Ranges: map[string]Range{}}
	for i, o := range seen {
		if o.count > 0 {
			r.Ranges[o.name] = ranges[i]
		}
	}
	return r, nil
}

// observed is what is known of one value.
type observed struct {
	name         string
	count        int64   // elements seen
	lo, hi       float64 // extremes; lo <= 0 <= hi
	emaLo, emaHi float64 // moving averages of the batches' extremes

	zeros int64   // elements exactly zero, left out of the histogram
	bins  []int64 // histogram of the others, over [lo, hi], or of magnitudes over [0, max(-lo, hi)]
}

// emaMomentum is the weight of the past in a moving average of extremes.
const emaMomentum = 0.99

// observe takes the first pass: counts and extremes.
func observe(ctx context.Context, m *ir.Model, f *feeder, kind string, workers int) ([]*observed, error) {
	names := dynamicValues(m.Graph)
	seen := make([]*observed, len(names))
	for i, name := range names {
		seen[i] = &observed{name: name}
	}
	err := f.run(ctx, m, names, workers, func(batch int, values map[string]*exec.Array) error {
		faults := make([]string, len(seen))
		parallel.For(workers, len(seen), func(i int) {
			if a := values[seen[i].name]; a != nil && a.DType == ir.Float32 {
				faults[i] = seen[i].extend(a.Float32s())
			}
		})
		for i, fault := range faults {
			if fault != "" {
				return &format.Damaged{Path: m.Path, Where: fmt.Sprintf("value %q", seen[i].name),
					Reason: fmt.Sprintf("holds %s on calibration samples of batch %d", fault, batch+1)}
			}
		}
		return nil
	})
	return seen, err
}

// extend takes one batch of a value in. It returns what is wrong with it.
func (o *observed) extend(x []float32) (fault string) {
	if len(x) == 0 {
		return ""
	}
	l, h := kernel.MinMax(x)
	lo, hi := float64(l), float64(h)
	if lo != lo || math.IsInf(lo, 0) || math.IsInf(hi, 0) {
		return countNonFinite(x)
	}
	lo, hi = min(lo, 0), max(hi, 0)
	if o.count == 0 {
		o.emaLo, o.emaHi = lo, hi
	} else {
		o.emaLo = float64(emaMomentum*o.emaLo) + float64((1-emaMomentum)*lo)
		o.emaHi = float64(emaMomentum*o.emaHi) + float64((1-emaMomentum)*hi)
	}
	o.lo, o.hi = min(o.lo, lo), max(o.hi, hi)
	o.count += int64(len(x))
	return ""
}

func countNonFinite(x []float32) string {
	nan, inf := 0, 0
	for _, v := range x {
		switch {
		case v != v:
			nan++
		case math.IsInf(float64(v), 0):
			inf++
		}
	}
	return fmt.Sprintf("%d NaN and %d infinite of %d numbers", nan, inf, len(x))
}

// fillHistograms takes the second pass.
func fillHistograms(ctx context.Context, m *ir.Model, f *feeder, seen []*observed, magnitudes bool, workers int) error {
	names := make([]string, len(seen))
	for i, o := range seen {
		names[i] = o.name
		o.bins = make([]int64, histogramBins)
	}
	return f.run(ctx, m, names, workers, func(_ int, values map[string]*exec.Array) error {
		parallel.For(workers, len(seen), func(i int) {
			if a := values[seen[i].name]; a != nil && a.DType == ir.Float32 {
				seen[i].bin(a.Float32s(), magnitudes)
			}
		})
		return nil
	})
}

// dynamicValues lists the values that hang on an input of the graph, in graph order, inputs first: those whose range
// data decides. Nodes on constants alone are left out.
func dynamicValues(g *ir.Graph) []string {
	var names []string
	dynamic := map[string]bool{}
	add := func(name string) {
		if name != "" {
			dynamic[name] = true
			names = append(names, name)
		}
	}
	for _, v := range g.Feeds() {
		add(v.Name)
	}
	for _, n := range g.Nodes {
		for _, v := range n.Takes() {
			if dynamic[v] {
				for _, out := range n.Outputs {
					add(out)
				}
				break
			}
		}
	}
	return names
}

// feeder gives the samples of a set to a model, in fixed batches.
type feeder struct {
	set     dataset.Set
	input   string
	batch   int
	samples int
}

// newFeeder plans the batches. A model whose batch size is fixed gets batches of that size, and samples that do not
// fill one are left out.
func newFeeder(m *ir.Model, set dataset.Set, samples, batch int) (*feeder, error) {
	feeds := m.Graph.Feeds()
	if len(feeds) != 1 {
		return nil, fmt.Errorf("the model has %d inputs; calibration needs exactly one", len(feeds))
	}
	f := &feeder{set: set, input: feeds[0].Name, batch: max(1, batch), samples: set.Len()}
	if samples > 0 {
		f.samples = min(samples, set.Len())
	}
	if s := feeds[0].Shape; len(s) > 0 && s[0].Size > 0 {
		f.batch = int(s[0].Size)
		f.samples -= f.samples % f.batch
	}
	if f.samples == 0 {
		return nil, errors.New("no samples to calibrate with")
	}
	return f, nil
}

// run gives every batch to the model and its values to take, in order.
func (f *feeder) run(ctx context.Context, m *ir.Model, taps []string, workers int, take func(batch int, values map[string]*exec.Array) error) error {
	p, err := exec.Compile(m, exec.Options{Workers: workers, Taps: taps})
	if err != nil {
		return err
	}
	index := make([]int, 0, f.batch)
	for from := 0; from < f.samples; from += f.batch {
		index = index[:0]
		for i := from; i < min(from+f.batch, f.samples); i++ {
			index = append(index, i)
		}
		in, _, err := f.set.Batch(index)
		if err != nil {
			return err
		}
		values, err := p.Run(ctx, map[string]*exec.Array{f.input: in})
		if err != nil {
			return err
		}
		values[f.input] = in
		if err := take(from/f.batch, values); err != nil {
			return err
		}
	}
	return nil
}
