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
	for y := range f.h {
		row := plane[y*f.w:][:f.w]
		py := y + f.top
		for phase := range f.sw {
			if !f.used[py%f.sh*f.sw+phase] {
				continue
			}
			line := dst[((channel*f.sh*f.sw+py%f.sh*f.sw+phase)*f.rows+py/f.sh)*f.pitch:]
			if f.sw == 1 {
				copy(line[f.left:], row)
				continue
			}
			first := ((phase-f.left)%f.sw + f.sw) % f.sw // the first x of this phase
			at := (first + f.left) / f.sw
			for x := first; x < f.w; x += f.sw {
				line[at] = row[x]
				at++
			}
		}
	}
}
