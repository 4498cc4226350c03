package ir_test

import (
	"fmt"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

func TestInferResNet(t *testing.T) {
	m := resnet()
	known, err := ir.Infer(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"stem.conv_out":              "[batch 4 8 8]",
		"stage2.block1.conv1_out":    "[batch 8 4 4]",
		"stage2.block1.short_out":    "[batch 8 4 4]",
		"Add_1_out":                  "[batch 8 4 4]",
		"GlobalAveragePool_0_out":    "[batch 8 1 1]",
		"Flatten_0_out":              "[batch 8]",
		"logits":                     "[batch 3]",
		"stage1.block1.conv1.weight": "[4 4 3 3]",
	} {
		if got := known[name].Shape.String(); got != want {
			t.Errorf("%s has shape %s, want %s", name, got, want)
		}
	}
	known, _ = ir.Infer(m, map[string]ir.Shape{"image": ir.ShapeOf(5, 1, 8, 8)})
	if got := fmt.Sprint(known["logits"].Shape, known["logits"].DType); got != "[5 3] float32" {
		t.Errorf("logits are %s", got)
	}
	work := m.Work(nil)
	if got := fmt.Sprint(work["stem.conv"], work["stage2.block1.short"], work["head"], work["stem.norm"]); got != "2304 512 24 256" {
		t.Errorf("work is %s", got)
	}
}

// The chain that exporters write for view(x.size(0), -1): the batch keeps its name through it.
func TestInferShapeChain(t *testing.T) {
	b := build.New("chain", 13)
	x := b.Input("x", ir.Float32, "batch", 6, 4, 4)
	s := b.Op("Shape", "", []string{x})
	i := b.Tensor(ir.FromInt64s("zero", nil, []int64{0}))
	n := b.Op("Gather", "", []string{s, i})
	n = b.Op("Unsqueeze", "", []string{n, b.Ints("axes", 0)})
	want := b.Concat(0, n, b.Ints("rest", -1))
	y := b.Op("Reshape", "", []string{x, want})
	b.Output(y, ir.Float32, "batch", 96)
	known, err := ir.Infer(b.Model(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := known[y].Shape.String(); got != "[batch 96]" {
		t.Errorf("shape is %s, want [batch 96]", got)
	}
}
