package manifest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// reader reads a manifest into a model.
type reader struct {
	*strictjson.Scanner
	graphs int // that nest around the place

	// What a manifest has thousands of is kept in larger pieces of memory.
	nodes       slab[ir.Node]
	tensors     slab[ir.Tensor]
	words       slab[string]
	numbers     slab[int]
	listOfTexts []string // the list that is being read
	listOfSizes []int    // likewise
}

// slab gives out parts of larger pieces of memory.
type slab[T any] struct{ free []T }

// take returns n zero values, which appending does not run beyond.
func (s *slab[T]) take(n int) []T {
	const piece = 128
	if n > piece/4 {
		return make([]T, n)
	}
	if n > len(s.free) || s.free == nil {
		s.free = make([]T, piece)
	}
	part := s.free[:n:n]
	s.free = s.free[n:]
	return part
}

func (s *slab[T]) one() *T { return &s.take(1)[0] }

// copy returns a list of its own with the same values.
func (s *slab[T]) copy(list []T) []T {
	part := s.take(len(list))
	copy(part, list)
	return part
}

// maxGraphs is how deep graphs may nest, as in the ONNX reader.
const maxGraphs = 32

func read(b []byte) (*Manifest, error) {
	damaged := func(where, format_ string, args ...any) error {
		return &format.Damaged{Where: where, Reason: fmt.Sprintf(format_, args...)}
	}
	r := &reader{Scanner: strictjson.New(b)}
	m, start := r.manifest()
	r.End()
	var bad *strictjson.Error
	if errors.As(r.Err(), &bad) {
		return nil, damaged(fmt.Sprintf("line %d", 1+bytes.Count(b[:bad.Offset], []byte("\n"))), "%s", bad.Reason)
	}
	if err := m.Model.Check(); err != nil {
		return nil, damaged("", "%v", err)
	}
	if i := bytes.Index(b[start:], []byte(`"format"`)); i >= 0 && digest(b[start+i:]) == m.Header {
		return m, nil
	}
	// Other line ends or blanks than were written: the header is written again and compared.
	sum, err := Header(m.Model)
	if err != nil || sum != m.Header {
		return nil, damaged("header", "the digest of the header is not that of what stands below, as after a merge or an edit by hand; write the manifest anew with pare manifest")
	}
	return m, nil
}

// manifest reads the whole; start is behind the layers, where the part begins that the digest of the header covers.
func (r *reader) manifest() (m *Manifest, start int) {
	m = &Manifest{Model: &ir.Model{Graph: &ir.Graph{}}}
	g := m.Model.Graph
	keys := []string{"pare_manifest", "header", "weights", "layers", "format", "ir_version", "opsets"}
	seen := map[string]bool{}
	r.Object(func(key string, _ int) {
		if len(seen) == 0 && key != "pare_manifest" {
			r.Fail("the first key is %q; that of a manifest is pare_manifest", key)
			return
		}
		seen[key] = true
		switch key {
		case "pare_manifest":
			if v := r.Int(0, math.MaxInt64, key); r.Err() == nil && v != Version {
				r.Fail("the manifest has version %d; this pare reads version %d", v, Version)
			}
		case "header":
			m.Header = r.digest()
		case "weights":
			m.Weights = r.digest()
		case "layers":
			r.List(r.layer)
			if len(seen) == 4 { // in the order in which it was written
				start = r.Pos()
			}
		case "format":
			m.Model.Format = r.Text()
		case "ir_version":
			m.Model.IRVersion = r.Int(0, math.MaxInt32, key)
		case "opsets":
			r.List(func() { m.Model.Opsets = append(m.Model.Opsets, r.opset()) })
		default:
			if !r.graphKey(g, key) {
				r.Fail("unknown key %q; a manifest has %s", key, strings.Join(slices.Concat(keys, graphKeys), ", "))
			}
		}
	})
	r.finish(g)
	for _, key := range []string{"header", "weights", "layers", "format", "opsets", "nodes"} {
		if r.Err() == nil && !seen[key] {
			r.Fail("the key %s is missing", key)
		}
	}
	return m, start
}

