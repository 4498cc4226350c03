package exec

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// Inputs returns what Run and Forward must be given.
func (p *Program) Inputs() []Input { return append([]Input(nil), p.inputs...) }

// InputNames returns the names of the inputs, in the model's order.
func (p *Program) InputNames() []string {
	names := make([]string, len(p.inputs))
	for i, in := range p.inputs {
		names[i] = in.Name
	}
	return names
}

// OutputNames returns the names of the outputs, in the model's order.
func (p *Program) OutputNames() []string { return append([]string(nil), p.outputs...) }

// PeakMemory returns the most bytes of values that were alive at once so far, parameters not counted.
func (p *Program) PeakMemory() int64 { return p.pool.peak }

// Run computes the outputs and taps, by name. The caller owns what it gets; inputs are only read.
func (p *Program) Run(ctx context.Context, inputs map[string]*Array) (map[string]*Array, error) {
	values, _, err := p.forward(ctx, inputs, Infer)
	if err != nil {
		return nil, err
	}
	results := map[string]*Array{}
	for _, names := range [][]string{p.outputs, p.taps} {
		for _, name := range names {
			s := p.index[name]
			if results[name] != nil {
				continue
			}
			if p.slots[s].array != nil || p.slots[s].input {
				results[name] = values[s].Clone()
			} else {
				results[name] = p.pool.give(values[s])
			}
		}
	}
	return results, nil
}

// forward computes all steps and returns the values by slot, and by step what the operators keep for their gradients.
func (p *Program) forward(ctx context.Context, inputs map[string]*Array, mode Mode) ([]*Array, [][]*Array, error) {
	if err := p.checkInputs(inputs); err != nil {
		return nil, nil, err
	}
	values := make([]*Array, len(p.slots))
	for i, s := range p.slots {
		values[i] = s.array
	}
	for _, in := range p.inputs {
		values[p.index[in.Name]] = aligned(inputs[in.Name])
	}
	kept := make([][]*Array, len(p.steps))
	for i, st := range p.steps {
		err := ctx.Err()
		if err == nil {
			kept[i], err = p.forwardStep(st, values, mode)
		}
		if err != nil {
			p.drop(values, kept)
			return nil, nil, err
		}
	}
	return values, kept, nil
}

func (p *Program) forwardStep(st *step, values []*Array, mode Mode) ([]*Array, error) {
	plan := &st.infer
	if mode != Infer {
		plan = &st.train
	}
	c := &call{step: st, p: p, mode: mode, reuse: plan.reuse, in: make([]*Array, len(st.in)), out: make([]*Array, len(st.out))}
	for i, s := range st.in {
		if s >= 0 {
			c.in[i] = values[s]
		}
	}
	if err := c.run(); err != nil {
		return nil, err
	}
	for i, s := range st.out {
		if s >= 0 {
			values[s] = c.out[i]
		} else {
			p.pool.release(c.out[i])
		}
	}
	for _, s := range plan.free {
		p.pool.release(values[s]) // the array stays: its shape may be asked for
	}
	return c.kept, nil
}

// drop returns the memory of a pass to the pool.
func (p *Program) drop(values []*Array, kept [][]*Array) {
	for i, a := range values {
		if a != nil && p.slots[i].array == nil && !p.slots[i].input {
			p.pool.release(a)
		}
	}
	for _, list := range kept {
		for _, a := range list {
			p.pool.release(a)
		}
	}
}

// run computes the call's outputs.
func (c *call) run() (err error) {
	defer func() {
		if err != nil {
			c.release(c.out...)
			c.release(c.kept...)
		}
	}()
	defer c.recover(&err)
	if c.op.half && c.computesHalf() {
		c.runHalf()
	} else {
		c.op.forward(c)
	}
	for i := range c.step.out {
		if c.step.out[i] >= 0 && c.out[i] == nil {
			c.unsupported("its output %d is not computed", i)
		}
	}
	return nil
}

// recover turns a failure into an error that names the node. An index out of range and its like, which a damaged model
// could lead to, become errors too: a model is not worth a crash.
func (c *call) recover(err *error) {
	switch r := recover().(type) {
	case nil:
	case failure:
		var u *Unsupported
		if errors.As(r.err, &u) {
			*err = r.err
			return
		}
		*err = fmt.Errorf("node %s (%s): %w", nodeName(c.node), qualified(c.node.Domain, c.node.Op), r.err)
	case runtime.Error:
		*err = fmt.Errorf("node %s (%s): internal error: %w", nodeName(c.node), qualified(c.node.Domain, c.node.Op), r)
	case string: // raised again by internal/parallel, with a stack
		line, _, _ := strings.Cut(r, "\n")
		*err = fmt.Errorf("node %s (%s): internal error: %s", nodeName(c.node), qualified(c.node.Domain, c.node.Op), line)
	default:
		panic(r)
	}
}

// checkInputs compares what is given with what the model asks for.
func (p *Program) checkInputs(inputs map[string]*Array) error {
	for _, in := range p.inputs {
		a := inputs[in.Name]
		if a == nil {
			return fmt.Errorf("input %q is missing%s", in.Name, p.givenInstead(inputs))
		}
		if in.DType != ir.Undefined && a.DType != in.DType {
			return fmt.Errorf("input %q is %s; the model takes %s", in.Name, a.DType, in.DType)
		}
		if n, err := byteSize(a.DType, a.Shape); err != nil || n != len(a.Data) {
			return fmt.Errorf("input %q has %d bytes, which do not fit %s %v", in.Name, len(a.Data), a.DType, a.Shape)
		}
		if in.Shape != nil && !fits(in.Shape, a.Shape) {
			return fmt.Errorf("input %q has shape %v; the model takes %s", in.Name, a.Shape, shapeText(in.Shape))
		}
	}
	return nil
}

// givenInstead names what the caller gave that the model does not know: likely the same thing misspelt.
func (p *Program) givenInstead(inputs map[string]*Array) string {
	var known = map[string]bool{}
	for _, in := range p.inputs {
		known[in.Name] = true
	}
	least := ""
	for name := range inputs {
		if !known[name] && (least == "" || name < least) {
			least = name
		}
	}
	if least == "" {
		return ""
	}
	return fmt.Sprintf("; %q, which was given, is not an input of the model", least)
}

func fits(want ir.Shape, got []int) bool {
	if len(want) != len(got) {
		return false
	}
	for i, d := range want {
		if d.Size >= 0 && d.Size != int64(got[i]) {
			return false
		}
	}
	return true
}

func shapeText(s ir.Shape) string {
	parts := make([]string, len(s))
	for i, d := range s {
		switch {
		case d.Size >= 0:
			parts[i] = strconv.FormatInt(d.Size, 10)
		case d.Name != "":
			parts[i] = d.Name
		default:
			parts[i] = "?"
		}
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// aligned returns a, or a copy if a's memory could not be viewed as wider elements. The program never writes to it.
func aligned(a *Array) *Array {
	b := &Array{DType: a.DType, Shape: a.Shape, Data: a.Data}
	if misaligned(a.Data) {
		return b.Clone()
	}
	return b
}
