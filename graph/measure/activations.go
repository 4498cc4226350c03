package measure

import (
	"context"
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/parallel"
)

// Activations measures what the output channels of every conv and linear layer do behind the activation function that
// follows: the share of zeros (Hu et al. 2016, "Network Trimming", eq. 1) and the mean absolute value. Sums run over
// samples and places, in batches in order, in float64. APoZ is nil where After finds no function that gives zeros.
func Activations(ctx context.Context, m *ir.Model, set dataset.Set, n Need, workers int) (*Result, error) {
	f, err := newFeeder(m, set, n.Samples, n.Batch)
	if err != nil {
		return nil, err
	}
	var outs []*output
	var taps []string
	for _, l := range m.MainLayers() {
		if l.Type != "conv" && l.Type != "linear" {
			continue
		}
		a := After(m.Graph, l)
		a.Zeros = a.Zeros && !startsElsewhere(m.Graph, a.Value)
		o := &output{layer: l, after: a, axis: 1, zeros: make([]int64, l.OutFeatures), sum: make([]float64, l.OutFeatures)}
		if l.Type == "linear" {
			o.axis = -1
		}
		outs = append(outs, o)
		taps = append(taps, a.Value)
	}
	err = f.run(ctx, m, taps, workers, func(batch int, values map[string]*exec.Array) error {
		faults := make([]error, len(outs))
		parallel.For(workers, len(outs), func(i int) { faults[i] = outs[i].add(values[outs[i].after.Value]) })
		for i, err := range faults {
			if err != nil {
				return &format.Damaged{Path: m.Path, Where: fmt.Sprintf("value %q", outs[i].after.Value),
					Reason: fmt.Sprintf("batch %d of the samples: %v", batch+1, err)}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := &Result{Samples: f.samples, Channels: map[string]Channels{}}
	for _, o := range outs {
		if o.count > 0 {
			r.Channels[o.layer.Name] = o.channels()
		}
	}
	return r, nil
}

// output collects what is seen of one layer's output.
type output struct {
	layer ir.Layer
	after Activation
	axis  int // of the channels; -1: the last
	count int64
	zeros []int64
	sum   []float64
}

// add takes one batch in.
func (o *output) add(a *exec.Array) error {
	if a == nil || a.DType != ir.Float32 {
		return nil
	}
	k := o.axis
	if k < 0 {
		k += len(a.Shape)
	}
	if k < 0 || k >= len(a.Shape) || a.Shape[k] != len(o.sum) {
		return nil // not laid out by channels any more: nothing is said of it
	}
	inner := 1
	for _, n := range a.Shape[k+1:] {
		inner *= n
	}
	x, channels := a.Float32s(), len(o.sum)
	for at := 0; at < len(x); at += inner {
		c := at / inner % channels
		sum, zeros := 0.0, int64(0)
		for _, v := range x[at : at+inner] {
			if v == 0 {
				zeros++
			}
			sum += math.Abs(float64(v))
		}
		if sum-sum != 0 {
			return fmt.Errorf("channel %d holds NaN or infinity", c)
		}
		o.sum[c] += sum
		o.zeros[c] += zeros
	}
	o.count += int64(len(x) / channels)
	return nil
}

func (o *output) channels() Channels {
	c := Channels{Mean: make([]float64, len(o.sum))}
	for i, v := range o.sum {
		c.Mean[i] = v / float64(o.count)
	}
	if o.after.Zeros {
		c.APoZ = make([]float64, len(o.zeros))
		for i, v := range o.zeros {
			c.APoZ[i] = float64(v) / float64(o.count)
		}
	}
	return c
}

// Activation is the function that follows a layer.
type Activation struct {
	Value string // its output; the layer's own if no function follows
	Op    string // Relu …; empty if none follows
	Zeros bool   // it gives exact zeros for a whole range of inputs, as Relu does
}

// After finds the activation function behind a layer: the first one on the way of its output through batch
// normalizations, additions and other steps that keep the channels apart, up to the next layer that mixes them.
func After(g *ir.Graph, l ir.Layer) Activation {
	out := l.Node.Output(0)
	seen := map[string]bool{}
	for todo := []string{out}; len(todo) > 0 && len(seen) < 1000; todo = todo[1:] {
		value := todo[0]
		if seen[value] {
			continue
		}
		seen[value] = true
		for _, n := range g.Consumers(value) {
			switch {
			case activations[n.Op] && n.Input(0) == value && n.Is(n.Op):
				return Activation{Value: n.Output(0), Op: n.Op, Zeros: givesZeros(g, n)}
			case n.Is("BatchNormalization", "Identity", "Dropout", "Add", "MaxPool", "AveragePool", "QuantizeLinear", "DequantizeLinear"):
				todo = append(todo, n.Output(0))
			}
		}
	}
	return Activation{Value: out}
}

var activations = map[string]bool{"Relu": true, "LeakyRelu": true, "PRelu": true, "Clip": true, "Sigmoid": true, "HardSigmoid": true,
	"HardSwish": true, "Tanh": true, "Elu": true, "Selu": true, "Celu": true, "Gelu": true, "Softplus": true, "Softsign": true,
	"ThresholdedRelu": true, "Mish": true, "Swish": true}

// givesZeros: Relu, thresholds, and a Clip that may start at zero (ReLU6). Where its lower bound is a constant, that is
// known only with the weights; see startsElsewhere.
func givesZeros(g *ir.Graph, n *ir.Node) bool {
	switch n.Op {
	case "Relu", "ThresholdedRelu":
		return true
	case "Clip":
		if a := n.Attr("min"); a != nil {
			return a.Float == 0
		}
		return g.Tensor(n.Input(1)) != nil
	}
	return false
}

// startsElsewhere tells whether value comes from a Clip whose lower bound is a constant other than zero.
func startsElsewhere(g *ir.Graph, value string) bool {
	n := g.Producer(value)
	if n == nil || !n.Is("Clip") {
		return false
	}
	v, ok := g.Tensor(n.Input(1)).Scalar()
	return ok && v != 0
}
