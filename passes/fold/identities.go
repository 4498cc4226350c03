package fold

import (
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// identities takes out nodes that give what they take. An Identity between an input of the graph and an output stays:
// both names belong to the caller.
func (f *folding) identities() error {
	removed := map[string]int{}
	kept := 0
	for _, n := range slices.Clone(f.graph.Nodes) {
		if !f.isIdentity(n) {
			continue
		}
		if f.graph.Bypass(n, n.Inputs[0]) {
			removed[n.Op]++
		} else {
			kept++
		}
	}
	if len(removed) > 0 {
		var parts []string
		for _, op := range []string{"Identity", "Dropout"} {
			if removed[op] > 0 {
				parts = append(parts, counted(removed[op], op+" node"))
			}
		}
		f.notef("%s removed", strings.Join(parts, " and "))
	}
	if kept > 0 {
		f.notef("%s kept for the name of an output", counted(kept, "identity node"))
	}
	return nil
}

// isIdentity tells whether a node gives its first input unchanged when the model is used: Identity, and Dropout outside
// training whose mask nobody takes.
func (f *folding) isIdentity(n *ir.Node) bool {
	switch {
	case n.Input(0) == "" || n.Output(0) == "":
		return false
	case n.Is("Identity"):
		return true
	case !n.Is("Dropout"):
		return false
	}
	if mask := n.Output(1); mask != "" && (f.graph.IsOutput(mask) || len(f.graph.Consumers(mask)) > 0) {
		return false
	}
	if training := n.Input(2); training != "" {
		v, ok := f.graph.Tensor(training).Scalar()
		return ok && v == 0
	}
	return true
}
