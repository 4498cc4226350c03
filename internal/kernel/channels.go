package kernel

// channelsLast stores image n of x in dst with the channels of a position side by side. The image begins where its
// padding ends; the zeros of the padding are in dst already.
func (p Conv) channelsLast(dst, x []float32, n int) {
	size := p.C * p.H * p.W
	src := x[n*size:][:size]
	pitch := (p.W + p.PL + p.PR) * p.C // of a row
	dst = dst[p.PT*pitch+p.PL*p.C:]
	if p.W >= 16 || p.C < 8 {
		for y := range p.H {
			transpose(p.C, p.W, src[y*p.W:], p.H*p.W, dst[y*pitch:], p.C)
		}
		return
	}
	whole := borrow(size) // rows too short for the blocks of transpose
	defer giveBack(whole)
	transpose(p.C, p.H*p.W, src, p.H*p.W, *whole, p.C)
	copyRows(p.H, p.W*p.C, dst, pitch, *whole, p.W*p.C)
}
