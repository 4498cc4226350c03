package patch

import (
	"crypto/sha256"
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/record"
)

// Structure returns a digest of all that a model is but the elements of its tensors. With elements, those are in it that
// a header keeps: small integers such as shapes and axes, which say what nodes do.
func Structure(m *ir.Model, elements bool) [32]byte {
	w := &record.Writer{}
	w.Int(m.IRVersion)
	w.Texts([]string{m.Producer, m.ProducerVersion, m.Domain, m.Doc})
	w.Int(m.ModelVersion)
	w.Uint(uint64(m.Present))
	w.Int(m.Extra.Size())
	w.Len(len(m.Opsets))
	for _, o := range m.Opsets {
		w.Text(o.Domain)
		w.Int(o.Version)
	}
	w.Len(len(m.Metadata))
	for _, kv := range m.Metadata {
		w.Text(kv.Key)
		w.Text(kv.Value)
	}
	writeStructure(w, m.Graph, elements)
	return sha256.Sum256(w.Record())
}

func writeStructure(w *record.Writer, g *ir.Graph, elements bool) {
	w.Text(g.Name)
	w.Text(g.Doc)
	w.Texts(g.Opaque)
	w.Uint(uint64(g.Present))
	w.Int(g.Extra.Size())
	w.Len(len(g.Nodes))
	for _, n := range g.Nodes {
		w.Text(n.Name)
		w.Text(n.Op)
		w.Text(n.Domain)
		w.Text(n.Doc)
		w.Texts(n.Inputs)
		w.Texts(n.Outputs)
		w.Int(n.Extra.Size())
		w.Len(len(n.Attrs))
		for i := range n.Attrs {
			a := &n.Attrs[i]
			writeAttr(w, a)
			w.Int(a.Extra.Size())
			w.Bool(a.Tensor != nil)
			if a.Tensor != nil {
				writeTensorStructure(w, a.Tensor, elements)
			}
			w.Bool(a.Graph != nil)
			if a.Graph != nil {
				writeStructure(w, a.Graph, elements)
			}
		}
	}
	tensors := g.Tensors()
	w.Len(len(tensors))
	for _, t := range tensors {
		writeTensorStructure(w, t, elements)
	}
	for _, list := range [][]*ir.Value{g.Inputs, g.Outputs, g.Values} {
		w.Len(len(list))
		for _, v := range list {
			writeValue(w, v)
			w.Int(v.Extra.Size())
		}
	}
}

// writeTensorStructure writes what is known of a tensor from its header, and its elements if a header keeps them and they
// are wanted. A tensor that cannot be read counts as one without elements: who needs it will say so.
func writeTensorStructure(w *record.Writer, t *ir.Tensor, elements bool) {
	writeHeader(w, t)
	w.Int(t.Extra.Size())
	if !elements || !t.HasData() || !t.InHeader() {
		w.Bool(false)
		return
	}
	b, err := t.Bytes()
	w.Bool(err == nil)
	w.Bytes(b)
}

func writeHeader(w *record.Writer, t *ir.Tensor) {
	w.Text(t.Name)
	w.Uint(uint64(t.DType))
	w.Ints(t.Shape)
	w.Text(t.Doc)
}

// writeValue writes a value without the fields that pare does not read.
func writeValue(w *record.Writer, v *ir.Value) {
	w.Text(v.Name)
	w.Uint(uint64(v.DType))
	w.Bool(v.Shape != nil)
	w.Len(len(v.Shape))
	for _, d := range v.Shape {
		w.Int(d.Size)
		w.Text(d.Name)
	}
	w.Text(v.Doc)
}

// writeAttr writes an attribute without its tensor, its graph and the fields that pare does not read.
func writeAttr(w *record.Writer, a *ir.Attr) {
	w.Text(a.Name)
	w.Uint(uint64(a.Kind))
	w.Int(a.Int)
	w.Uint(uint64(math.Float32bits(a.Float)))
	w.Text(a.String)
	w.Len(len(a.Ints))
	for _, v := range a.Ints {
		w.Int(v)
	}
	w.Len(len(a.Floats))
	for _, v := range a.Floats {
		w.Uint(uint64(math.Float32bits(v)))
	}
	w.Texts(a.Strings)
	w.Text(a.Doc)
}
