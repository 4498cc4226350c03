package exec

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// spatial says how a window moves over the one or two spatial dimensions of an image. One-dimensional images are
// treated as images of height 1.
type spatial struct {
	rank                         int // spatial dimensions of the value: 1 or 2
	h, w, kh, kw, sh, sw, dh, dw int
	top, left, bottom, right     int
	ceilMode                     bool
	outH, outW                   int
	sameUpper, sameLower, valid  bool
}

// maxSpatial bounds kernels, strides, dilations and pads, so that their products fit an int.
const maxSpatial = 1 << 30

// spatialOf reads strides, pads, dilations and auto_pad of a node over an image shape and kernel size, both without
// batch and channel.
func (c *call) spatialOf(image, kernelSize []int) spatial {
	s := spatial{rank: len(image), h: 1, kh: 1, sh: 1, dh: 1}
	if s.rank < 1 || s.rank > 2 {
		c.unsupported("it works on %d spatial dimensions; 1 or 2 are possible", s.rank)
	}
	if len(kernelSize) != s.rank {
		c.fail("kernel %v does not fit an image of %d spatial dimensions", kernelSize, s.rank)
	}
	strides, dilations, pads := c.node.Ints("strides"), c.node.Ints("dilations"), c.node.Ints("pads")
	pick := func(list []int64, i, of int, def int64, least int64, what string) int {
		if list == nil {
			return int(def)
		}
		if len(list) != of {
			c.fail("%s has %d entries; %d are needed", what, len(list), of)
		}
		if list[i] < least {
			if what == "pads" {
				c.unsupported("negative pads")
			}
			c.fail("%s has an entry of %d; it must be at least %d", what, list[i], least)
		}
		if list[i] > maxSpatial {
			c.fail("%s has an entry of %d, which is out of range", what, list[i])
		}
		return int(list[i])
	}
	last := s.rank - 1
	s.w, s.kw = image[last], kernelSize[last]
	s.sw = pick(strides, last, s.rank, 1, 1, "strides")
	s.dw = pick(dilations, last, s.rank, 1, 1, "dilations")
	s.left, s.right = pick(pads, last, 2*s.rank, 0, 0, "pads"), pick(pads, last+s.rank, 2*s.rank, 0, 0, "pads")
	if s.rank == 2 {
		s.h, s.kh = image[0], kernelSize[0]
		s.sh = pick(strides, 0, 2, 1, 1, "strides")
		s.dh = pick(dilations, 0, 2, 1, 1, "dilations")
		s.top, s.bottom = pick(pads, 0, 4, 0, 0, "pads"), pick(pads, 2, 4, 0, 0, "pads")
	}
	if s.kh < 1 || s.kw < 1 || s.kh > maxSpatial || s.kw > maxSpatial {
		c.fail("the kernel is %v", kernelSize)
	}
	switch a := c.node.Str("auto_pad", "NOTSET"); a {
	case "NOTSET", "":
	case "VALID":
		s.valid = true
		s.top, s.left, s.bottom, s.right = 0, 0, 0, 0
	case "SAME_UPPER", "SAME_LOWER":
		s.sameUpper, s.sameLower = a == "SAME_UPPER", a == "SAME_LOWER"
	default:
		c.fail("auto_pad is %q", a)
	}
	return s
}

// reach is the extent of the kernel with its dilation.
func reach(k, d int) int { return (k-1)*d + 1 }

// pad fills in the pads that auto_pad asks for: as many outputs as strides fit into the image, the odd pad after it for
// SAME_UPPER.
func (s *spatial) pad() {
	if !s.sameUpper && !s.sameLower {
		return
	}
	s.top, s.bottom = samePads(s.h, s.sh, reach(s.kh, s.dh), s.sameLower)
	s.left, s.right = samePads(s.w, s.sw, reach(s.kw, s.dw), s.sameLower)
}

func samePads(size, stride, reach int, lower bool) (before, after int) {
	out := (size + stride - 1) / stride
	total := max(0, (out-1)*stride+reach-size)
	if lower {
		return (total + 1) / 2, total / 2
	}
	return total / 2, (total + 1) / 2
}

