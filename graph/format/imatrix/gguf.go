package imatrix

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format/gguf"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/importance"
)

// The names of a GGUF file's metadata and the ends of its tensors' names.
const (
	datasetsKey = "imatrix.datasets"
	chunksKey   = "imatrix.chunk_count"
	sizeKey     = "imatrix.chunk_size"
	sumsEnd     = ".in_sum2"
	countsEnd   = ".counts"
)

// pair are the two tensors of an entry.
type pair struct{ sums, counts *gguf.Stored }

// gguf reads the matrix of a GGUF file.
func (f *file) gguf() (*importance.Matrix, error) {
	h, err := gguf.ReadFile(f.r, f.size, f.path)
	if err != nil {
		return nil, err
	}
	pairs := map[string]*pair{}
	var names []string
	at := func(name string) *pair {
		if pairs[name] == nil {
			pairs[name] = new(pair)
			names = append(names, name)
		}
		return pairs[name]
	}
	for i := range h.Tensors {
		t := &h.Tensors[i]
		if name, ok := strings.CutSuffix(t.Name, sumsEnd); ok {
			at(name).sums = t
		} else if name, ok := strings.CutSuffix(t.Name, countsEnd); ok {
			at(name).counts = t
		}
	}
	if len(names) == 0 {
		kind, _ := h.Meta.Text("general.type")
		return nil, f.damaged("", "it holds no importance: no tensor is named *%s, and general.type is %q, not \"imatrix\"", sumsEnd, kind)
	}
	m := &importance.Matrix{Form: "GGUF"}
	if err := f.meta(m, h.Meta); err != nil {
		return nil, err
	}
	for _, name := range names {
		e, err := f.entry(name, pairs[name])
		if err != nil {
			return nil, err
		}
		m.Entries = append(m.Entries, e)
	}
	return m, nil
}

// meta reads what the matrix was made with. llama-quantize takes no file without these keys.
func (f *file) meta(m *importance.Matrix, meta gguf.Metadata) error {
	kv, ok := meta.Get(datasetsKey)
	if !ok {
		return f.damaged(datasetsKey, "the key is missing")
	}
	if texts, ok := meta.Texts(datasetsKey); ok {
		m.Datasets = texts
	} else if kv.Kind != gguf.Array {
		return f.damaged(datasetsKey, "it is of type %s; it must be an array of strings", kv.Kind)
	}
	for _, want := range []struct {
		key string
		to  *int
	}{{chunksKey, &m.Chunks}, {sizeKey, &m.Size}} {
		kv, ok := meta.Get(want.key)
		n, _ := meta.Int(want.key)
		switch {
		case !ok:
			return f.damaged(want.key, "the key is missing")
		case kv.Kind != gguf.Uint32:
			return f.damaged(want.key, "it is of type %s; it must be u32", kv.Kind)
		case n > math.MaxInt32:
			return f.damaged(want.key, "it is %d; that is more than there can be", n)
		}
		*want.to = int(n)
	}
	return nil
}

// entry reads the counts of an entry and plans how its values are read.
func (f *file) entry(name string, p *pair) (e importance.Entry, err error) {
	where := entryWord(name)
	switch {
	case name == "":
		return e, f.damaged(where, "the name is empty")
	case p.sums == nil || p.counts == nil:
		return e, f.damaged(where, "it needs two tensors, %s%s and %s%s, and one is missing", name, sumsEnd, name, countsEnd)
	case p.sums.DType != ir.Float32 || p.counts.DType != ir.Float32:
		return e, f.damaged(where, "its tensors are %s and %s; both must be float32", p.sums.DType, p.counts.DType)
	}
	values, experts := int(p.sums.Size/4), int(p.counts.Size/4)
	if values == 0 || experts == 0 || values%experts != 0 {
		return e, f.damaged(where, "%d sums are not as many for each of %d counts", values, experts)
	}
	counts, err := f.floats(p.counts.Offset, experts)
	if err != nil {
		return e, err
	}
	e = importance.Entry{Name: name, Values: values, Experts: experts}
	for i, c := range counts {
		if !(c >= 0 && c < 1<<62) {
			return e, f.damaged(where, "count %d is %v; it must be finite and not negative", i, c)
		}
		counts[i] = float32(math.Round(float64(c)))
		if counts[i] == 0 {
			e.Unseen++
		}
	}
	e.Calls = float64(slices.MaxFunc(counts, cmp.Compare))
	e.Read = func() ([]float32, error) {
		v, err := f.floats(p.sums.Offset, values)
		if err != nil {
			return nil, err
		}
		each := values / experts
		for i, c := range counts {
			for j := i * each; j < (i+1)*each; j++ {
				if v[j] /= c; c == 0 {
					v[j] = 1
				}
			}
		}
		return f.checked(name, v)
	}
	return e, nil
}
