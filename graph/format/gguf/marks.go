package gguf

import (
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// A model's metadata of its origin, pare.recipe and so on, stand in a file behind all other keys, with general. before
// them: loaders take any key of that group and ask for none of these.
const (
	origin       = "pare."
	originInFile = "general." + origin
)

// parted takes the metadata of a model's origin out of those of its file.
func (m Metadata) parted() (rest Metadata, marks []ir.KeyValue) {
	for _, kv := range m {
		text, ok := m.Text(kv.Key)
		if name, own := strings.CutPrefix(kv.Key, originInFile); own && ok {
			marks = append(marks, ir.KeyValue{Key: origin + name, Value: text})
		} else {
			rest = append(rest, kv)
		}
	}
	return rest, marks
}

// marked is the opposite of parted; of a model's metadata only those of its origin go into a file.
func (m Metadata) marked(marks []ir.KeyValue) Metadata {
	for _, kv := range marks {
		if name, own := strings.CutPrefix(kv.Key, origin); own {
			m = m.With(TextEntry(originInFile+name, kv.Value))
		}
	}
	return m
}
