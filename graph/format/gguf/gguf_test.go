package gguf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/importance"
)

// weights are tensors as a small model of the Llama family has them, in the order of a converter.
func weights() []*ir.Tensor {
	list := []*ir.Tensor{ir.FromFloat32s("token_embd.weight", []int{7, 32}, make([]float32, 7*32))}
	for i := range 2 {
		p := fmt.Sprintf("blk.%d.", i)
		list = append(list,
			ir.FromFloat32s(p+"attn_norm.weight", []int{32}, make([]float32, 32)),
			ir.NewTensor(p+"attn_q.weight", ir.Q8_0, []int{32, 32}, make([]byte, 32*34)),
			ir.FromFloat32s(p+"attn_k.weight", []int{16, 32}, make([]float32, 16*32)))
	}
	return append(list, ir.FromFloat32s("output_norm.weight", []int{32}, make([]float32, 32)))
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func encoded(t *testing.T, m *ir.Model) []byte {
	t.Helper()
	files, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := (format.Stream{Workers: 2}).Write(context.Background(), &b, files[0]); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A model that was quantized with an importance matrix says so behind what is said of its types, with texts cut as llama.cpp
// cuts them; what an earlier matrix left is replaced.
func TestImportance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	write(t, path, file(t, sample.With(TextEntry(matrixFileKey, "old"), Uint32Entry(matrixChunksKey, 3), Int32Entry("last", 1)), weights()...))
	for _, tt := range []struct {
		matrix importance.Matrix
		want   Metadata
	}{
		{importance.Matrix{File: "m.imatrix", Datasets: []string{"text", "more"}, Chunks: 7, Entries: make([]importance.Entry, 5)},
			Metadata{Int32Entry("last", 1), Uint32Entry("general.quantization_version", 2), Uint32Entry("general.file_type", 15), TextEntry(matrixFileKey, "m.imatrix"),
				TextEntry(matrixDataKey, "text"), Uint32Entry(matrixEntriesKey, 5), Uint32Entry(matrixChunksKey, 7)}},
		{importance.Matrix{File: strings.Repeat("x", 130), Entries: make([]importance.Entry, 1)}, // it names no text: the old count stays, as in llama.cpp
			Metadata{Uint32Entry(matrixChunksKey, 3), Int32Entry("last", 1), Uint32Entry("general.quantization_version", 2), Uint32Entry("general.file_type", 15),
				TextEntry(matrixFileKey, strings.Repeat("x", 127)), Uint32Entry(matrixEntriesKey, 1)}},
	} {
		m, done, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		m = m.Clone()
		q := m.Graph.Tensor("blk.0.attn_q.weight")
		m.Graph.SetTensor(ir.NewTensor(q.Name, ir.Q4_0, q.Shape, make([]byte, 32*18)))
		for _, n := range m.Graph.Nodes {
			if n.Op == "MatMul" {
				n.SetAttr(ir.StringAttr(ir.MixAttr, "Q4_K_M"))
				n.SetAttr(ir.StringsAttr(ir.ImportanceAttr, tt.matrix.Origin().Words()...))
				break
			}
		}
		b := encoded(t, m)
		done()
		h, err := readHeader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		got := h.meta[len(h.meta)-len(tt.want):]
		for i := range got {
			if got[i].Key != tt.want[i].Key || got[i].Kind != tt.want[i].Kind || !bytes.Equal(got[i].Raw, tt.want[i].Raw) {
				t.Errorf("entry %d from the end is %s = %q, want %s = %q", len(got)-i, got[i].Key, got[i].Raw, tt.want[i].Key, tt.want[i].Raw)
			}
		}
	}
}

// Entries are found by the names that weights get in a GGUF file; those of a GGUF file are the same.
func TestPlaces(t *testing.T) {
	if find, ok := Places(&ir.Model{Format: "gguf"}); find != nil || !ok {
		t.Error("a GGUF model's weights are not found by their names")
	}
	config := func(text string) *ir.Model {
		return &ir.Model{Format: "safetensors", Attached: []ir.Attachment{{Name: "config.json", Read: func() ([]byte, error) { return []byte(text), nil }}}}
	}
	for _, m := range []*ir.Model{{Format: "onnx"}, config("{}"), config(`{"model_type": "gpt2"}`), {Format: "safetensors", Attached: []ir.Attachment{{Name: "config.json"}}}} {
		if _, ok := Places(m); ok {
			t.Errorf("%s %v: names are known", m.Format, m.Attached)
		}
	}
	find, ok := Places(config(`{"model_type": "mixtral", "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4,
		"num_key_value_heads": 2, "num_local_experts": 8, "vocab_size": 100}`))
	if !ok {
		t.Fatal("names are not known")
	}
	for name, want := range map[string]importance.Place{
		"model.layers.1.self_attn.q_proj.weight":              {Entry: "blk.1.attn_q.weight", Experts: 1},
		"model.layers.1.block_sparse_moe.experts.5.w2.weight": {Entry: "blk.1.ffn_down_exps.weight", Expert: 5, Experts: 8},
		"model.embed_tokens.weight":                           {Entry: "token_embd.weight", Experts: 1},
	} {
		if got, ok := find(name); !ok || got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if _, ok := find("model.vision.weight"); ok {
		t.Error("a weight that has no place has one")
	}
}

// A model that nothing has changed is written with the same bytes; layers have roles by their names.
func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	want := file(t, sample, weights()...)
	write(t, path, want)
	m, done, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if got := encoded(t, m); !bytes.Equal(got, want) {
		t.Error("a model that was read is written otherwise")
	}
	var got []string
	for _, l := range m.Layers() {
		got = append(got, l.Name+" "+l.Type+" "+l.Role+" "+l.Weight.DType.String())
	}
	if text := strings.Join(got, "\n"); text != "token_embd embedding embedding float32\nblk.0.attn_q linear attention_q q8_0\n"+
		"blk.0.attn_k linear attention_k float32\nblk.1.attn_q linear attention_q q8_0\nblk.1.attn_k linear attention_k float32" {
		t.Errorf("layers:\n%s", text)
	}
}

// What a pass quantized is written as llama-quantize does: by block and name, with the two keys it sets at the end.
func TestQuantized(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	write(t, path, file(t, sample.With(Uint32Entry("general.file_type", 1), TextEntry("z", "last")), weights()...))
	m, done, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	m.Graph.SetTensor(ir.NewTensor("blk.1.attn_k.weight", ir.Q8_0, []int{16, 32}, make([]byte, 16*34)))
	b := encoded(t, m)
	h, err := readHeader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(h.meta); h.meta[n-2].Key != "general.quantization_version" || h.meta[n-1].Key != "general.file_type" || h.meta[n-3].Key != "z" {
		t.Errorf("the last keys are %q, %q, %q", h.meta[n-3].Key, h.meta[n-2].Key, h.meta[n-1].Key)
	}
	if v, _ := h.meta.Int("general.file_type"); v != 7 {
		t.Errorf("file type %d", v)
	}
	var names []string
	for _, i := range h.tensors {
		names = append(names, i.name)
	}
	if got := strings.Join(names, " "); got != "output_norm.weight token_embd.weight blk.0.attn_k.weight blk.0.attn_norm.weight "+
		"blk.0.attn_q.weight blk.1.attn_k.weight blk.1.attn_norm.weight blk.1.attn_q.weight" {
		t.Errorf("tensors in the order %s", got)
	}
	m.Graph.SetTensor(ir.NewTensor("blk.1.attn_k.weight", ir.Int4, []int{16, 32}, make([]byte, 16*16)))
	if list := cannot(m); len(list) != 1 || list[0].Layer != "blk.1.attn_k" || !strings.Contains(list[0].Message, "GGUF has no type int4") {
		t.Errorf("problems %v", list)
	}
}

// split writes tensors into files of one each.
func split(t *testing.T, dir string, list []*ir.Tensor, change func(i int, meta Metadata) Metadata) string {
	for i, w := range list {
		meta := Metadata{Uint16Entry("split.no", uint16(i)), Uint16Entry("split.count", uint16(len(list))), Int32Entry("split.tensors.count", int32(len(list)))}
		if i == 0 {
			meta = append(sample, meta...)
		}
		write(t, filepath.Join(dir, fmt.Sprintf("m-%05d-of-%05d.gguf", i+1, len(list))), file(t, change(i, meta), w))
	}
	return filepath.Join(dir, fmt.Sprintf("m-00001-of-%05d.gguf", len(list)))
}

func TestSplits(t *testing.T) {
	same := func(_ int, m Metadata) Metadata { return m }
	dir := t.TempDir()
	m, done, err := Open(split(t, dir, weights(), same))
	if err != nil {
		t.Fatal(err)
	}
	if want := file(t, sample, weights()...); !bytes.Equal(encoded(t, m), want) {
		t.Error("splits are merged into another file")
	}
	if len(m.Files) != len(weights())-1 {
		t.Errorf("other files: %q", m.Files)
	}
	done()
	at := func(no int, key KeyValue) func(int, Metadata) Metadata {
		return func(i int, m Metadata) Metadata {
			if i == no {
				return m.With(key)
			}
			return m
		}
	}
	for _, tt := range []struct {
		change func(int, Metadata) Metadata
		spoil  func(dir string)
		want   string
	}{
		{at(0, Uint16Entry("split.count", 5)), nil, "it says 5; the name of the file says 00001 of 00008"},
		{at(0, Uint16Entry("split.no", 3)), nil, "this is split 4 of 8; name the first one"},
		{at(3, Uint16Entry("split.no", 2)), nil, "it says split 3 of 8; the name says 4 of 8"},
		{at(0, Int32Entry("split.tensors.count", 99)), nil, "it says 99; the splits hold 8 tensors"},
		{same, func(dir string) { os.Remove(filepath.Join(dir, "m-00004-of-00008.gguf")) }, "split 4 of 8"},
		{same, func(dir string) {
			os.Remove(filepath.Join(dir, "m-00004-of-00008.gguf"))
			os.Symlink("/etc/passwd", filepath.Join(dir, "m-00004-of-00008.gguf"))
		}, "split 4 of 8"},
		{same, func(dir string) {
			b, _ := os.ReadFile(filepath.Join(dir, "m-00002-of-00008.gguf"))
			os.WriteFile(filepath.Join(dir, "m-00003-of-00008.gguf"), b, 0o644)
		}, "it says split 2 of 8; the name says 3 of 8"},
	} {
		dir := t.TempDir()
		path := split(t, dir, weights(), tt.change)
		if tt.spoil != nil {
			tt.spoil(dir)
		}
		if _, _, err := Open(path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}

func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	write(t, path, file(t, sample.Without("general.architecture"), weights()...))
	var d *format.Damaged
	if _, _, err := Open(path); !errors.As(err, &d) || d.Where != "general.architecture" {
		t.Errorf("without an architecture: %v", err)
	}
	write(t, path, []byte(magic+"\x01\x00\x00\x00"))
	if _, _, err := Open(path); !errors.As(err, &d) || d.Where != "offset 8" || !strings.Contains(d.Reason, "version 1") {
		t.Errorf("version 1: %v", err)
	}
	if _, _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder is opened")
	}
}
