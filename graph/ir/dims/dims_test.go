package dims_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/graph/ir/dims"
)

// text lists every free channel with the places that hold it, for goldens: "conv.weight[0:3]".
func text(t *testing.T, m *ir.Model) string {
	t.Helper()
	d, err := dims.Analyze(m)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, kind := range d.Kinds() {
		fmt.Fprintf(&b, "%d of:", len(kind))
		for _, p := range d.Places() {
			channels, _ := d.Axis(p.Tensor, p.Axis)
			n := 0
			for _, c := range channels {
				if c == kind[0] {
					n++
				}
			}
			if n > 0 {
				fmt.Fprintf(&b, " %s[%d]", p.Tensor, p.Axis)
			}
			if n > 1 {
				fmt.Fprintf(&b, "x%d", n)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestSets(t *testing.T) {
	for _, c := range []struct {
		name  string
		model func(b *build.Builder)
		want  string
	}{
		{"a residual stream is one dimension", func(b *build.Builder) {
			b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: []int{4, 6}, Blocks: 1, Classes: 3})
		}, `
4 of: stem.conv.weight[0] stem.norm.weight[0] stem.norm.bias[0] stem.norm.running_mean[0] stem.norm.running_var[0] stage1.block1.conv1.weight[1] stage1.block1.conv2.weight[0] stage1.block1.norm2.weight[0] stage1.block1.norm2.bias[0] stage1.block1.norm2.running_mean[0] stage1.block1.norm2.running_var[0] stage2.block1.conv1.weight[1] stage2.block1.short.weight[1]
4 of: stage1.block1.conv1.weight[0] stage1.block1.norm1.weight[0] stage1.block1.norm1.bias[0] stage1.block1.norm1.running_mean[0] stage1.block1.norm1.running_var[0] stage1.block1.conv2.weight[1]
6 of: stage2.block1.conv1.weight[0] stage2.block1.norm1.weight[0] stage2.block1.norm1.bias[0] stage2.block1.norm1.running_mean[0] stage2.block1.norm1.running_var[0] stage2.block1.conv2.weight[1]
6 of: stage2.block1.conv2.weight[0] stage2.block1.norm2.weight[0] stage2.block1.norm2.bias[0] stage2.block1.norm2.running_mean[0] stage2.block1.norm2.running_var[0] stage2.block1.short.weight[0] stage2.block1.shortnorm.weight[0] stage2.block1.shortnorm.bias[0] stage2.block1.shortnorm.running_mean[0] stage2.block1.shortnorm.running_var[0] head.weight[1]
`},
		{"concatenation keeps the parts apart", func(b *build.Builder) {
			x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
			p := b.Conv("p", x, build.Conv{In: 2, Out: 3, Kernel: 1})
			q := b.Conv("q", x, build.Conv{In: 2, Out: 5, Kernel: 1})
			y := b.Conv("y", b.Concat(1, p, q), build.Conv{In: 8, Out: 2, Kernel: 1})
			b.Output(y, ir.Float32, "batch", 2, 4, 4)
		}, `
3 of: p.weight[0] y.weight[1]
5 of: q.weight[0] y.weight[1]
`},
		{"depthwise follows its input, flatten makes columns", func(b *build.Builder) {
			x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
			y := b.Conv("p", x, build.Conv{In: 2, Out: 3, Kernel: 1})
			y = b.Conv("d", b.Relu(y), build.Conv{In: 3, Out: 6, Kernel: 3, Pad: 1, Groups: 3, Bias: true})
			y = b.MaxPool(y, 2, 2, 0)
			y = b.Gemm("fc", b.Flatten(y), 24, 5)
			b.Output(y, ir.Float32, "batch", 5)
		}, `
3 of: p.weight[0] d.weight[0]x2 d.bias[0]x2 fc.weight[1]x8
`},
		{"groups lose equal positions", func(b *build.Builder) {
			x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
			y := b.Conv("p", x, build.Conv{In: 2, Out: 8, Kernel: 1})
			y = b.Conv("g", y, build.Conv{In: 8, Out: 4, Kernel: 1, Groups: 2})
			y = b.Conv("y", y, build.Conv{In: 4, Out: 1, Kernel: 1})
			b.Output(y, ir.Float32, "batch", 1, 4, 4)
		}, `
4 of: p.weight[0]x2 g.weight[1]
2 of: g.weight[0]x2 y.weight[1]x2
`},
		{"a softmax over channels fixes them, a mean over places does not", func(b *build.Builder) {
			x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
			p := b.Conv("p", x, build.Conv{In: 2, Out: 3, Kernel: 1})
			q := b.Conv("q", x, build.Conv{In: 2, Out: 3, Kernel: 1})
			p = b.Op("ReduceMean", "", []string{p}, ir.IntsAttr("axes", 2, 3), ir.IntAttr("keepdims", 0))
			q = b.Op("ReduceMean", "", []string{q}, ir.IntsAttr("axes", -1, -2), ir.IntAttr("keepdims", 0))
			q = b.Softmax(q)
			y := b.Concat(1, b.MatMul("a", p, 3, 2), b.MatMul("b", q, 3, 2))
			b.Output(y, ir.Float32, "batch", 4)
		}, `
3 of: p.weight[0] a.weight[0]
`},
		{"a constant per channel goes along, a squeeze-and-excitation gate too", func(b *build.Builder) {
			x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
			y := b.Conv("p", x, build.Conv{In: 2, Out: 3, Kernel: 1})
			y = b.Mul(y, b.Weight("scale", 1, 1, 3, 1, 1))
			g := b.Conv("down", b.GlobalAveragePool(y), build.Conv{In: 3, Out: 2, Kernel: 1})
			g = b.Conv("up", b.Relu(g), build.Conv{In: 2, Out: 3, Kernel: 1})
			y = b.Mul(y, b.Op("Sigmoid", "", []string{g}))
			y = b.Conv("y", y, build.Conv{In: 3, Out: 1, Kernel: 1})
			b.Output(y, ir.Float32, "batch", 1, 4, 4)
		}, `
3 of: p.weight[0] scale[1] down.weight[1] up.weight[0] y.weight[1]
2 of: down.weight[0] up.weight[1]
`},
		{"reshape to columns and back", func(b *build.Builder) {
			x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
			y := b.Conv("p", x, build.Conv{In: 2, Out: 3, Kernel: 1})
			y = b.Reshape(y, -1, 48)
			y = b.Reshape(y, 0, 3, 16)
			y = b.Op("Transpose", "", []string{y}, ir.IntsAttr("perm", 0, 2, 1))
			y = b.MatMul("y", y, 3, 2)
			b.Output(y, ir.Float32, "batch", 16, 2)
		}, `
3 of: p.weight[0] y.weight[0]
`},
		{"what splits a channel fixes it", func(b *build.Builder) {
			x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
			y := b.Conv("p", x, build.Conv{In: 2, Out: 4, Kernel: 1})
			y = b.Reshape(y, 0, 2, 2, 4, 4)
			y = b.Op("Transpose", "", []string{y}, ir.IntsAttr("perm", 0, 2, 1, 3, 4))
			y = b.Reshape(y, 0, 4, 4, 4)
			y = b.Conv("y", y, build.Conv{In: 4, Out: 1, Kernel: 1})
			b.Output(y, ir.Float32, "batch", 1, 4, 4)
		}, "\n"},
		{"an unknown operator fixes what it touches", func(b *build.Builder) {
			x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
			y := b.Conv("p", x, build.Conv{In: 2, Out: 4, Kernel: 1})
			y = b.Op("LRN", "", []string{y}, ir.IntAttr("size", 3))
			y = b.Conv("q", y, build.Conv{In: 4, Out: 3, Kernel: 1})
			y = b.Conv("y", y, build.Conv{In: 3, Out: 1, Kernel: 1})
			b.Output(y, ir.Float32, "batch", 1, 4, 4)
		}, `
3 of: q.weight[0] y.weight[1]
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build.New("m", 13)
			c.model(b)
			want := strings.TrimPrefix(c.want, "\n")
			if got := text(t, b.Model()); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if got := text(t, b.Model().Header()); got != want {
				t.Errorf("of the header: got\n%swant\n%s", got, want)
			}
		})
	}
}
