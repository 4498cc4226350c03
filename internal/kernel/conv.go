package kernel

import "fmt"

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

// coversImage reports whether the kernel lies on the image element by element: a dense layer.
func (p Conv) coversImage() bool {
	return p.Groups == 1 && p.KH == p.H && p.KW == p.W && p.PT+p.PL+p.PB+p.PR == 0 && (p.KH == 1 || p.DH == 1) && (p.KW == 1 || p.DW == 1)
}
