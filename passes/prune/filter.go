package prune

import (
	"context"
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/dims"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/passes"
)

// A cut works on the whole model: it knows which layers hold which channels, which of them the step treats, and decides
// how many channels of each kind go. The decision needs no weight, so that the plan knows all shapes; which channels go
// is decided by the scores.
type cut struct {
	model   *ir.Model
	dims    *dims.Dims
	layers  []ir.Layer
	treated map[string]*Params // by layer name
	outputs [][]dims.Channel   // by layer: the channels of its outputs; nil for layers that have none
	fixed   []string           // by layer: why none of its outputs can be cut
	holders map[dims.Channel][]int
	blocks  []*block
}

func newCut(m *ir.Model, layers []passes.Treated[Params]) (*cut, error) {
	d, err := dims.Analyze(m)
	if err != nil {
		return nil, err
	}
	c := &cut{model: m, dims: d, layers: m.MainLayers(), treated: map[string]*Params{}, holders: map[dims.Channel][]int{}}
	for _, t := range layers {
		c.treated[t.Name] = t.Params
	}
	c.outputs, c.fixed = make([][]dims.Channel, len(c.layers)), make([]string, len(c.layers))
	for i, l := range c.layers {
		c.hold(i, l)
		if l.Type == "conv" || l.Type == "linear" || l.Type == "embedding" {
			c.outputs[i], c.fixed[i] = d.Axis(l.Weight.Name, l.OutAxis)
		}
	}
	if err := c.agree(); err != nil {
		return nil, err
	}
	c.group()
	return c, nil
}

// hold notes which channels a layer's tensors hold, on any axis.
func (c *cut) hold(i int, l ir.Layer) {
	for _, t := range []*ir.Tensor{l.Weight, l.Bias} {
		if t == nil {
			continue
		}
		for k := range t.Shape {
			channels, _ := c.dims.Axis(t.Name, k)
			for _, ch := range channels {
				if h := c.holders[ch]; len(h) == 0 || h[len(h)-1] != i {
					c.holders[ch] = append(h, i)
				}
			}
		}
	}
}

// group collects the channels that the step treats, kind by kind, and decides how many go.
func (c *cut) group() {
	owner := map[dims.Channel][]int{}
	for i := range c.layers {
		for _, ch := range c.outputs[i] {
			if o := owner[ch]; len(o) == 0 || o[len(o)-1] != i {
				owner[ch] = append(o, i)
			}
		}
	}
	for _, kind := range c.dims.Kinds() {
		b := &block{channels: kind, members: owner[kind[0]]}
		for _, i := range b.members {
			if p := c.treated[c.layers[i].Name]; p != nil {
				b.params = p
			}
		}
		if b.params != nil && b.params.Sparsity > 0 {
			c.blocks = append(c.blocks, b)
		}
	}
	norms := c.norms()
	for _, b := range c.blocks {
		b.why = c.silent(b, norms)
		if b.why == "" {
			b.quota = b.goes(quota(b.params.Sparsity, len(b.channels)))
		}
		if b.why == "" && b.quota == 0 && !global(b.params) {
			n := quota(b.params.Sparsity, len(b.channels))
			b.why = fmt.Sprintf("%s of %d is %d", human.Percent(b.params.Sparsity), len(b.channels), n)
			if n > 0 {
				b.why += fmt.Sprintf("; a multiple of round_to %d stays, which is all", b.params.RoundTo)
			}
		}
	}
}

// silent says why a criterion cannot rank a block: none of its layers has what it looks at.
func (c *cut) silent(b *block, norms map[string]ir.Layer) string {
	why := ""
	for _, i := range b.members {
		if why = silent(b.params, c.model, c.layers[i], norms); why == "" {
			return ""
		}
	}
	return why
}

// norms finds for each layer the batch normalization directly behind it.
func (c *cut) norms() map[string]ir.Layer {
	out := map[string]ir.Layer{}
	byInput := map[string]ir.Layer{}
	for _, l := range c.layers {
		if l.Node.Op == "BatchNormalization" {
			byInput[l.Node.Input(0)] = l
		}
	}
	for _, l := range c.layers {
		if n, ok := byInput[l.Node.Output(0)]; ok {
			out[l.Name] = n
		}
	}
	return out
}

// filters prunes filters of all layers of the unit at once. Without act it works on a header, on which only shapes
// change.
func filters(ctx context.Context, s *passes.Site, u passes.Unit[Params], act bool) ([]passes.Effect, error) {
	if err := oneWay(u.Layers); err != nil {
		return nil, err
	}
	c, err := newCut(s.Model, u.Layers)
	if err != nil {
		return nil, err
	}
	if act {
		if err := c.score(ctx, s); err != nil {
			return nil, err
		}
	}
	c.choose()
	var gone []dims.Channel
	for _, b := range c.blocks {
		gone = append(gone, b.gone...)
	}
	remove := len(u.Layers) > 0 && u.Layers[0].Params.Remove
	effects, err := c.effects(u, gone, remove, act)
	if err != nil {
		return nil, err
	}
	switch {
	case remove:
		_, err = c.dims.Cut(gone)
	case act:
		err = c.dims.Zero(gone, c.learned())
	}
	if err != nil {
		return nil, err
	}
	return c.after(s.Model, effects, gone, remove, act)
}

// learned picks the weights and biases of layers: what may be zero without a division by it.
func (c *cut) learned() func(string) bool {
	names := map[string]bool{}
	for _, l := range c.layers {
		names[l.Weight.Name] = true
		if l.Bias != nil {
			names[l.Bias.Name] = true
		}
	}
	return func(name string) bool { return names[name] }
}
