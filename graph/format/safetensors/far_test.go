package safetensors

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A tensor beyond 4 GiB is read: the file is a hole but for its ends.
func TestFarOut(t *testing.T) {
	const first = 5 << 30
	path := filepath.Join(t.TempDir(), single)
	head := fileOf(`{"a":{"dtype":"U8","shape":[5368709120],"data_offsets":[0,5368709120]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5368709120,5368709124]}}`, 0)
	if err := os.WriteFile(path, head, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at, data := range map[int64]string{1<<32 - 2: "over", first: "last"} {
		if _, err := f.WriteAt([]byte(data), int64(len(head))+at); err != nil {
			t.Skip("the file system has no holes: ", err)
		}
	}
	m := open(t, path)
	if b, err := m.Graph.Tensor("b").Bytes(); err != nil || !bytes.Equal(b, []byte("last")) {
		t.Errorf("%q, %v", b, err)
	}
	b := make([]byte, 4)
	if err := m.Graph.Tensor("a").ReadRange(b, 1<<32-2); err != nil || string(b) != "over" {
		t.Errorf("%q, %v", b, err)
	}
}