func (r *reader) digest() string {
	s := r.Text()
	if r.Err() == nil && !(len(s) == len("sha256:")+64 && s[:7] == "sha256:") {
		r.Fail("the digest %s is none of the form sha256:…", strconv.Quote(s))
	}
	return s
}

func (r *reader) opset() (o ir.Opset) {
	i := 0
	r.List(func() {
		switch i++; i {
		case 1:
			o.Domain = r.Text()
		case 2:
			o.Version = r.Int(0, math.MaxInt32, "the version of an opset")
		default:
			r.Fail("an opset has more than a domain and a version")
		}
	})
	if r.Err() == nil && i != 2 {
		r.Fail("an opset lacks its domain or version")
	}
	return o
}

// layer checks the form of a line of layers, whose content follows from the graph.
func (r *reader) layer() {
	r.Object(func(key string, _ int) {
		switch key {
		case "name", "type":
			r.Text()
		case "roles", "tied_with":
			r.texts()
		case "weight":
			i := 0
			r.List(func() {
				switch i++; i {
				case 1:
					r.dtype()
				case 2:
					r.sizes()
				default:
					r.Fail("a weight has more than a type and a shape")
				}
			})
		default:
			r.Fail("unknown key %q of a layer", key)
		}
	})
}

func (r *reader) texts() []string {
	r.listOfTexts = r.listOfTexts[:0]
	r.List(func() { r.listOfTexts = append(r.listOfTexts, r.Text()) })
	return r.words.copy(r.listOfTexts)
}

func (r *reader) dtype() ir.DType {
	name := r.Text()
	d, ok := ir.ParseDType(name)
	if !ok {
		r.Fail("unknown type %s", strconv.Quote(name))
	}
	return d
}

func (r *reader) sizes() []int {
	r.listOfSizes = r.listOfSizes[:0]
	r.List(func() { r.listOfSizes = append(r.listOfSizes, int(r.Int(0, math.MaxInt, "a dimension"))) })
	return r.numbers.copy(r.listOfSizes)
}

// graphKeys are the keys of a graph.
var graphKeys = []string{"name", "inputs", "outputs", "values", "opaque", "tensors", "nodes"}

// graphKey reads the value behind a key of a graph; false if it has no such key.
func (r *reader) graphKey(g *ir.Graph, key string) bool {
	switch key {
	case "name":
		g.Name = r.Text()
	case "inputs":
		r.List(func() { g.Inputs = append(g.Inputs, r.value()) })
	case "outputs":
		r.List(func() { g.Outputs = append(g.Outputs, r.value()) })
	case "values":
		r.List(func() { g.Values = append(g.Values, r.value()) })
	case "opaque":
		g.Opaque = r.texts()
	case "tensors":
		r.List(func() {
			t := r.tensor()
			if r.Err() == nil && g.IsInitializer(t.Name) {
				r.Fail("the tensor %s stands twice", strconv.Quote(t.Name))
			}
			g.AddTensor(t)
		})
	case "nodes":
		r.List(func() { g.Nodes = append(g.Nodes, r.node()) })
	default:
		return false
	}
	return true
}

// finish is for what can only be said of a whole graph.
func (r *reader) finish(g *ir.Graph) {
	if r.Err() == nil && len(g.Nodes) > 0 && len(g.Outputs) == 0 {
		r.Fail("a graph has no outputs")
	}
}

func (r *reader) value() *ir.Value {
	v := &ir.Value{}
	i := 0
	r.List(func() {
		switch i++; i {
		case 1:
			v.Name = r.Text()
		case 2:
			v.DType = r.dtype()
		case 3:
			v.Shape = r.shape()
		default:
			r.Fail("a value has more than a name, a type and a shape")
		}
	})
	if r.Err() == nil && i != 3 {
		r.Fail("a value lacks its name, type or shape")
	}
	return v
}

