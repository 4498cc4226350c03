package manifest

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pare-ml/pare/graph/ir"
)

// Encode writes the manifest of a model. It reads all weights once, for their digest.
func Encode(m *ir.Model) ([]byte, error) {
	header, sum, err := headerOf(m)
	if err != nil {
		return nil, err
	}
	weights, err := Weights(m)
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.raw("{\n")
	w.raw(`"pare_manifest": `, strconv.Itoa(Version), ",\n")
	w.raw(`"header": "`, sum, "\",\n")
	w.raw(`"weights": "`, weights, "\",\n")
	w.lines("layers", layerLines(m))
	w.raw(",\n")
	if w.err != nil {
		return nil, w.err
	}
	return append(w.b, header...), nil
}

// headerOf writes the part of a manifest that the digest of the header covers: from the key format to the end.
func headerOf(m *ir.Model) (text []byte, sum string, err error) {
	if m.Graph == nil {
		return nil, "", fmt.Errorf("the model has no graph")
	}
	m = m.Header()
	prune(m)
	w := &writer{}
	w.raw(`"format": `)
	w.text(m.Format)
	w.raw(",\n", `"ir_version": `, strconv.FormatInt(m.IRVersion, 10), ",\n", `"opsets": [`)
	for i, o := range m.Opsets {
		w.comma(i)
		w.raw("[")
		w.text(o.Domain)
		w.raw(",", strconv.FormatInt(o.Version, 10), "]")
	}
	w.raw("],\n")
	w.graph(m.Graph, true)
	w.raw("\n}\n")
	return w.b, digest(w.b), w.err
}

// prune drops what the file says of inner values where that follows from the rest: exporters write an entry for each.
func prune(m *ir.Model) {
	bare := *m
	bare.Graph = m.Graph.Clone()
	bare.Graph.Values, bare.Graph.Outputs = nil, nil
	known, _ := ir.Infer(&bare, nil) // contradictions leave values unknown
	g := m.Graph
	last := make(map[string]*ir.Value, len(g.Values))
	for _, v := range g.Values {
		last[v.Name] = v // of several entries for one value the last counts
	}
	g.Values = slices.DeleteFunc(g.Values, func(v *ir.Value) bool {
		info, ok := known[v.Name]
		return !ok || last[v.Name] != v || info.DType != ir.Undefined && info.Shape != nil
	})
}

// writer collects JSON. Lists of the outermost graph have a line for each item.
type writer struct {
	b   []byte
	err error
}

func (w *writer) raw(s ...string) {
	for _, s := range s {
		w.b = append(w.b, s...)
	}
}

func (w *writer) comma(i int) {
	if i > 0 {
		w.b = append(w.b, ',')
	}
}

func (w *writer) int(v int64) { w.b = strconv.AppendInt(w.b, v, 10) }

// text writes a name.
func (w *writer) text(s string) {
	if !utf8.ValidString(s) && w.err == nil {
		w.err = fmt.Errorf("the name %q is not valid UTF-8, which a manifest cannot hold", s)
	}
	w.b = appendString(w.b, s)
}

const hexDigits = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// lines writes a key with a list of items, each on its line.
func (w *writer) lines(key string, items []func(*writer)) {
	w.raw(`"`, key, `": [`)
	for i, item := range items {
		w.comma(i)
		w.raw("\n")
		item(w)
	}
	if len(items) > 0 {
		w.raw("\n")
	}
	w.raw("]")
}

// list is lines without the lines.
func (w *writer) list(key string, items []func(*writer)) {
	w.raw(`"`, key, `":[`)
	for i, item := range items {
		w.comma(i)
		item(w)
	}
	w.raw("]")
}

// items makes the list of what writes each item.
func items[T any](list []T, write func(*writer, T)) []func(*writer) {
	out := make([]func(*writer), len(list))
	for i, v := range list {
		out[i] = func(w *writer) { write(w, v) }
	}
	return out
}

// graph writes the keys of a graph; main says that it is the outermost.
func (w *writer) graph(g *ir.Graph, main bool) {
	list, sep := w.list, ","
	if main {
		list, sep = w.lines, ",\n"
	}
	if g.Name != "" {
		w.raw(`"name":`)
		w.text(g.Name)
		w.raw(sep)
	}
	list("inputs", items(g.Inputs, (*writer).value))
	w.raw(sep)
	list("outputs", items(g.Outputs, (*writer).value))
	w.raw(sep)
	if len(g.Values) > 0 {
		list("values", items(g.Values, (*writer).value))
		w.raw(sep)
	}
	if len(g.Opaque) > 0 {
		list("opaque", items(g.Opaque, (*writer).text))
		w.raw(sep)
	}
	if tensors := g.Tensors(); len(tensors) > 0 || main {
		list("tensors", items(tensors, (*writer).tensor))
		w.raw(sep)
	}
	list("nodes", items(g.Nodes, (*writer).node))
}

func (w *writer) value(v *ir.Value) {
	w.raw("[")
	w.text(v.Name)
	w.raw(`,"`, v.DType.String(), `",`)
	w.shape(v.Shape)
	w.raw("]")
}

