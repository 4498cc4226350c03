package passtest

import (
	"math"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/rng"
)

// ResNet is a residual classifier of 8x8 images with 5 classes: convolutions, batch normalization as training leaves it,
// an addition, a projection shortcut, pooling and a linear head.
func ResNet() *ir.Model {
	b := build.New("resnet", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: []int{8, 16}, Blocks: 2, Classes: 5})
	m := b.Model()
	Shake(m)
	return m
}

// Shake gives biases and the statistics of batch normalizations values as training leaves them, in place of zeros and
// ones.
func Shake(m *ir.Model) {
	for _, t := range m.Graph.Tensors() {
		if len(t.Shape) != 1 || t.DType != ir.Float32 {
			continue
		}
		r := rng.New(1, "shake", t.Name)
		data := make([]float32, t.Len())
		for i := range data {
			v := r.Normal()
			switch {
			case strings.HasSuffix(t.Name, "running_var"):
				data[i] = float32(0.25 + v*v)
			case strings.HasSuffix(t.Name, "running_mean"), strings.HasSuffix(t.Name, "bias"):
				data[i] = float32(0.3 * v)
			default:
				data[i] = float32(math.Abs(1 + 0.3*v))
			}
		}
		m.Graph.SetTensor(ir.FromFloat32s(t.Name, t.Shape, data))
	}
}

// Samples returns n samples of the shape, drawn from the standard normal distribution, with labels below 5.
func Samples(n int, shape ...int) dataset.Memory {
	size := 1
	for _, d := range shape {
		size *= d
	}
	r := rng.New(2, "samples", "normal")
	s := dataset.Memory{Shape: shape, Inputs: make([]float32, n*size), Labels: make([]int, n)}
	for i := range s.Inputs {
		s.Inputs[i] = float32(r.Normal())
	}
	for i := range s.Labels {
		s.Labels[i] = i % 5
	}
	return s
}
