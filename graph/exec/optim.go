package exec

import (
	"fmt"
	"math"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/parallel"
)

// Optimizer moves the parameters of a program against their gradients.
type Optimizer interface {
	// Step moves each parameter that has a gradient. factor, from a Schedule, multiplies the learning rate.
	Step(p *Program, grads map[string]*Array, factor float64) error

	// State writes down what the optimizer remembers of the steps so far; SetState puts it back.
	State() []byte
	SetState(p *Program, state []byte) error
}

// Masks says which elements of parameters may differ from zero: pruned weights, false in their mask, are set to zero
// after every step and stay so. A parameter without a mask is free.
type Masks map[string][]bool

// Apply sets what the masks exclude to zero.
func (m Masks) Apply(p *Program) error {
	for _, name := range p.params {
		if err := m.apply(name, p.Param(name).Float32s()); err != nil {
			return err
		}
	}
	return nil
}

func (m Masks) apply(name string, w []float32) error {
	mask, ok := m[name]
	if !ok {
		return nil
	}
	if len(mask) != len(w) {
		return fmt.Errorf("the mask of %q has %d elements for %d weights", name, len(mask), len(w))
	}
	for i, free := range mask {
		if !free {
			w[i] = 0
		}
	}
	return nil
}

// SGD is gradient descent with momentum (Sutskever et al. 2013): v ← momentum·v + g, w ← w − rate·v; with Nesterov
// w ← w − rate·(g + momentum·v). WeightDecay adds decay·w to g. The zero Momentum is plain descent.
type SGD struct {
	LearningRate float64
	Momentum     float64
	Nesterov     bool
	WeightDecay  float64
	DecayVectors bool // decay parameters of fewer than two dimensions too: biases, norms
	Masks        Masks

	velocity map[string][]float32
}

// Step implements Optimizer.
func (o *SGD) Step(p *Program, grads map[string]*Array, factor float64) error {
	if o.velocity == nil {
		o.velocity = map[string][]float32{}
	}
	return eachParam(p, grads, o.Masks, func(name string, w *Array, g []float32) {
		step := kernel.Momentum{Rate: float32(o.LearningRate * factor), Momentum: float32(o.Momentum), Nesterov: o.Nesterov,
			Decay: float32(decayOf(o.WeightDecay, o.DecayVectors, w))}
		v := o.velocity[name]
		if v == nil {
			v = make([]float32, len(g))
			o.velocity[name] = v
		}
		weights := w.Float32s()
		parallel.Chunks(p.workers, len(g), grain, func(_, from, to int) {
			step.Update(weights[from:to], v[from:to], g[from:to])
		})
	})
}

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter 2017): w ← w − rate·(m̂/(√v̂ + ε) + decay·w). A zero
// Beta1, Beta2 or Epsilon stands for 0.9, 0.999 and 1e-8.
type AdamW struct {
	LearningRate float64
	Beta1, Beta2 float64
	Epsilon      float64
	WeightDecay  float64
	DecayVectors bool // decay parameters of fewer than two dimensions too: biases, norms
	Masks        Masks

	moments map[string]*moments
}

// moments are the running means of a parameter's gradient and of its square, and the powers of beta so far.
type moments struct {
	m, v         []float32
	beta1, beta2 float64
}

// Step implements Optimizer.
func (o *AdamW) Step(p *Program, grads map[string]*Array, factor float64) error {
	if o.moments == nil {
		o.moments = map[string]*moments{}
	}
	beta1, beta2, epsilon := orElse(o.Beta1, 0.9), orElse(o.Beta2, 0.999), orElse(o.Epsilon, 1e-8)
	rate := o.LearningRate * factor
	return eachParam(p, grads, o.Masks, func(name string, w *Array, g []float32) {
		s := o.moments[name]
		if s == nil {
			s = &moments{make([]float32, len(g)), make([]float32, len(g)), 1, 1}
			o.moments[name] = s
		}
		s.beta1 = float64(s.beta1 * beta1)
		s.beta2 = float64(s.beta2 * beta2)
		step := kernel.Adam{
			Beta1: float32(beta1), Rest1: float32(1 - beta1), Beta2: float32(beta2), Rest2: float32(1 - beta2),
			Step: float32(rate / (1 - s.beta1)), Scale: float32(1 / math.Sqrt(1-s.beta2)), Epsilon: float32(epsilon),
			Shrink: float32(rate * decayOf(o.WeightDecay, o.DecayVectors, w)),
		}
		weights := w.Float32s()
		parallel.Chunks(p.workers, len(g), grain, func(_, from, to int) {
			step.Update(weights[from:to], s.m[from:to], s.v[from:to], g[from:to])
		})
	})
}

func decayOf(decay float64, vectors bool, w *Array) float64 {
	if len(w.Shape) < 2 && !vectors {
		return 0
	}
	return decay
}

func orElse[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// eachParam calls update for each parameter that has a gradient, and reapplies its mask.
func eachParam(p *Program, grads map[string]*Array, masks Masks, update func(name string, w *Array, g []float32)) error {
	names := make([]string, 0, len(grads))
	for name := range grads {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		g := grads[name]
		w := p.Param(name)
		if w == nil {
			return fmt.Errorf("%q is not a parameter", name)
		}
		if g.DType != ir.Float32 || !sameShape(w, g) {
			return fmt.Errorf("the gradient of %q is %s %v; the parameter is float32 %v", name, g.DType, g.Shape, w.Shape)
		}
		update(name, w, g.Float32s())
		if err := masks.apply(name, w.Float32s()); err != nil {
			return err
		}
	}
	return nil
}
