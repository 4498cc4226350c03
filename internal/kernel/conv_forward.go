package kernel

import (
	"fmt"

	"github.com/pare-ml/pare/internal/parallel"
)

// ConvForward computes y = x ∗ w + bias; bias may be nil. Each output element is a chain of fused multiply-adds from 0
// in rising order of (channel within the group, row, column of the kernel); the bias is added to the rounded result.
func ConvForward(workers int, p Conv, x, w, bias, y []float32) {
	p.check(x, w, y)
	if bias != nil && len(bias) != p.O {
		panic(fmt.Sprintf("kernel: %d biases for %d output channels", len(bias), p.O))
	}
	oh, ow := p.Out()
	if p.N*oh*ow == 0 {
		return
	}
	cg, og := p.C/p.Groups, p.O/p.Groups
	steps := cg * p.KH * p.KW
	if p.direct() {
		forwardDirect(workers, p, x, w, bias, y)
		return
	}
	if p.coversImage() {
		Gemm(workers, p.N, p.O, steps, x, steps, 1, w, 1, steps, y, p.O, false)
		if bias != nil {
			for n := range p.N {
				Add(y[n*p.O:][:p.O], y[n*p.O:][:p.O], bias)
			}
		}
		return
	}
	f := newFrame(p.C, p.H, p.W, p.PT, p.PL, p.PB, p.PR, p.SH, p.SW, ow)
	groups := make([]*sliding, p.Groups)
	for g := range groups {
		s := &sliding{pitch: f.pitch, rows: oh, cols: ow, offs: make([]int, 0, steps)}
		for c := g * cg; c < (g+1)*cg; c++ {
			for kh := range p.KH {
				for kw := range p.KW {
					s.offs = append(s.offs, f.at(c, kh*p.DH, kw*p.DW))
				}
			}
		}
		s.a = packRows(workers, og, steps, w[g*og*steps:], steps, 1)
		defer s.a.free()
		groups[g] = s
	}
	slide(workers, p.N, f, x, groups, func(n, g int) target {
		out := target{y: y[(n*p.O+g*og)*oh*ow:], channel: oh * ow, row: ow, col: 1}
		if bias != nil {
			out.bias = bias[g*og:]
		}
		return out
	})
}

// slide computes the products over each of n images, in frames. With many images a worker takes a whole one, which
// then stays in its cache; with few they share the strips of all.
func slide(workers, n int, f *frame, images []float32, products []*sliding, out func(n, product int) target) {
	size := f.channels * f.h * f.w
	if workers = max(1, workers); n >= 2*workers {
		parallel.For(workers, n, func(i int) {
			buffer := borrow(f.floats())
			defer giveBack(buffer)
			clear(*buffer)
			f.fill(*buffer, images[i*size:])
			for j, s := range products {
				for strips, k := s.strips(1), 0; k < strips; k++ {
					s.strip(*buffer, strips, k, out(i, j))
				}
			}
		})
		return
	}
	floats := f.floats()
	buffer := borrow(n * floats)
	defer giveBack(buffer)
	parallel.For(workers, n, func(i int) { clear((*buffer)[i*floats:][:floats]) })
	parallel.For(workers, n*f.channels, func(i int) {
		n, c := i/f.channels, i%f.channels
		f.fillChannel((*buffer)[n*floats:], images[i*f.h*f.w:][:f.h*f.w], c)
	})
	type piece struct{ image, product, strips, strip int }
	var pieces []piece
	for i := range n {
		for j, s := range products {
			for strips, k := s.strips(2*workers/(n*len(products))+1), 0; k < strips; k++ {
				pieces = append(pieces, piece{i, j, strips, k})
			}
		}
	}
	parallel.For(workers, len(pieces), func(i int) {
		p := pieces[i]
		products[p.product].strip((*buffer)[p.image*floats:][:floats], p.strips, p.strip, out(p.image, p.product))
	})
}
