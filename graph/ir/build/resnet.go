package build

import (
	"strconv"

	"github.com/pare-ml/pare/graph/ir"
)

// ResNet says what a residual classifier for images is.
type ResNet struct {
	Channels int   // of the image
	Size     int   // height and width of the image
	Widths   []int // channels of each stage; every stage but the first halves the image
	Blocks   int   // residual blocks in a stage
	Classes  int
}

// ResNet adds a residual network (He et al. 2015, "Deep Residual Learning for Image Recognition", basic blocks) from the
// input "image" [batch, channels, size, size] to the output "logits" [batch, classes], both float32.
func (b *Builder) ResNet(r ResNet) {
	x := b.Input("image", ir.Float32, "batch", r.Channels, r.Size, r.Size)
	x = b.Conv("stem.conv", x, Conv{In: r.Channels, Out: r.Widths[0], Kernel: 3, Pad: 1})
	x = b.Relu(b.BatchNorm("stem.norm", x, r.Widths[0]))
	in := r.Widths[0]
	for s, width := range r.Widths {
		for i := range r.Blocks {
			stride := 1
			if s > 0 && i == 0 {
				stride = 2
			}
			x = b.residual("stage"+strconv.Itoa(s+1)+".block"+strconv.Itoa(i+1), x, in, width, stride)
			in = width
		}
	}
	x = b.Flatten(b.GlobalAveragePool(x))
	x = b.Gemm("head", x, in, r.Classes)
	b.rename(x, "logits")
	b.Output("logits", ir.Float32, "batch", r.Classes)
}

// residual adds relu(x + norm(conv(relu(norm(conv(x)))))), with a 1x1 convolution on the short way where shapes differ.
func (b *Builder) residual(name, x string, in, out, stride int) string {
	y := b.Conv(name+".conv1", x, Conv{In: in, Out: out, Kernel: 3, Stride: stride, Pad: 1})
	y = b.Relu(b.BatchNorm(name+".norm1", y, out))
	y = b.Conv(name+".conv2", y, Conv{In: out, Out: out, Kernel: 3, Pad: 1})
	y = b.BatchNorm(name+".norm2", y, out)
	if in != out || stride != 1 {
		x = b.Conv(name+".short", x, Conv{In: in, Out: out, Kernel: 1, Stride: stride})
		x = b.BatchNorm(name+".shortnorm", x, out)
	}
	return b.Relu(b.Add(y, x))
}

// rename gives the output of the last node another name.
func (b *Builder) rename(old, name string) {
	n := b.m.Graph.Nodes[len(b.m.Graph.Nodes)-1]
	if n.Outputs[0] != old {
		panic("build: " + old + " is not the last value")
	}
	n.Outputs[0] = name
}
