package ir_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

func resnet() *ir.Model {
	b := build.New("resnet", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: []int{4, 8}, Blocks: 1, Classes: 3})
	return b.Model()
}

func table(layers []ir.Layer) string {
	var s strings.Builder
	for _, l := range layers {
		bias := ""
		if l.Bias != nil {
			bias = " bias"
		}
		tied := ""
		if l.Tied {
			tied = " tied"
		}
		fmt.Fprintf(&s, "%d %s %s %q depth %d %d->%d %v/%d params %d bytes %d%s%s\n", l.Index, l.Name, l.Type, l.Role, l.Depth,
			l.InFeatures, l.OutFeatures, l.Kernel, l.Groups, l.Params, l.Bytes, bias, tied)
	}
	return s.String()
}

func TestLayersOfResNet(t *testing.T) {
	want := `0 stem.conv conv "first" depth 0 1->4 [3 3]/1 params 36 bytes 144
1 stem.norm norm "norm" depth 1 4->4 []/1 params 16 bytes 64 bias
2 stage1.block1.conv1 conv "" depth 2 4->4 [3 3]/1 params 144 bytes 576
3 stage1.block1.norm1 norm "norm" depth 3 4->4 []/1 params 16 bytes 64 bias
4 stage1.block1.conv2 conv "" depth 4 4->4 [3 3]/1 params 144 bytes 576
5 stage1.block1.norm2 norm "norm" depth 5 4->4 []/1 params 16 bytes 64 bias
6 stage2.block1.conv1 conv "" depth 6 4->8 [3 3]/1 params 288 bytes 1152
7 stage2.block1.norm1 norm "norm" depth 7 8->8 []/1 params 32 bytes 128 bias
8 stage2.block1.conv2 conv "" depth 8 8->8 [3 3]/1 params 576 bytes 2304
9 stage2.block1.norm2 norm "norm" depth 9 8->8 []/1 params 32 bytes 128 bias
10 stage2.block1.short conv "pointwise" depth 6 4->8 [1 1]/1 params 32 bytes 128
11 stage2.block1.shortnorm norm "norm" depth 7 8->8 []/1 params 32 bytes 128 bias
12 head linear "head" depth 10 8->3 []/1 params 27 bytes 108 bias
`
	if got := table(resnet().Layers()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Weights in a Constant node, behind DequantizeLinear, transposed, in a MatMul with an Add behind it, tied, depthwise.
func TestLayersOfOddGraphs(t *testing.T) {
	b := build.New("odd", 17)
	ids := b.Input("ids", ir.Int64, "batch", 5)
	x := b.Input("x", ir.Float32, "batch", 6, 4, 4)
	b.Weight("tok", 4, 7, 4)
	e := b.Op("Gather", "embed", []string{"tok", ids})
	wt := b.Op("Transpose", "", []string{"tok"}, ir.IntsAttr("perm", 1, 0))
	b.Output(b.Op("MatMul", "logits", []string{e, wt}), ir.Float32, "batch", 5, 7)

	b.Tensor(ir.NewTensor("dw_quantized", ir.Int8, []int{6, 1, 3, 3}, make([]byte, 54)))
	b.Floats("dw_scale", nil, 1)
	dq := b.Op("DequantizeLinear", "", []string{"dw_quantized", "dw_scale"})
	y := b.Op("Conv", "dw", []string{x, dq}, ir.IntAttr("group", 6))
	c := b.Op("Constant", "", nil, ir.TensorAttr("value", ir.NewTensor("", ir.Float32, []int{24, 2}, make([]byte, 192))))
	y = b.Flatten(y)
	y = b.Op("MatMul", "", []string{y, c})
	y = b.Add(y, b.Floats("bias", []int{2}, 1, 2))
	b.Output(y, ir.Float32, "batch", 2)

	want := `0 embed embedding "embedding" depth 0 7->4 []/1 params 28 bytes 112 tied
1 logits linear "lm_head" depth 1 4->7 []/1 params 28 bytes 112 tied
2 dw conv "first" depth 0 6->6 [3 3]/6 params 54 bytes 58
3 MatMul_0 linear "head" depth 1 24->2 []/1 params 50 bytes 200 bias
`
	if got := table(b.Model().Layers()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A weight that several layers share counts once in a sum, what is each one's own each time.
func TestSum(t *testing.T) {
	b := build.New("tied", 17)
	x := b.Input("x", ir.Float32, "batch", 8)
	w := b.Weight("shared.weight", 8, 8, 8)
	x = b.Op("MatMul", "encoder.linear", []string{x, w})
	x = b.Op("MatMul", "decoder.linear", []string{b.Relu(x), w})
	x = b.MatMul("out", x, 8, 4)
	b.Output(x, ir.Float32, "batch", 4)
	m := b.Model()
	params, bytes := ir.Sum(m.Layers())
	if params != 8*8+8*4 || bytes != 4*params {
		t.Errorf("%d parameters, %d bytes", params, bytes)
	}
}
