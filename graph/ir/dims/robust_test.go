package dims_test

import (
	"fmt"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/graph/ir/dims"
	"github.com/pare-ml/pare/internal/rng"
)

// A damaged model may be refused or cut, but it must not break the analysis: whatever attribute, input or constant
// changes, nothing panics, and what was sound before a cut is sound after it.
func TestDamagedModels(t *testing.T) {
	for _, c := range networks {
		for seed := range 400 {
			b := build.New("m", c.opset)
			c.model(b)
			m := b.Model()
			r := rng.New(uint64(seed), "damage", c.name)
			for range 1 + r.Intn(3) {
				damage(m.Graph, r)
			}
			_, err := ir.Infer(m, nil)
			sound := err == nil
			d, err := dims.Analyze(m)
			if err != nil {
				continue
			}
			if _, err := d.Cut(third(d)); err != nil {
				continue
			}
			if _, err := ir.Infer(m, nil); sound && err != nil {
				t.Errorf("%s, seed %d: %v", c.name, seed, err)
			}
		}
	}
}

func damage(g *ir.Graph, r *rng.Rand) {
	n := g.Nodes[r.Intn(len(g.Nodes))]
	number := int64(r.Intn(9) - 3)
	switch r.Intn(6) {
	case 0:
		for i := range n.Attrs {
			a := &n.Attrs[i]
			a.Int = number
			if len(a.Ints) > 0 {
				a.Ints[r.Intn(len(a.Ints))] = number
			}
		}
	case 1:
		if len(n.Inputs) > 0 {
			n.Inputs = n.Inputs[:len(n.Inputs)-1]
		}
	case 2:
		other := g.Nodes[r.Intn(len(g.Nodes))]
		if len(n.Inputs) > 0 && len(other.Inputs) > 0 {
			n.Inputs[r.Intn(len(n.Inputs))] = other.Inputs[r.Intn(len(other.Inputs))]
		}
	case 3:
		list := g.Tensors()
		old := list[r.Intn(len(list))]
		shape := append([]int(nil), old.Shape...)
		if len(shape) > 0 {
			shape[r.Intn(len(shape))] = r.Intn(9)
		}
		g.SetTensor(ir.FromFloat32s(old.Name, shape, nil).Header())
	case 4:
		n.Op = []string{"Concat", "Split", "Gemm", "Conv", "Reshape", "Flatten", "Gather", "Shape", "Slice", "Pad", "If"}[r.Intn(11)]
	case 5:
		n.Outputs = append(n.Outputs, fmt.Sprintf("extra%d", r.Intn(1000)))
		if number < 0 {
			n.Outputs = n.Outputs[:0]
		}
	}
}
