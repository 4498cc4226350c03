package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// Tape is a forward pass kept for its gradients. It is valid until Release, or until the next Forward of the same
// program, whichever comes first; then its values are gone. Gradients it gave stay with their owner.
type Tape struct {
	p      *Program
	values []*Array
	kept   [][]*Array // by step
}

// Forward computes the model like Run and keeps what gradients need. In mode TrainNorm it also moves the running
// statistics of batch normalizations, which are parameters of the program.
func (p *Program) Forward(ctx context.Context, inputs map[string]*Array, mode Mode) (*Tape, error) {
	p.tape.Release()
	values, kept, err := p.forward(ctx, inputs, mode)
	if err != nil {
		return nil, err
	}
	p.tape = &Tape{p: p, values: values, kept: kept}
	if mode == Infer { // nothing was kept, so there is nothing to go back through
		p.tape.kept = nil
	}
	return p.tape, nil
}

// Release gives the tape's memory back to the program. A nil or released tape is left alone.
func (t *Tape) Release() {
	if t == nil || t.p == nil {
		return
	}
	t.p.drop(t.values, t.kept)
	if t.p.tape == t {
		t.p.tape = nil
	}
	t.p, t.values, t.kept = nil, nil, nil
}

// Value returns an output, a tap, an input or a parameter by name; nil for others, whose memory may be in use again.
// It is for reading, as long as the tape is valid.
func (t *Tape) Value(name string) *Array {
	if t.p == nil {
		return nil
	}
	i, ok := t.p.index[name]
	if !ok {
		return nil
	}
	if s := t.p.slots[i]; !s.asked && !s.input && s.array == nil {
		return nil
	}
	return t.values[i]
}

// Backward returns the gradients of a loss with respect to the named values: parameters, inputs or any value between.
// Seeds holds the gradients of the loss with respect to some values, mostly outputs, in their shapes. A value that the
// seeds do not hang on has a gradient of zeros. The gradient of a quantized value is counted in units of the float
// value that it stands for (straight through). Backward may be called more than once; the caller owns what it gets.
func (t *Tape) Backward(ctx context.Context, seeds map[string]*Array, names []string) (map[string]*Array, error) {
	if t.p == nil {
		return nil, errors.New("the tape was released: its program ran forward again")
	}
	if t.kept == nil {
		return nil, errors.New("no gradients after a forward pass in mode Infer")
	}
	b := &backward{t: t, p: t.p, grads: make([]*Array, len(t.p.slots)), asked: make([]bool, len(t.p.slots))}
	defer b.drop()
	if err := b.seed(seeds); err != nil {
		return nil, err
	}
	if err := b.ask(names); err != nil {
		return nil, err
	}
	for i := len(t.p.steps) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := b.step(i); err != nil {
			return nil, err
		}
	}
	return b.results(names), nil
}

// backward is one pass from the seeds to what is asked for. Gradients of one value are added in falling order of the
// steps that read it, and within a step in the order of its inputs.
type backward struct {
	t     *Tape
	p     *Program
	grads []*Array // by slot; nil: zero so far
	asked []bool   // the caller wants this slot's gradient
	need  []bool   // an asked slot hangs on it
}

func (b *backward) seed(seeds map[string]*Array) error {
	names := make([]string, 0, len(seeds))
	for name := range seeds {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		g := seeds[name]
		i, ok := b.p.index[name]
		if !ok || b.t.values[i] == nil {
			return fmt.Errorf("seed %q is not a value of the model", name)
		}
		if g.DType != ir.Float32 || !sameShape(g, b.t.values[i]) {
			return fmt.Errorf("seed %q is %s %v; the value's gradient is float32 %v", name, g.DType, g.Shape, b.t.values[i].Shape)
		}
		b.grads[i] = aligned(g)
	}
	return nil
}

func (b *backward) ask(names []string) error {
	for _, name := range names {
		i, ok := b.p.index[name]
		if !ok || b.t.values[i] == nil {
			return fmt.Errorf("cannot take the gradient of %q: not a value of the model that its outputs need", name)
		}
		b.asked[i] = true
	}
	b.need = slices.Clone(b.asked)
	for _, st := range b.p.steps {
		if st.op.flat {
			continue
		}
		for _, in := range st.in {
			if in >= 0 && b.need[in] {
				for _, o := range st.out {
					if o >= 0 {
						b.need[o] = true
					}
				}
				break
			}
		}
	}
	return nil
}

