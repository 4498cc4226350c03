package graph

import (
	"context"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/graph/store"
)

// measurements makes each measurement once for each state of the model.
type measurements struct {
	runner *Runner
	keys   *keys
	state  store.Digest // key of model
	model  *ir.Model    // the state that the measurements are of
	needs  []measure.Need
	got    []*measure.Result
}

// begin says that a new step looks at m, which the steps before it may have changed.
func (c *measurements) begin(k *keys, m *ir.Model, state store.Digest) {
	c.keys = k
	if c.model == nil || !same(c.model, m) {
		c.state, c.model, c.needs, c.got = state, m, nil, nil
	}
}

// same tells whether two models hold the same tensors and nodes: passes replace tensors, they never change one.
func same(a, b *ir.Model) bool {
	if !slices.Equal(a.Graph.Tensors(), b.Graph.Tensors()) || len(a.Graph.Nodes) != len(b.Graph.Nodes) {
		return false
	}
	for i, n := range a.Graph.Nodes {
		if n.Op != b.Graph.Nodes[i].Op || !slices.Equal(n.Inputs, b.Graph.Nodes[i].Inputs) || !slices.Equal(n.Outputs, b.Graph.Nodes[i].Outputs) {
			return false
		}
	}
	return true
}

// make returns a measurement: made before, or found in the store, or made now.
func (c *measurements) make(ctx context.Context, need measure.Need) (*measure.Result, error) {
	if i := slices.Index(c.needs, need); i >= 0 {
		return c.got[i], nil
	}
	res, _, err := keep(ctx, c.runner, c.keys.measured(c.state, need), keptMeasurement(need), func() (*measure.Result, error) {
		set, err := c.runner.Data(need.Data)
		if err != nil {
			return nil, err
		}
		res, err := measure.Make(ctx, c.model, set, need, c.runner.Workers)
		if err != nil {
			return nil, explain(err)
		}
		return res, nil
	})
	if err != nil {
		return nil, err
	}
	c.needs, c.got = append(c.needs, need), append(c.got, res)
	return res, nil
}
