// Package ir is pare's view of a model: a graph of operators in the vocabulary of ONNX, its tensors, and the layers
// found in it. It holds no arithmetic and reads no files; formats make models, passes change them, the executor runs
// them.
//
// A Model's structure (graph, nodes, lists) is mutable and belongs to one goroutine. Its tensors are immutable values
// whose bytes are read only when asked for: a pass that changes a weight puts a new Tensor in place of the old one.
package ir

import "slices"

// Model is a graph with what its file says around it.
type Model struct {
	Path     string // where it was read from, as the user named it; empty if made in memory
	Format   string // name of the format it was read from: "onnx"
	Family   string // what its publisher calls models of this kind, where the file says so: "llama". Only for people
	Graph    *Graph
	Opsets   []Opset
	Metadata []KeyValue // metadata_props, in file order

	IRVersion       int64
	Producer        string
	ProducerVersion string
	Domain          string
	ModelVersion    int64
	Doc             string

	Present uint32  // bit n: the file has field n, and it is written even if it is empty
	Origin  *Origin // the whole file, written again if the model still says the same; nil if there is more to it
	Extra   Extra   // fields of the file's top level that pare does not read, kept as they are: functions, training

	Files    []string     // the other files that the model was read from, relative to the folder of Path, sorted: external data, shards
	Notes    []string     // what a reader could not find out about the model, for whoever looks at it
	Attached []Attachment // files that travel with the weights, sorted by name
	Carried  any          // what the format that read the model needs to write it again; only that format looks inside. Never changed
}

// Attachment is a file that belongs to a model beside its weights: its configuration, its tokenizer.
type Attachment struct {
	Name string // relative to the model's folder
	Size int64
	Read func() ([]byte, error) // nil in a manifest
}

// Attachment returns the attached file of that name.
func (m *Model) Attachment(name string) (Attachment, bool) {
	i := slices.IndexFunc(m.Attached, func(a Attachment) bool { return a.Name == name })
	if i < 0 {
		return Attachment{}, false
	}
	return m.Attached[i], true
}

// HasWeights reports whether the model holds its weights: false if the bytes of a tensor are not there, as in a manifest.
func (m *Model) HasWeights() bool {
	if m.Graph == nil {
		return false
	}
	return m.Graph.hasWeights()
}

func (g *Graph) hasWeights() bool {
	if slices.ContainsFunc(g.Constants(), func(t *Tensor) bool { return !t.HasData() }) {
		return false
	}
	for _, n := range g.Nodes {
		for i := range n.Attrs {
			if sub := n.Attrs[i].Graph; sub != nil && !sub.hasWeights() {
				return false
			}
		}
	}
	return true
}

// Opset says which version of an operator domain the graph uses; the empty domain is ONNX's own.
type Opset struct {
	Domain  string
	Version int64
	Origin  *Origin // as in Node
}

// KeyValue is an entry of the file's metadata.
type KeyValue struct {
	Key, Value string
	Origin     *Origin // as in Node
}

// Graph is a list of nodes in topological order over named values.
type Graph struct {
	Name     string
	Doc      string
	Nodes    []*Node
	Inputs   []*Value // what the caller must give; initializers listed here by old files included
	Outputs  []*Value
	Values   []*Value // what the file says of inner values
	Opaque   []string // names given by parts that pare only carries: sparse initializers
	Present  uint32   // as in Model
	Extra    Extra
	Shuffled int // how many nodes the file has, if it has them in no topological order; else 0

	tensors []*Tensor // initializers, in file order
	index   map[string]int
}

// Node is one operator. An empty input name stands for an optional input left out.
type Node struct {
	Name    string
	Op      string
	Domain  string
	Doc     string
	Inputs  []string
	Outputs []string
	Attrs   []Attr
	Extra   Extra   // unknown fields
	Origin  *Origin // the node's own bytes in the file, written again if the node still says the same
}

// AttrKind is the type of an attribute; numbers as in AttributeProto.AttributeType.
type AttrKind uint8

const (
	AttrFloat   AttrKind = 1
	AttrInt     AttrKind = 2
	AttrString  AttrKind = 3
	AttrTensor  AttrKind = 4
	AttrGraph   AttrKind = 5
	AttrFloats  AttrKind = 6
	AttrInts    AttrKind = 7
	AttrStrings AttrKind = 8
	AttrOther   AttrKind = 255 // kept as Extra only
)

// Attr is an attribute of a node.
type Attr struct {
	Name    string
	Kind    AttrKind
	Int     int64
	Float   float32
	String  string
	Ints    []int64
	Floats  []float32
	Strings []string
	Tensor  *Tensor
	Graph   *Graph
	Doc     string
	Extra   Extra   // unknown fields; of AttrOther all but the name
	Origin  *Origin // as in Node
}

// Value names a value that flows between nodes and says what is known of it.
type Value struct {
	Name  string
	DType DType
	Shape Shape // nil: rank unknown
	Doc   string
	Extra Extra
	// Origin as in Node.
	Origin *Origin
}
