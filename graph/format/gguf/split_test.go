package gguf

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// Splits have the names and keys that loaders ask for, and read back they are the model.
func TestEncodeSplit(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.gguf")
	write(t, whole, file(t, sample, weights()...))
	m, done, err := Open(whole)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	for _, c := range []struct {
		name string
		as   format.Split
		want []int // tensors of each file
	}{
		{"one", format.Split{MaxTensors: 8}, []int{8}},
		{"tensors", format.Split{MaxTensors: 3}, []int{3, 3, 2}},
		{"bare", format.Split{MaxTensors: 4, NoTensorFirst: true}, []int{0, 4, 4}},
		// 896 bytes the table, then of each block 128, 1088 and 2048.
		{"bytes", format.Split{MaxSize: 2112}, []int{3, 1, 2, 1, 1}},
		{"small", format.Split{MaxSize: 1}, []int{1, 1, 1, 1, 1, 1, 1, 1}},
	} {
		files, err := EncodeSplit(m, c.name+".gguf", c.as)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for i, f := range files {
			var b bytes.Buffer
			if err := (format.Stream{}).Write(context.Background(), &b, f); err != nil {
				t.Fatal(err)
			}
			name := f.Name
			if len(files) == 1 {
				if name != "" {
					t.Errorf("%s: the only file is named %s", c.name, name)
				}
				name = c.name + ".gguf"
			}
			h, err := readHeader(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			if no, ok := h.meta.Int(splitNo); ok != (len(files) > 1) || int(no) != i {
				t.Errorf("%s: %s says it is split %d", c.name, name, no)
			}
			got = append(got, len(h.tensors))
			write(t, filepath.Join(dir, name), b.Bytes())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: files of %v tensors, want %v", c.name, got, c.want)
			continue
		}
		first := files[0].Name
		if first == "" {
			first = c.name + ".gguf"
		}
		again, close, err := Open(filepath.Join(dir, first))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(whole)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded(t, again), want) {
			t.Errorf("%s: read back it is another model", c.name)
		}
		if err := close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTooManySplits(t *testing.T) {
	m := &ir.Model{Format: "gguf", Graph: &ir.Graph{}, Carried: carry(sample, nil)}
	for i := range maxSplits + 1 {
		m.Graph.SetTensor(ir.FromFloat32s("t"+string(rune('a'+i%26))+string(rune(0x4e00+i%20000))+string(rune(0x4e00+i/20000)), []int{1}, []float32{0}))
	}
	if _, err := EncodeSplit(m, "m.gguf", format.Split{MaxTensors: 1}); err == nil {
		t.Error("more files than split.count can count are written")
	}
}