// step computes the gradients of one step's inputs and lets go of those of its outputs.
func (b *backward) step(i int) error {
	st := b.p.steps[i]
	c := &call{step: st, p: b.p, mode: Train, kept: b.t.kept[i],
		in: make([]*Array, len(st.in)), out: make([]*Array, len(st.out)),
		dout: make([]*Array, len(st.out)), din: make([]*Array, len(st.in)), want: make([]bool, len(st.in))}
	flows, wanted := false, false
	for k, s := range st.out {
		if s >= 0 {
			c.out[k], c.dout[k] = b.t.values[s], b.grads[s]
			flows = flows || b.grads[s] != nil
		}
	}
	for k, s := range st.in {
		if s >= 0 {
			c.in[k], c.want[k] = b.t.values[s], b.need[s]
			wanted = wanted || b.need[s]
		}
	}
	if flows && wanted && !st.op.flat {
		b.guard(st, 1) // nobody may write over what the caller asked for
		err := c.back()
		b.guard(st, -1)
		if err != nil {
			return err
		}
	}
	for _, s := range st.out {
		if s >= 0 && !b.asked[s] {
			b.p.pool.release(b.grads[s])
			b.grads[s] = nil
		}
	}
	for k, s := range st.in {
		if s < 0 || c.din[k] == nil {
			continue
		}
		if err := b.add(s, c.din[k]); err != nil {
			return err
		}
	}
	return nil
}

// guard counts a reference to the asked gradients of a step's outputs.
func (b *backward) guard(st *step, refs int) {
	for _, s := range st.out {
		if s >= 0 && b.asked[s] && b.grads[s] != nil && b.grads[s].buf != nil {
			b.grads[s].buf.refs += refs
		}
	}
}

// back computes the gradients of the call's inputs.
func (c *call) back() (err error) {
	defer func() {
		if err != nil {
			c.release(c.din...)
		}
	}()
	defer c.recover(&err)
	if c.op.gradient == nil {
		c.unsupported("it has no gradient")
	}
	for i, d := range c.dout {
		if d == nil {
			continue
		}
		switch dt := c.out[i].DType; dt {
		case ir.Float64, ir.Float16, ir.BFloat16:
			c.unsupported("gradients are computed in float32; its output is %s", dt)
		}
	}
	c.op.gradient(c)
	for i, w := range c.want {
		if w && c.din[i] == nil && c.in[i].DType == ir.Float32 {
			c.unsupported("it has no gradient with respect to its input %d", i)
		}
	}
	return nil
}

// add adds d to the gradient of a slot, on memory that belongs to no other array.
func (b *backward) add(s int, d *Array) error {
	g := b.grads[s]
	switch {
	case g == nil:
		b.grads[s] = d
		return nil
	case exclusive(g):
	case exclusive(d):
		g, d = d, g
	default:
		sum, err := b.p.pool.array(ir.Float32, g.Shape)
		if err != nil {
			return err
		}
		copy(sum.Data, g.Data)
		b.p.pool.release(g)
		g = sum
	}
	c := &call{p: b.p}
	x, y := g.Float32s(), d.Float32s()
	c.chunks(len(x), grain, func(from, to int) { kernel.Add(x[from:to], x[from:to], y[from:to]) })
	b.p.pool.release(d)
	b.grads[s] = g
	return nil
}

func (b *backward) results(names []string) map[string]*Array {
	out := map[string]*Array{}
	for _, name := range names {
		i := b.p.index[name]
		switch {
		case out[name] != nil:
		case b.grads[i] == nil:
			out[name] = NewArray(ir.Float32, b.t.values[i].Shape...)
		default:
			out[name] = b.p.pool.give(b.grads[i])
			b.grads[i] = nil
		}
	}
	return out
}

func (b *backward) drop() {
	for _, g := range b.grads {
		b.p.pool.release(g)
	}
}
