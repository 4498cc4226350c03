package manifest

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
)

// Changes says, for a person, in what the header of model b differs from that of a: layers added, removed and changed,
// in model order, then what else is different. It is empty if the headers are equal.
func Changes(a, b *ir.Model) []string {
	sa, errA := Header(a)
	sb, errB := Header(b)
	if errA == nil && errB == nil && sa == sb {
		return nil
	}
	out := layerChanges(a.Layers(), b.Layers())
	if a.Format != b.Format {
		out = append(out, fmt.Sprintf("format %s is now %s", a.Format, b.Format))
	}
	for _, o := range b.Opsets {
		if was := a.Opset(o.Domain); was != o.Version && was != 0 {
			out = append(out, fmt.Sprintf("opset %s%d is now %d", domain(o.Domain), was, o.Version))
		}
	}
	for _, list := range []struct {
		what string
		a, b []*ir.Value
	}{{"inputs", a.Graph.Inputs, b.Graph.Inputs}, {"outputs", a.Graph.Outputs, b.Graph.Outputs}} {
		if !slices.EqualFunc(list.a, list.b, sameValue) {
			out = append(out, "the "+list.what+" differ")
		}
	}
	if n, m := len(a.Graph.Nodes), len(b.Graph.Nodes); n != m {
		out = append(out, fmt.Sprintf("%d nodes are now %d", n, m))
	}
	if len(out) == 0 {
		out = append(out, "nodes or tensors that are no layers differ")
	}
	return out
}

func domain(name string) string {
	if name == "" {
		return ""
	}
	return name + " "
}

func sameValue(v, w *ir.Value) bool {
	return v.Name == w.Name && v.DType == w.DType && slices.EqualFunc(v.Shape, w.Shape, func(d, e ir.Dim) bool { return d == e })
}

func layerChanges(a, b []ir.Layer) []string {
	was := make(map[string]ir.Layer, len(a))
	for _, l := range a {
		was[l.Name] = l
	}
	var out []string
	is := make(map[string]bool, len(b))
	for _, l := range b {
		is[l.Name] = true
		old, ok := was[l.Name]
		switch {
		case !ok:
			out = append(out, "layer "+l.Name+" is new")
		case old.Type != l.Type:
			out = append(out, fmt.Sprintf("layer %s was %s, is %s", l.Name, old.Type, l.Type))
		case old.Weight.DType != l.Weight.DType || !slices.Equal(old.Weight.Shape, l.Weight.Shape):
			out = append(out, fmt.Sprintf("layer %s was %s %v, is %s %v", l.Name, old.Weight.DType, old.Weight.Shape, l.Weight.DType, l.Weight.Shape))
		}
	}
	for _, l := range a {
		if !is[l.Name] {
			out = append(out, "layer "+l.Name+" is gone")
		}
	}
	return out
}
