package kernel

import "github.com/pare-ml/pare/internal/parallel"

// columnVectors is the most vectors of a columnFunc.
const columnVectors = 4

// depthwiseBackwardWeight is ConvBackwardWeight for a channel in each group. No product of matrices does that: with the
// channels of a position side by side, each weight of the kernel is a sum over positions of x times dy, lane by lane.
func depthwiseBackwardWeight(workers int, p Conv, x, dy, dw []float32, chunks, size int) {
	oh, ow := p.Out()
	positions, taps, width := oh*ow, p.KH*p.KW, p.W+p.PL+p.PR
	offs := make([]int, positions)
	for i := range offs {
		offs[i] = (i/ow*p.SH*width + i%ow*p.SW) * p.C
	}
	lanes := columnVectors * tiles.lanes
	pitch := roundUp(p.C, tiles.lanes)
	sums := borrow(chunks * taps * pitch)
	defer giveBack(sums)
	parallel.For(workers, chunks, func(chunk int) {
		image := borrow((p.H+p.PT+p.PB)*width*p.C + lanes)
		defer giveBack(image)
		clear(*image)
		dyT := borrow(positions * pitch)
		defer giveBack(dyT)
		first := chunk * size
		for n := first; n < min(p.N, first+size); n++ {
			p.channelsLast(*image, x, n)
			transpose(p.C, positions, dy[n*p.C*positions:], positions, *dyT, pitch)
			for tap := range taps {
				at := (tap/p.KW*p.DH*width + tap%p.KW*p.DW) * p.C
				for c := 0; c < p.C; c += lanes {
					vectors := min(columnVectors, (p.C-c+tiles.lanes-1)/tiles.lanes)
					tiles.column(vectors, positions, (*dyT)[c:], pitch, (*image)[at+c:], offs, (*sums)[(chunk*taps+tap)*pitch+c:], n > first)
				}
			}
		}
	})
	for c := range p.C {
		for tap := range taps {
			total := (*sums)[tap*pitch+c]
			for chunk := 1; chunk < chunks; chunk++ {
				total += (*sums)[(chunk*taps+tap)*pitch+c]
			}
			dw[c*taps+tap] = total
		}
	}
}
