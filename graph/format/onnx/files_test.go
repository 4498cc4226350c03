package onnx

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// chain is a model of n nodes in a row, each taking what the one before gives, written last node first.
func backwards(n int) []byte {
	nodes := []enc{input("v0", 1)}
	for i := n; i > 0; i-- {
		nodes = append(nodes, node("Relu", fmt.Sprintf("v%d", i-1), fmt.Sprintf("v%d", i)))
	}
	return model(append(nodes, outputOf(fmt.Sprintf("v%d", n)))...)
}

// Nodes out of order are sorted; untouched, the model is written as it was, and touched, in the order in which it runs.
func TestShuffledNodes(t *testing.T) {
	branch := []enc{node("Tanh", "u", "t"), node("Relu", "h", "u"), outputOf("t")}
	data := model(node("If", "c", "y", sub(5, str(1, "then_branch"), sub(6, branch...), vint(20, 5))),
		node("Relu", "x", "h", str(3, "gives")), input("x", 1), input("c", 1), outputOf("y"))
	m, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	sub := m.Graph.Nodes[1].Attr("then_branch").Graph
	if m.Graph.Nodes[0].Op != "Relu" || sub.Nodes[0].Op != "Relu" || len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "out of order (2 of them") {
		t.Errorf("nodes %v, notes %q", m.Graph.Nodes[0].Op, m.Notes)
	}
	if got := mustEncode(t, m.Clone()); !bytes.Equal(got, data) {
		t.Error("untouched, the file differs")
	}
	m.Producer = "pare"
	m.Graph.Nodes[0].Name = "other"
	again, err := Decode(mustEncode(t, m))
	if err != nil || again.Graph.Nodes[0].Name != "other" || again.Graph.Shuffled > 0 || again.Graph.Nodes[1].Attr("then_branch").Graph.Shuffled != 2 {
		t.Errorf("touched: %v, %+v", err, again)
	}
}

// A hundred thousand nodes in the worst order are sorted: with work that grew by the square of their number, the test
// would not come to an end.
func TestManyShuffledNodes(t *testing.T) {
	m, err := Decode(backwards(100_000))
	if err != nil || m.Graph.Nodes[0].Input(0) != "v0" {
		t.Fatal(err)
	}
}

// writeFiles writes what Files gives into a folder.
func writeFiles(t *testing.T, dir, name string, list []format.File) {
	t.Helper()
	for _, f := range list {
		at := f.Name
		if at == "" {
			at = name
		}
		var b bytes.Buffer
		if err := (format.Stream{Workers: 2}).Write(context.Background(), &b, f); err != nil {
			t.Fatal(err)
		}
		if int64(b.Len()) != f.Size() {
			t.Errorf("%s has %d bytes instead of %d", at, b.Len(), f.Size())
		}
		writeFile(t, filepath.Join(dir, at), b.Bytes())
	}
}

// A model over the bound has its large tensors in a second file, which the reader takes; written again it keeps two.
func TestWeightsBeside(t *testing.T) {
	small, large := 4, 1024
	data := model(tensor("a", large, int64(large)), tensor("b", small, int64(small)), tensor("c", 2*large, int64(large), 2),
		input("x", 4), node("Add", "x b", "y"), node("Constant", "", "k", sub(5, str(1, "value"), sub(5, vint(1, int64(large)), vint(2, 1), str(9, strings.Repeat("k", 4*large))), vint(20, 4))), outputOf("y"))
	m, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	m.Graph.AddTensor(m.Graph.Tensor("a").WithName("a2")) // one weight, two names
	dir := t.TempDir()
	list, err := files(m, "m.onnx", 1000)
	if err != nil || len(list) != 2 || list[0].Name != "" || list[1].Name != "m.onnx.data" {
		t.Fatalf("%v, %v", list, err)
	}
	writeFiles(t, dir, "m.onnx", list)
	head, err := os.ReadFile(filepath.Join(dir, "m.onnx"))
	if err != nil || len(head) > 1500 {
		t.Errorf("the model itself has %d bytes, %v", len(head), err)
	}
	back, closeFiles, err := Open(filepath.Join(dir, "m.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeFiles()
	for _, want := range m.Graph.Constants() {
		got := back.Graph.Tensor(want.Name)
		a, err := want.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := got.Bytes(); err != nil || !bytes.Equal(a, b) {
			t.Errorf("tensor %q differs: %v", want.Name, err)
		}
	}
	if a, b := back.Graph.Tensor("a"), back.Graph.Tensor("a2"); !a.SharesBytes(b) {
		t.Error("one weight under two names became two")
	}
	again, err := Files(back, "n.onnx")
	if err != nil || len(again) != 2 || again[1].Name != "n.onnx.data" {
		t.Fatalf("%v, %v", again, err)
	}
	off := int64(0)
	for _, p := range again[1].Parts {
		if p.Tensor != nil && off%besideStep != 0 {
			t.Errorf("a tensor begins at %d", off)
		}
		off += p.Size()
	}
	// a and a2 share their place; the Constant has its own
	if want := int64(3*4096 + 4096); off != want {
		t.Errorf("%d bytes beside the model, want %d", off, want)
	}
}

// Nothing of a large tensor is read before the file is written.
func TestEncodeReadsNothing(t *testing.T) {
	m, err := Decode(model(tensor("w", 0, 0), outputOf("w")))
	if err != nil {
		t.Fatal(err)
	}
	m.Graph.SetTensor(ir.LazyTensor("w", ir.Float32, []int{1 << 29}, func() ([]byte, error) {
		t.Error("the weight was asked for")
		return nil, nil
	}))
	list, err := Files(m, "m.onnx")
	if err != nil || len(list) != 2 || list[1].Size() != 1<<31 {
		t.Errorf("%v, %v", list, err)
	}
}
