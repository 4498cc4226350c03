package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/ir"
)

// Bounds on what is read. They stand far above what exporters write, and keep a hostile file's cost in proportion.
const (
	maxDepth    = 32        // graphs inside graphs
	maxElements = 2_000_000 // nodes, values, attributes, tensors; an input or output of a node counts as a quarter
	maxRank     = 64        // dimensions of a tensor
	maxSize     = 1<<31 - 1 // bytes of a protobuf message
	oldestIR    = 3
	newestIR    = 99 // later versions so far only added fields, which are carried
	newestOpset = 99
)

// reader walks one file.
type reader struct {
	src      source
	quarters int        // elements so far, times four
	external *externals // nil: tensors in other files are left without bytes
	graphAt  int64      // where the model's graph stands
}

// present is the bit of a field in ir.Model.Present.
func present(f field) uint32 {
	if f.no < 32 {
		return 1 << f.no
	}
	return 0
}

// element counts one more node, value, attribute or tensor.
func (r *reader) element(off int64) error { return r.count(off, 4) }

func (r *reader) count(off int64, quarters int) error {
	if r.quarters += quarters; r.quarters > 4*maxElements {
		return damaged(off, "the model has more than %d nodes, values, attributes and tensors", maxElements)
	}
	return nil
}

// origin remembers where a message stands.
func (r *reader) origin(m message) *ir.Origin {
	return &ir.Origin{File: r.src, Offset: m.off, Size: int64(len(m.b))}
}

