// Package safetensors reads and writes models as Hugging Face folders hold them: tensors in safetensors files, one or
// several with an index, config.json and what else travels with the weights. Graphs are made by package arch from the
// configuration and the tensors' names and shapes.
//
// # Reading
//
// Open reads headers alone; elements stay in their files and are read by ranges, with positioned reads, so a model is
// never in memory as a whole and a file that changes meanwhile is an error (format.Changed). The header must be what the
// reference reader accepts, and stricter: no repeated or unknown keys, no empty tensors that share a place (header.go).
// An index names plain files beside itself, which are opened beneath the folder, and must agree with their headers.
//
// # Writing
//
// Tensors stand in the order of the reference writer, by falling type and then by name, in one file or, above 5 GB, in
// shards with an index. Other files of the folder are written as they were; config.json is changed only where the
// quantization or the type of the weights has changed.
package safetensors

import (
	"bytes"
	_ "embed"

	"github.com/pare-ml/pare/graph/format"
)

//go:embed doc.md
var doc string

// Format is the record of this format.
var Format = format.Format{
	Name:       "safetensors",
	Doc:        doc,
	Extensions: []string{".safetensors"},
	Detect:     Detect,
	Open:       Open,
	Cannot:     Cannot,
	Encode:     Encode,
	Names:      names,
}

// Detect tells a file of tensors by the length and the first byte of its header, and an index by its keys.
func Detect(head []byte) bool {
	if len(head) > 8 && head[8] == '{' && head[4] == 0 && head[5] == 0 && head[6] == 0 && head[7] == 0 {
		return true
	}
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return ok && (bytes.HasPrefix(rest, []byte(`"metadata"`)) || bytes.HasPrefix(rest, []byte(`"weight_map"`))) && bytes.Contains(head, []byte(`"weight_map"`))
}
