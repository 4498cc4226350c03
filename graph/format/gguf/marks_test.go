package gguf

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
)

// What a model says of its origin stands behind all other keys, is read again, and leaves no trace where it is taken out.
func TestMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	plain := file(t, sample, weights()...)
	write(t, path, plain)
	m, done, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	marks := []ir.KeyValue{{Key: "pare.recipe", Value: "12ab"}, {Key: "pare.lock", Value: ""}}
	m.Metadata = append(slices.Clone(marks), ir.KeyValue{Key: "author", Value: "is none of pare's keys"})
	marked := encoded(t, m)
	if h, err := readHeader(bytes.NewReader(marked), int64(len(marked))); err != nil {
		t.Fatal(err)
	} else if n := len(h.meta); n != len(sample)+2 || h.meta[n-2].Key != "general.pare.recipe" || h.meta[n-1].Key != "general.pare.lock" {
		t.Errorf("metadata of the file: %v", h.meta)
	}
	write(t, path, marked)
	again, done, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if !slices.Equal(again.Metadata, marks) {
		t.Errorf("metadata of the model: %v", again.Metadata)
	}
	again.Metadata = nil
	if !bytes.Equal(encoded(t, again), plain) {
		t.Error("without marks the file is another than it was")
	}
}
