package prune

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/dims"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/passes"
)

// effects says what becomes of each layer that the step treats, and of those whose outputs go with theirs.
func (c *cut) effects(u passes.Unit[Params], gone []dims.Channel, remove, act bool) ([]passes.Effect, error) {
	going := map[dims.Channel]bool{}
	for _, ch := range gone {
		going[ch] = true
	}
	var out []passes.Effect
	for i, l := range c.layers {
		if c.treated[l.Name] == nil && c.outputs[i] == nil {
			continue
		}
		e := passes.Effect{Layer: l.Name, From: passes.StateOf(l)}
		n := 0
		followers := map[int]bool{}
		var first dims.Channel
		for _, ch := range c.outputs[i] {
			if !going[ch] {
				continue
			}
			if n == 0 {
				first = ch
			}
			n++
			for _, h := range c.holders[ch] {
				followers[h] = h != i
			}
		}
		if c.treated[l.Name] == nil {
			if n == 0 {
				continue
			}
			e.Why = "it shares its channels with " + c.treatedWith(first)
		} else {
			e.Why = c.reason(i, n)
		}
		if n > 0 {
			verb := "removed"
			if !remove {
				verb = "zero"
			}
			e.Did = fmt.Sprintf("%d of %d %s %s", n, len(c.outputs[i]), noun(l), verb)
			if !act && global(c.treated0()) {
				e.Did = "about " + e.Did
			}
		}
		for h, other := range c.layers {
			if followers[h] {
				e.Carried = append(e.Carried, other.Name)
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// treated0 returns parameters that hold for the whole step.
func (c *cut) treated0() *Params {
	for _, l := range c.layers {
		if p := c.treated[l.Name]; p != nil {
			return p
		}
	}
	return &Params{}
}

func noun(l ir.Layer) string {
	if l.Type == "conv" {
		return "filters"
	}
	return "rows"
}

// treatedWith names the layers that the step treats and that hold a channel.
func (c *cut) treatedWith(ch dims.Channel) string {
	var names []string
	for _, i := range c.holders[ch] {
		if c.treated[c.layers[i].Name] != nil && slices.Contains(c.outputs[i], ch) {
			names = append(names, c.layers[i].Name)
		}
	}
	return strings.Join(names, ", ")
}

// reason says why less than all was cut that could have been asked for: n outputs of layer i go.
func (c *cut) reason(i, n int) string {
	l := c.layers[i]
	if c.treated[l.Name].Sparsity == 0 {
		return "its sparsity is 0"
	}
	if c.outputs[i] == nil {
		return "its outputs cannot be cut: " + c.fixed[i]
	}
	held, why := 0, ""
	for _, ch := range c.outputs[i] {
		if w, fixed := c.dims.Fixed(ch); fixed {
			held++
			if why == "" {
				why = w
			}
		}
	}
	switch {
	case held == len(c.outputs[i]):
		return "its outputs cannot be cut: " + why
	case held > 0:
		return fmt.Sprintf("%d of its outputs cannot be cut: %s", held, why)
	case n > 0:
		return ""
	}
	for _, b := range c.blocks {
		if b.why != "" && slices.Contains(b.members, i) {
			return b.why
		}
	}
	return "no filter of it is among the lowest"
}

// after completes the effects with the states of the layers once they are cut.
func (c *cut) after(m *ir.Model, effects []passes.Effect, gone []dims.Channel, remove, act bool) ([]passes.Effect, error) {
	now := map[string]ir.Layer{}
	for _, l := range m.Layers() {
		now[l.Name] = l
	}
	was := map[string]ir.Layer{}
	for _, l := range c.layers {
		was[l.Name] = l
	}
	for i := range effects {
		e := &effects[i]
		l, ok := now[e.Layer]
		if !ok {
			return nil, fmt.Errorf("layer %s is gone after the cut", e.Layer)
		}
		e.To = passes.StateOf(l)
		var err error
		switch {
		case act:
			if e.From.Zeros, err = zeros(was[e.Layer].Weight); err != nil {
				return nil, err
			}
			if e.To.Zeros, err = zeros(l.Weight); err != nil {
				return nil, err
			}
		case !remove:
			e.To.Zeros = c.zeroed(e.Layer, gone)
		}
	}
	return effects, nil
}

// zeroed counts the elements of a layer's weight that lie in rows or columns of these channels.
func (c *cut) zeroed(layer string, gone []dims.Channel) int {
	l, _ := c.model.Layer(layer)
	stay := 1
	for k, n := range l.Weight.Shape {
		channels, _ := c.dims.Axis(l.Weight.Name, k)
		for _, ch := range channels {
			if slices.Contains(gone, ch) {
				n--
			}
		}
		stay *= n
	}
	return l.Weight.Len() - stay
}

func zeros(t *ir.Tensor) (int, error) {
	w, err := t.Float32s()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, v := range w {
		if v == 0 {
			n++
		}
	}
	return n, nil
}

func percent(part, whole int) string {
	if whole == 0 {
		return human.Percent(0)
	}
	return human.Percent(float64(part) / float64(whole))
}
