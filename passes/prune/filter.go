package prune

import (
	"context"
	"fmt"
	"slices"
	"sort"

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

// block is the channels of one kind that a step treats: they rank against each other.
type block struct {
	channels []dims.Channel
	members  []int // layers whose outputs they are
	params   *Params
	quota    int    // how many go
	why      string // why none goes
	scores   []float64
	gone     []dims.Channel
}

func newCut(m *ir.Model, layers []passes.Treated[Params]) (*cut, error) {
	d, err := dims.Analyze(m)
	if err != nil {
		return nil, err
	}
	c := &cut{model: m, dims: d, layers: m.Layers(), treated: map[string]*Params{}, holders: map[dims.Channel][]int{}}
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

// agree checks that layers which share channels ask for the same.
func (c *cut) agree() error {
	first := map[dims.Channel]int{}
	for i, l := range c.layers {
		p := c.treated[l.Name]
		if p == nil {
			continue
		}
		for _, ch := range c.outputs[i] {
			if _, fixed := c.dims.Fixed(ch); fixed {
				continue
			}
			j, seen := first[ch]
			if !seen {
				first[ch] = i
				continue
			}
			q := c.treated[c.layers[j].Name]
			if *p == *q {
				continue
			}
			what, a, b := difference(q, p)
			return fmt.Errorf("layers %s and %s share their channels, so they are cut together; %s is %v for one and %v for the other: "+
				"give both the same", c.layers[j].Name, l.Name, what, a, b)
		}
	}
	return nil
}

// difference names the first parameter in which two settings differ.
func difference(a, b *Params) (name string, x, y any) {
	switch {
	case a.Sparsity != b.Sparsity:
		return "sparsity", a.Sparsity, b.Sparsity
	case a.Criterion != b.Criterion:
		return "criterion", a.Criterion, b.Criterion
	case a.RoundTo != b.RoundTo:
		return "round_to", a.RoundTo, b.RoundTo
	case a.Data != b.Data:
		return "data", a.Data, b.Data
	case a.Samples != b.Samples:
		return "samples", a.Samples, b.Samples
	case a.Batch != b.Batch:
		return "batch", a.Batch, b.Batch
	case a.Scope != b.Scope:
		return "scope", a.Scope, b.Scope
	}
	return "a parameter", "one value", "another"
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

// goes lowers a number of channels until what stays is a multiple of round_to.
func (b *block) goes(n int) int {
	stay := len(b.channels) - n
	r := b.params.RoundTo
	stay = min(len(b.channels), max(1, (stay+r-1)/r*r))
	return len(b.channels) - stay
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

// score fills in the scores of all blocks: for each channel the sum over the outputs of all layers that hold it.
func (c *cut) score(ctx context.Context, s *passes.Site) error {
	norms := c.norms()
	for _, b := range c.blocks {
		if b.why != "" {
			continue
		}
		sum := map[dims.Channel]float64{}
		for _, i := range b.members {
			l := c.layers[i]
			if silent(b.params, c.model, l, norms) != "" {
				continue
			}
			scores, err := filterScores(ctx, s, b.params, l, norms)
			if err != nil {
				return err
			}
			if len(scores) != len(c.outputs[i]) {
				return fmt.Errorf("layer %s has %d outputs and %d scores", l.Name, len(c.outputs[i]), len(scores))
			}
			for k, ch := range c.outputs[i] {
				sum[ch] += scores[k]
			}
		}
		b.scores = make([]float64, len(b.channels))
		for k, ch := range b.channels {
			b.scores[k] = sum[ch]
		}
	}
	return nil
}

// choose picks the channels that go: without scores the first of each block.
func (c *cut) choose() {
	if len(c.blocks) > 0 && global(c.blocks[0].params) && c.blocks[0].scores != nil {
		c.budget()
	}
	for _, b := range c.blocks {
		order := make([]int, len(b.channels))
		for i := range order {
			order[i] = i
		}
		if b.scores != nil {
			sort.SliceStable(order, func(i, j int) bool { return b.scores[order[i]] < b.scores[order[j]] })
		}
		for _, i := range order[:b.quota] {
			b.gone = append(b.gone, b.channels[i])
		}
	}
}

// budget sets the quotas for scope global: the lowest channels of all blocks go, but every block keeps one.
func (c *cut) budget() {
	type place struct {
		score float64
		block int
	}
	var places []place
	for i, b := range c.blocks {
		for _, v := range b.scores {
			places = append(places, place{v, i})
		}
		b.quota = 0
	}
	if len(places) == 0 {
		return
	}
	sort.SliceStable(places, func(i, j int) bool { return places[i].score < places[j].score })
	left := quota(c.blocks[0].params.Sparsity, len(places))
	for _, p := range places {
		if b := c.blocks[p.block]; left > 0 && b.quota < len(b.channels)-1 {
			b.quota++
			left--
		}
	}
	for _, b := range c.blocks {
		b.quota = b.goes(b.quota)
	}
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

// oneWay checks what a step can only do in one way for all its layers.
func oneWay(layers []passes.Treated[Params]) error {
	for _, t := range layers {
		p, q := t.Params, layers[0].Params
		if p.Structure != q.Structure {
			return fmt.Errorf("structure is %s for layer %s and %s for %s; make them two steps", q.Structure, layers[0].Name, p.Structure, t.Name)
		}
		if p.Remove != q.Remove {
			return fmt.Errorf("remove is %v for layer %s and %v for %s; make them two steps", q.Remove, layers[0].Name, p.Remove, t.Name)
		}
	}
	return nil
}

// join: filters are cut out of the whole model at once; weights are ranked layer by layer, or all together for scope
// global, or together where layers share a weight.
func join(m *ir.Model, layers []passes.Treated[Params]) ([][]int, error) {
	if len(layers) == 0 {
		return nil, nil
	}
	all := make([]int, len(layers))
	for i := range all {
		all[i] = i
	}
	if structured(layers) {
		if err := oneWay(layers); err != nil {
			return nil, err
		}
		if err := sameGlobal(layers); err != nil {
			return nil, err
		}
		if _, err := newCut(m, layers); err != nil {
			return nil, err
		}
		return [][]int{all}, nil
	}
	if slices.ContainsFunc(layers, func(t passes.Treated[Params]) bool { return global(t.Params) }) {
		return [][]int{all}, sameGlobal(layers)
	}
	var groups [][]int
	owner := map[string]int{}
	for i, t := range layers {
		g, ok := owner[t.Weight.Name]
		if !ok {
			owner[t.Weight.Name] = len(groups)
			groups = append(groups, []int{i})
			continue
		}
		if other := layers[groups[g][0]]; *other.Params != *t.Params {
			return nil, fmt.Errorf("layers %s and %s share their weight; give both the same parameters", other.Name, t.Name)
		}
		groups[g] = append(groups[g], i)
	}
	return groups, nil
}

// sameGlobal checks that layers ranked together ask for the same; a sparsity of 0 leaves a layer out of it.
func sameGlobal(layers []passes.Treated[Params]) error {
	first := slices.IndexFunc(layers, func(t passes.Treated[Params]) bool { return global(t.Params) })
	if first < 0 {
		return nil
	}
	for _, t := range layers {
		if p, q := t.Params, layers[first].Params; p.Sparsity > 0 && q.Sparsity > 0 && *p != *q {
			what, a, b := difference(q, p)
			return fmt.Errorf("scope global ranks all layers of the step together, but %s is %v for %s and %v for %s; "+
				"only a sparsity of 0, which leaves a layer alone, may differ", what, a, layers[first].Name, b, t.Name)
		}
	}
	return nil
}