// windows is the number of places of a window along one dimension. With ceil the last one may hang over the end, but
// must begin on the image or the pad before it.
func windows(size, before, after, reach, stride int, ceil bool) int {
	room := size + before + after - reach
	if room < 0 {
		return 0
	}
	n := room/stride + 1
	if ceil && room%stride != 0 && n*stride < size+before {
		n++
	}
	return n
}

// convOf returns the kernel's description of a convolution from x to w's outputs.
func (c *call) convOf(x, w *Array) (kernel.Conv, spatial) {
	if x.DType != ir.Float32 || w.DType != ir.Float32 {
		c.unsupported("its inputs are %s and %s", x.DType, w.DType)
	}
	if len(x.Shape) < 3 || len(w.Shape) != len(x.Shape) {
		c.fail("image %v and weight %v do not fit", x.Shape, w.Shape)
	}
	s := c.spatialOf(x.Shape[2:], w.Shape[2:])
	s.pad()
	groups := c.size(c.node.Int("group", 1))
	if groups < 1 || x.Shape[1] != w.Shape[1]*groups || w.Shape[0]%groups != 0 || w.Shape[0] == 0 || x.Shape[1] == 0 {
		c.fail("image %v and weight %v do not fit with %d groups", x.Shape, w.Shape, groups)
	}
	return kernel.Conv{N: x.Shape[0], C: x.Shape[1], H: s.h, W: s.w, O: w.Shape[0], KH: s.kh, KW: s.kw, SH: s.sh, SW: s.sw,
		PT: s.top, PL: s.left, PB: s.bottom, PR: s.right, DH: s.dh, DW: s.dw, Groups: groups}, s
}

// imageShape puts batch, channels and the spatial sizes together.
func imageShape(rank, n, channels, h, w int) []int {
	if rank == 1 {
		return []int{n, channels, w}
	}
	return []int{n, channels, h, w}
}

func (c *call) bias(i, channels int) []float32 {
	if !c.has(i) {
		return nil
	}
	b := c.in[i].Float32s()
	if len(b) != channels {
		c.fail("the bias has %d elements for %d channels", len(b), channels)
	}
	return b
}

func convForward(c *call) {
	x, w := c.in[0], c.in[1]
	p, s := c.convOf(x, w)
	h, width := p.Out()
	y := c.output(0, ir.Float32, imageShape(s.rank, p.N, p.O, h, width)...)
	kernel.ConvForward(c.p.workers, p, x.Float32s(), w.Float32s(), c.bias(2, p.O), y.Float32s())
}

func convGradient(c *call) {
	x, w, dy := c.in[0], c.in[1], c.dout[0]
	p, _ := c.convOf(x, w)
	if c.want[0] {
		c.din[0] = c.alloc(ir.Float32, x.Shape...)
		kernel.ConvBackwardInput(c.p.workers, p, w.Float32s(), dy.Float32s(), c.din[0].Float32s())
	}
	if c.want[1] {
		c.din[1] = c.alloc(ir.Float32, w.Shape...)
		kernel.ConvBackwardWeight(c.p.workers, p, x.Float32s(), dy.Float32s(), c.din[1].Float32s())
	}
	c.channelGradient(2, p.N, p.O, dy)
}

// channelGradient sets the gradient of a bias.
func (c *call) channelGradient(i, n, channels int, dy *Array) {
	if i < len(c.want) && c.want[i] {
		c.din[i] = c.alloc(ir.Float32, c.in[i].Shape...)
		kernel.ChannelSums(c.p.workers, n, channels, dy.Len()/max(1, n*channels), dy.Float32s(), c.din[i].Float32s())
	}
}

