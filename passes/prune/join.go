package prune

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/dims"
	"github.com/pare-ml/pare/passes"
)

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
