package exec

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/pare-ml/pare/graph/ir"
)

// The opsets of ONNX's own domain that operators here are written for. Operators that have not changed since an earlier
// one say so.
const (
	minOpset = 7
	maxOpset = 28
)

// constantBudget bounds the memory of values computed at compile time.
const constantBudget = 64 << 20

// Program is a model made ready to run. Its parameters are arrays of its own, so that training does not touch the
// model; Store writes them back. A Program serves one goroutine at a time.
type Program struct {
	workers int
	pool    pool
	steps   []*step
	slots   []slot
	index   map[string]int // slot by value name
	inputs  []Input
	outputs []string
	taps    []string
	params  []string
	tape    *Tape // the one whose values are alive
}

// Input says what a run must be given under a name. The shape may hold dimensions of unknown size, which fit any.
type Input struct {
	Name  string
	DType ir.DType // Undefined: any
	Shape ir.Shape // nil: any
}

// slot is the place of a value. Its array is set for constants and parameters, which live as long as the program.
type slot struct {
	name  string
	array *Array
	param bool
	input bool
	text  bool // a constant of strings
	asked bool // an output or a tap: alive until the end of a run
}

// Compile makes a model ready to run. Nodes that no output and no tap needs are left out, values that hang on neither
// inputs nor parameters are computed now. It reads all tensors of the model, and keeps none of their memory.
func Compile(m *ir.Model, o Options) (*Program, error) {
	b := &compiler{m: m, p: &Program{
		workers: o.Workers,
		index:   map[string]int{},
		pool:    pool{free: map[int][]*buffer{}, limit: o.Memory},
	}}
	p := b.p
	if p.workers < 1 {
		p.workers = runtime.GOMAXPROCS(0)
	}
	if p.pool.limit <= 0 {
		p.pool.limit = 4 << 30
	}
	if m.Graph == nil {
		return nil, errors.New("the model has no graph")
	}
	for _, build := range []func(Options) error{b.tensors, b.nodes, b.ends, b.prune, b.operators, b.constants, b.liveness} {
		if err := build(o); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// compiler holds what Compile builds up, in the order of its methods.
type compiler struct {
	m *ir.Model
	p *Program
}

func (b *compiler) slot(name string) (int, error) {
	if _, ok := b.p.index[name]; ok {
		return 0, fmt.Errorf("value %q is given twice", name)
	}
	b.p.index[name] = len(b.p.slots)
	b.p.slots = append(b.p.slots, slot{name: name})
	return len(b.p.slots) - 1, nil
}

// tensors makes slots of initializers.
func (b *compiler) tensors(Options) error {
	for _, t := range b.m.Graph.Tensors() {
		if err := b.fixed(t); err != nil {
			return err
		}
	}
	return nil
}

// fixed makes the slot of a constant; float32 ones are parameters. Strings get a slot without an array: no operator
// here reads them.
func (b *compiler) fixed(t *ir.Tensor) error {
	i, err := b.slot(t.Name)
	if err != nil {
		return err
	}
	s := &b.p.slots[i]
	if s.text = t.DType == ir.String; s.text {
		return nil
	}
	a, err := FromTensor(t)
	if err != nil {
		return err
	}
	s.array = a.Clone() // parameters change, and a file's memory goes away
	if t.DType == ir.Float32 {
		s.param = true
		b.p.params = append(b.p.params, t.Name)
	}
	return nil
}

// nodes makes slots of inputs and of what nodes give.
func (b *compiler) nodes(Options) error {
	p := b.p
	for _, v := range b.m.Graph.Feeds() {
		i, err := b.slot(v.Name)
		if err != nil {
			return err
		}
		p.slots[i].input = true
		p.inputs = append(p.inputs, Input{v.Name, v.DType, v.Shape})
	}
	for _, n := range b.m.Graph.Nodes {
		if t := n.Constant(); t != nil {
			if err := b.fixed(t); err != nil {
				return err
			}
			continue
		}
		st := &step{node: n}
		for _, name := range n.Inputs {
			i := -1
			if name != "" {
				var ok bool
				if i, ok = p.index[name]; !ok {
					return fmt.Errorf("node %s (%s) reads %q, which nothing before it gives", nodeName(n), n.Op, name)
				}
			}
			st.in = append(st.in, i)
		}
		for _, name := range n.Outputs {
			i := -1
			if name != "" {
				var err error
				if i, err = b.slot(name); err != nil {
					return err
				}
			}
			st.out = append(st.out, i)
		}
		p.steps = append(p.steps, st)
	}
	return nil
}

// ends marks outputs and taps.
func (b *compiler) ends(o Options) error {
	p := b.p
	mark := func(name, what string) error {
		i, ok := p.index[name]
		if !ok {
			return fmt.Errorf("%s %q is not a value of the model", what, name)
		}
		p.slots[i].asked = true
		return nil
	}
	for _, v := range b.m.Graph.Outputs {
		if err := mark(v.Name, "output"); err != nil {
			return err
		}
		p.outputs = append(p.outputs, v.Name)
	}
	for _, name := range o.Taps {
		if err := mark(name, "tap"); err != nil {
			return err
		}
		p.taps = append(p.taps, name)
	}
	return nil
}

// prune drops steps that nothing asked for needs.
func (b *compiler) prune(Options) error {
	p := b.p
	needed := make([]bool, len(p.slots))
	for i, s := range p.slots {
		needed[i] = s.asked
	}
	alive := make([]bool, len(p.steps))
	for i := len(p.steps) - 1; i >= 0; i-- {
		st := p.steps[i]
		for _, o := range st.out {
			alive[i] = alive[i] || o >= 0 && needed[o]
		}
		for _, in := range st.in {
			if alive[i] && in >= 0 {
				needed[in] = true
			}
		}
	}
	kept := p.steps[:0]
	for i, st := range p.steps {
		if alive[i] {
			kept = append(kept, st)
		}
	}
	p.steps = kept
	return nil
}

// operators finds the record of each node and refuses what there is none for, all at once.
func (b *compiler) operators(Options) error {
	var missing []UnsupportedOp
	seen := map[UnsupportedOp]bool{}
	refuse := func(n *ir.Node, reason string) {
		key := UnsupportedOp{Op: n.Op, Domain: n.Domain, Reason: reason}
		if !seen[key] {
			seen[key] = true
			missing = append(missing, UnsupportedOp{n.Op, n.Domain, nodeName(n), reason})
		}
	}
	for _, st := range b.p.steps {
		n := st.node
		st.op = lookup(ownDomain(n.Domain), n.Op)
		st.opset = b.m.Opset(n.Domain)
		switch {
		case st.op == nil:
			refuse(n, "")
			continue
		case b.readsText(st):
			refuse(n, "it reads strings")
			continue
		case st.opset < orElse(st.op.since, minOpset) || st.opset > maxOpset:
			return fmt.Errorf("the model uses opset %d; pare runs %s from opset %d to %d", st.opset, n.Op,
				orElse(st.op.since, minOpset), maxOpset)
		case len(n.Outputs) == 0:
			return fmt.Errorf("node %s (%s) has no outputs", nodeName(n), n.Op)
		case len(n.Inputs) < st.op.minIn || st.op.maxIn >= 0 && len(n.Inputs) > st.op.maxIn:
			return fmt.Errorf("node %s (%s) has %d inputs; it takes %s", nodeName(n), n.Op, len(n.Inputs), arity(st.op))
		}
		for i := range st.op.minIn {
			if st.in[i] < 0 {
				return fmt.Errorf("node %s (%s) leaves out input %d, which it needs", nodeName(n), n.Op, i)
			}
		}
		if st.op.check != nil {
			if reason := st.op.check(n, st.opset); reason != "" {
				refuse(n, reason)
			}
		}
	}
	if missing != nil {
		return &Unsupported{missing}
	}
	return nil
}

func (b *compiler) readsText(st *step) bool {
	for _, s := range st.in {
		if s >= 0 && b.p.slots[s].text {
			return true
		}
	}
	return false
}

func arity(o *operator) string {
	switch {
	case o.maxIn < 0:
		return fmt.Sprintf("%d or more", o.minIn)
	case o.minIn == o.maxIn:
		return fmt.Sprint(o.minIn)
	}
	return fmt.Sprintf("%d to %d", o.minIn, o.maxIn)
}

func ownDomain(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

// constants computes steps that hang on constants alone, within constantBudget. What fails here for want of memory is
// left to the run, which has more; other errors would only come later.
func (b *compiler) constants(Options) error {
	p := b.p
	own := p.pool
	p.pool = pool{free: map[int][]*buffer{}, limit: constantBudget}
	defer func() { p.pool = own }()

	var rest []*step
steps:
	for _, st := range p.steps {
		in := make([]*Array, len(st.in))
		for i, s := range st.in {
			if s < 0 {
				continue
			}
			if p.slots[s].array == nil || p.slots[s].param {
				rest = append(rest, st)
				continue steps
			}
			in[i] = p.slots[s].array
		}
		c := &call{step: st, p: p, in: in, out: make([]*Array, len(st.out))}
		if err := c.run(); err != nil {
			if errors.Is(err, errMemory) {
				rest = append(rest, st)
				continue
			}
			return err
		}
		for i, s := range st.out {
			if s >= 0 {
				p.slots[s].array = p.pool.give(c.out[i])
			}
		}
	}
	p.steps = rest
	return nil
}

// liveness finds for each step what dies after it, in inference and when gradients follow.
func (b *compiler) liveness(Options) error {
	p := b.p
	keep := make([]bool, len(p.slots)) // alive to the end of a forward pass for gradients
	for _, st := range p.steps {
		if st.op.gradient == nil {
			continue
		}
		markRead(keep, st.in, st.op.readsIn)
		markRead(keep, st.out, st.op.readsOut)
	}
	p.planDeaths(func(s int) bool { return false }, func(st *step) *plan { return &st.infer })
	p.planDeaths(func(s int) bool { return keep[s] }, func(st *step) *plan { return &st.train })
	return nil
}

func markRead(keep []bool, slots []int, mask uint64) {
	for i, s := range slots {
		if s >= 0 && (mask == all || i < 64 && mask>>i&1 != 0) {
			keep[s] = true
		}
	}
}

func (p *Program) planDeaths(kept func(slot int) bool, where func(*step) *plan) {
	readLater := make([]bool, len(p.slots))
	for i := len(p.steps) - 1; i >= 0; i-- {
		st := p.steps[i]
		pl := where(st)
		dies := func(s int) bool {
			sl := &p.slots[s]
			return s >= 0 && !readLater[s] && !sl.asked && sl.array == nil && !sl.input && !kept(s)
		}
		pl.reuse = make([]bool, len(st.in))
		freed := map[int]bool{}
		for _, s := range st.out {
			if s >= 0 && dies(s) { // an output that nobody reads
				pl.free = append(pl.free, s)
				freed[s] = true
			}
		}
		for k, s := range st.in {
			if s >= 0 && dies(s) {
				pl.reuse[k] = true
				if !freed[s] {
					pl.free = append(pl.free, s)
					freed[s] = true
				}
			}
		}
		for _, s := range st.in {
			if s >= 0 {
				readLater[s] = true
			}
		}
	}
}
