package ir_test

import (
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

func TestSchemes(t *testing.T) {
	b := build.New("codes", 21)
	x := b.Input("x", ir.Float32, "batch", 8)
	b.Tensor(ir.NewTensor("zero", ir.Uint8, nil, []byte{7}))
	b.Tensor(ir.NewTensor("middle", ir.Uint8, nil, []byte{128}))
	b.Floats("one", nil, 1)
	codes := func(name string) string { return b.Tensor(ir.NewTensor(name, ir.Int8, []int{8, 8}, make([]byte, 64))) }
	q := b.Op("QuantizeLinear", "", []string{x, "one", "zero"})
	y := b.Op("DequantizeLinear", "", []string{q, "one", "zero"})
	y = b.Op("MatMul", "tensor", []string{y, b.Op("DequantizeLinear", "", []string{codes("a"), "one"})})
	y = b.Op("MatMul", "channel", []string{y, b.Op("DequantizeLinear", "", []string{codes("b"), b.Floats("many", []int{8}, make([]float32, 8)...)})})
	y = b.Op("MatMul", "group", []string{y, b.Op("DequantizeLinear", "", []string{codes("c"), b.Floats("blocks", []int{2, 8}, make([]float32, 16)...)},
		ir.IntAttr("axis", 0), ir.IntAttr("block_size", 4))})
	b.Tensor(ir.NewTensor("u", ir.Uint8, []int{8, 8}, make([]byte, 64)))
	y = b.Op("MatMul", "middle", []string{y, b.Op("DequantizeLinear", "", []string{"u", "one", "middle"})})
	b.Tensor(ir.NewTensor("v", ir.Uint8, []int{8, 8}, make([]byte, 64)))
	y = b.Op("MatMul", "asymmetric", []string{y, b.Op("DequantizeLinear", "", []string{"v", "one", "zero"})})
	b.Output(b.MatMul("plain", y, 8, 8), ir.Float32, "batch", 8)
	m := b.Model()
	index := m.Graph.Index()
	want := map[string][2]ir.Scheme{
		"tensor":     {{DType: ir.Int8, Scales: ir.Float32, Granularity: "tensor"}, {DType: ir.Uint8, Granularity: "tensor", Asymmetric: true}},
		"channel":    {{DType: ir.Int8, Scales: ir.Float32, Granularity: "channel"}},
		"group":      {{DType: ir.Int8, Scales: ir.Float32, Granularity: "group", Group: 4}},
		"middle":     {{DType: ir.Uint8, Scales: ir.Float32, Granularity: "tensor"}},
		"asymmetric": {{DType: ir.Uint8, Scales: ir.Float32, Granularity: "tensor", Asymmetric: true}},
		"plain":      {{DType: ir.Float32}},
	}
	for _, l := range m.Layers() {
		if got := [2]ir.Scheme{index.WeightScheme(&l), index.InputScheme(&l)}; got != want[l.Name] {
			t.Errorf("%s: %+v, want %+v", l.Name, got, want[l.Name])
		}
	}
}
