package dims

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
)

// flatten: each channel becomes as many columns as it has places.
func (a *analysis) flatten(n *ir.Node) {
	in, ok := a.dims(n.Input(0))
	at := n.Int("axis", 1)
	if at < 0 {
		at += int64(len(in))
	}
	if !ok || at < 0 || at > int64(len(in)) {
		a.unknown(n)
		return
	}
	out := []int64{product(in[:at]), product(in[at:])}
	axes := a.all(n.Input(0))
	a.set(n.Output(0), []axis{a.merge(n, axes[:at], in[:at], out[0]), a.merge(n, axes[at:], in[at:], out[1])})
}

// product of sizes; -1 if one is unknown or the product is beyond what is followed.
func product(sizes []int64) int64 {
	p := int64(1)
	for _, s := range sizes {
		if s < 0 || s > 0 && p > maxIndexes/s {
			return -1
		}
		p *= s
	}
	return p
}

// merge lays axes out behind each other as one. At most one of them may hold channels: an index of two cuttable axes
// at once is none of the two.
func (a *analysis) merge(n *ir.Node, axes []axis, sizes []int64, size int64) axis {
	live := -1
	for k, x := range axes {
		if x.channels == nil || sizes[k] == 1 {
			continue
		}
		if live >= 0 {
			why := fmt.Sprintf("%s mixes two cuttable axes", a.title(n))
			a.fixBoth(axes[live], x, why)
			return axis{why: why}
		}
		live = k
	}
	if live < 0 {
		return fixed("%s gives it", a.title(n))
	}
	if size < 0 || size > maxAxis || len(a.parent)+int(size) > maxIndexes {
		why := fmt.Sprintf("%s makes an axis of unknown length", a.title(n))
		a.fix(axes[live].channels, why)
		return axis{why: why}
	}
	inner := product(sizes[live+1:])
	out := make([]Channel, size)
	for i := range out {
		out[i] = axes[live].channels[int64(i)/inner%sizes[live]]
	}
	return axis{channels: out}
}

// divide is the reverse of merge: one axis laid out as several. If its channels depend on one of them alone, that one
// holds them; else nothing can be cut.
func (a *analysis) divide(n *ir.Node, x axis, sizes []int64) []axis {
	out := make([]axis, len(sizes))
	for k := range out {
		out[k] = fixed("%s gives it", a.title(n))
	}
	if x.channels == nil {
		return out
	}
	inner := int64(len(x.channels))
	for k, size := range sizes {
		if size == 1 {
			continue
		}
		inner /= size
		cs := make([]Channel, size)
		for i := range cs {
			cs[i] = x.channels[int64(i)*inner]
		}
		depends := true
		for i, c := range x.channels {
			if a.find(c) != a.find(cs[int64(i)/inner%size]) {
				depends = false
				break
			}
		}
		if depends {
			out[k] = axis{channels: cs}
			return out
		}
	}
	why := fmt.Sprintf("%s splits them", a.title(n))
	a.fix(x.channels, why)
	for k := range out {
		out[k] = axis{why: why}
	}
	return out
}

func (a *analysis) reshape(n *ir.Node) {
	x := n.Input(0)
	in, ok1 := a.dims(x)
	out, ok2 := a.dims(n.Output(0))
	if !ok1 || !ok2 {
		a.unknown(n)
		return
	}
	axes, ok := a.reshaped(n, a.all(x), in, out)
	if !ok {
		why := fmt.Sprintf("%s lays them out anew", a.title(n))
		a.fixValue(x, why)
		a.setAll(n.Output(0), why)
		return
	}
	a.set(n.Output(0), axes)
	a.follow(n, axes)
}

// reshaped finds the axes behind a reshape by cutting both shapes into the shortest runs of equal product.
func (a *analysis) reshaped(n *ir.Node, axes []axis, in, out []int64) ([]axis, bool) {
	result := make([]axis, len(out))
	i, j := 0, 0
	if len(in) > 0 && len(out) > 0 && in[0] < 0 && out[0] < 0 { // the batch
		result[0] = axes[0]
		i, j = 1, 1
	}
	if product(in[i:]) < 1 || product(in[i:]) != product(out[j:]) {
		return nil, false
	}
	for i < len(in) || j < len(out) {
		i0, j0 := i, j
		p, q := int64(1), int64(1)
		if i < len(in) {
			p, i = in[i], i+1
		}
		if j < len(out) {
			q, j = out[j], j+1
		}
		for p != q {
			if p < q {
				p, i = p*in[i], i+1
			} else {
				q, j = q*out[j], j+1
			}
		}
		copy(result[j0:j], a.run(n, axes[i0:i], in[i0:i], out[j0:j]))
	}
	return result, true
}

// run reshapes axes whose product is the same on both sides.
func (a *analysis) run(n *ir.Node, axes []axis, in, out []int64) []axis {
	result := make([]axis, len(out))
	for k := range result {
		result[k] = fixed("%s makes it", a.title(n))
	}
	var from, to []int
	for k, s := range in {
		if s != 1 {
			from = append(from, k)
		}
	}
	for k, s := range out {
		if s != 1 {
			to = append(to, k)
		}
	}
	switch {
	case len(from) == 0 || len(to) == 0:
		if len(axes) == 1 && len(out) == 1 {
			result[0] = axes[0]
		}
	case len(from) == 1 && len(to) == 1:
		result[to[0]] = axes[from[0]]
	default:
		whole := a.merge(n, axes, in, product(in))
		sizes := make([]int64, len(to))
		for i, k := range to {
			sizes[i] = out[k]
		}
		for i, x := range a.divide(n, whole, sizes) {
			result[to[i]] = x
		}
	}
	return result
}

