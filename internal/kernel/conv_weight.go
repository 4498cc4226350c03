package kernel

import "github.com/pare-ml/pare/internal/parallel"

// weightChunks is the most pieces into which ConvBackwardWeight cuts a batch.
const weightChunks = 8

// ConvBackwardWeight computes the gradient dw of the weights from the images and the gradient dy of the output.
//
// The batch is cut into chunks of ⌈N/8⌉ images. For each chunk an element is a chain of fused multiply-adds from 0 in
// rising order of (image, row, column of the output); the chunks are then added in rising order.
func ConvBackwardWeight(workers int, p Conv, x, dy, dw []float32) {
	p.check(x, dw, dy)
	oh, ow := p.Out()
	if p.N*oh*ow == 0 {
		clear(dw)
		return
	}
	if p.direct() {
		backwardWeightDirect(workers, p, x, dy, dw)
		return
	}
	size := (p.N + weightChunks - 1) / weightChunks
	chunks := (p.N + size - 1) / size
	if p.Groups > 1 && p.Groups == p.C && p.Groups == p.O {
		depthwiseBackwardWeight(workers, p, x, dy, dw, chunks, size)
		return
	}
	g := newWeightGradient(p, x, dy)
	parts := 1 // in which the columns are shared out, if the chunks are too few
	if chunks < workers {
		parts = min(len(g.spans), (2*workers+chunks-1)/chunks)
	}
	sums := borrow(chunks * g.floats())
	defer giveBack(sums)
	parallel.For(workers, chunks*parts, func(i int) {
		chunk, part := i/parts, i%parts
		from, to := split(len(g.spans), parts, part)
		g.chunk((*sums)[chunk*g.floats():], chunk*size, min(p.N, (chunk+1)*size), from, to)
	})
	parallel.For(workers, p.O, func(o int) { g.add(dw, *sums, chunks, o) })
}

// weightGradient is the product dyᵀ·B, where B has a row for each output position and a column for each weight of an
// output channel. Images are stored with the channels of a position side by side, so that neighbouring columns are
// neighbouring floats.
type weightGradient struct {
	p        Conv
	x, dy    []float32
	oh, ow   int
	cg, og   int
	h, w     int    // of the padded image
	offs     []int  // of each output position: its first float in the padded image, or in the gathered rows
	gathered bool   // rows of B are gathered, because their runs are too short for vectors
	runs     []run  // the columns of a group
	wide     bool   // a run holds a whole row of the kernel, otherwise one of its columns
	width    int    // the floats of a row of results
	spans    []span // the work
	pitch    int    // the floats of a position of dyᵀ
}

// run is a sequence of columns that are neighbours in the padded image, from offset at on; their results begin at
// column result.
type run struct{ at, length, result int }

// span is a tile's width of columns, for all output channels of a group.
type span struct{ group, run, from, to int }

func newWeightGradient(p Conv, x, dy []float32) *weightGradient {
	g := &weightGradient{p: p, x: x, dy: dy, cg: p.C / p.Groups, og: p.O / p.Groups, h: p.H + p.PT + p.PB, w: p.W + p.PL + p.PR,
		wide: p.Groups == 1 && p.DW == 1}
	g.oh, g.ow = p.Out()
	for kh := range p.KH {
		at := kh * p.DH * g.w * p.C
		if g.wide {
			g.runs = append(g.runs, run{at: at, length: p.KW * p.C})
			continue
		}
		for kw := range p.KW {
			g.runs = append(g.runs, run{at: at + kw*p.DW*p.C, length: g.cg})
		}
	}
	row, column := p.SH*g.w*p.C, p.SW*p.C // floats from one output position to the next
	if short := g.runs[0].length; len(g.runs) > 1 && 4*short < 3*roundUp(short, tiles.lanes) {
		g.gathered = true
		column = p.Groups * len(g.runs) * short
		row = g.ow * column
	}
	for oy := range g.oh {
		for ox := range g.ow {
			g.offs = append(g.offs, oy*row+ox*column)
		}
	}
	for i := range g.runs {
		g.runs[i].result = g.width
		if g.gathered {
			g.width += g.runs[i].length
		} else {
			g.width += roundUp(g.runs[i].length, tiles.lanes)
		}
	}
	g.width = roundUp(g.width, tiles.lanes)
	for group := range p.Groups {
		if g.gathered {
			g.spans = appendSpans(g.spans, group, 0, len(g.runs)*g.runs[0].length)
			continue
		}
		for i, r := range g.runs {
			g.spans = appendSpans(g.spans, group, i, r.length)
		}
	}
	g.pitch = roundUp(p.O, 16)
	if g.pitch%32 == 0 && g.pitch > 64 {
		g.pitch += 16 // an odd number of cache lines, which then spread over the cache
	}
	return g
}

