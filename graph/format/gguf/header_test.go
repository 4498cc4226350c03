package gguf

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

var sample = Metadata{
	TextEntry("general.architecture", "llama"),
	Uint32Entry("llama.block_count", 2),
	Float32Entry("llama.attention.layer_norm_rms_epsilon", 1e-5),
	BoolEntry("tokenizer.ggml.add_bos_token", true),
	TextsEntry("tokenizer.ggml.tokens", []string{"a", "", "<|im_end|>"}),
	Int32sEntry("tokenizer.ggml.token_type", []int32{1, -3, 6}),
	Float32sEntry("tokenizer.ggml.scores", []float32{0, -1}),
	Int32Entry("x.i32", -5),
	Uint16Entry("x.u16", 7),
}

// file returns a file's bytes.
func file(t testing.TB, meta Metadata, tensors ...*ir.Tensor) []byte {
	t.Helper()
	f, err := encode(meta, tensors)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := (format.Stream{}).Write(context.Background(), &b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tensors() []*ir.Tensor {
	q := make([]byte, 2*3*18)
	for i := range q {
		q[i] = byte(i)
	}
	return []*ir.Tensor{
		ir.FromFloat32s("token_embd.weight", []int{3, 2}, []float32{1, 2, 3, 4, 5, 6}),
		ir.NewTensor("blk.0.attn_q.weight", ir.Q4_0, []int{3, 64}, q),
		ir.NewTensor("empty", ir.Float16, []int{0, 5}, nil),
		ir.NewTensor("scalar", ir.Int8, nil, []byte{7}),
	}
}

func TestHeader(t *testing.T) {
	for _, align := range []uint32{0, 8, 32, 64, 4096} {
		meta := sample
		if align > 0 {
			meta = meta.With(Uint32Entry(alignKey, align))
		}
		b := file(t, meta, tensors()...)
		h, err := readHeader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		var got []*ir.Tensor
		for _, i := range h.tensors {
			got = append(got, ir.NewTensor(i.name, i.dtype, i.shape, b[h.data+i.offset:][:i.size]))
		}
		if again := file(t, h.meta, got...); !bytes.Equal(again, b) {
			t.Errorf("alignment %d: a file that was read is written otherwise", align)
		}
		cut := b[:h.data+h.tensors[3].offset+h.tensors[3].size]
		if _, err := readHeader(bytes.NewReader(cut), int64(len(cut))); err != nil {
			t.Errorf("alignment %d: without the last padding: %v", align, err)
		}
	}
}

func TestMetadata(t *testing.T) {
	b := file(t, sample)
	h, err := readHeader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	m := h.meta
	if s, ok := m.Text("general.architecture"); s != "llama" || !ok {
		t.Errorf("architecture %q", s)
	}
	if v, ok := m.Int("x.i32"); v != -5 || !ok {
		t.Errorf("i32 %d", v)
	}
	if v, ok := m.Float("llama.attention.layer_norm_rms_epsilon"); float32(v) != 1e-5 || !ok {
		t.Errorf("f32 %g", v)
	}
	if v, ok := m.Bool("tokenizer.ggml.add_bos_token"); !v || !ok {
		t.Errorf("bool %t", v)
	}
	if l, ok := m.Texts("tokenizer.ggml.tokens"); len(l) != 3 || l[2] != "<|im_end|>" || !ok {
		t.Errorf("strings %q", l)
	}
	if l, ok := m.Ints("tokenizer.ggml.token_type"); len(l) != 3 || l[1] != -3 || !ok {
		t.Errorf("ints %v", l)
	}
	if _, ok := m.Int("general.architecture"); ok {
		t.Error("a string is given as an integer")
	}
	m = m.With(Uint32Entry("llama.block_count", 9), TextEntry("new", "x")).Without("x.u16")
	if v, _ := m.Int("llama.block_count"); v != 9 || len(m) != len(sample) || m[1].Key != "llama.block_count" {
		t.Errorf("changed metadata: %d entries, %d", len(m), v)
	}
}

// raw puts a hostile file together field by field.
type raw []byte

func (r raw) u32(v uint32) raw  { return binary.LittleEndian.AppendUint32(r, v) }
func (r raw) u64(v uint64) raw  { return binary.LittleEndian.AppendUint64(r, v) }
func (r raw) text(s string) raw { return append(r.u64(uint64(len(s))), s...) }
func (r raw) zeros(n int) raw   { return append(r, make([]byte, n)...) }

func head(tensors, keys uint64) raw { return raw(magic).u32(3).u64(tensors).u64(keys) }

// of returns a file of one tensor with n bytes of data behind its info.
func of(name string, dims []uint64, kind uint32, offset uint64, n int) raw {
	r := head(1, 0).text(name).u32(uint32(len(dims)))
	for _, d := range dims {
		r = r.u64(d)
	}
	r = r.u32(kind).u64(offset)
	return r.zeros(int(gap(int64(len(r)), usualAlign)) + n)
}

func key(name string, kind Kind, value raw) raw {
	return append(head(0, 1).text(name).u32(uint32(kind)), value...)
}

func TestHostile(t *testing.T) {
	nested := raw{}.u32(uint32(Array)).u64(1)
	for range 100_000 {
		nested = nested.u32(uint32(Array)).u64(1)
	}
	two := func(second string, offset uint64) raw {
		r := head(2, 0).text("a").u32(1).u64(4).u32(0).u64(0)
		r = r.text(second).u32(1).u64(4).u32(0).u64(offset)
		return r.zeros(int(gap(int64(len(r)), usualAlign)) + 64)
	}
	tests := []struct {
		name string
		file raw
		want string
	}{
		{"empty", raw{}, "the file ends here; 4 more bytes are needed"},
		{"magic", raw("GGML\x03\x00\x00\x00").zeros(99), "the file does not begin with GGUF"},
		{"version 0", raw(magic).u32(0).zeros(16), "version 0; pare reads 2 and 3"},
		{"version 1", raw(magic).u32(1).zeros(16), "version 1; pare reads 2 and 3"},
		{"version 4", raw(magic).u32(4).zeros(16), "version 4; pare reads 2 and 3"},
		{"big-endian", raw(magic + "\x00\x00\x00\x03").zeros(16), "big-endian byte order"},
		{"no tensor count", raw(magic).u32(3), "the file ends here; 8 more bytes"},
		{"tensors -1", head(math.MaxUint64, 0).zeros(64), "-1 tensors; at most"},
		{"keys -1", head(0, math.MaxUint64).zeros(64), "-1 metadata entries; at most"},
		{"tensors 2^40", head(1<<40, 0).zeros(64), "1099511627776 tensors need at least"},
		{"keys 2^40", head(0, 1<<40).zeros(64), "1099511627776 metadata entries need at least"},
		{"key size -1", head(0, 1).u64(math.MaxUint64).zeros(64), "-1 bytes of text; at most 1073741824"},
		{"key size 2^63", head(0, 1).u64(1 << 63).zeros(64), "-9223372036854775808 bytes of text"},
		{"key size", head(0, 1).u64(1 << 20).zeros(64), "1048576 bytes of text need at least"},
		{"empty key", key("", Uint8, raw{}.zeros(8)), "the key is empty"},
		{"key no text", key("\xff\xfe", Uint8, raw{}.zeros(8)), "the key is no UTF-8"},
		{"key twice", append(head(0, 2).text("k").u32(uint32(Uint8)).zeros(1).text("k").u32(uint32(Uint8)), 0), `the key "k" is there twice`},
		{"bad type", key("k", 13, raw{}.zeros(64)), "unknown type 13"},
		{"string past the end", key("k", String, raw{}.u64(99).zeros(9)), "99 bytes of text need at least 99 bytes; the file has 9 more"},
		{"array past the end", key("k", Array, raw{}.u32(uint32(Int64)).u64(1<<28).zeros(9)), "268435456 elements need at least 2147483648 bytes"},
		{"array too long", key("k", Array, raw{}.u32(uint32(Int8)).u64(1<<31).zeros(9)), "2147483648 elements; at most 1073741824"},
		{"array of unknown", key("k", Array, raw{}.u32(99).u64(1).zeros(9)), "elements of unknown type 99"},
		{"nested arrays", key("k", Array, nested), "an array of arrays"},
		{"alignment 0", key(alignKey, Uint32, raw{}.u32(0)), "general.alignment is 0; it must be a power of two"},
		{"alignment 3", key(alignKey, Uint32, raw{}.u32(3)), "general.alignment is 3"},
		{"alignment 13", key(alignKey, Uint32, raw{}.u32(13)), "general.alignment is 13"},
		{"alignment 2^31", key(alignKey, Uint32, raw{}.u32(1<<31)), "general.alignment is 2147483648"},
		{"alignment of another type", key(alignKey, Uint64, raw{}.u64(32)), "general.alignment is of type u64; it must be u32"},
		{"empty name", of("", []uint64{4}, 0, 0, 16), "the name is empty"},
		{"long name", of(strings.Repeat("n", 64), []uint64{4}, 0, 0, 16), "the name has 64 bytes; loaders take at most 63"},
		{"name twice", two("a", 32), `a second tensor is named "a"`},
		{"dimensions", of("a", []uint64{1, 1, 1, 1, 1}, 0, 0, 16), "it has 5 dimensions; loaders take at most 4"},
		{"negative dimension", of("a", []uint64{math.MaxUint64}, 0, 0, 16), "dimension 0 is -1"},
		{"too many elements", of("a", []uint64{1 << 32, 1 << 32}, 0, 0, 16), "dimension 1 is 4294967296: no tensor has so many elements"},
		{"zero beside too many", of("a", []uint64{0, 1 << 62, 4}, 0, 0, 16), "no tensor has so many elements"},
		{"too many bytes", of("a", []uint64{1 << 61}, 0, 0, 16), "has too many bytes"},
		{"unknown type", of("a", []uint64{32}, 43, 0, 99), "its type is 43, which is unknown"},
		{"removed type", of("a", []uint64{32}, 4, 0, 99), "its type is 4, which is unknown"},
		{"type of activations", of("a", []uint64{256}, 15, 0, 999), "its type is 15, which is unknown"},
		{"type 2^32-1", of("a", []uint64{32}, math.MaxUint32, 0, 99), "its type is 4294967295, which is unknown"},
		{"broken block", of("a", []uint64{33}, 8, 0, 99), "rows are no whole number of blocks of 32"},
		{"offset", of("a", []uint64{4}, 0, 32, 99), "its data begin at 32; the tensors before it end at 0"},
		{"offset 2^63", of("a", []uint64{4}, 0, 1<<63, 99), "its data begin at -9223372036854775808"},
		{"gap", two("b", 64), "its data begin at 64; the tensors before it end at 32"},
		{"overlap", two("b", 0), "its data begin at 0; the tensors before it end at 32"},
		{"too little data", of("a", []uint64{400}, 0, 0, 16), "its data end at byte 1664; the file has 80 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readHeader(bytes.NewReader(tt.file), int64(len(tt.file)))
			var f *fault
			if !errors.As(err, &f) || !strings.Contains(f.reason, tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// What is read is written with the same bytes, and nothing panics or asks for more memory than the file is long.
func FuzzHeader(f *testing.F) {
	f.Add(file(f, sample, tensors()...))
	f.Add([]byte(head(1, 0)))
	f.Add([]byte(of("a", []uint64{32, 2}, 8, 0, 68)))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readHeader(bytes.NewReader(b), int64(len(b)))
		if err != nil || h.version != 3 {
			return
		}
		var list []*ir.Tensor
		for _, i := range h.tensors {
			list = append(list, ir.NewTensor(i.name, i.dtype, i.shape, b[h.data+i.offset:][:i.size]))
		}
		got := file(t, h.meta, list...)
		if len(b) > len(got) {
			b = b[:len(got)]
		}
		if !bytes.Equal(got[:min(len(got), len(b))], b) {
			// Padding may hold anything in a file that is read.
			again, err := readHeader(bytes.NewReader(got), int64(len(got)))
			if err != nil || len(again.tensors) != len(h.tensors) || len(again.meta) != len(h.meta) {
				t.Errorf("what was read is not read again: %v", err)
			}
		}
	})
}
