// Package format is the contract of model file formats. A format reads a file into the model's IR and writes it back;
// it changes no value. The formats there are stand in graph/format/all.
package format

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// Format is one file format: a constant record.
type Format struct {
	Name       string // as in a recipe's `format:`: "onnx"
	Doc        string
	Version    int      // raised when the same model would be written with other bytes
	Extensions []string // ".onnx"; without a `format:` the path's extension decides

	// HeaderOnly marks a format that holds no weights: a model can be looked at and planned against, not built, and
	// recipes cannot ask for it as an output.
	HeaderOnly bool

	// Detect tells from the first bytes of a file whether it is of this format.
	Detect func(head []byte) bool

	// Open reads the header and maps the rest; the model's tensors read the mapping when asked. Close releases it; no
	// tensor of the model may be used after that.
	Open func(path string) (m *ir.Model, close func() error, err error)

	// Cannot lists what of m, which may be a header, the format cannot hold: found when a recipe is compiled. Nil: it
	// holds whatever pare can make.
	Cannot func(m *ir.Model) []Problem

	// Encode returns the files that hold m, in the order in which they should be written; the first is the one to open.
	// It refuses a model that the format cannot hold. Elements of tensors are not read before the files are written.
	Encode func(m *ir.Model) ([]File, error)

	// EncodeAs is Encode for a format whose files name each other: name is the base name that the first one will have. Nil:
	// Encode will do.
	EncodeAs func(m *ir.Model, name string) ([]File, error)

	// EncodeSplit is EncodeAs for a format that can spread a model over files as s says. Nil: it cannot.
	EncodeSplit func(m *ir.Model, name string, s Split) ([]File, error)

	// Names lists what the files that hold m, which may be a header, can be called if their output has this base name; a ?
	// stands for any character. Nil: there is one file, of that name.
	Names func(m *ir.Model, name string, s Split) []string

	// Restore gives a model that was read back the names and the order that the model it was written from has, for a
	// format that changes them. Nil: it changes none.
	Restore func(back, written *ir.Model) (*ir.Model, error)
}

// Problem is something that a format cannot hold.
type Problem struct {
	Layer   string // empty: the model as a whole
	Message string // "q4_k is a block type of ggml; ONNX has none": what it is and what would do
}

// File is one file to write: Name is relative to the artefact's folder.
type File struct {
	Name  string // empty: the artefact's own path. A first file with a name stands for it: the index of shards
	Parts []Part // one behind the other
}

// Split says how a model is spread over several files; the zero value: it is not.
type Split struct {
	MaxSize       int64 // bytes of the tensors of a file; 0: no limit
	MaxTensors    int   // 0: no limit
	NoTensorFirst bool  // the first file holds metadata alone, if there are several
}

// Files returns the files that hold m if this is the base name of its output.
func (f *Format) Files(m *ir.Model, name string, s Split) ([]File, error) {
	if s != (Split{}) {
		if f.EncodeSplit == nil {
			return nil, fmt.Errorf("the format %s does not spread a model as asked", f.Name)
		}
		return f.EncodeSplit(m, name, s)
	}
	if f.EncodeAs != nil {
		return f.EncodeAs(m, name)
	}
	return f.Encode(m)
}

// Part is a piece of a file: bytes, or the elements of a tensor.
type Part struct {
	Bytes  []byte
	Tensor *ir.Tensor // read when the part is written
}

// Size returns the length of a part in bytes.
func (p Part) Size() int64 {
	if p.Tensor != nil {
		return p.Tensor.Size()
	}
	return int64(len(p.Bytes))
}

// Size returns the length of the file in bytes.
func (f File) Size() int64 {
	var n int64
	for _, p := range f.Parts {
		n += p.Size()
	}
	return n
}

// Damaged is the error of a file that is not what it says it is: cut, contradictory or hostile. It makes pare exit 6.
type Damaged struct {
	Path   string
	Where  string // "graph.node[12].attribute[0]", "offset 123"
	Reason string // what was found and what should be
}

func (d *Damaged) Error() string {
	var s string
	for _, part := range []string{d.Path, d.Where} {
		if part != "" {
			s += part + ": "
		}
	}
	return s + d.Reason
}

// Changed is the error of a file that was altered while it was being read. It makes pare exit 5.
type Changed struct{ Path string }

func (c *Changed) Error() string {
	return c.Path + ": the file changed while it was being read"
}
