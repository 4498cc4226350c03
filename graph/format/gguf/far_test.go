package gguf

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
)

// A tensor beyond 4 GiB is read: the file is a hole but for its ends.
func TestFarOut(t *testing.T) {
	const rows = 5 << 20
	hollow := ir.RangeTensor("a", ir.Int8, []int{rows, 1024}, 1, func([]byte, int64) error { return nil })
	f, err := encode(Metadata{TextEntry("general.architecture", "none")}, []*ir.Tensor{hollow, ir.NewTensor("b", ir.Int8, []int{4}, []byte("last"))})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.gguf")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	at, begin := int64(0), int64(0)
	for _, p := range f.Parts {
		if p.Tensor != nil && p.Tensor.Name == "a" {
			begin = at
		} else {
			b := p.Bytes
			if p.Tensor != nil {
				b = []byte("last")
			}
			if _, err := out.WriteAt(b, at); err != nil {
				t.Skip("the file system has no holes: ", err)
			}
		}
		at += p.Size()
	}
	if _, err := out.WriteAt([]byte("over"), begin+1<<32-2); err != nil {
		t.Fatal(err)
	}
	m, done, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if b, err := m.Graph.Tensor("b").Bytes(); err != nil || string(b) != "last" {
		t.Errorf("%q, %v", b, err)
	}
	b := make([]byte, 4)
	if err := m.Graph.Tensor("a").ReadRange(b, 1<<32-2); err != nil || string(b) != "over" {
		t.Errorf("%q, %v", b, err)
	}
}
