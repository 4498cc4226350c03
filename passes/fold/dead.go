package fold

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/human"
)

// deadCode takes out nodes that no output needs, then tensors that no node takes.
func (f *folding) deadCode() error {
	needed := map[string]bool{}
	for _, v := range f.graph.Outputs {
		needed[v.Name] = true
	}
	alive := make([]bool, len(f.graph.Nodes))
	for i := len(f.graph.Nodes) - 1; i >= 0; i-- {
		n := f.graph.Nodes[i]
		for _, out := range n.Outputs {
			alive[i] = alive[i] || out != "" && needed[out]
		}
		if alive[i] {
			for _, v := range n.Takes() {
				needed[v] = true
			}
		}
	}
	dead := map[*ir.Node]bool{}
	for i, n := range f.graph.Nodes {
		if !alive[i] {
			dead[n] = true
			if name, ok := f.acts[n]; ok {
				f.did[name] = append(f.did[name], "removed: no output needs it")
			}
		}
	}
	f.remove(dead)
	unused, bytes := map[string]bool{}, int64(0)
	for _, t := range f.graph.Tensors() {
		if !needed[t.Name] {
			unused[t.Name] = true
			bytes += t.Size()
		}
	}
	f.graph.RemoveTensors(unused)
	if len(dead) > 0 {
		f.notef("%s removed that no output needs", counted(len(dead), "node"))
	}
	if len(unused) > 0 {
		f.notef("%s removed that no node takes (%s)", counted(len(unused), "tensor"), human.Bytes(bytes))
	}
	return nil
}

// remove takes nodes out, and what the graph says of their outputs, in one walk.
func (f *folding) remove(dead map[*ir.Node]bool) {
	if len(dead) == 0 {
		return
	}
	gone := map[string]bool{}
	var nodes []*ir.Node
	for _, n := range f.graph.Nodes {
		if !dead[n] {
			nodes = append(nodes, n)
			continue
		}
		for _, out := range n.Outputs {
			gone[out] = true
		}
	}
	f.graph.Nodes = nodes
	var values []*ir.Value
	for _, v := range f.graph.Values {
		if !gone[v.Name] {
			values = append(values, v)
		}
	}
	f.graph.Values = values
}
