// Package dims finds out which parts of a model's tensors can only be cut together. Removing a filter of a convolution
// removes a row of its weight, an entry of its bias, of the batch normalization behind it, a column of every layer that
// reads it, and across a residual connection the same filter of every layer on the stream.
//
// Every index of every axis that may be cut is a Channel. Walking the graph joins channels that must go together
// (Fang et al. 2023, "DepGraph: Towards Any Structural Pruning"); what an operator mixes, or what this package does not
// know, is fixed, with the reason. Cutting fixed channels is impossible, so an unknown operator costs freedom, never
// correctness: the cut model equals the model with the cut parts set to zero.
package dims

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// Channel is an index of an axis together with all indexes that must be cut with it. Two indexes belong together if and
// only if their channels are equal.
type Channel int32

// Dims are the channels of a model. They describe the model as it was when Analyze saw it and go stale when it changes.
type Dims struct {
	model   *ir.Model
	parent  []Channel
	why     []string // at roots: the reason for being fixed; empty: free
	axes    map[string][]axis
	values  map[string]ir.Info
	sound   bool // inference found no contradiction in the model
	nodes   []rewrite
	touched []string // constants, in the order in which the graph first uses them
	named   []string // values, in graph order
}

// axis is one axis of a tensor or value.
type axis struct {
	channels []Channel // one for each index; nil: no index can be cut
	why      string    // for nil channels: the reason
	asked    bool      // of a constant: whether channels were made
}

// rewrite is what must change in a node when channels are cut: an attribute or a constant that speaks of sizes.
type rewrite struct {
	node  *ir.Node
	apply func(c *cutter, n *ir.Node) error
}

func fixed(format string, args ...any) axis { return axis{why: fmt.Sprintf(format, args...)} }

// Axis returns the channels of one axis of a tensor or value, one for each index, or nil and the reason if none of them
// can be cut. Single channels may still be fixed: see Fixed.
func (d *Dims) Axis(name string, k int) ([]Channel, string) {
	axes := d.axes[name]
	if k < 0 || k >= len(axes) {
		return nil, fmt.Sprintf("nothing is known of axis %d of %q", k, name)
	}
	if axes[k].channels == nil {
		why := axes[k].why
		if why == "" {
			why = fmt.Sprintf("axis %d of %q holds no channels", k, name)
		}
		return nil, why
	}
	out := make([]Channel, len(axes[k].channels))
	for i, c := range axes[k].channels {
		out[i] = d.find(c)
	}
	return out, ""
}

// Fixed tells whether a channel cannot be cut, and why.
func (d *Dims) Fixed(c Channel) (why string, fixed bool) {
	why = d.why[d.find(c)]
	return why, why != ""
}

// Place is an axis of a tensor.
type Place struct {
	Tensor string
	Axis   int
}

// Places lists the axes of constants along which channels may be cut, in graph order.
func (d *Dims) Places() []Place {
	var out []Place
	for _, name := range d.touched {
		for k, a := range d.axes[name] {
			if a.channels != nil {
				out = append(out, Place{name, k})
			}
		}
	}
	return out
}

// Kinds sorts the free channels: two are of one kind if every axis of every tensor and value holds them equally often.
// How many channels of each kind are cut decides all shapes; which ones does not matter for them. Kinds are lists of
// channels in the order in which the graph first holds them.
func (d *Dims) Kinds() [][]Channel {
	kind := map[Channel]int{}
	var order []Channel
	next := 1
	for _, name := range append(append([]string(nil), d.touched...), d.named...) {
		for _, x := range d.axes[name] {
			if x.channels == nil {
				continue
			}
			count := map[Channel]int{}
			var here []Channel
			for _, c := range x.channels {
				c = d.find(c)
				if d.why[c] != "" {
					continue
				}
				if count[c] == 0 {
					here = append(here, c)
				}
				count[c]++
			}
			type key struct{ kind, count int }
			renamed := map[key]int{}
			for _, c := range here {
				if _, known := kind[c]; !known {
					order = append(order, c)
				}
				k := key{kind[c], count[c]}
				if renamed[k] == 0 {
					renamed[k] = next
					next++
				}
				kind[c] = renamed[k]
			}
		}
	}
	at := map[int]int{}
	var out [][]Channel
	for _, c := range order {
		i, ok := at[kind[c]]
		if !ok {
			i = len(out)
			at[kind[c]] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], c)
	}
	return out
}

func (d *Dims) fresh(n int) []Channel {
	out := make([]Channel, n)
	for i := range out {
		out[i] = Channel(len(d.parent))
		d.parent = append(d.parent, out[i])
		d.why = append(d.why, "")
	}
	return out
}

func (d *Dims) find(c Channel) Channel {
	for d.parent[c] != c {
		d.parent[c] = d.parent[d.parent[c]]
		c = d.parent[c]
	}
	return c
}

// join makes two channels one. The smaller number stays the root, so that results do not depend on the order of joins.
func (d *Dims) join(a, b Channel) {
	a, b = d.find(a), d.find(b)
	if a == b {
		return
	}
	if b < a {
		a, b = b, a
	}
	d.parent[b] = a
	if d.why[a] == "" {
		d.why[a] = d.why[b]
	}
}

// fix makes channels uncuttable. The first reason stays.
func (d *Dims) fix(cs []Channel, why string) {
	for _, c := range cs {
		if r := d.find(c); d.why[r] == "" {
			d.why[r] = why
		}
	}
}

// joinAxes joins two axes index by index and returns what holds for both.
func (d *Dims) joinAxes(a, b axis) axis {
	switch {
	case a.channels == nil && b.channels == nil:
		if a.why == "" {
			return b
		}
		return a
	case a.channels == nil:
		d.fix(b.channels, orUnknown(a.why))
		return a
	case b.channels == nil:
		d.fix(a.channels, orUnknown(b.why))
		return b
	case len(a.channels) != len(b.channels):
		why := fmt.Sprintf("axes of %d and %d meet", len(a.channels), len(b.channels))
		d.fix(a.channels, why)
		d.fix(b.channels, why)
		return axis{why: why}
	}
	for i := range a.channels {
		d.join(a.channels[i], b.channels[i])
	}
	return a
}

func orUnknown(why string) string {
	if why == "" {
		return "it meets an axis that holds no channels"
	}
	return why
}

// same tells whether two axes are cut alike whatever is cut.
func (d *Dims) same(a, b axis) bool {
	if len(a.channels) != len(b.channels) {
		return false
	}
	for i := range a.channels {
		if d.find(a.channels[i]) != d.find(b.channels[i]) {
			return false
		}
	}
	return true
}
