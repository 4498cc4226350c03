package imatrix_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/gguf"
	"github.com/pare-ml/pare/graph/format/imatrix"
	"github.com/pare-ml/pare/graph/format/imatrix/imatrixtest"
	"github.com/pare-ml/pare/internal/importance"
)

// entry is what a file says of a weight.
func entry(name string, sums, counts []float32) imatrixtest.Entry {
	return imatrixtest.Entry{Name: name, Sums: sums, Counts: counts}
}

func open(b []byte) (*importance.Matrix, error) {
	return imatrix.Open(bytes.NewReader(b), int64(len(b)), "m.gguf")
}

func values(t *testing.T, m *importance.Matrix, name string) []float32 {
	t.Helper()
	e, ok := m.Find(name)
	if !ok {
		t.Fatalf("there is no entry %s", name)
	}
	v, err := e.Read()
	if err != nil {
		t.Fatal(err)
	}
	if len(v) != e.Values {
		t.Errorf("%s: %d values, of %d", name, len(v), e.Values)
	}
	return v
}

// Sums are divided by the counts of their experts, which are rounded before; an expert that took nothing has ones.
func TestGGUF(t *testing.T) {
	m, err := open(imatrixtest.GGUF(imatrixtest.Meta(17, "wiki.txt", "code.txt"),
		entry("blk.1.ffn_down_exps.weight", []float32{2, 4, 5, 6, 9, 3}, []float32{2, 0, 2.5}),
		entry("blk.0.attn_q.weight", []float32{1, 2, 3}, []float32{3})))
	if err != nil {
		t.Fatal(err)
	}
	if m.File != "m.gguf" || m.Form != "GGUF" || !slices.Equal(m.Datasets, []string{"wiki.txt", "code.txt"}) || m.Chunks != 17 || m.Size != 512 {
		t.Errorf("got %+v", m)
	}
	if len(m.Entries) != 2 || m.Entries[0].Name != "blk.0.attn_q.weight" {
		t.Errorf("entries %v", m.Entries)
	}
	third := float32(1) / 3
	if v := values(t, m, "blk.0.attn_q.weight"); !slices.Equal(v, []float32{third, float32(2) / 3, 1}) {
		t.Errorf("got %v", v)
	}
	if v := values(t, m, "blk.1.ffn_down_exps.weight"); !slices.Equal(v, []float32{1, 2, 1, 1, 3, 1}) { // 2.5 is 3: away from zero
		t.Errorf("got %v", v)
	}
	if e, _ := m.Find("blk.1.ffn_down_exps.weight"); e.Experts != 3 || e.Unseen != 1 || e.Calls != 3 {
		t.Errorf("got %+v", e)
	}
	want := importance.Origin{File: "m.gguf", Entries: 2, Chunks: 17, Dataset: []string{"wiki.txt"}}
	o, ok := importance.ReadOrigin(m.Origin().Words())
	if !ok || o.File != want.File || o.Entries != 2 || o.Chunks != 17 || !slices.Equal(o.Dataset, want.Dataset) {
		t.Errorf("origin %+v", o)
	}
}

// Values of the older form are divided by the calls, if there were any.
func TestLegacy(t *testing.T) {
	entries := []imatrixtest.Entry{entry("b.weight", []float32{1, 2, 3}, []float32{3}), entry("a.weight", []float32{5, 0}, []float32{0})}
	for _, dataset := range []string{"wiki.txt", ""} {
		m, err := open(imatrixtest.Legacy(9, dataset, entries...))
		if err != nil {
			t.Fatal(err)
		}
		if v := values(t, m, "b.weight"); !slices.Equal(v, []float32{float32(1) / 3, float32(2) / 3, 1}) {
			t.Errorf("got %v", v)
		}
		if v := values(t, m, "a.weight"); !slices.Equal(v, []float32{5, 0}) {
			t.Errorf("got %v", v)
		}
		if m.Form != "legacy" || (dataset != "") != (m.Chunks == 9) || len(m.Datasets) != min(len(dataset), 1) {
			t.Errorf("got %+v", m)
		}
	}
}