func (w *writer) shape(s ir.Shape) {
	if s == nil {
		w.raw("null")
		return
	}
	w.raw("[")
	for i, d := range s {
		w.comma(i)
		switch {
		case d.Known():
			w.int(d.Size)
		case d.Name != "":
			w.text(d.Name)
		default:
			w.raw("null")
		}
	}
	w.raw("]")
}

func (w *writer) tensor(t *ir.Tensor) {
	w.raw("[")
	w.text(t.Name)
	w.raw(`,"`, t.DType.String(), `",`)
	w.sizes(t.Shape)
	if t.HasData() { // a small integer tensor, or Header would have dropped its bytes
		data, err := numbers(t)
		if err != nil && w.err == nil {
			w.err = err
		}
		w.raw(",[", strings.Join(data, ","), "]")
	}
	w.raw("]")
}

func (w *writer) sizes(shape []int) {
	w.raw("[")
	for i, d := range shape {
		w.comma(i)
		w.int(int64(d))
	}
	w.raw("]")
}

func (w *writer) node(n *ir.Node) {
	w.raw(`{"op":`)
	w.text(n.Op)
	if n.Domain != "" {
		w.raw(`,"domain":`)
		w.text(n.Domain)
	}
	if n.Name != "" {
		w.raw(`,"name":`)
		w.text(n.Name)
	}
	w.raw(`,"in":`)
	w.texts(n.Inputs)
	w.raw(`,"out":`)
	w.texts(n.Outputs)
	written := 0
	for i := range n.Attrs {
		a := &n.Attrs[i]
		if n.Attr(a.Name) != a {
			continue // repeated: the first counts
		}
		if written == 0 {
			w.raw(`,"attrs":{`)
		}
		w.comma(written)
		w.text(a.Name)
		w.raw(":")
		w.attr(a)
		written++
	}
	if written > 0 {
		w.raw("}")
	}
	w.raw("}")
}

func (w *writer) texts(list []string) {
	w.raw("[")
	for i, s := range list {
		w.comma(i)
		w.text(s)
	}
	w.raw("]")
}

func (w *writer) attr(a *ir.Attr) {
	switch {
	case a.Kind == ir.AttrInt:
		w.int(a.Int)
	case a.Kind == ir.AttrFloat:
		if finite(a.Float) {
			w.float(a.Float)
		} else {
			w.raw(`{"float":`)
			w.float(a.Float)
			w.raw("}")
		}
	case a.Kind == ir.AttrString:
		w.bytes(a.String)
	case a.Kind == ir.AttrInts:
		w.many("ints", len(a.Ints), len(a.Ints) > 0, func(i int) { w.int(a.Ints[i]) })
	case a.Kind == ir.AttrFloats:
		plain := len(a.Floats) > 0 && !slices.ContainsFunc(a.Floats, func(v float32) bool { return !finite(v) })
		w.many("floats", len(a.Floats), plain, func(i int) { w.float(a.Floats[i]) })
	case a.Kind == ir.AttrStrings:
		plain := len(a.Strings) > 0 && !slices.ContainsFunc(a.Strings, func(s string) bool { return !utf8.ValidString(s) })
		w.many("strings", len(a.Strings), plain, func(i int) { w.bytes(a.Strings[i]) })
	case a.Kind == ir.AttrTensor && a.Tensor != nil:
		w.raw(`{"tensor":`)
		w.tensor(a.Tensor)
		w.raw("}")
	case a.Kind == ir.AttrGraph && a.Graph != nil:
		w.raw(`{"graph":{`)
		w.graph(a.Graph, false)
		w.raw("}}")
	default:
		w.raw(`{"other":`)
		w.int(int64(a.Kind))
		w.raw("}")
	}
}

// many writes a list, as it is if it is plain, else behind the key that names its kind.
func (w *writer) many(kind string, n int, plain bool, item func(i int)) {
	if !plain {
		w.raw(`{"`, kind, `":`)
	}
	w.raw("[")
	for i := range n {
		w.comma(i)
		item(i)
	}
	w.raw("]")
	if !plain {
		w.raw("}")
	}
}

func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// float writes a number that no reader takes for an integer, or a text if it is none.
func (w *writer) float(v float32) {
	if !finite(v) {
		w.raw(`"`, strconv.FormatFloat(float64(v), 'g', -1, 32), `"`)
		return
	}
	s := strconv.FormatFloat(float64(v), 'g', -1, 32)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	w.raw(s)
}

// bytes writes the text of an attribute, which may be any bytes.
func (w *writer) bytes(s string) {
	if utf8.ValidString(s) {
		w.b = appendString(w.b, s)
		return
	}
	w.raw(`{"bytes":"`, base64.StdEncoding.EncodeToString([]byte(s)), `"}`)
}

// layerLines are for whoever reads the file.
func layerLines(m *ir.Model) []func(*writer) {
	return items(m.Layers(), func(w *writer, l ir.Layer) {
		w.raw(`{"name":`)
		w.text(l.Name)
		w.raw(`,"type":"`, l.Type, `"`)
		if len(l.Roles) > 0 {
			w.raw(`,"roles":`)
			w.texts(l.Roles)
		}
		w.raw(`,"weight":["`, l.Weight.DType.String(), `",`)
		w.sizes(l.Weight.Shape)
		w.raw("]")
		if len(l.TiedWith) > 0 {
			w.raw(`,"tied_with":`)
			w.texts(l.TiedWith)
		}
		w.raw("}")
	})
}
