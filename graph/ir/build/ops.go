package build

import "github.com/pare-ml/pare/graph/ir"

// Conv says what a two-dimensional convolution is.
type Conv struct {
	In, Out int // channels
	Kernel  int // height and width
	Stride  int // 0: 1
	Pad     int // on all four sides
	Groups  int // 0: 1
	Bias    bool
}

// Conv adds a convolution with weights name.weight and name.bias.
func (b *Builder) Conv(name, x string, c Conv) string {
	stride, groups := int64(max(1, c.Stride)), max(1, c.Groups)
	k, pad := int64(c.Kernel), int64(c.Pad)
	inputs := []string{x, b.Weight(name+".weight", c.In/groups*c.Kernel*c.Kernel, c.Out, c.In/groups, c.Kernel, c.Kernel)}
	if c.Bias {
		inputs = append(inputs, b.constant(name+".bias", c.Out, 0))
	}
	attrs := []ir.Attr{
		ir.IntsAttr("kernel_shape", k, k), ir.IntsAttr("strides", stride, stride), ir.IntsAttr("pads", pad, pad, pad, pad),
	}
	if groups > 1 {
		attrs = append(attrs, ir.IntAttr("group", int64(groups)))
	}
	return b.Op("Conv", name, inputs, attrs...)
}

// BatchNorm adds a batch normalization over channels with scale 1, bias 0, mean 0 and variance 1, named as PyTorch does.
func (b *Builder) BatchNorm(name, x string, channels int) string {
	return b.Op("BatchNormalization", name, []string{
		x,
		b.constant(name+".weight", channels, 1),
		b.constant(name+".bias", channels, 0),
		b.constant(name+".running_mean", channels, 0),
		b.constant(name+".running_var", channels, 1),
	}, ir.FloatAttr("epsilon", 1e-5))
}

// Gemm adds a linear layer with weights name.weight [out, in] and name.bias [out].
func (b *Builder) Gemm(name, x string, in, out int) string {
	return b.Op("Gemm", name, []string{x, b.Weight(name+".weight", in, out, in), b.constant(name+".bias", out, 0)},
		ir.IntAttr("transB", 1))
}

// MatMul adds a linear layer without bias and with weight name.weight [in, out].
func (b *Builder) MatMul(name, x string, in, out int) string {
	return b.Op("MatMul", name, []string{x, b.Weight(name+".weight", in, in, out)})
}

func (b *Builder) Relu(x string) string   { return b.Op("Relu", "", []string{x}) }
func (b *Builder) Add(x, y string) string { return b.Op("Add", "", []string{x, y}) }
func (b *Builder) Mul(x, y string) string { return b.Op("Mul", "", []string{x, y}) }

// Clip adds a clip to [lo, hi], as inputs or attributes as the opset asks.
func (b *Builder) Clip(x string, lo, hi float32) string {
	if b.m.Opset("") < 11 {
		return b.Op("Clip", "", []string{x}, ir.FloatAttr("min", lo), ir.FloatAttr("max", hi))
	}
	min := b.fresh("clip_min")
	b.Floats(min, nil, lo)
	max := b.fresh("clip_max")
	b.Floats(max, nil, hi)
	return b.Op("Clip", "", []string{x, min, max})
}

// MaxPool adds a two-dimensional pooling.
func (b *Builder) MaxPool(x string, kernel, stride, pad int) string {
	return b.pool("MaxPool", x, kernel, stride, pad)
}

// AveragePool adds a two-dimensional pooling.
func (b *Builder) AveragePool(x string, kernel, stride, pad int) string {
	return b.pool("AveragePool", x, kernel, stride, pad)
}

func (b *Builder) pool(op, x string, kernel, stride, pad int) string {
	k, s, p := int64(kernel), int64(stride), int64(pad)
	return b.Op(op, "", []string{x}, ir.IntsAttr("kernel_shape", k, k), ir.IntsAttr("strides", s, s), ir.IntsAttr("pads", p, p, p, p))
}

func (b *Builder) GlobalAveragePool(x string) string {
	return b.Op("GlobalAveragePool", "", []string{x})
}

// Flatten keeps the first dimension and joins the others.
func (b *Builder) Flatten(x string) string {
	return b.Op("Flatten", "", []string{x}, ir.IntAttr("axis", 1))
}

// Reshape adds a reshape with a constant shape; 0 keeps a dimension, -1 takes what is left.
func (b *Builder) Reshape(x string, dims ...int64) string {
	name := b.fresh("shape")
	return b.Op("Reshape", "", []string{x, b.Ints(name, dims...)})
}

// Concat joins values along an axis.
func (b *Builder) Concat(axis int, xs ...string) string {
	return b.Op("Concat", "", xs, ir.IntAttr("axis", int64(axis)))
}

// Softmax normalizes along the last axis of a matrix.
func (b *Builder) Softmax(x string) string {
	return b.Op("Softmax", "", []string{x}, ir.IntAttr("axis", 1))
}
