package graph_test

import (
	"slices"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/ir"
)

// What the files of an output can be called is what the formats say: fixed names, those that travel along, and splits.
func TestNamesOfFiles(t *testing.T) {
	m := &ir.Model{Attached: []ir.Attachment{{Name: "config.json"}}}
	for _, c := range []struct {
		format, name string
		split        format.Split
		want         []string
	}{
		{"onnx", "m.onnx", format.Split{}, []string{"m.onnx", "m.onnx.data"}},
		{"gguf", "m.gguf", format.Split{}, []string{"m.gguf"}},
		{"gguf", "m.gguf", format.Split{MaxTensors: 4}, []string{"m.gguf", "m-?????-of-?????.gguf"}},
		{"safetensors", "m.safetensors", format.Split{}, []string{"m.safetensors", "model.safetensors.index.json", "model-?????-of-?????.safetensors", "config.json"}},
	} {
		f := all.ByName(c.format)
		if got := f.Names(m, c.name, c.split); !slices.Equal(got, c.want) {
			t.Errorf("%s %s: %q, want %q", c.format, c.name, got, c.want)
		}
	}
}
