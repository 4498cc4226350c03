// Package onnx reads and writes ONNX files by walking protobuf's wire format, with no generated code between: what pare
// does not read (training information, functions, fields of later versions) is kept as it stands, and what no pass has
// changed is written with its own bytes.
//
// # Reading
//
// Open maps the file and walks its structure; elements of tensors stay in the file until a Tensor's Bytes asks for them
// and are then copied out, so that a file cut or changed under the mapping is an error (format.Changed) and never a fault.
// IR versions from 3 and operator sets from 1 are read; the lowest that passes and the executor promise to treat is 7.
//
// # Damage
//
// A file that is cut, contradictory or hostile gives a *format.Damaged with the element and the offset. No allocation is
// larger than in proportion to the bytes present, graphs nest at most 32 deep, and all sizes are checked before use.
//
// # Writing
//
// A model that still says what its file says is written with the file's own bytes. Else fields are written in the order of
// their numbers: a node, attribute, tensor or value that says what its Origin says with those bytes, anything else from its
// fields, elements as raw_data. Nothing large is in memory: a file is a list of parts, tensors among them.
//
// Nodes are held in an order in which they can run. Files that have them in another, as some converters write and ONNX
// Runtime reads, are sorted when they are read, and written so if anything in the model has changed.
//
// A model that came in with weights in other files, or would be larger than 1.9 GB, is written as two: the model, and beside
// it a file with tensors of 1 KiB and more, each at a multiple of 4,096 bytes. A protobuf message ends at 2 GiB.
package onnx

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

//go:embed doc.md
var doc string

// Format is the record of this format.
var Format = format.Format{
	Name:       "onnx",
	Doc:        doc,
	Version:    1,
	Extensions: []string{".onnx"},
	Detect:     Detect,
	Open:       Open,
	Cannot:     cannot,
	Encode:     func(m *ir.Model) ([]format.File, error) { return Files(m, "model.onnx") },
	EncodeAs:   Files,
	Names:      func(_ *ir.Model, name string, _ format.Split) []string { return []string{name, name + beside} },
}

var errNotRegular = errors.New("is no regular file")

func tooLarge(path string, size int64) error {
	return &format.Damaged{Path: path, Reason: fmt.Sprintf("the file has %d bytes; an ONNX file, being one protobuf message, has at most %d", size, maxSize)}
}

// Detect reports whether the first bytes of a file look like a model's. ONNX has no magic number; but the first field of
// every exporter's files is one of the model's own, with its wire type, and so is the next.
func Detect(head []byte) bool {
	for i := range 2 {
		no, typ, n := protowire.ConsumeTag(head)
		switch {
		case n < 0:
			return i > 0 && len(head) == 0
		case no == 1 && typ == protowire.VarintType && len(head) > 1 && head[1] >= oldestIR && head[1] <= newestIR:
		case no == 5 && typ == protowire.VarintType:
		case no >= 2 && no <= 8 && no != 5 && typ == protowire.BytesType:
		case i > 0 && (no == 14 || no == 20 || no == 25 || no == 26) && typ == protowire.BytesType:
		default:
			return false
		}
		f, err := next(head, 0)
		if err != nil { // it reaches beyond head
			return i > 0 || no >= 7
		}
		head = head[f.size:]
	}
	return true
}

// Open reads the model in a file. close releases the file; no tensor of the model may be asked for its bytes after that.
func Open(path string) (*ir.Model, func() error, error) {
	src, err := openSource(path)
	if err != nil {
		return nil, nil, err
	}
	ext := &externals{path: path}
	closeAll := func() error { return errors.Join(ext.close(), src.close()) }
	m, err := decode(src, path, ext)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	m.Files = slices.Sorted(maps.Keys(ext.files))
	return m, closeAll, nil
}

// Decode reads a model from memory, which the model keeps. Tensors in other files are refused: there is no folder to look
// for them.
func Decode(b []byte) (*ir.Model, error) {
	if len(b) > maxSize {
		return nil, tooLarge("", int64(len(b)))
	}
	return decode(&memory{b}, "", &externals{})
}

func decode(src source, path string, ext *externals) (m *ir.Model, err error) {
	if src.size() == 0 {
		return nil, &format.Damaged{Path: path, Reason: "the file is empty"}
	}
	err = src.view(0, src.size(), func(b []byte) error {
		r := &reader{src: src, external: ext}
		if m, err = r.model(b); err != nil {
			return err
		}
		return settle(m, r.graphAt)
	})
	if err == nil {
		err = ext.overlap()
	}
	if err != nil {
		return nil, toDamaged(path, foreign(src, err))
	}
	m.Path = path
	return m, nil
}

// foreign says of a file that fails at its very start and does not look like a model that it is none.
func foreign(src source, err error) error {
	var f *fault
	if !errors.As(err, &f) || f.off > 0 || len(f.way) > 0 {
		return err
	}
	src.view(0, min(src.size(), 64), func(head []byte) error {
		if !Detect(head) {
			f.reason = "this is no ONNX model: " + f.reason
		}
		return nil
	})
	return err
}
