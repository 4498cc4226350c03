package manifest_test

import (
	"testing"

	"github.com/pare-ml/pare/graph/format/manifest"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

// BenchmarkDecode1000 reads the manifest of a model of 1,267 layers in 8,700 nodes.
func BenchmarkDecode1000(b *testing.B) {
	t := build.New("transformer", 17)
	t.Fill = func(_ string, shape []int, _ int) []float32 { n, _ := ir.Elements(shape); return make([]float32, n) }
	t.Transformer(build.Transformer{Vocabulary: 32, Width: 8, Hidden: 16, Heads: 4, Blocks: 140, Spelled: true, Rotary: true})
	text, err := manifest.Encode(t.Model())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := manifest.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
