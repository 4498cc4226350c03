package kernel

// frame is a layout of the channels of an image with zeros around them, in which a step from one output position to
// the next is a step of one float, for every row and column of the kernel. Output position (y, x) is at y*pitch + x
// from where its operand begins; the positions between the last x and the next row are junk that nobody keeps.
//
// With a stride, element (y, x) of the padded image is in the plane of its phase (y mod sh, x mod sw). Without one, the
// zeros to the right of a row are those to the left of the next.
type frame struct {
	channels, h, w int // of the image
	top, left      int // zeros
	sh, sw         int // strides
	rows, pitch    int // of a plane
	used           []bool
}

// newFrame lays out images with these zeros around them, for outputs of at most cols positions in a row.
func newFrame(channels, h, w, top, left, bottom, right, sh, sw, cols int) *frame {
	f := &frame{channels: channels, h: h, w: w, top: top, left: left, sh: sh, sw: sw, used: make([]bool, sh*sw)}
	f.rows = (h + top + bottom + sh - 1) / sh
	f.pitch = (w + left + right + sw - 1) / sw
	if sw == 1 {
		f.pitch = max(w+max(left, right), cols)
	}
	return f
}

// at returns the place of element (y, x) of a padded channel, and notes that its phase is used.
func (f *frame) at(channel, y, x int) int {
	phase := y%f.sh*f.sw + x%f.sw
	f.used[phase] = true
	return ((channel*f.sh*f.sw+phase)*f.rows+y/f.sh)*f.pitch + x/f.sw
}

// floats is the size of an image and the room behind it for the junk that the last tile reads.
func (f *frame) floats() int {
	return f.channels*f.sh*f.sw*f.rows*f.pitch + f.pitch + f.left + tiles.columns()
}

// fill copies the channels of an image to dst, where the zeros are already.
func (f *frame) fill(dst, image []float32) {
	for c := range f.channels {
		f.fillChannel(dst, image[c*f.h*f.w:][:f.h*f.w], c)
	}
}

func (f *frame) fillChannel(dst, plane []float32, channel int) {
	for i := range f.used {
		if !f.used[i] {
			continue
		}
		y, row := firstOf(i/f.sw, f.top, f.sh)
		x, col := firstOf(i%f.sw, f.left, f.sw)
		if y >= f.h || x >= f.w {
			continue
		}
		to := dst[((channel*len(f.used)+i)*f.rows+row)*f.pitch+col:]
		from := plane[y*f.w+x:]
		rows, cols := (f.h-1-y)/f.sh+1, (f.w-1-x)/f.sw+1
		if f.sw == 1 {
			copyRows(rows, cols, to, f.pitch, from, f.sh*f.w)
			continue
		}
		for r := range rows {
			line, values := to[r*f.pitch:][:cols], from[r*f.sh*f.w:]
			for c := range line {
				line[c] = values[c*f.sw]
			}
		}
	}
}

// firstOf returns the first element of a phase, and its place in the phase's plane, after this many zeros.
func firstOf(phase, zeros, stride int) (element, place int) {
	element = ((phase-zeros)%stride + stride) % stride
	return element, (element + zeros) / stride
}
