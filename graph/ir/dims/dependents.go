package dims

import "github.com/pare-ml/pare/graph/ir"

// Dependents lists the layers, of those given, whose tensors lose something when output channels of a layer are cut:
// those that read them, and across sums those that write to the same stream. why tells, if no output channel can be cut,
// what stands against it; the list is then empty. The layers are those of the model that Analyze saw.
func (d *Dims) Dependents(of ir.Layer, layers []ir.Layer) (names []string, why string) {
	channels, why := d.Axis(of.Weight.Name, of.OutAxis)
	if channels == nil {
		return nil, why
	}
	cut := map[Channel]bool{}
	for _, c := range channels {
		if reason, fixed := d.Fixed(c); fixed {
			if why == "" {
				why = reason
			}
			continue
		}
		cut[c] = true
	}
	if len(cut) == 0 {
		return nil, why
	}
	for _, l := range layers {
		if l.Node != of.Node && d.loses(l, cut) {
			names = append(names, l.Name)
		}
	}
	return names, ""
}

// loses reports whether a tensor that the layer's node takes holds one of the channels.
func (d *Dims) loses(l ir.Layer, cut map[Channel]bool) bool {
	for _, in := range append([]string{l.Weight.Name}, l.Node.Inputs...) {
		if in == "" || d.model.Graph.Tensor(in) == nil {
			continue
		}
		for _, a := range d.axes[in] {
			for _, c := range a.channels {
				if cut[d.find(c)] {
					return true
				}
			}
		}
	}
	return false
}
