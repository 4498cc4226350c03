package graph

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
)

// The estimates below are for planning: what the executor holds at its peak if every value lives from the node that
// gives it to the last that takes it, and how many multiply-adds it makes. They are no bounds.

// gradientWork is what taking gradients costs, in forward passes: one forward, and one product each for the gradients of
// inputs and weights.
const gradientWork = 3

// evaluationBatch is how many samples are evaluated at a time (evaluate.PredictOptions).
const evaluationBatch = 64

// running is what running one model costs.
type running struct {
	model   *ir.Model
	weights int64 // bytes
	params  int64
	work    int64 // multiply-adds of one sample
	live    map[int]activations
}

// activations of a batch, in bytes; -1 if shapes are not known.
type activations struct {
	peak int64 // of those that are alive at one time
	all  int64
}

// Estimate fills in the work of the totals and what each step and the evaluation cost, once: it follows the shapes of all
// values, which only those who ask should pay for. The models between the steps are not kept; the one that comes in, which is seldom smaller,
// stands for all.
func (p *Plan) Estimate() {
	p.estimated.Do(func() {
		// The layers in first stand in the graph that the steps rewrote.
		p.Before.Work, p.After.Work = work(p.Model, p.Model.Layers()), work(p.output, p.final)
		in := &running{model: p.Model, weights: p.Before.Bytes, params: p.Before.Params, work: p.Before.Work, live: map[int]activations{}}
		for _, s := range p.Steps {
			if s.Skipped == "" {
				s.Cost = s.cost(in)
			}
		}
		if len(p.Tests()) > 0 {
			if a := in.activations(evaluationBatch); a.peak >= 0 {
				p.Evaluation.Memory = 2*in.weights + a.peak
			}
		}
	})
}

// work adds up the multiply-adds of a model's layers for one sample.
func work(m *ir.Model, layers []ir.Layer) int64 {
	var sum int64
	for _, w := range m.WorkOf(layers, nil) {
		sum += w
	}
	return sum
}

func (s *Step) cost(in *running) Cost {
	c := Cost{Memory: 2 * in.weights} // the model that came in, and the one that is worked on
	if s.sweeps {
		c.Memory = min(c.Memory, sweepMemory)
	}
	known := true
	run := func(batch, samples int, backward bool, state int, teacher bool) {
		a := in.activations(batch)
		memory := 2*in.weights + a.peak
		work := in.work * int64(samples)
		if backward {
			memory = 2*in.weights + 2*a.all + in.params*4*int64(1+state)
			work *= gradientWork
		}
		if teacher {
			memory += a.peak
			work += in.work * int64(samples)
		}
		known = known && a.peak >= 0
		c.Memory = max(c.Memory, memory)
		c.Work += work
	}
	for _, n := range s.Needs {
		run(n.Batch, n.Samples, n.Kind == "taylor", 0, false)
		known = known && n.Samples > 0
	}
	if l := s.Pass.Load(s.Params); l != (passes.Load{}) {
		run(l.Batch, l.Samples, l.Backward, l.State, l.Teacher != "")
	}
	if !known {
		return Cost{Memory: c.Memory}
	}
	return c
}

// activations tells what the values between the nodes take for a batch.
func (r *running) activations(batch int) activations {
	if a, ok := r.live[batch]; ok {
		return a
	}
	a := liveness(r.model, batch)
	r.live[batch] = a
	return a
}

// liveness walks the graph in its order with every value alive from the node that gives it to the last that takes it.
func liveness(m *ir.Model, batch int) activations {
	feeds := map[string]ir.Shape{}
	for _, v := range m.Graph.Feeds() {
		shape := v.Shape
		if len(shape) > 0 && !shape[0].Known() {
			shape = append(ir.Shape{{Size: int64(max(1, batch))}}, shape[1:]...)
		}
		feeds[v.Name] = shape
	}
	known, _ := ir.Infer(m, feeds) // what contradicts itself leaves shapes unknown
	size := func(name string) int64 {
		info := known[name]
		n, ok := info.Shape.Elements()
		if !ok {
			return -1
		}
		return int64(n) * int64(max(8, info.DType.Bits())) / 8
	}
	last := map[string]int{}
	for i, n := range m.Graph.Nodes {
		for _, v := range n.Takes() {
			last[v] = i
		}
	}
	for _, v := range m.Graph.Outputs {
		last[v.Name] = len(m.Graph.Nodes)
	}
	var a activations
	var alive int64
	for _, v := range m.Graph.Feeds() {
		if n := size(v.Name); n > 0 {
			alive += n
		}
	}
	a.all = alive
	dies := map[int][]string{}
	for i, n := range m.Graph.Nodes {
		for _, v := range n.Outputs {
			if v == "" || n.Is("Constant") {
				continue
			}
			bytes := size(v)
			if bytes < 0 {
				return activations{-1, -1}
			}
			alive += bytes
			a.all += bytes
			dies[max(last[v], i)] = append(dies[max(last[v], i)], v)
		}
		a.peak = max(a.peak, alive)
		for _, v := range dies[i] {
			alive -= size(v)
		}
	}
	return a
}
