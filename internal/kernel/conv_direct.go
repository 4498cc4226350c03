package kernel

import "github.com/pare-ml/pare/internal/parallel"

// The functions of this file say what the convolutions mean, element by element. They serve for shapes of which frames
// would be nearly all zeros: few outputs far apart, found in no sensible model but easily written into one.

// direct reports whether the shape is such a one: its frames would take many times the room of its operands.
func (p Conv) direct() bool {
	oh, ow := p.Out()
	side := func(size, before, after, stride, kernel, dilation, out int) float64 {
		image := float64(size) + float64(before) + float64(after) + float64(stride)
		gradient := float64(out) + 2*float64(dilation)*float64(kernel)/float64(stride)
		return max(image, gradient)
	}
	area := side(p.H, p.PT, p.PB, p.SH, p.KH, p.DH, oh) * side(p.W, p.PL, p.PR, p.SW, p.KW, p.DW, ow)
	return area > 1<<16 && area > 16*float64(p.H*p.W+oh*ow+p.KH*p.KW)
}

// padded returns element (y, x) of a plane of h×w elements, zero outside.
func padded(plane []float32, h, w, y, x int) float32 {
	if y < 0 || y >= h || x < 0 || x >= w {
		return 0
	}
	return plane[y*w+x]
}

// forwardDirect is ConvForward.
func forwardDirect(workers int, p Conv, x, w, bias, y []float32) {
	oh, ow := p.Out()
	cg, og := p.C/p.Groups, p.O/p.Groups
	parallel.For(workers, p.N*p.O, func(i int) {
		n, o := i/p.O, i%p.O
		for at := range oh * ow {
			oy, ox := at/ow, at%ow
			var sum float32
			for c := range cg {
				plane := x[(n*p.C+o/og*cg+c)*p.H*p.W:]
				for kh := range p.KH {
					for kw := range p.KW {
						v := padded(plane, p.H, p.W, oy*p.SH+kh*p.DH-p.PT, ox*p.SW+kw*p.DW-p.PL)
						sum = FMA(w[((o*cg+c)*p.KH+kh)*p.KW+kw], v, sum)
					}
				}
			}
			if bias != nil {
				sum += bias[o]
			}
			y[i*oh*ow+at] = sum
		}
	})
}

// backwardInputDirect is ConvBackwardInput, for one output position at least.
func backwardInputDirect(workers int, p Conv, w, dy, dx []float32) {
	oh, ow := p.Out()
	cg, og := p.C/p.Groups, p.O/p.Groups
	parallel.For(workers, p.N*p.C, func(i int) {
		n, c := i/p.C, i%p.C
		g := c / cg
		for at := range p.H * p.W {
			iy, ix := at/p.W, at%p.W
			var sum float32
			for o := g * og; o < (g+1)*og; o++ {
				plane := dy[(n*p.O+o)*oh*ow:]
				for kh := range p.KH {
					for kw := range p.KW {
						ty, tx := iy+p.PT-kh*p.DH, ix+p.PL-kw*p.DW
						if ty%p.SH == 0 && tx%p.SW == 0 {
							sum = FMA(w[((o*cg+c%cg)*p.KH+kh)*p.KW+kw], padded(plane, oh, ow, ty/p.SH, tx/p.SW), sum)
						}
					}
				}
			}
			dx[i*p.H*p.W+at] = sum
		}
	})
}

// backwardWeightDirect is ConvBackwardWeight.
func backwardWeightDirect(workers int, p Conv, x, dy, dw []float32) {
	oh, ow := p.Out()
	cg, og := p.C/p.Groups, p.O/p.Groups
	size := (p.N + weightChunks - 1) / weightChunks
	parallel.For(workers, len(dw), func(i int) {
		o, c, kh, kw := i/(cg*p.KH*p.KW), i/(p.KH*p.KW)%cg, i/p.KW%p.KH, i%p.KW
		var total float32
		for first := 0; first < p.N; first += size {
			var sum float32
			for n := first; n < min(first+size, p.N); n++ {
				plane := x[(n*p.C+o/og*cg+c)*p.H*p.W:]
				for at := range oh * ow {
					oy, ox := at/ow, at%ow
					v := padded(plane, p.H, p.W, oy*p.SH+kh*p.DH-p.PT, ox*p.SW+kw*p.DW-p.PL)
					sum = FMA(v, dy[(n*p.O+o)*oh*ow+at], sum)
				}
			}
			if first == 0 {
				total = sum
			} else {
				total += sum
			}
		}
		dw[i] = total
	})
}