// transposedOf describes a transposed convolution as the convolution whose gradient it is: from the output y of shape
// (n, channels, h, w) to the input x.
func (c *call) transposedOf(x, w *Array) (p kernel.Conv, s spatial) {
	if x.DType != ir.Float32 || w.DType != ir.Float32 {
		c.unsupported("its inputs are %s and %s", x.DType, w.DType)
	}
	if len(x.Shape) < 3 || len(w.Shape) != len(x.Shape) || x.Shape[1] != w.Shape[0] {
		c.fail("image %v and weight %v do not fit", x.Shape, w.Shape)
	}
	s = c.spatialOf(x.Shape[2:], w.Shape[2:])
	groups := c.size(c.node.Int("group", 1))
	if groups < 1 || w.Shape[0]%groups != 0 || w.Shape[0] == 0 || w.Shape[1] == 0 {
		c.fail("weight %v cannot have %d groups", w.Shape, groups)
	}
	s.outH, s.outW = 1, 1
	extra, want := c.node.Ints("output_padding"), c.node.Ints("output_shape")
	if s.rank == 2 {
		s.outH, s.top, s.bottom = c.transposedSize(s, 0, s.h, s.sh, reach(s.kh, s.dh), s.top, s.bottom, extra, want)
	}
	s.outW, s.left, s.right = c.transposedSize(s, s.rank-1, s.w, s.sw, reach(s.kw, s.dw), s.left, s.right, extra, want)
	p = kernel.Conv{N: x.Shape[0], C: w.Shape[1] * groups, H: s.outH, W: s.outW, O: w.Shape[0], KH: s.kh, KW: s.kw,
		SH: s.sh, SW: s.sw, PT: s.top, PL: s.left, PB: s.bottom, PR: s.right, DH: s.dh, DW: s.dw, Groups: groups}
	if h, width := p.Out(); h != s.h || width != s.w {
		c.unsupported("an output of %d x %d", s.outH, s.outW)
	}
	return p, s
}

// transposedSize returns the size and pads of one dimension of a transposed convolution's output.
func (c *call) transposedSize(s spatial, d, size, stride, reach, before, after int, extra, want []int64) (out, b, a int) {
	full := stride*(size-1) + reach
	if size < 1 {
		c.fail("the image is empty")
	}
	if extra != nil {
		if len(extra) != s.rank {
			c.fail("output_padding has %d entries; %d are needed", len(extra), s.rank)
		}
		full += c.size(extra[d])
	}
	switch {
	case want != nil:
		if len(want) != s.rank {
			c.fail("output_shape has %d entries; %d are needed", len(want), s.rank)
		}
		out = c.size(want[d])
	case s.sameUpper || s.sameLower:
		out = size * stride
	default:
		out = full - before - after
		if out < 1 {
			c.fail("pads leave no output")
		}
		return out, before, after
	}
	total := max(0, full-out) // what windows do not reach is zero, at the end
	if s.sameUpper {
		return out, total / 2, total - total/2
	}
	return out, total - total/2, total / 2
}

func convTransposeForward(c *call) {
	x, w := c.in[0], c.in[1]
	p, s := c.transposedOf(x, w)
	y := c.output(0, ir.Float32, imageShape(s.rank, p.N, p.C, p.H, p.W)...)
	kernel.ConvBackwardInput(c.p.workers, p, w.Float32s(), x.Float32s(), y.Float32s())
	if b := c.bias(2, p.C); b != nil {
		out, plane := y.Float32s(), p.H*p.W
		c.each(p.N*p.C, func(i int) { kernel.AddScalar(out[i*plane:][:plane], b[i%p.C], out[i*plane:][:plane]) })
	}
}

func convTransposeGradient(c *call) {
	x, w, dy := c.in[0], c.in[1], c.dout[0]
	p, _ := c.transposedOf(x, w)
	if c.want[0] {
		c.din[0] = c.alloc(ir.Float32, x.Shape...)
		kernel.ConvForward(c.p.workers, p, dy.Float32s(), w.Float32s(), nil, c.din[0].Float32s())
	}
	if c.want[1] {
		c.din[1] = c.alloc(ir.Float32, w.Shape...)
		kernel.ConvBackwardWeight(c.p.workers, p, dy.Float32s(), x.Float32s(), c.din[1].Float32s())
	}
	c.channelGradient(2, p.N, p.C, dy)
}
