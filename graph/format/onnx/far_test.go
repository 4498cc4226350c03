//go:build unix

package onnx

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Offsets beyond 2 and 4 GiB are read: the file is a hole but for the weights.
func TestExternalDataFarOut(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "far.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var graph []enc
	offsets := []int64{1<<31 - 8, 1<<31 + 8, 1<<32 - 8, 1<<32 + 8, 5 << 30}
	for i, off := range offsets {
		data := make([]byte, 16)
		for j := range data {
			data[j] = byte(16*i + j)
		}
		if _, err := f.WriteAt(data, off); err != nil {
			t.Skip("the file system has no holes: ", err)
		}
		graph = append(graph, external(strconv.Itoa(i), "location", "far.bin", "offset", strconv.FormatInt(off, 10), "length", "16"))
	}
	got, err := openIn(t, dir, graph...)
	if err != nil || got.Len() != 16*len(offsets) {
		t.Fatalf("%v, %v", got, err)
	}
	for i, b := range got.Bytes() {
		if want := byte(i); b != want {
			t.Errorf("byte %d is %d, want %d", i, b, want)
		}
	}
	past := strconv.FormatInt(5<<30+8, 10)
	if _, err := openIn(t, dir, external("past", "location", "far.bin", "offset", past)); err == nil {
		t.Error("a tensor past the end was read")
	}
}
