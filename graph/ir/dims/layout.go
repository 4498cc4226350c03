package dims

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// concat: one after the other along the axis; joined along the others.
func (a *analysis) concat(n *ir.Node) {
	var out []axis
	at := n.Attr("axis")
	if at == nil {
		a.unknown(n)
		return
	}
	for i, in := range n.Inputs {
		axes := a.all(in)
		k, ok := normal(at.Int, len(axes))
		if !ok || i > 0 && len(axes) != len(out) {
			a.unknown(n)
			return
		}
		sizes, _ := a.dims(in)
		next, ok := a.solid(axes[k], sizes[k])
		if !ok {
			// Along an axis of unknown length nothing can be cut.
			axes[k] = axis{why: orUnknown(axes[k].why)}
		} else {
			axes[k] = next
		}
		if i == 0 {
			out = axes
			continue
		}
		for j := range out {
			switch {
			case j != k:
				out[j] = a.joinAxes(out[j], axes[j])
			case out[j].channels == nil || axes[j].channels == nil:
				a.fixBoth(out[j], axes[j], fmt.Sprintf("%s joins it to an axis of unknown length", a.title(n)))
				out[j] = fixed("%s joins it to an axis of unknown length", a.title(n))
			default:
				out[j].channels = append(append([]Channel(nil), out[j].channels...), axes[j].channels...)
			}
		}
	}
	a.set(n.Output(0), out)
}

// solid gives a fixed axis of known length channels of its own, fixed, so that it can stand beside free ones.
func (a *analysis) solid(x axis, size int64) (axis, bool) {
	if x.channels != nil {
		return x, true
	}
	if size < 0 || size > maxAxis || len(a.parent)+int(size) > maxIndexes {
		return x, false
	}
	cs := a.fresh(int(size))
	a.fix(cs, orUnknown(x.why))
	return axis{channels: cs, why: x.why}, true
}

// split: the parts are ranges of the axis; written sizes follow the cut. Where the parts are equal without being
// written, equal positions go together.
func (a *analysis) split(n *ir.Node) {
	axes := a.all(n.Input(0))
	k, ok := normal(n.Int("axis", 0), len(axes))
	if !ok || len(n.Outputs) == 0 {
		a.unknown(n)
		return
	}
	x := axes[k]
	var sizes []int64
	attr := n.Attr("split")
	switch {
	case attr != nil:
		sizes = attr.Ints
	case n.Input(1) != "":
		if sizes, ok = a.ints(n.Input(1)); !ok {
			a.unknown(n)
			return
		}
	case x.channels != nil:
		parts := len(n.Outputs)
		each := len(x.channels) / parts
		if each*parts != len(x.channels) {
			a.unknown(n)
			return
		}
		for i, c := range x.channels {
			a.join(c, x.channels[i%each])
		}
		for range parts {
			sizes = append(sizes, int64(each))
		}
	}
	if x.channels != nil && (len(sizes) != len(n.Outputs) || sum(sizes) != int64(len(x.channels))) {
		a.unknown(n)
		return
	}
	var parts []axis
	from := int64(0)
	for i, out := range n.Outputs {
		part := append([]axis(nil), axes...)
		if x.channels != nil {
			part[k] = axis{channels: x.channels[from : from+sizes[i]], why: x.why}
			from += sizes[i]
		}
		parts = append(parts, part[k])
		a.set(out, part)
	}
	if x.channels == nil || attr == nil && n.Input(1) == "" {
		return
	}
	a.nodes = append(a.nodes, rewrite{n, func(c *cutter, n *ir.Node) error {
		after := make([]int64, len(parts))
		for i, p := range parts {
			after[i] = int64(c.count(p))
		}
		if n.Attr("split") != nil {
			n.SetAttr(ir.IntsAttr("split", after...))
			return nil
		}
		return c.replaceInts(n, 1, after)
	}})
}

func sum(v []int64) int64 {
	var s int64
	for _, x := range v {
		if x < 0 || x > maxAxis {
			return -1
		}
		s += x
	}
	return s
}

// slice: axes that are not sliced pass. Starts and ends count indexes, so a sliced axis is fixed.
func (a *analysis) slice(n *ir.Node) {
	axes := a.all(n.Input(0))
	var cut []int64
	ok := axes != nil
	if at := n.Attr("starts"); at != nil {
		cut = n.Ints("axes")
		if cut == nil {
			cut = upTo(len(at.Ints))
		}
	} else if name := n.Input(3); name != "" {
		var fine bool
		cut, fine = a.ints(name)
		ok = ok && fine
	} else {
		cut = upTo(len(axes))
	}
	if !ok {
		a.unknown(n)
		return
	}
	for _, v := range cut {
		k, ok := normal(v, len(axes))
		if !ok {
			a.unknown(n)
			return
		}
		why := fmt.Sprintf("%s counts along it", a.title(n))
		a.fix(axes[k].channels, why)
		axes[k] = axis{why: why}
	}
	a.set(n.Output(0), axes)
}

