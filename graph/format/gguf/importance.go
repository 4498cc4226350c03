package gguf

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/importance"
)

// The keys by which llama-quantize says what importance matrix a model was quantized with.
const (
	matrixFileKey    = "quantize.imatrix.file"
	matrixDataKey    = "quantize.imatrix.dataset"
	matrixEntriesKey = "quantize.imatrix.entries_count"
	matrixChunksKey  = "quantize.imatrix.chunks_count"
)

// longestValue is how many bytes of a text llama-quantize writes.
const longestValue = 127

// Places returns how the entries of importance matrices, which bear the names of GGUF files, are found by the names of a
// model's weights: nil if those are the same. ok is false if it cannot be known, because files that travel with the model
// are not at hand, or no GGUF file can hold it.
func Places(m *ir.Model) (find func(weight string) (importance.Place, bool), ok bool) {
	if m.Format == "gguf" {
		return nil, true
	}
	c, err := config(m)
	if err != nil {
		return nil, false
	}
	f := familyOf(c)
	if f == nil {
		return nil, false
	}
	s := &settings{family: f, config: c}
	f.keys(s)
	if s.err != nil {
		return nil, false
	}
	return func(weight string) (importance.Place, bool) {
		p, ok := s.names.of(weight)
		if p.expert >= 0 {
			return importance.Place{Entry: p.name, Expert: p.expert, Experts: s.experts}, ok
		}
		return importance.Place{Entry: p.name, Experts: 1}, ok
	}, true
}

// originOf returns the matrix that layers were quantized with: that of the first that says so.
func originOf(nodes []*ir.Node) (importance.Origin, bool) {
	for _, n := range nodes {
		if a := n.Attr(ir.ImportanceAttr); a != nil {
			if o, ok := importance.ReadOrigin(a.Strings); ok {
				return o, true
			}
		}
	}
	return importance.Origin{}, false
}

// withOrigin adds what is told of a matrix at the end, as llama-quantize does.
func (m Metadata) withOrigin(o importance.Origin) Metadata {
	m = m.Without(matrixFileKey).With(TextEntry(matrixFileKey, cut(o.File)))
	for _, name := range o.Dataset {
		m = m.Without(matrixDataKey).With(TextEntry(matrixDataKey, cut(name)))
	}
	m = m.Without(matrixEntriesKey).With(Uint32Entry(matrixEntriesKey, uint32(o.Entries)))
	if o.Chunks > 0 {
		m = m.Without(matrixChunksKey).With(Uint32Entry(matrixChunksKey, uint32(o.Chunks)))
	}
	return m
}

// cut shortens a text to what fits.
func cut(s string) string { return s[:min(len(s), longestValue)] }
