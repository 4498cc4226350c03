package ir

import "slices"

// RemoveTensors removes the initializers of these names, with the inputs that old files list for them, in one walk. It
// leaves Constant nodes alone.
func (g *Graph) RemoveTensors(names map[string]bool) {
	gone := map[string]bool{}
	g.tensors = slices.DeleteFunc(g.tensors, func(t *Tensor) bool {
		gone[t.Name] = names[t.Name]
		return names[t.Name]
	})
	g.index = nil
	g.Inputs = slices.DeleteFunc(g.Inputs, func(v *Value) bool { return gone[v.Name] })
}