func upTo(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

func (a *analysis) pad(n *ir.Node) {
	axes := a.all(n.Input(0))
	pads, ok := n.Ints("pads"), true
	if pads == nil {
		pads, ok = a.ints(n.Input(1))
	}
	if !ok || axes == nil || n.Input(3) != "" || len(pads) != 2*len(axes) {
		a.unknown(n)
		return
	}
	for k := range axes {
		if pads[k] != 0 || pads[k+len(axes)] != 0 {
			why := fmt.Sprintf("%s pads it", a.title(n))
			a.fix(axes[k].channels, why)
			axes[k] = axis{why: why}
		}
	}
	a.set(n.Output(0), axes)
}

func (a *analysis) transpose(n *ir.Node) {
	axes := a.all(n.Input(0))
	perm := n.Ints("perm")
	if perm == nil {
		for k := range axes {
			perm = append(perm, int64(len(axes)-1-k))
		}
	}
	if axes == nil || len(perm) != len(axes) {
		a.unknown(n)
		return
	}
	out := make([]axis, len(axes))
	for i, p := range perm {
		k, ok := normal(p, len(axes))
		if !ok {
			a.unknown(n)
			return
		}
		out[i] = axes[k]
	}
	a.set(n.Output(0), out)
}

func (a *analysis) squeeze(n *ir.Node) {
	axes := a.all(n.Input(0))
	sizes, _ := a.dims(n.Input(0))
	list, given, ok := a.axesOf(n)
	if !ok || axes == nil {
		a.unknown(n)
		return
	}
	gone := map[int]bool{}
	for _, v := range list {
		k, ok := normal(v, len(axes))
		if !ok {
			a.unknown(n)
			return
		}
		gone[k] = true
	}
	var out []axis
	for k, x := range axes {
		if gone[k] || !given && sizes[k] == 1 {
			continue
		}
		if !given {
			// Cut down to one index, the axis would vanish too.
			a.fix(x.channels, fmt.Sprintf("%s depends on its length", a.title(n)))
		}
		out = append(out, x)
	}
	a.set(n.Output(0), out)
}

func (a *analysis) unsqueeze(n *ir.Node) {
	axes := a.all(n.Input(0))
	list, given, ok := a.axesOf(n)
	if !ok || !given || axes == nil {
		a.unknown(n)
		return
	}
	out := make([]axis, len(axes)+len(list))
	added := make([]bool, len(out))
	for _, v := range list {
		k, ok := normal(v, len(out))
		if !ok || added[k] {
			a.unknown(n)
			return
		}
		added[k] = true
		out[k] = fixed("%s makes it", a.title(n))
	}
	next := 0
	for k := range out {
		if !added[k] {
			out[k] = axes[next]
			next++
		}
	}
	a.set(n.Output(0), out)
}

// gather: the axis that is looked up is fixed, the others pass: an embedding's width.
func (a *analysis) gather(n *ir.Node) {
	axes := a.all(n.Input(0))
	index, ok2 := a.dims(n.Input(1))
	k, ok := normal(n.Int("axis", 0), len(axes))
	if !ok || !ok2 {
		a.unknown(n)
		return
	}
	a.fix(axes[k].channels, fmt.Sprintf("%s looks up along it", a.title(n)))
	out := append([]axis(nil), axes[:k]...)
	for j := range index {
		x := a.axis(n.Input(1), j)
		out = append(out, x)
	}
	out = append(out, axes[k+1:]...)
	a.set(n.Output(0), out)
}

// resize: axes whose scale is 1 pass.
func (a *analysis) resize(n *ir.Node) {
	axes := a.all(n.Input(0))
	in, _ := a.dims(n.Input(0))
	out, ok := a.dims(n.Output(0))
	at := 2
	if n.Op == "Upsample" || a.opset < 11 {
		at = 1
	}
	if axes == nil || !ok || len(out) != len(axes) || n.Attr("axes") != nil || n.Input(at) == "" || n.Input(3) != "" {
		a.unknown(n) // sizes instead of scales count channels
		return
	}
	for k := range axes {
		if in[k] < 0 || in[k] != out[k] {
			why := fmt.Sprintf("%s resizes it", a.title(n))
			a.fix(axes[k].channels, why)
			axes[k] = axis{why: why}
		}
	}
	a.set(n.Output(0), axes)
}