func TestDamaged(t *testing.T) {
	meta := imatrixtest.Meta(1, "a")
	one := entry("w", []float32{1, 2}, []float32{1})
	name := func(b []byte, from, to string) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
	whole, legacy := imatrixtest.GGUF(meta, one), imatrixtest.Legacy(3, "text", one)
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "file ends at byte 0"},
		{"text", []byte("no matrix at all, but long enough for a number"), "it is no importance matrix"},
		{"nothing", make([]byte, 64), "0 entries do not fit"},
		{"model", imatrixtest.GGUF(gguf.Metadata{gguf.TextEntry("general.type", "model")}), `it holds no importance: no tensor is named *.in_sum2, and general.type is "model"`},
		{"cut", whole[:len(whole)-64], "its data end at byte"},
		{"no sums", name(whole, "w.in_sum2", "w.out_sum"), "one is missing"},
		{"no counts", name(whole, "w.counts", "w.county"), "one is missing"},
		{"no datasets", imatrixtest.GGUF(meta.Without("imatrix.datasets"), one), "imatrix.datasets: the key is missing"},
		{"datasets", imatrixtest.GGUF(meta.With(gguf.TextEntry("imatrix.datasets", "a")), one), "of type string; it must be an array"},
		{"no chunks", imatrixtest.GGUF(meta.Without("imatrix.chunk_count"), one), "imatrix.chunk_count: the key is missing"},
		{"chunks", imatrixtest.GGUF(meta.With(gguf.Int32Entry("imatrix.chunk_count", 1)), one), "it must be u32"},
		{"many chunks", imatrixtest.GGUF(meta.With(gguf.Uint32Entry("imatrix.chunk_count", math.MaxUint32)), one), "more than there can be"},
		{"uneven", imatrixtest.GGUF(meta, entry("w", []float32{1, 2, 3, 4}, []float32{1, 1, 1})), "are not as many for each of 3 counts"},
		{"no values", imatrixtest.GGUF(meta, entry("w", nil, []float32{1})), "0 sums"},
		{"count", imatrixtest.GGUF(meta, entry("w", []float32{1}, []float32{-1})), "count 0 is -1"},
		{"count not finite", imatrixtest.GGUF(meta, entry("w", []float32{1}, []float32{float32(math.Inf(1))})), "count 0 is +Inf"},
		{"no name", imatrixtest.GGUF(meta, entry("", []float32{1}, []float32{1})), "the name is empty"},
		{"legacy cut", legacy[:len(legacy)-14], "the file ends"},
		{"legacy without the end", legacy[:len(legacy)-1], "the data set's name: the file ends at byte"},
		{"legacy goes on", append(slices.Clone(legacy), 1), "goes on for 1 bytes behind its end"},
		{"legacy twice", imatrixtest.Legacy(1, "", one, one), "the name stands twice"},
		{"legacy name", imatrixtest.Legacy(1, "", entry("", []float32{1}, []float32{1})), "its name is empty"},
		{"legacy text", imatrixtest.Legacy(1, "", entry("a\x00b", []float32{1}, []float32{1})), "it is no text"},
		{"legacy no values", imatrixtest.Legacy(1, "data", entry("w", nil, []float32{1})), "it has 0 numbers"},
	}
	for _, tt := range tests {
		_, err := open(tt.file)
		var bad *format.Damaged
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) || bad.Path != "m.gguf" {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), -1} {
		for _, b := range [][]byte{imatrixtest.GGUF(meta, entry("w", []float32{1, float32(v)}, []float32{1})), imatrixtest.Legacy(1, "", entry("w", []float32{1, float32(v)}, []float32{1}))} {
			m, err := open(b)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Entries[0].Read(); err == nil || !strings.Contains(err.Error(), "at place 1 is") {
				t.Errorf("%v: got %v", v, err)
			}
		}
	}
}

// No bytes make the reader panic or allocate more than the file holds; what is read once can be read whole.
func FuzzOpen(f *testing.F) {
	one, two := entry("w", []float32{1, 2}, []float32{1}), entry("v", []float32{1, 2, 3, 4}, []float32{0, 2})
	f.Add(imatrixtest.GGUF(imatrixtest.Meta(3, "a", "b"), one, two))
	f.Add(imatrixtest.Legacy(3, "text", one, two))
	f.Add(imatrixtest.Legacy(3, "", one))
	f.Add([]byte("GGUF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := open(b)
		if err != nil {
			return
		}
		total := 0
		for _, e := range m.Entries {
			total += e.Values
			v, err := e.Read()
			if err != nil {
				continue
			}
			if len(v) != e.Values {
				t.Errorf("%d values, of %d", len(v), e.Values)
			}
			for _, x := range v {
				if !(x >= 0 && x-x == 0) {
					t.Errorf("importance %v", x)
				}
			}
		}
		if 4*total > len(b) {
			t.Errorf("%d values of %d bytes", total, len(b))
		}
	})
}