func (r *reader) shape() ir.Shape {
	if r.Word("null") {
		return nil
	}
	s := ir.Shape{}
	r.List(func() {
		switch {
		case r.Word("null"):
			s = append(s, ir.Unknown)
		case r.Peek() == '"':
			s = append(s, ir.Dim{Size: -1, Name: r.Text()})
		default:
			s = append(s, ir.Dim{Size: r.Int(0, math.MaxInt64, "a dimension")})
		}
	})
	return s
}

func (r *reader) tensor() *ir.Tensor {
	var name string
	var dtype ir.DType
	var shape []int
	var data []byte
	i := 0
	r.List(func() {
		switch i++; i {
		case 1:
			name = r.Text()
		case 2:
			dtype = r.dtype()
		case 3:
			shape = r.sizes()
		case 4:
			data = r.elements(name, dtype, shape)
		default:
			r.Fail("a tensor has more than a name, a type, a shape and numbers")
		}
	})
	if r.Err() == nil && i < 3 {
		r.Fail("a tensor lacks its name, type or shape")
	}
	if i < 4 {
		t := r.tensors.one()
		t.Name, t.DType, t.Shape = name, dtype, shape
		return t
	}
	return ir.NewTensor(name, dtype, shape, data)
}

// elements reads those of a small integer tensor.
func (r *reader) elements(name string, dtype ir.DType, shape []int) []byte {
	switch dtype {
	case ir.Int8, ir.Uint8, ir.Int16, ir.Uint16, ir.Int32, ir.Uint32, ir.Int64, ir.Uint64, ir.Bool:
	default:
		r.Fail("the tensor %s has numbers; a manifest keeps those of integers alone, not of %s", strconv.Quote(name), dtype)
		return nil
	}
	want, err := ir.Elements(shape)
	if err != nil {
		r.Fail("tensor %s: %v", strconv.Quote(name), err)
		return nil
	}
	b := []byte{}
	n := 0
	r.List(func() {
		text, _ := r.Number()
		if n++; n > want || r.Err() != nil {
			return
		}
		if b, err = appendNumber(b, dtype, text); err != nil {
			r.Fail("tensor %s: %v", strconv.Quote(name), err)
		}
	})
	if r.Err() == nil && n != want {
		r.Fail("the tensor %s has %d numbers; shape %v needs %d", strconv.Quote(name), n, shape, want)
	}
	return b
}

func (r *reader) node() *ir.Node {
	n := r.nodes.one()
	r.Object(func(key string, _ int) {
		switch key {
		case "op":
			n.Op = r.Text()
		case "domain":
			n.Domain = r.Text()
		case "name":
			n.Name = r.Text()
		case "in":
			n.Inputs = r.texts()
		case "out":
			n.Outputs = r.texts()
		case "attrs":
			r.Object(func(name string, _ int) { n.Attrs = append(n.Attrs, r.attr(name)) })
		default:
			r.Fail("unknown key %q of a node, which has op, domain, name, in, out, attrs", key)
		}
	})
	return n
}

// attr reads the value of an attribute.
func (r *reader) attr(name string) ir.Attr {
	a := ir.Attr{Name: name}
	switch r.Peek() {
	case '"':
		a.Kind, a.String = ir.AttrString, r.Text()
	case '[':
		r.attrList(&a, 0)
	case '{':
		r.attrMapping(&a)
	default:
		text, integer := r.Number()
		if integer {
			a.Kind, a.Int = ir.AttrInt, r.parseInt(text)
		} else {
			a.Kind, a.Float = ir.AttrFloat, r.parseFloat(text)
		}
	}
	return a
}

func (r *reader) parseInt(text string) int64 {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil && r.Err() == nil {
		r.Fail("%s is no 64-bit integer", text)
	}
	return v
}

