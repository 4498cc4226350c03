package dims

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
)

// cutter is one cut in progress.
type cutter struct {
	d    *Dims
	gone map[Channel]bool // roots
}

// Cut removes channels from the model that Analyze saw: it selects what stays of every tensor, rewrites the attributes
// and constants that speak of sizes, and follows in what the file says of values. Tensors are selected when their bytes
// are first asked for, so it works on a header too. A channel that is fixed, or an axis of which nothing would stay, is
// an error, and the model is unchanged. It returns the names of the tensors that were cut, in graph order.
func (d *Dims) Cut(channels []Channel) ([]string, error) {
	c := &cutter{d: d, gone: map[Channel]bool{}}
	for _, ch := range channels {
		if why, fixed := d.Fixed(ch); fixed {
			return nil, fmt.Errorf("channel cannot be cut: %s", why)
		}
		c.gone[d.find(ch)] = true
	}
	if len(c.gone) == 0 {
		return nil, nil
	}
	g := d.model.Graph
	var tensors []*ir.Tensor
	for _, name := range d.touched {
		t, err := c.tensor(g.Tensor(name))
		if err != nil {
			return nil, err
		}
		if t != nil {
			tensors = append(tensors, t)
		}
	}
	for _, name := range d.named {
		for k, x := range d.axes[name] {
			if len(x.channels) > 0 && c.count(x) == 0 {
				return nil, fmt.Errorf("nothing would be left of axis %d of %q", k, name)
			}
		}
	}
	backup := d.model.Graph.Clone()
	if err := c.apply(tensors); err != nil {
		d.model.Graph = backup
		return nil, err
	}
	names := make([]string, len(tensors))
	for i, t := range tensors {
		names[i] = t.Name
	}
	return names, nil
}

// apply changes the model. That all shapes still fit together afterwards is checked by inference, which knows nothing
// of channels.
func (c *cutter) apply(tensors []*ir.Tensor) error {
	for _, t := range tensors {
		c.d.model.Graph.SetTensor(t)
	}
	for _, r := range c.d.nodes {
		if err := r.apply(c, r.node); err != nil {
			return err
		}
	}
	if err := c.d.model.RefreshValues(); err != nil && c.d.sound {
		return fmt.Errorf("the cut model does not fit together: %w", err)
	}
	return nil
}

// Zero sets what Cut would remove to zero instead, in the float tensors that in picks out. Shapes stay.
func (d *Dims) Zero(channels []Channel, in func(tensor string) bool) error {
	c := &cutter{d: d, gone: map[Channel]bool{}}
	for _, ch := range channels {
		c.gone[d.find(ch)] = true
	}
	for _, name := range d.touched {
		if !in(name) {
			continue
		}
		t := d.model.Graph.Tensor(name)
		switch t.DType {
		case ir.Float32, ir.Float64, ir.Float16, ir.BFloat16:
		default:
			return fmt.Errorf("%q is %s; only floating-point tensors can be set to zero in part", name, t.DType)
		}
		for k, x := range d.axes[name] {
			var gone []int
			for i, ch := range x.channels {
				if c.cut(ch) {
					gone = append(gone, i)
				}
			}
			t = clearAlong(t, k, gone)
		}
		d.model.Graph.SetTensor(t)
	}
	return nil
}

// clearAlong sets the elements at these indexes of an axis to zero, when the bytes are first asked for.
func clearAlong(t *ir.Tensor, k int, index []int) *ir.Tensor {
	if len(index) == 0 || !t.HasData() {
		return t
	}
	out := ir.LazyTensor(t.Name, t.DType, t.Shape, func() ([]byte, error) {
		b, err := t.Bytes()
		if err != nil {
			return nil, err
		}
		b = slices.Clone(b)
		run := t.DType.Bits() / 8
		for _, n := range t.Shape[k+1:] {
			run *= n
		}
		for at := 0; at < len(b); at += run * t.Shape[k] {
			for _, i := range index {
				clear(b[at+i*run : at+(i+1)*run])
			}
		}
		return b, nil
	})
	out.Doc = t.Doc
	return out
}

// keep lists the indexes of an axis that stay; nil if all do.
func (c *cutter) keep(x axis) []int {
	if !slices.ContainsFunc(x.channels, c.cut) {
		return nil
	}
	keep := make([]int, 0, len(x.channels))
	for i, ch := range x.channels {
		if !c.cut(ch) {
			keep = append(keep, i)
		}
	}
	return keep
}

func (c *cutter) cut(ch Channel) bool { return c.gone[c.d.find(ch)] }

// count is the length of an axis after the cut.
func (c *cutter) count(x axis) int {
	n := 0
	for _, ch := range x.channels {
		if !c.cut(ch) {
			n++
		}
	}
	return n
}

// tensor returns what is left of a tensor, nil if all is.
func (c *cutter) tensor(t *ir.Tensor) (*ir.Tensor, error) {
	keep := make([][]int, len(t.Shape))
	changed := false
	for k, x := range c.d.axes[t.Name] {
		keep[k] = c.keep(x)
		if keep[k] == nil {
			continue
		}
		if len(keep[k]) == 0 {
			return nil, fmt.Errorf("nothing would be left of axis %d of %q", k, t.Name)
		}
		changed = true
	}
	if !changed {
		return nil, nil
	}
	return Select(t, keep), nil
}

// replaceInts gives input i of a node other numbers. A constant that other nodes read too stays as it is beside a new
// one.
func (c *cutter) replaceInts(n *ir.Node, i int, v []int64) error {
	g := c.d.model.Graph
	old := g.Tensor(n.Inputs[i])
	if old == nil {
		return fmt.Errorf("input %d of %s %q is not a constant", i, n.Op, n.Name)
	}
	t := ir.FromInt64s(old.Name, []int{len(v)}, v)
	if len(g.Consumers(old.Name)) > 1 || g.IsOutput(old.Name) {
		t.Name = g.FreshName(old.Name + "_cut")
		n.Inputs[i] = t.Name
	}
	g.SetTensor(t)
	return nil
}

// Select returns the part of a tensor whose index on each axis is in keep; nil keeps a whole axis. The bytes are
// gathered when first asked for. Elements must be of whole bytes.
func Select(t *ir.Tensor, keep [][]int) *ir.Tensor {
	shape := slices.Clone(t.Shape)
	for k, list := range keep {
		if list != nil {
			shape[k] = len(list)
		}
	}
	out := ir.LazyTensor(t.Name, t.DType, shape, func() ([]byte, error) {
		b, err := t.Bytes()
		if err != nil {
			return nil, err
		}
		return gather(b, t.DType.Bits()/8, t.Shape, keep)
	})
	if !t.HasData() {
		out = out.Header()
	}
	out.Doc = t.Doc
	return out
}

// gather copies axis by axis, from the last one that is cut to the first.
func gather(b []byte, size int, shape []int, keep [][]int) ([]byte, error) {
	shape = slices.Clone(shape)
	for k := len(shape) - 1; k >= 0; k-- {
		if keep[k] == nil {
			continue
		}
		outer, err := ir.Elements(shape[:k])
		if err != nil {
			return nil, err
		}
		inner, err := ir.Elements(shape[k+1:])
		if err != nil {
			return nil, err
		}
		run := inner * size
		out := make([]byte, 0, outer*len(keep[k])*run)
		for o := range outer {
			for _, i := range keep[k] {
				at := (o*shape[k] + i) * run
				out = append(out, b[at:at+run]...)
			}
		}
		b, shape[k] = out, len(keep[k])
	}
	return b, nil
}