// follow makes sure that the shape a Reshape is given will fit after a cut: entries that name a size are rewritten,
// entries that are computed from other sizes must be cut alike.
func (a *analysis) follow(n *ir.Node, out []axis) {
	entries, ok := a.entries(n.Input(1))
	if !ok || len(entries) != len(out) {
		for _, x := range out {
			a.fix(x.channels, fmt.Sprintf("the shape that %s is given cannot be followed", a.title(n)))
		}
		return
	}
	constant := a.constant(n.Input(1)) != nil
	rewritten := false
	for k, x := range out {
		if x.channels == nil {
			continue
		}
		switch e := entries[k]; {
		case e.from != "":
			if src := a.axis(e.from, e.axis); src.channels == nil || !a.same(src, x) {
				why := fmt.Sprintf("%s takes its size from another value", a.title(n))
				a.fixBoth(src, x, why)
			}
		case e.value == -1:
		case constant:
			rewritten = true
		default:
			a.fix(x.channels, fmt.Sprintf("its size is written into the shape that %s is given", a.title(n)))
		}
	}
	if !rewritten {
		return
	}
	a.nodes = append(a.nodes, rewrite{n, func(c *cutter, n *ir.Node) error {
		shape := make([]int64, len(out))
		changed := false
		for k, e := range entries {
			shape[k] = e.value
			if out[k].channels != nil && e.value >= 0 && c.count(out[k]) != len(out[k].channels) {
				shape[k] = int64(c.count(out[k]))
				changed = true
			}
		}
		if !changed {
			return nil
		}
		return c.replaceInts(n, 1, shape)
	}})
}

// entry is one number of a shape given to Reshape: a constant, or the size of an axis of a value.
type entry struct {
	value int64
	from  string
	axis  int
}

// entries resolves a shape that is a constant or put together from constants and sizes.
func (a *analysis) entries(name string) ([]entry, bool) {
	budget := 256
	return a.resolve(name, 16, &budget)
}

// resolve follows a shape back for at most depth nodes; budget bounds all steps together.
func (a *analysis) resolve(name string, depth int, budget *int) ([]entry, bool) {
	if *budget--; *budget < 0 {
		return nil, false
	}
	if v, ok := a.ints(name); ok {
		out := make([]entry, len(v))
		for i, x := range v {
			out[i].value = x
		}
		return out, true
	}
	n := a.index.Producer(name)
	if n == nil || depth == 0 {
		return nil, false
	}
	switch n.Op {
	case "Shape":
		sizes, ok := a.dims(n.Input(0))
		if !ok || n.Attr("start") != nil || n.Attr("end") != nil {
			return nil, false
		}
		out := make([]entry, len(sizes))
		for k := range out {
			out[k] = entry{value: sizes[k], from: n.Input(0), axis: k}
		}
		return out, true
	case "Gather":
		from, ok := a.resolve(n.Input(0), depth-1, budget)
		index, ok2 := a.ints(n.Input(1))
		if !ok || !ok2 {
			return nil, false
		}
		var out []entry
		for _, i := range index {
			k, ok := normal(i, len(from))
			if !ok {
				return nil, false
			}
			out = append(out, from[k])
		}
		return out, true
	case "Unsqueeze", "Squeeze", "Cast", "Identity":
		return a.resolve(n.Input(0), depth-1, budget)
	case "Concat":
		var out []entry
		for _, in := range n.Inputs {
			part, ok := a.resolve(in, depth-1, budget)
			if !ok || len(out)+len(part) > 64 {
				return nil, false
			}
			out = append(out, part...)
		}
		return out, true
	}
	return nil, false
}

// maxSources bounds the values whose sizes meet in one.
const maxSources = 64

// sizes follows operators that compute with sizes rather than with values, and tells whether the node was one. Sizes may
// be picked, joined and given to Reshape, which follows a cut by itself. Any other use would change what is computed, so
// it fixes the value whose size it is.
func (a *analysis) sizes(n *ir.Node) bool {
	if n.Op == "Shape" {
		a.shaped[n.Output(0)] = nil
		if _, sizes := a.shaped[n.Input(0)]; !sizes { // the number of sizes does not change
			a.shaped[n.Output(0)] = []string{n.Input(0)}
		}
		a.setAll(n.Output(0), "it holds sizes")
		return true
	}
	var from []string
	for _, in := range n.Inputs {
		for _, src := range a.shaped[in] {
			if !slices.Contains(from, src) {
				from = append(from, src)
			}
		}
	}
	if len(from) == 0 {
		return false
	}
	switch n.Op {
	case "Gather", "Unsqueeze", "Squeeze", "Cast", "Identity", "Concat":
		if len(from) > maxSources {
			break
		}
		a.shaped[n.Output(0)] = from
		a.setAll(n.Output(0), "it holds sizes")
		return true
	case "Reshape":
		if a.shaped[n.Input(0)] == nil {
			return false
		}
	}
	for _, src := range from {
		a.fixValue(src, fmt.Sprintf("%s computes with its sizes", a.title(n)))
	}
	return false
}