// parseFloat accepts what float writes: a number of float32, NaN or an infinity.
func (r *reader) parseFloat(text string) float32 {
	v, err := strconv.ParseFloat(text, 32)
	if err != nil && r.Err() == nil {
		r.Fail("%s is no 32-bit number", strconv.Quote(text))
	}
	return float32(v)
}

// attrList reads a list of integers, floats or texts; kind 0 takes it from the first item.
func (r *reader) attrList(a *ir.Attr, kind ir.AttrKind) {
	r.List(func() {
		if c := r.Peek(); c == '"' || c == '{' {
			if kind == ir.AttrFloats && c == '"' {
				a.Floats = append(a.Floats, r.parseFloat(r.Text()))
				return
			}
			r.sameKind(&kind, ir.AttrStrings)
			a.Strings = append(a.Strings, r.bytes())
			return
		}
		text, integer := r.Number()
		switch {
		case r.Err() != nil:
		case integer && kind != ir.AttrFloats:
			r.sameKind(&kind, ir.AttrInts)
			a.Ints = append(a.Ints, r.parseInt(text))
		default:
			r.sameKind(&kind, ir.AttrFloats)
			a.Floats = append(a.Floats, r.parseFloat(text))
		}
	})
	if a.Kind = kind; kind == 0 && r.Err() == nil {
		r.Fail("the list of attribute %s is empty and does not say of what", strconv.Quote(a.Name))
	}
}

func (r *reader) sameKind(kind *ir.AttrKind, found ir.AttrKind) {
	if *kind != 0 && *kind != found {
		r.Fail("a list of an attribute holds items of two kinds")
	}
	*kind = found
}

// bytes reads a text, or the mapping that holds one that is not UTF-8.
func (r *reader) bytes() (s string) {
	if r.Peek() == '"' {
		return r.Text()
	}
	r.Object(func(key string, _ int) {
		if key != "bytes" {
			r.Fail("unknown key %q where bytes must be", key)
			return
		}
		b, err := base64.StdEncoding.DecodeString(r.Text())
		if err != nil && r.Err() == nil {
			r.Fail("bytes are no base64")
		}
		s = string(b)
	})
	return s
}

func (r *reader) attrMapping(a *ir.Attr) {
	r.Object(func(key string, _ int) {
		if a.Kind != 0 {
			r.Fail("attribute %s has two values", strconv.Quote(a.Name))
			return
		}
		switch key {
		case "float":
			a.Kind, a.Float = ir.AttrFloat, r.parseFloat(r.Text())
		case "ints":
			r.attrList(a, ir.AttrInts)
		case "floats":
			r.attrList(a, ir.AttrFloats)
		case "strings":
			r.attrList(a, ir.AttrStrings)
		case "bytes":
			b, err := base64.StdEncoding.DecodeString(r.Text())
			if err != nil && r.Err() == nil {
				r.Fail("bytes are no base64")
			}
			a.Kind, a.String = ir.AttrString, string(b)
		case "tensor":
			a.Kind, a.Tensor = ir.AttrTensor, r.tensor()
		case "graph":
			a.Kind, a.Graph = ir.AttrGraph, r.subgraph()
		case "other":
			a.Kind = ir.AttrKind(r.Int(0, 255, key))
			if a.Kind == 0 {
				a.Kind = ir.AttrOther
			}
		default:
			r.Fail("unknown kind %q of attribute %s", key, strconv.Quote(a.Name))
		}
	})
	if r.Err() == nil && a.Kind == 0 {
		r.Fail("attribute %s has no value", strconv.Quote(a.Name))
	}
}

func (r *reader) subgraph() *ir.Graph {
	g := &ir.Graph{}
	if r.graphs++; r.graphs > maxGraphs {
		r.Fail("graphs nest deeper than %d", maxGraphs)
	}
	r.Object(func(key string, _ int) {
		if !r.graphKey(g, key) {
			r.Fail("unknown key %q of a graph, which has %s", key, strings.Join(graphKeys, ", "))
		}
	})
	r.graphs--
	r.finish(g)
	return g
}
