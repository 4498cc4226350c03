package exec_test

import (
	"math"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/rng"
)

// What the reader of a weight gives, a few elements at a time, is what LayerWeight gives.
func TestWeightReader(t *testing.T) {
	const rows, cols = 96, 1000
	for _, c := range []struct {
		name  string
		dtype ir.DType
		scale []int // shape
		zero  bool
		attrs []ir.Attr
	}{
		{"tensor", ir.Int8, nil, false, nil},
		{"one of a list", ir.Uint8, []int{1}, true, nil},
		{"rows", ir.Int8, []int{rows}, true, []ir.Attr{ir.IntAttr("axis", 0)}},
		{"columns", ir.Uint8, []int{cols}, true, []ir.Attr{ir.IntAttr("axis", -1)}},
		{"groups of a row", ir.Int4, []int{rows, cols / 20}, true, []ir.Attr{ir.IntAttr("axis", 1), ir.IntAttr("block_size", 20)}},
		{"groups of a column", ir.Uint4, []int{rows / 32, cols}, true, []ir.Attr{ir.IntAttr("axis", 0), ir.IntAttr("block_size", 32)}},
		{"floats", ir.Float8E4M3FN, []int{rows}, false, []ir.Attr{ir.IntAttr("axis", 0)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rng.New(1, c.name)
			fill := func(dtype ir.DType, shape []int) *ir.Tensor {
				size, err := ir.ByteSize(dtype, shape)
				if err != nil {
					t.Fatal(err)
				}
				b := make([]byte, size)
				for i := range b {
					b[i] = byte(r.Intn(120))
				}
				if dtype == ir.Float32 {
					x := make([]float32, size/4)
					for i := range x {
						x[i] = float32(r.Float64() + 0.1)
					}
					return ir.FromFloat32s("scale", shape, x)
				}
				return ir.RangeTensor("codes", dtype, shape, 1, func(dst []byte, off int64) error { copy(dst, b[off:]); return nil })
			}
			b := build.New("m", 21)
			inputs := []string{b.Tensor(fill(c.dtype, []int{rows, cols})), b.Tensor(fill(ir.Float32, c.scale))}
			if c.zero {
				inputs = append(inputs, b.Tensor(fill(c.dtype, c.scale).WithName("zero")))
			}
			w := b.Op("DequantizeLinear", "dq", inputs, c.attrs...)
			b.Output(b.Op("MatMul", "fc", []string{b.Input("x", ir.Float32, "batch", rows), w}), ir.Float32, "batch", cols)
			m := b.Model()
			l, ok := m.Layer("fc")
			if !ok || !exec.Ranged(m, l) {
				t.Fatal("the weight is not read in ranges")
			}
			want, err := exec.LayerWeight(m, l)
			if err != nil {
				t.Fatal(err)
			}
			read, err := exec.WeightReader(m, l)
			if err != nil {
				t.Fatal(err)
			}
			for from := 0; from < len(want); from += exec.WeightChunk {
				got, err := read(from, min(len(want), from+exec.WeightChunk))
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range got {
					if math.Float32bits(v) != math.Float32bits(want[from+i]) {
						t.Fatalf("element %d is %v; want %v", from+i, v, want[from+i])
					}
				}
			}
		})
	}
}
