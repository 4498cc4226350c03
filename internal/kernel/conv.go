package kernel

import (
	"fmt"

	"github.com/pare-ml/pare/internal/parallel"
)

// Conv is the shape of a two-dimensional convolution in the order of ONNX: images [N, C, H, W], weights
// [O, C/Groups, KH, KW], output [N, O, height, width] with height and width by Out. S is the stride, D the dilation;
// PT, PL, PB and PR are the zeros added at the top, left, bottom and right. A one-dimensional convolution has H = KH = 1.
//
// The zeros of the padding are multiplied like any other value: an infinite weight on padding gives NaN.
type Conv struct{ N, C, H, W, O, KH, KW, SH, SW, PT, PL, PB, PR, DH, DW, Groups int }

// Out returns the height and width of the output; 0 where the kernel does not fit into the padded image.
func (p Conv) Out() (h, w int) {
	return outSize(p.H, p.KH, p.SH, p.DH, p.PT+p.PB), outSize(p.W, p.KW, p.SW, p.DW, p.PL+p.PR)
}

func outSize(size, kernel, stride, dilation, pad int) int {
	room := size + pad - dilation*(kernel-1) - 1
	if room < 0 {
		return 0
	}
	return room/stride + 1
}

// check panics on a shape that means nothing or on slices that do not fit it.
func (p Conv) check(x, w, y []float32) {
	if p.N < 0 || p.C < 1 || p.H < 0 || p.W < 0 || p.O < 1 || p.KH < 1 || p.KW < 1 || p.SH < 1 || p.SW < 1 ||
		p.DH < 1 || p.DW < 1 || p.PT < 0 || p.PL < 0 || p.PB < 0 || p.PR < 0 || p.Groups < 1 ||
		p.C%p.Groups != 0 || p.O%p.Groups != 0 {
		panic(fmt.Sprintf("kernel: no convolution has the shape %+v", p))
	}
	oh, ow := p.Out()
	if nx, nw, ny := p.N*p.C*p.H*p.W, p.O*(p.C/p.Groups)*p.KH*p.KW, p.N*p.O*oh*ow; len(x) != nx || len(w) != nw || len(y) != ny {
		panic(fmt.Sprintf("kernel: convolution %+v has %d image, %d weight and %d output floats; it needs %d, %d and %d",
			p, len(x), len(w), len(y), nx, nw, ny))
	}
}

// ConvForward computes y = x ∗ w + bias; bias may be nil. Each output element is a chain of fused multiply-adds from 0
// in rising order of (channel within the group, row, column of the kernel); the bias is added to the rounded result.
func ConvForward(workers int, p Conv, x, w, bias, y []float32) {
	p.check(x, w, y)
	if bias != nil && len(bias) != p.O {
		panic(fmt.Sprintf("kernel: %d biases for %d output channels", len(bias), p.O))
	}
	oh, ow := p.Out()
	cg, og := p.C/p.Groups, p.O/p.Groups
	parallel.For(workers, p.N*p.O, func(i int) {
		n, o := i/p.O, i%p.O
		for oy := range oh {
			for ox := range ow {
				var sum float32
				for c := range cg {
					plane := x[(n*p.C+o/og*cg+c)*p.H*p.W:]
					for kh := range p.KH {
						for kw := range p.KW {
							iy, ix := oy*p.SH+kh*p.DH-p.PT, ox*p.SW+kw*p.DW-p.PL
							var v float32
							if iy >= 0 && iy < p.H && ix >= 0 && ix < p.W {
								v = plane[iy*p.W+ix]
							}
							sum = FMA(w[((o*cg+c)*p.KH+kh)*p.KW+kw], v, sum)
						}
					}
				}
				if bias != nil {
					sum += bias[o]
				}
				y[(i*oh+oy)*ow+ox] = sum
			}
		}
	})
}

// ConvBackwardInput computes the gradient dx of the images from the gradient dy of the output. Each element is a chain
// of fused multiply-adds from 0 in rising order of (output channel within the group, row, column of the kernel), over
// those rows and columns that the stride lets reach the element; outside its edges dy is zero, and multiplied.
func ConvBackwardInput(workers int, p Conv, w, dy, dx []float32) {
	p.check(dx, w, dy)
	oh, ow := p.Out()
	cg, og := p.C/p.Groups, p.O/p.Groups
	parallel.For(workers, p.N*p.C, func(i int) {
		n, c := i/p.C, i%p.C
		g := c / cg
		for iy := range p.H {
			for ix := range p.W {
				var sum float32
				for o := g * og; o < (g+1)*og; o++ {
					plane := dy[(n*p.O+o)*oh*ow:]
					for kh := range p.KH {
						for kw := range p.KW {
							ty, tx := iy+p.PT-kh*p.DH, ix+p.PL-kw*p.DW
							if ty%p.SH != 0 || tx%p.SW != 0 {
								continue
							}
							oy, ox := ty/p.SH, tx/p.SW
							var v float32
							if oy >= 0 && oy < oh && ox >= 0 && ox < ow {
								v = plane[oy*ow+ox]
							}
							sum = FMA(w[((o*cg+c%cg)*p.KH+kh)*p.KW+kw], v, sum)
						}
					}
				}
				dx[(i*p.H+iy)*p.W+ix] = sum
			}
		}
	})
}

// weightChunks is the most pieces into which ConvBackwardWeight cuts a batch.
const weightChunks = 8

// ConvBackwardWeight computes the gradient dw of the weights from the images and the gradient dy of the output.
//
// The batch is cut into at most 8 chunks of ⌈N/8⌉ images. For each chunk an element is a chain of fused multiply-adds
// from 0 in rising order of (image, row, column of the output); the chunks are then added in rising order.
func ConvBackwardWeight(workers int, p Conv, x, dy, dw []float32) {
	p.check(x, dw, dy)
	clear(dw)
	if p.N == 0 {
		return
	}
	oh, ow := p.Out()
	cg, og := p.C/p.Groups, p.O/p.Groups
	size := (p.N + weightChunks - 1) / weightChunks
	parallel.For(workers, p.O*cg, func(i int) {
		o, c := i/cg, i%cg
		for kh := range p.KH {
			for kw := range p.KW {
				var total float32
				for first := 0; first < p.N; first += size {
					var sum float32
					for n := first; n < min(first+size, p.N); n++ {
						plane := x[(n*p.C+o/og*cg+c)*p.H*p.W:]
						for oy := range oh {
							for ox := range ow {
								iy, ix := oy*p.SH+kh*p.DH-p.PT, ox*p.SW+kw*p.DW-p.PL
								var v float32
								if iy >= 0 && iy < p.H && ix >= 0 && ix < p.W {
									v = plane[iy*p.W+ix]
								}
								sum = FMA(v, dy[((n*p.O+o)*oh+oy)*ow+ox], sum)
							}
						}
					}
					if first == 0 {
						total = sum
					} else {
						total += sum
					}
				}
				dw[(i*p.KH+kh)*p.KW+kw] = total
			}
		}
	})
}
