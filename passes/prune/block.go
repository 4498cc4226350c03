package prune

import (
	"context"
	"fmt"
	"sort"

	"github.com/pare-ml/pare/graph/ir/dims"
	"github.com/pare-ml/pare/passes"
)

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

// goes lowers a number of channels until what stays is a multiple of round_to.
func (b *block) goes(n int) int {
	stay := len(b.channels) - n
	r := b.params.RoundTo
	stay = min(len(b.channels), max(1, (stay+r-1)/r*r))
	return len(b.channels) - stay
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
