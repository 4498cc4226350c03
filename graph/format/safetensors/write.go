package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// maxShard is the size above which tensors are spread over several files, as huggingface_hub does by default.
const maxShard = 5_000_000_000

// shard is a file to write.
type shard struct {
	name    string
	tensors []*ir.Tensor
	bytes   int64
}

// Encode returns the files of a model: the tensors, or the index of its shards, first; then what travels with them.
func Encode(m *ir.Model) ([]format.File, error) { return encode(m, maxShard) }

func encode(m *ir.Model, limit int64) ([]format.File, error) {
	out, err := store(m)
	if err != nil {
		return nil, err
	}
	shards, err := spread(out.tensors, limit)
	if err != nil {
		return nil, err
	}
	metadata := withFormat(m.Metadata)
	var files []format.File
	if len(shards) > 1 {
		files = append(files, format.File{Name: indexName, Parts: []format.Part{{Bytes: indexOf(shards)}}})
	}
	for _, s := range shards {
		head, err := encodeHeader(s.tensors, metadata)
		if err != nil {
			return nil, err
		}
		f := format.File{Name: s.name, Parts: []format.Part{{Bytes: head}}}
		for _, t := range s.tensors {
			f.Parts = append(f.Parts, format.Part{Tensor: t})
		}
		files = append(files, f)
	}
	for _, a := range m.Attached {
		b := out.config
		if a.Name != configName || b == nil {
			if a.Read == nil {
				return nil, fmt.Errorf("%s is not there: the model is a header", a.Name)
			}
			if b, err = a.Read(); err != nil {
				return nil, err
			}
		}
		files = append(files, format.File{Name: a.Name, Parts: []format.Part{{Bytes: b}}})
	}
	return files, nil
}

// names lists what the files of a model can be called.
func names(m *ir.Model, name string, _ format.Split) []string {
	list := []string{name, indexName, "model-?????-of-?????.safetensors"}
	for _, a := range m.Attached {
		list = append(list, a.Name)
	}
	return list
}

// withFormat adds the entry that loaders ask for, first, if there is none.
func withFormat(list []ir.KeyValue) []ir.KeyValue {
	if slices.ContainsFunc(list, func(kv ir.KeyValue) bool { return kv.Key == "format" }) {
		return list
	}
	return append([]ir.KeyValue{{Key: "format", Value: "pt"}}, list...)
}

// spread puts tensors into files: into one if they fit, else greedily in order of name. In each file they stand in the
// order of the reference writer: by falling type, then name.
func spread(tensors []*ir.Tensor, limit int64) ([]*shard, error) {
	tensors = slices.Clone(tensors)
	slices.SortFunc(tensors, func(a, b *ir.Tensor) int { return strings.Compare(a.Name, b.Name) })
	var total int64
	for i, t := range tensors {
		if i > 0 && t.Name == tensors[i-1].Name {
			return nil, fmt.Errorf("two tensors would be named %q", t.Name)
		}
		if total > math.MaxInt64-t.Size() {
			return nil, fmt.Errorf("the model is too large for any file")
		}
		total += t.Size()
	}
	shards := []*shard{{}}
	for _, t := range tensors {
		s := shards[len(shards)-1]
		if len(s.tensors) > 0 && total > limit && s.bytes+t.Size() > limit {
			s = &shard{}
			shards = append(shards, s)
		}
		s.tensors = append(s.tensors, t)
		s.bytes += t.Size()
	}
	for i, s := range shards {
		if len(shards) > 1 {
			s.name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		}
		slices.SortStableFunc(s.tensors, func(a, b *ir.Tensor) int { return cmp.Compare(rankOf(b.DType), rankOf(a.DType)) })
	}
	return shards, nil
}

// encodeHeader writes what stands before the tensors.
func encodeHeader(tensors []*ir.Tensor, metadata []ir.KeyValue) ([]byte, error) {
	b := make([]byte, 8, 128*len(tensors)+256)
	b = append(b, `{"__metadata__":{`...)
	for i, kv := range metadata {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, kv.Key)
		b = append(b, ':')
		b = appendText(b, kv.Value)
	}
	b = append(b, '}')
	var at int64
	for _, t := range tensors {
		rank := rankOf(t.DType)
		if rank < 0 {
			return nil, fmt.Errorf("tensor %q is of type %s, which safetensors does not have", t.Name, t.DType)
		}
		bits, err := sizeInBits(t.DType, t.Shape)
		if err == nil && bits%8 != 0 {
			err = fmt.Errorf("its %d elements are no whole number of bytes", t.Len())
		}
		if err == nil && len(t.Shape) > maxRank {
			err = fmt.Errorf("it has more than %d dimensions", maxRank)
		}
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		b = append(b, ',')
		b = appendText(b, t.Name)
		b = append(b, `:{"dtype":"`...)
		b = append(b, dtypes[rank].name...)
		b = append(b, `","shape":[`...)
		for i, d := range t.Shape {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(d), 10)
		}
		b = append(b, `],"data_offsets":[`...)
		b = strconv.AppendInt(b, at, 10)
		b = append(b, ',')
		at += bits / 8
		b = strconv.AppendInt(b, at, 10)
		b = append(b, `]}`...)
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b)-8 > maxHeader {
		return nil, fmt.Errorf("the header would have %d bytes; at most %d are allowed", len(b)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b, nil
}

// indexOf writes the index of shards, in order of name.
func indexOf(shards []*shard) []byte {
	var total int64
	var lines []string
	for _, s := range shards {
		total += s.bytes
		for _, t := range s.tensors {
			lines = append(lines, string(appendText(append(appendText([]byte("    "), t.Name), ": "...), s.name)))
		}
	}
	slices.Sort(lines)
	return fmt.Appendf(nil, "{\n  \"metadata\": {\n    \"total_size\": %d\n  },\n  \"weight_map\": {\n%s\n  }\n}\n", total, strings.Join(lines, ",\n"))
}

const hexDigits = "0123456789abcdef"

// appendText writes a JSON string.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
