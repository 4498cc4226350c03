package kernel

// ConvBackwardInput computes the gradient dx of the images from the gradient dy of the output. Each element is a chain
// of fused multiply-adds from 0 in rising order of (output channel within the group, row, column of the kernel), over
// those rows and columns that the stride lets reach the element; outside its edges dy is zero, and multiplied. Without any output, dx is zero.
//
// With a stride, elements of different phase (iy+PT mod SH, ix+PL mod SW) are reached by different rows and columns of
// the kernel; each phase is a convolution of its own over dy.
func ConvBackwardInput(workers int, p Conv, w, dy, dx []float32) {
	p.check(dx, w, dy)
	oh, ow := p.Out()
	if p.N*p.H*p.W == 0 {
		return
	}
	if oh*ow == 0 {
		clear(dx)
		return
	}
	if p.direct() {
		backwardInputDirect(workers, p, w, dy, dx)
		return
	}
	if p.coversImage() && p.KH*p.KW == 1 {
		Gemm(workers, p.N, p.C, p.O, dy, p.O, 1, w, p.C, 1, dx, p.C, false)
		return
	}
	rows, cols := phases(p.H, p.KH, p.SH, p.DH, p.PT), phases(p.W, p.KW, p.SW, p.DW, p.PL)
	top, bottom := reach(rows, oh)
	left, right := reach(cols, ow)
	most := 0
	for _, c := range cols {
		most = max(most, c.count)
	}
	f := newFrame(p.O, oh, ow, top, left, bottom, right, 1, 1, most)
	cg, og := p.C/p.Groups, p.O/p.Groups
	var products []*sliding
	type place struct{ channel, y, x int } // of the first element
	var places []place
	unreached := false // elements that no weight reaches
	for g := range p.Groups {
		for _, r := range rows {
			for _, c := range cols {
				if r.count == 0 || c.count == 0 {
					continue
				}
				if len(r.taps) == 0 || len(c.taps) == 0 {
					unreached = true
					continue
				}
				s := &sliding{pitch: f.pitch, rows: r.count, cols: c.count}
				var columns []int // of the weights
				for o := g * og; o < (g+1)*og; o++ {
					for _, kh := range r.taps {
						for _, kw := range c.taps {
							s.offs = append(s.offs, f.at(o, top+r.from-kh*p.DH/p.SH, left+c.from-kw*p.DW/p.SW))
							columns = append(columns, (o*cg*p.KH+kh)*p.KW+kw)
						}
					}
				}
				a := borrow(cg * len(columns))
				for i := range cg {
					for j, at := range columns {
						(*a)[i*len(columns)+j] = w[at+i*p.KH*p.KW]
					}
				}
				s.a = packRows(workers, cg, len(columns), *a, len(columns), 1)
				defer s.a.free()
				giveBack(a)
				products = append(products, s)
				places = append(places, place{g * cg, r.from*p.SH + r.phase - p.PT, c.from*p.SW + c.phase - p.PL})
			}
		}
	}
	if unreached {
		clear(dx)
	}
	slide(workers, p.N, f, dy, products, func(n, i int) target {
		at := places[i]
		first := ((n*p.C+at.channel)*p.H+at.y)*p.W + at.x
		return target{y: dx[first:], channel: p.H * p.W, row: p.SH * p.W, col: p.SW}
	})
}

// phase is a class of the rows of an image (or columns) by their place mod the stride in the padded image: place
// t·stride + phase for t = from … from+count-1. They are reached by the rows taps of the kernel, row k of it from the
// output row t - k·dilation/stride, rounded down.
type phase struct {
	phase, from, count, most int
	taps                     []int
}

func phases(size, kernel, stride, dilation, before int) (list []phase) {
	for r := range stride {
		q := phase{phase: r, from: max(0, (before-r+stride-1)/stride)}
		if last := size - 1 + before - r; last >= 0 {
			q.count = max(0, last/stride-q.from+1)
		}
		for k := range kernel {
			if k*dilation%stride == r {
				q.taps = append(q.taps, k)
				q.most = k * dilation / stride
			}
		}
		list = append(list, q)
	}
	return list
}

// reach returns how many zeros the phases need before and after an output of this size.
func reach(list []phase, size int) (before, after int) {
	for _, q := range list {
		if q.count > 0 {
			before = max(before, q.most-q.from)
			after = max(after, q.from+q.count-size)
		}
	}
	return before, after
}
