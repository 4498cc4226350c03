// Package imatrixtest makes importance matrices for tests.
package imatrixtest

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/pare-ml/pare/graph/format/gguf"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/importance"
)

// Entry is what a file says of a weight: sums of squares, expert by expert, and over how many rows each expert's are. Of the
// older form the first count is that of calls.
type Entry struct {
	Name         string
	Sums, Counts []float32
}

// Meta is the metadata of a file that llama-imatrix made of a text in chunks of 512 tokens.
func Meta(chunks uint32, datasets ...string) gguf.Metadata {
	return gguf.Metadata{gguf.TextEntry("general.type", "imatrix"), gguf.TextsEntry("imatrix.datasets", datasets),
		gguf.Uint32Entry("imatrix.chunk_count", chunks), gguf.Uint32Entry("imatrix.chunk_size", 512)}
}

// GGUF is a GGUF file with this metadata.
func GGUF(meta gguf.Metadata, entries ...Entry) []byte {
	b := append([]byte("GGUF"), 3, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(2*len(entries)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(meta)))
	for _, kv := range meta {
		b = append(binary.LittleEndian.AppendUint64(b, uint64(len(kv.Key))), kv.Key...)
		b = append(binary.LittleEndian.AppendUint32(b, uint32(kv.Kind)), kv.Raw...)
	}
	var data []byte
	tensor := func(name string, inner, outer int, values []float32) {
		b = append(binary.LittleEndian.AppendUint64(b, uint64(len(name))), name...)
		b = binary.LittleEndian.AppendUint32(b, 2)
		b = binary.LittleEndian.AppendUint64(b, uint64(inner))
		b = binary.LittleEndian.AppendUint64(b, uint64(outer))
		b = binary.LittleEndian.AppendUint32(b, 0)
		b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
		data = padded(floats(data, values))
	}
	for _, e := range entries {
		outer := max(1, len(e.Counts))
		if len(e.Sums)%outer != 0 {
			outer = 1
		}
		tensor(e.Name+".in_sum2", len(e.Sums)/outer, outer, e.Sums)
		tensor(e.Name+".counts", 1, len(e.Counts), e.Counts)
	}
	return append(padded(b), data...)
}

// Legacy is a file in the older form. Without a data set it ends behind the entries.
func Legacy(chunks int32, dataset string, entries ...Entry) []byte {
	b := number(nil, len(entries))
	for _, e := range entries {
		b = append(number(b, len(e.Name)), e.Name...)
		b = floats(number(number(b, int(e.Counts[0])), len(e.Sums)), e.Sums)
	}
	if dataset == "" {
		return b
	}
	return append(number(number(b, int(chunks)), len(dataset)), dataset...)
}

// Of makes entries for the matrices of a model, of numbers that follow from their places alone.
func Of(m *ir.Model, find func(weight string) (importance.Place, bool)) []Entry {
	var list []Entry
	at := map[string]int{}
	for i, l := range m.Layers() {
		if l.Weight == nil || len(l.Weight.Shape) < 2 || !strings.HasSuffix(l.Weight.Name, ".weight") {
			continue
		}
		place := importance.Place{Entry: l.Weight.Name, Experts: 1}
		if find != nil {
			place, _ = find(l.Weight.Name)
		}
		columns := l.Weight.Shape[len(l.Weight.Shape)-1]
		if len(l.Weight.Shape) == 3 {
			place.Experts = l.Weight.Shape[0] // all of them at once
		}
		k, ok := at[place.Entry]
		if !ok {
			k = len(list)
			at[place.Entry] = k
			list = append(list, Entry{place.Entry, make([]float32, columns*place.Experts), make([]float32, place.Experts)})
		}
		e := list[k]
		for x := range place.Experts {
			if x != place.Expert && len(l.Weight.Shape) == 2 {
				continue
			}
			e.Counts[x] = float32(64 + i + x)
			for j := range columns {
				e.Sums[x*columns+j] = float32((j*7919+(i+x)*31)%1009) / 16
			}
		}
	}
	return list
}

func number(b []byte, v int) []byte { return binary.LittleEndian.AppendUint32(b, uint32(int32(v))) }

func floats(b []byte, values []float32) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func padded(b []byte) []byte {
	for len(b)%32 != 0 {
		b = append(b, 0)
	}
	return b
}
