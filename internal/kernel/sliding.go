package kernel

// sliding is a matrix product whose second factor is never made: row p of B is the framed image from offs[p] on, and
// its column for output position (y, x) is y*pitch + x floats further. Convolutions and their gradients by the input
// are of this form.
type sliding struct {
	a          packed // one row for each output channel
	offs       []int
	pitch      int
	rows, cols int // output positions
}

// target is where results go: that of channel c at position (y, x) to y[c*channel + y*row + x*col], plus bias[c] if
// there is a bias.
type target struct {
	y                 []float32
	channel, row, col int
	bias              []float32
}

// resultFloats is about how many results are kept together before they are copied out.
const resultFloats = 1 << 16

// positions counts the output positions with the junk among them.
func (s *sliding) positions() int {
	if s.rows == 0 || s.cols == 0 {
		return 0
	}
	return (s.rows-1)*s.pitch + s.cols
}

// strips is into how many pieces the positions are cut: by the cache, and not fewer than wanted if that is possible.
func (s *sliding) strips(wanted int) int {
	width := tiles.columns()
	panels := (s.positions() + width - 1) / width
	each := max(2, min(32, resultFloats/max(1, s.a.m)/width))
	return min(panels, max(wanted, (panels+each-1)/each))
}

// strip computes piece i of the strips.
func (s *sliding) strip(image []float32, strips, i int, out target) {
	width, all := tiles.columns(), s.positions()
	from, to := split((all+width-1)/width, strips, i)
	from, to = from*width, min(all, to*width)
	pitch := (to - from + width - 1) / width * width
	buffer := borrow(s.a.m * pitch)
	defer giveBack(buffer)
	blocks := (s.a.k + kBlock - 1) / kBlock
	for block := range blocks {
		p0, p1 := split(s.a.k, blocks, block)
		for q := from; q < to; q += width {
			vectors := tiles.vectors(to - q)
			for t := range s.a.tiles {
				first, rows := s.a.tile(t)
				tiles.run(rows, vectors, p1-p0, s.a.at(t, p0), rows, image[q:], s.offs[p0:p1],
					(*buffer)[first*pitch+q-from:], pitch, block > 0)
			}
		}
	}
	for _, b := range s.blocks(from, to) {
		src := (*buffer)[b.y*s.pitch+b.x-from:]
		for c := range s.a.m {
			dst := out.y[c*out.channel+b.y*out.row+b.x*out.col:]
			switch line := src[c*pitch:]; {
			case out.col != 1:
				spreadRows(b.rows, b.cols, dst, out.row, out.col, line, s.pitch)
			case out.bias != nil:
				addRows(b.rows, b.cols, dst, out.row, line, s.pitch, out.bias[c])
			default:
				copyRows(b.rows, b.cols, dst, out.row, line, s.pitch)
			}
		}
	}
}

// block is a rectangle of output positions.
type block struct{ y, x, rows, cols int }

// blocks returns the output positions among [from, to): the end of a row, whole rows, the beginning of a row.
func (s *sliding) blocks(from, to int) (list []block) {
	y, x := from/s.pitch, from%s.pitch
	endY, endX := to/s.pitch, to%s.pitch
	add := func(b block) {
		if b.rows > 0 && b.cols > 0 {
			list = append(list, b)
		}
	}
	if y == endY {
		add(block{y, x, 1, min(endX, s.cols) - x})
		return list
	}
	if x > 0 {
		add(block{y, x, 1, s.cols - x})
		y++
	}
	add(block{y, 0, endY - y, s.cols})
	add(block{endY, 0, 1, min(endX, s.cols)})
	return list
}