// model reads a ModelProto.
func (r *reader) model(b []byte) (*ir.Model, error) {
	m := &ir.Model{Format: "onnx"}
	var graph *message
	var fs functions
	err := message{b, 0}.each(func(f field) error {
		m.Present |= present(f)
		switch f.no {
		case 1:
			return f.int(&m.IRVersion, "ir_version")
		case 2:
			return f.text(&m.Producer, "producer_name")
		case 3:
			return f.text(&m.ProducerVersion, "producer_version")
		case 4:
			return f.text(&m.Domain, "domain")
		case 5:
			return f.int(&m.ModelVersion, "model_version")
		case 6:
			return f.text(&m.Doc, "doc_string")
		case 7:
			if graph != nil {
				return damaged(f.off, "the graph stands twice")
			}
			graph = &f.val
			return f.need(protowire.BytesType, "graph")
		case 8:
			return r.opset(m, f)
		case 14:
			return r.metadata(m, f)
		case 25:
			if err := r.function(&fs, f); err != nil {
				return err
			}
		}
		m.Extra = r.extra(m.Extra, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch {
	case m.IRVersion == 0 || graph == nil:
		return nil, damaged(0, "it has no IR version or no graph")
	case m.IRVersion < oldestIR || m.IRVersion > newestIR:
		return nil, damaged(0, "IR version is %d; versions %d and newer are read", m.IRVersion, oldestIR)
	case len(m.Opsets) == 0:
		return nil, damaged(0, "the model imports no operator set")
	}
	if m.Graph, err = r.graph(*graph, 1); err != nil {
		return nil, in(err, "graph")
	}
	r.graphAt = graph.off
	if err := fs.check(); err != nil {
		return nil, err
	}
	m.Origin = r.origin(message{b, 0})
	return m, nil
}

// settle puts nodes that stand in no topological order into one, as ONNX Runtime does, and checks the model.
func settle(m *ir.Model, graph int64) error {
	if m.Check() == nil {
		return nil
	}
	early := sorted(m.Graph)
	if err := m.Check(); err != nil {
		return in(damaged(graph, "%v", err), "graph")
	}
	m.Notes = append(m.Notes, fmt.Sprintf("The file has its nodes out of order (%d of them are taken before they are given); the standard asks for the order "+
		"in which they can run, in which pare holds them.", early))
	return nil
}

// sorted sorts the nodes of a graph and of those within it, as far as they can be, and counts those that stood too early.
func sorted(g *ir.Graph) int {
	early := g.Early()
	if early > 0 {
		before := len(g.Nodes)
		if g.Toposort() == nil {
			g.Shuffled = before
		}
	}
	for _, n := range g.Nodes {
		for i := range n.Attrs {
			if sub := n.Attrs[i].Graph; sub != nil {
				early += sorted(sub)
			}
		}
	}
	return early
}

func (r *reader) opset(m *ir.Model, f field) error {
	if err := f.need(protowire.BytesType, "opset_import"); err != nil {
		return err
	}
	if err := r.element(f.off); err != nil {
		return err
	}
	o, err := r.readOpset(f.val)
	if err == nil && (o.Version < 1 || o.Version > newestOpset) {
		err = damaged(f.off, "operator set %q has version %d; it must lie between 1 and %d", o.Domain, o.Version, newestOpset)
	}
	if err == nil && len(m.Opsets) >= 1000 {
		err = damaged(f.off, "the model imports more than 1000 operator sets")
	}
	if err == nil {
		for _, p := range m.Opsets {
			if p.Domain == o.Domain && p.Version != o.Version {
				err = damaged(f.off, "operator set %q is imported twice, as version %d and as %d", o.Domain, p.Version, o.Version)
			}
		}
	}
	m.Opsets = append(m.Opsets, o)
	return in(err, "opset_import[%d]", len(m.Opsets)-1)
}

func (r *reader) metadata(m *ir.Model, f field) error {
	if err := f.need(protowire.BytesType, "metadata_props"); err != nil {
		return err
	}
	if err := r.element(f.off); err != nil {
		return err
	}
	kv, err := r.keyValue(f.val)
	m.Metadata = append(m.Metadata, kv)
	return in(err, "metadata_props[%d]", len(m.Metadata)-1)
}

// readOpset reads an OperatorSetIdProto.
func (r *reader) readOpset(m message) (ir.Opset, error) {
	o := ir.Opset{Origin: r.origin(m)}
	err := m.each(func(f field) error {
		switch f.no {
		case 1:
			return f.text(&o.Domain, "domain")
		case 2:
			return f.int(&o.Version, "version")
		}
		return nil
	})
	return o, err
}

// keyValue reads a StringStringEntryProto.
func (r *reader) keyValue(m message) (ir.KeyValue, error) {
	kv := ir.KeyValue{Origin: r.origin(m)}
	err := m.each(func(f field) error {
		switch f.no {
		case 1:
			return f.text(&kv.Key, "key")
		case 2:
			return f.text(&kv.Value, "value")
		}
		return nil
	})
	return kv, err
}

// graph reads a GraphProto.
func (r *reader) graph(msg message, depth int) (*ir.Graph, error) {
	if depth > maxDepth {
		return nil, damaged(msg.off, "graphs are nested more than %d deep", maxDepth)
	}
	g := &ir.Graph{}
	names := make(map[string]bool)
	err := msg.each(func(f field) error {
		g.Present |= present(f)
		list := ""
		switch f.no {
		case 2:
			return f.text(&g.Name, "name")
		case 10:
			return f.text(&g.Doc, "doc_string")
		case 1:
			list = "node"
		case 5:
			list = "initializer"
		case 11:
			list = "input"
		case 12:
			list = "output"
		case 13:
			list = "value_info"
		case 15:
			if err := f.need(protowire.BytesType, "sparse_initializer"); err != nil {
				return err
			}
			if name, err := sparseName(f.val); err != nil {
				return in(err, "sparse_initializer[%d]", len(g.Opaque))
			} else {
				g.Opaque = append(g.Opaque, name)
			}
			g.Extra = r.extra(g.Extra, f)
			return nil
		default:
			g.Extra = r.extra(g.Extra, f)
			return nil
		}
		if err := f.need(protowire.BytesType, list); err != nil {
			return err
		}
		if err := r.element(f.off); err != nil {
			return err
		}
		switch f.no {
		case 1:
			n, err := r.node(f.val, depth)
			if err != nil {
				return in(err, "node[%d]%s", len(g.Nodes), quoted(n.Name))
			}
			g.Nodes = append(g.Nodes, n)
		case 5:
			t, err := r.tensor(f.val)
			if err == nil && t.Name == "" {
				err = damaged(f.off, "the initializer has no name")
			} else if err == nil && names[t.Name] {
				err = damaged(f.off, "initializer %q stands twice", t.Name)
			}
			if err != nil {
				return in(err, "initializer[%d]%s", len(names), quoted(t.Name))
			}
			names[t.Name] = true
			g.AddTensor(t)
		default:
			to := map[string]*[]*ir.Value{"input": &g.Inputs, "output": &g.Outputs, "value_info": &g.Values}[list]
			v, err := r.value(f.val)
			if err != nil {
				return in(err, "%s[%d]%s", list, len(*to), quoted(v.Name))
			}
			*to = append(*to, v)
		}
		return nil
	})
	return g, err
}

// quoted puts a name behind an element's place; nothing for an empty name.
func quoted(name string) string {
	if name == "" {
		return ""
	}
	if len(name) > 80 {
		name = name[:80] + "…"
	}
	return fmt.Sprintf(" %q", name)
}

// sparseName finds the name of a SparseTensorProto: that of its values.
func sparseName(m message) (name string, err error) {
	err = m.each(func(f field) error {
		if f.no != 1 {
			return nil
		}
		if err := f.need(protowire.BytesType, "values"); err != nil {
			return err
		}
		return f.val.each(func(f field) error {
			if f.no == 8 {
				return f.text(&name, "name")
			}
			return nil
		})
	})
	return name, err
}

// value reads a ValueInfoProto. A type that is no tensor's (a sequence, a map, an optional) is kept as it is.
func (r *reader) value(msg message) (*ir.Value, error) {
	v := &ir.Value{Origin: r.origin(msg)}
	err := msg.each(func(f field) error {
		switch f.no {
		case 1:
			return f.text(&v.Name, "name")
		case 2:
			if err := f.need(protowire.BytesType, "type"); err != nil {
				return err
			}
			known, err := r.valueType(v, f.val)
			if err == nil && !known {
				v.Extra = r.extra(v.Extra, f)
			}
			return in(err, "type")
		case 3:
			return f.text(&v.Doc, "doc_string")
		}
		v.Extra = r.extra(v.Extra, f)
		return nil
	})
	return v, err
}

// valueType reads a TypeProto; known is false if it is no tensor's.
func (r *reader) valueType(v *ir.Value, msg message) (known bool, err error) {
	err = msg.each(func(f field) error {
		if f.no != 1 {
			return nil
		}
		known = true
		if err := f.need(protowire.BytesType, "tensor_type"); err != nil {
			return err
		}
		return f.val.each(func(f field) error {
			switch f.no {
			case 1:
				var n int64
				if err := f.int(&n, "elem_type"); err != nil {
					return err
				}
				if n < 0 || n > 255 || n != 0 && !ir.DType(n).Valid() {
					return damaged(f.off, "element type %d is unknown", n)
				}
				v.DType = ir.DType(n)
			case 2:
				if err := f.need(protowire.BytesType, "shape"); err != nil {
					return err
				}
				v.Shape = ir.Shape{}
				return f.val.each(func(f field) error {
					if f.no != 1 {
						return nil
					}
					if len(v.Shape) == maxRank {
						return damaged(f.off, "the shape has more than %d dimensions", maxRank)
					}
					d, err := dimension(f)
					v.Shape = append(v.Shape, d)
					return in(err, "shape.dim[%d]", len(v.Shape)-1)
				})
			}
			return nil
		})
	})
	return known, err
}

// dimension reads a TensorShapeProto.Dimension. A negative size, which some exporters write, is an unknown one.
func dimension(f field) (ir.Dim, error) {
	d := ir.Unknown
	if err := f.need(protowire.BytesType, "dim"); err != nil {
		return d, err
	}
	err := f.val.each(func(f field) error {
		switch f.no {
		case 1:
			d.Name = ""
			if err := f.int(&d.Size, "dim_value"); err != nil {
				return err
			}
			d.Size = max(d.Size, -1)
		case 2:
			d.Size = -1
			return f.text(&d.Name, "dim_param")
		}
		return nil
	})
	return d, err
}