func appendSpans(list []span, group, run, length int) []span {
	for from := 0; from < length; from += tiles.columns() {
		list = append(list, span{group, run, from, min(length, from+tiles.columns())})
	}
	return list
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// floats is the size of the results of a chunk: a row of g.width for each output channel.
func (g *weightGradient) floats() int { return g.p.O * g.width }

// positionBlock is how many output positions are taken in one go.
const positionBlock = 256

// chunk computes the spans [from, to) of the results over the images [first, end).
func (g *weightGradient) chunk(sums []float32, first, end, from, to int) {
	padded := borrow(g.h*g.w*g.p.C + tiles.columns())
	defer giveBack(padded)
	clear(*padded)
	image := *padded
	positions := len(g.offs)
	if g.gathered {
		rows := borrow(positions*g.p.Groups*len(g.runs)*g.runs[0].length + tiles.columns())
		defer giveBack(rows)
		image = *rows
	}
	dyT := borrow(positions * g.pitch)
	defer giveBack(dyT)
	p := g.p
	count := (g.og + tiles.rows - 1) / tiles.rows
	for n := first; n < end; n++ {
		p.channelsLast(*padded, g.x, n)
		if g.gathered {
			g.gather(image, *padded)
		}
		transpose(g.p.O, positions, g.dy[n*g.p.O*positions:], positions, *dyT, g.pitch)
		for q0 := 0; q0 < positions; q0 += positionBlock {
			offs := g.offs[q0:min(positions, q0+positionBlock)]
			for _, s := range g.spans[from:to] {
				b, result := image[g.source(s):], g.runs[s.run].result+s.from
				for t := range count {
					o, o1 := split(g.og, count, t)
					o, o1 = o+s.group*g.og, o1+s.group*g.og
					tiles.run(o1-o, tiles.vectors(s.to-s.from), len(offs), (*dyT)[q0*g.pitch+o:], g.pitch, b, offs,
						sums[o*g.width+result:], g.width, n > first || q0 > 0)
				}
			}
		}
	}
}

// source is where the columns of a span begin, for the first output position.
func (g *weightGradient) source(s span) int {
	if g.gathered {
		return s.group*len(g.runs)*g.runs[0].length + s.from
	}
	return g.runs[s.run].at + s.group*g.cg + s.from
}

// gather stores the rows of B, those of all groups side by side.
func (g *weightGradient) gather(dst, padded []float32) {
	p := g.p
	for oy := range g.oh {
		for ox := range g.ow {
			image := padded[(oy*p.SH*g.w+ox*p.SW)*p.C:]
			for group := range p.Groups {
				for _, r := range g.runs {
					from := image[r.at+group*g.cg:]
					if r.length <= 8 { // what is copied beyond is overwritten next
						*(*[8]float32)(dst) = *(*[8]float32)(from)
					} else {
						copy(dst[:r.length], from)
					}
					dst = dst[r.length:]
				}
			}
		}
	}
}

// add stores the weights of output channel o: the sums of the chunks, added in their order.
func (g *weightGradient) add(dw, sums []float32, chunks, o int) {
	p := g.p
	dst := dw[o*g.cg*p.KH*p.KW:][:g.cg*p.KH*p.KW]
	for kh := range p.KH {
		for kw := range p.KW {
			r, skip := kh*p.KW+kw, 0
			if g.wide {
				r, skip = kh, kw*p.C
			}
			src := sums[o*g.width+g.runs[r].result+skip:]
			for c := range g.cg {
				total := src[c]
				for chunk := 1; chunk < chunks; chunk++ {
					total += src[chunk*g.floats()+c]
				}
				dst[(c*p.KH+kh)*p.KW+kw] = total
			}
		}
	}
}
