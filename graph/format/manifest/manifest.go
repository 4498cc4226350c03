// Package manifest reads and writes manifests: a model's header without its weights, small enough for git. A plan
// compiled against a manifest is the plan compiled against the model, so recipes are checked, planned and compared in
// review where no weights are at hand.
//
// # The file
//
// A manifest is JSON with one line for each layer, value, tensor and node, so that the diff of two revisions shows what
// changed in the model. Its keys, in this order:
//
//	pare_manifest  the version of this form
//	header         SHA-256 of all that follows layers, as it is written here
//	weights        SHA-256 over all tensors in order of name (Weights)
//	layers         for the reader: name, type, roles, weight, ties. It follows from the rest
//	format         of the model's file: onnx
//	ir_version, opsets
//	inputs, outputs, values   [name, type, shape]; values lists only what does not follow by inference
//	tensors        [name, type, shape], and the numbers of small integer tensors, which shapes follow from
//	nodes          op, domain, name, in, out, attrs
//
// A dimension is a number, a name or null; null in place of a shape is an unknown rank. Attributes are plain JSON where
// that is enough: a number with a point or exponent is a float, without one an integer. Else they are a mapping with one
// key: tensor, graph, float, floats, ints, strings, bytes, other.
//
// # Reading
//
// The reader is strict: unknown and repeated keys, shapes without sense, a header that does not have its digest, as after
// a merge gone wrong, are a *format.Damaged with the line. Line ends and blanks may differ from what was written.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// Version of the form of manifests.
const Version = 1

// maxSize bounds the file: a model of a million nodes has a manifest of about 200 MB.
const maxSize = 256 << 20

// Format is the record of this format. Models cannot be written in it: a manifest holds no weights.
var Format = format.Format{
	Name:       "manifest",
	Doc:        "A model's header without its weights, as pare manifest writes it. It can be planned against, not built.",
	Extensions: []string{".json"},
	HeaderOnly: true,
	Detect:     Detect,
	Open: func(path string) (*ir.Model, func() error, error) {
		m, err := Open(path)
		if err != nil {
			return nil, nil, err
		}
		return m.Model, func() error { return nil }, nil
	},
	Encode: func(m *ir.Model) ([]format.File, error) {
		b, err := Encode(m)
		if err != nil {
			return nil, err
		}
		return []format.File{{Parts: []format.Part{{Bytes: b}}}}, nil
	},
}

// Manifest is a manifest that has been read.
type Manifest struct {
	Model   *ir.Model // its tensors have no bytes but those of small integers
	Header  string    // digest of the header
	Weights string    // digest of the weights
}

// Detect tells a manifest by its first key.
func Detect(head []byte) bool {
	const space = " \t\r\n"
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(head, space), []byte("{"))
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, space), []byte(`"pare_manifest"`))
}

// Open reads a manifest file.
func Open(path string) (*Manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 0, bytes.MinRead)
	if info, err := f.Stat(); err == nil && info.Size() <= maxSize {
		b = make([]byte, 0, info.Size()+bytes.MinRead)
	}
	buffer := bytes.NewBuffer(b)
	if _, err := buffer.ReadFrom(io.LimitReader(f, maxSize+1)); err != nil {
		return nil, err
	}
	m, err := Decode(buffer.Bytes())
	var damage *format.Damaged
	if errors.As(err, &damage) {
		damage.Path = path
	}
	if err != nil {
		return nil, err
	}
	m.Model.Path = path
	return m, nil
}

// Decode reads a manifest. The names in it are parts of b, which must not change afterwards. The error is a
// *format.Damaged.
func Decode(b []byte) (*Manifest, error) {
	if len(b) > maxSize {
		return nil, &format.Damaged{Reason: fmt.Sprintf("the manifest has more than %d bytes", maxSize)}
	}
	return read(b)
}
