package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/ir"
)

// Functions of a model (operators spelled out in the file) are kept as they stand. They are read here only to refuse those
// that no runtime could put into the graph: of one name twice, or calling themselves.

// functionName is what nodes call a function by.
type functionName struct{ domain, name, overload string }

func (f functionName) String() string {
	if f.domain == "" {
		return f.name
	}
	return f.domain + "." + f.name
}

// functions holds what is known of a model's functions while it is read.
type functions struct {
	off   []int64
	names []functionName
	calls [][]functionName // of each, what it calls, graphs in its nodes included
	at    map[functionName]int
}

// function reads a FunctionProto.
func (r *reader) function(fs *functions, f field) error {
	if err := f.need(protowire.BytesType, "functions"); err != nil {
		return err
	}
	if err := r.element(f.off); err != nil {
		return err
	}
	var name functionName
	var calls []functionName
	nodes := 0
	err := f.val.each(func(f field) error {
		switch f.no {
		case 1:
			return f.text(&name.name, "name")
		case 10:
			return f.text(&name.domain, "domain")
		case 13:
			return f.text(&name.overload, "overload")
		case 7:
			if err := f.need(protowire.BytesType, "node"); err != nil {
				return err
			}
			if err := r.element(f.off); err != nil {
				return err
			}
			n, err := r.node(f.val, 1)
			if err != nil {
				return in(err, "node[%d]%s", nodes, quoted(n.Name))
			}
			calls = called(calls, n)
			nodes++
		}
		return nil
	})
	if err != nil {
		return in(err, "functions[%d]%s", len(fs.names), quoted(name.name))
	}
	if name.domain == "ai.onnx" {
		name.domain = ""
	}
	if fs.at == nil {
		fs.at = map[functionName]int{}
	}
	if _, twice := fs.at[name]; twice {
		return in(damaged(f.off, "function %s stands twice", name), "functions[%d]", len(fs.names))
	}
	fs.at[name] = len(fs.names)
	fs.off, fs.names, fs.calls = append(fs.off, f.off), append(fs.names, name), append(fs.calls, calls)
	return nil
}

// called appends the operators of a node and of the graphs in it, which are at most maxDepth deep.
func called(list []functionName, n *ir.Node) []functionName {
	domain := n.Domain
	if domain == "ai.onnx" {
		domain = ""
	}
	list = append(list, functionName{domain: domain, name: n.Op})
	for i := range n.Attrs {
		if g := n.Attrs[i].Graph; g != nil {
			for _, n := range g.Nodes {
				list = called(list, n)
			}
		}
	}
	return list
}

// check refuses functions that call themselves, by whatever way. A call says no overload here, so it counts for all.
func (fs *functions) check() error {
	by := map[functionName][]int{} // without overloads
	for i, n := range fs.names {
		n.overload = ""
		by[n] = append(by[n], i)
	}
	waits := make([]int, len(fs.names)) // calls of functions of this model that are not settled yet
	callers := make([][]int, len(fs.names))
	for i, calls := range fs.calls {
		for _, c := range calls {
			for _, j := range by[c] {
				waits[i]++
				callers[j] = append(callers[j], i)
			}
		}
	}
	var settled []int
	for i, n := range waits {
		if n == 0 {
			settled = append(settled, i)
		}
	}
	for k := 0; k < len(settled); k++ {
		for _, i := range callers[settled[k]] {
			if waits[i]--; waits[i] == 0 {
				settled = append(settled, i)
			}
		}
	}
	for i, n := range waits {
		if n > 0 {
			return in(damaged(fs.off[i], "function %s calls itself, or one that does: no runtime could put it into the graph", fs.names[i]), "functions[%d]", i)
		}
	}
	return nil
}
