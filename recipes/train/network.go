package main

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

// network is a compact residual classifier of 28x28 grey images into ten classes. It has what real networks have that
// makes pruning hard: residual streams that three blocks share, projections, a concatenation and a flatten.
//
//	stem 32 · pool -> block1 32 at 14x14 -> block2 64 at 7x7 -> block3 96 at 4x4 -> mean ++ max -> 10
func network() *ir.Model {
	b := build.New("fashion", 17)
	x := b.Input("image", ir.Float32, "batch", 1, 28, 28)
	x = b.Relu(convNorm(b, "stem", x, build.Conv{In: 1, Out: 32, Kernel: 3, Pad: 1}))
	x = b.MaxPool(x, 2, 2, 0)
	x = block(b, "block1", x, 32, 32, 1)
	x = block(b, "block2", x, 32, 64, 2)
	x = block(b, "block3", x, 64, 96, 2)
	mean := b.GlobalAveragePool(x)
	largest := b.Op("GlobalMaxPool", "", []string{x})
	x = b.Flatten(b.Concat(1, mean, largest))
	b.Output(b.Gemm("classifier", x, 192, 10), ir.Float32, "batch", 10)
	return b.Model()
}

// block is two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes.
func block(b *build.Builder, name, x string, in, out, stride int) string {
	shortcut := x
	if in != out || stride != 1 {
		shortcut = convNorm(b, name+".shortcut", x, build.Conv{In: in, Out: out, Kernel: 1, Stride: stride})
	}
	y := b.Relu(convNorm(b, name+".conv1", x, build.Conv{In: in, Out: out, Kernel: 3, Stride: stride, Pad: 1}))
	y = convNorm(b, name+".conv2", y, build.Conv{In: out, Out: out, Kernel: 3, Pad: 1})
	return b.Relu(b.Add(y, shortcut))
}

func convNorm(b *build.Builder, name, x string, c build.Conv) string {
	return b.BatchNorm(name+".norm", b.Conv(name, x, c), c.Out)
}
