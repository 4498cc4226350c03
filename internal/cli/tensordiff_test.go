package cli

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

func TestDifferences(t *testing.T) {
	model := func(edit func(m *ir.Model)) string {
		b := build.New("m", 21)
		x := b.Input("x", ir.Float32, 1, 4)
		b.Tensor(ir.FromFloat32s("w", []int{2, 2, 3}, []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}))
		b.Tensor(ir.NewTensor("codes", ir.Int4, []int{5}, []byte{0x21, 0x43, 0x05}))
		b.Tensor(ir.NewTensor("bytes", ir.Int8, []int{3}, []byte{1, 2, 255}))
		b.Output(b.Relu(x), ir.Float32, 1, 4)
		m := b.Model()
		m.Metadata = []ir.KeyValue{{Key: "by", Value: "pare"}}
		edit(m)
		bytes, err := onnx.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "m.onnx")
		write(t, path, bytes)
		return path
	}
	want := model(func(*ir.Model) {})
	for _, c := range []struct {
		name string
		edit func(m *ir.Model)
		want []string
	}{
		{"float", func(m *ir.Model) {
			m.Graph.SetTensor(ir.FromFloat32s("w", []int{2, 2, 3}, []float32{0, 1, 2, 3, 4, 5, 6, 7.5, 8, 9, 10, 99}))
		}, []string{"tensor w: element [1 0 1] is 7.5, was 7"}},
		{"half a byte", func(m *ir.Model) {
			m.Graph.SetTensor(ir.NewTensor("codes", ir.Int4, []int{5}, []byte{0x21, 0x73, 0x05}))
		}, []string{"tensor codes: element [3] is code 0x7, was code 0x4"}},
		{"integer", func(m *ir.Model) { m.Graph.SetTensor(ir.NewTensor("bytes", ir.Int8, []int{3}, []byte{1, 2, 254})) }, []string{"tensor bytes: element [2] is -2, was -1"}},
		{"type", func(m *ir.Model) { m.Graph.SetTensor(ir.NewTensor("bytes", ir.Uint8, []int{3}, []byte{1, 2, 255})) }, []string{"tensor bytes is uint8 [3], was int8 [3]"}},
		{"another", func(m *ir.Model) { m.Graph.SetTensor(ir.FromInt64s("new", []int{1}, []int64{1})) }, []string{"tensor new was not there"}},
		{"metadata", func(m *ir.Model) { m.Metadata[0].Value = "another" }, []string{"the metadata have another by"}},
		{"around", func(m *ir.Model) { m.Producer = "another" }, []string{"no tensor differs; what stands around them does"}},
	} {
		got, err := differences(want, model(c.edit))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}
