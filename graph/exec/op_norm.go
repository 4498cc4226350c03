package exec

import (
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// Batch normalization: y = (x − mean)/√(variance + epsilon)·scale + bias for each channel (Ioffe and Szegedy 2015),
// computed as y = a·x + b with a and b made in float64 and rounded once. Mean and variance are the stored ones, or in
// mode TrainNorm (or where the node itself is in training mode) those of the batch.

// channels says how x is laid out for operators that treat each channel alone.
type channels struct{ n, c, size int }

func (c *call) channelsOf(x *Array) channels {
	if len(x.Shape) < 2 {
		c.unsupported("its input has shape %v", x.Shape)
	}
	if x.DType != ir.Float32 {
		c.unsupported("its input is %s", x.DType)
	}
	return channels{x.Shape[0], x.Shape[1], count(x.Shape[2:])}
}

// perChannel returns input i, which must hold one float32 for each channel.
func (c *call) perChannel(i, n int) []float32 {
	a := c.input(i)
	if a.DType != ir.Float32 {
		c.unsupported("its input %d is %s", i, a.DType)
	}
	if a.Len() != n {
		c.fail("input %d has %d elements for %d channels", i, a.Len(), n)
	}
	return a.Float32s()
}

func batchNormForward(c *call) {
	x := c.in[0]
	l := c.channelsOf(x)
	scale, bias, mean, variance := c.perChannel(1, l.c), c.perChannel(2, l.c), c.perChannel(3, l.c), c.perChannel(4, l.c)
	epsilon := float64(c.node.Float("epsilon", 1e-5))
	own := c.node.Int("training_mode", 0) != 0
	stats := c.alloc(ir.Float64, 2, l.c) // mean, then 1/√(variance + epsilon)
	c.keep(stats)
	mu, inv := stats.Float64s()[:l.c], stats.Float64s()[l.c:]
	if own || c.mode == TrainNorm {
		c.batchStatistics(l, x.Float32s(), mu, inv)
		c.moveStatistics(own, mean, variance, mu, inv)
	} else {
		for i := range mu {
			mu[i], inv[i] = float64(mean[i]), float64(variance[i])
		}
	}
	for i, v := range inv {
		inv[i] = 1 / math.Sqrt(v+epsilon)
	}
	y := c.outputLike(0)
	src, dst := x.Float32s(), y.Float32s()
	c.planes(l, func(ch int, from, to int) {
		a := float64(scale[ch]) * inv[ch]
		kernel.Affine(dst[from:to], float32(a), src[from:to], float32(float64(bias[ch])-float64(mu[ch]*a)))
	})
	if !c.forGradient() {
		c.release(stats)
		c.kept = nil
	} else if own || c.mode == TrainNorm {
		c.keep(c.alloc(ir.Float64, 0)) // the mark for gradients: the statistics hang on x
	}
}

// planes calls do for the elements of each channel of each image.
func (c *call) planes(l channels, do func(ch, from, to int)) {
	c.chunks(l.n*l.c, grain/max(1, l.size), func(from, to int) {
		for p := from; p < to; p++ {
			do(p%l.c, p*l.size, (p+1)*l.size)
		}
	})
}

// batchStatistics sets the mean and the variance (of the batch itself, not an estimate for others) of each channel.
func (c *call) batchStatistics(l channels, x []float32, mean, variance []float64) {
	n := float64(l.n * l.size)
	if n == 0 {
		c.fail("no statistics of an empty batch")
	}
	c.each(l.c, func(ch int) {
		sum, squares := 0.0, 0.0
		for i := range l.n {
			plane := x[(i*l.c+ch)*l.size:][:l.size]
			sum += kernel.Sum(plane)
			squares += kernel.SumSquares(plane)
		}
		m := sum / n
		mean[ch], variance[ch] = m, max(0, squares/n-float64(m*m))
	})
}

// moveStatistics moves the running statistics towards the batch's. A node in training mode gives them as outputs; in
// mode TrainNorm they are parameters that change.
func (c *call) moveStatistics(own bool, mean, variance []float32, mu, sigma []float64) {
	keep := float64(c.node.Float("momentum", 0.9))
	if own {
		for k, old := range [][]float32{mean, variance} {
			if c.asked(k + 1) {
				blend(c.output(k+1, ir.Float32, len(old)).Float32s(), old, [][]float64{mu, sigma}[k], keep)
			}
		}
		return
	}
	for _, i := range []int{3, 4} {
		if s := c.step.in[i]; !c.p.slots[s].param {
			c.unsupported("its statistics are not stored in the model, so that training cannot move them")
		}
	}
	blend(mean, mean, mu, keep)
	blend(variance, variance, sigma, keep)
}

func blend(dst, old []float32, batch []float64, keep float64) {
	for i, v := range batch {
		dst[i] = float32(float64(float64(old[i])*keep) + float64(v*(1-keep)))
	}
}

// batchNormGradient: with x̂ the normalized input, dbias = Σ dy and dscale = Σ dy·x̂. With stored statistics dx = a·dy;
// with the batch's, dx = a·(dy − dbias/m − x̂·dscale/m) for m elements a channel.
func batchNormGradient(c *call) {
	x, dout := c.in[0], c.dout[0]
	if dout == nil {
		c.unsupported("it has no gradient through its statistics")
	}
	l := c.channelsOf(x)
	scale := c.perChannel(1, l.c)
	mu, inv := c.kept[0].Float64s()[:l.c], c.kept[0].Float64s()[l.c:]
	batch := len(c.kept) > 1
	sums := c.alloc(ir.Float64, 2, l.c)
	defer c.release(sums)
	dbias, dscale := sums.Float64s()[:l.c], sums.Float64s()[l.c:]
	src, dy := x.Float32s(), dout.Float32s()
	if batch || c.want[1] || c.want[2] {
		c.each(l.c, func(ch int) {
			sum, dot := 0.0, 0.0
			for i := range l.n {
				at := (i*l.c + ch) * l.size
				sum += kernel.Sum(dy[at:][:l.size])
				dot += kernel.Dot(dy[at:][:l.size], src[at:][:l.size])
			}
			dbias[ch], dscale[ch] = sum, (dot-float64(mu[ch]*sum))*inv[ch]
		})
	}
	for i, from := range [][]float64{1: dscale, 2: dbias} {
		if i > 0 && c.want[i] {
			c.din[i] = c.alloc(ir.Float32, c.in[i].Shape...)
			for k, v := range from {
				c.din[i].Float32s()[k] = float32(v)
			}
		}
	}
	if batch { // the stored statistics did not matter
		for i := 3; i < 5; i++ {
			if c.want[i] {
				c.din[i] = c.allocZero(ir.Float32, c.in[i].Shape...)
			}
		}
	}
	if !c.want[0] {
		return
	}
	dx := c.gradLike(0, dout).Float32s()
	m := float64(l.n * l.size)
	c.planes(l, func(ch, from, to int) {
		a := float64(scale[ch]) * inv[ch]
		if !batch {
			kernel.Scale(dx[from:to], float32(a), dy[from:to])
			return
		}
		// a·(dy − dbias/m − (x−mu)·inv·dscale/m), gathered by powers of x
		slope := a * inv[ch] * dscale[ch] / m
		kernel.Blend(dx[from:to], float32(a), dy[from:to], float32(-slope), src[from:to], float32(float64(mu[ch]*slope)-a*dbias[ch]/m))
	})
}

// instanceNormForward normalizes each channel of each image by its own statistics.
func instanceNormForward(c *call) {
	x := c.in[0]
	l := c.channelsOf(x)
	scale, bias := c.perChannel(1, l.c), c.perChannel(2, l.c)
	if l.size == 0 {
		c.fail("no statistics of shape %v", x.Shape)
	}
	epsilon := float64(c.node.Float("epsilon", 1e-5))
	src, dst := x.Float32s(), c.outputLike(0).Float32s()
	c.planes(l, func(ch, from, to int) {
		a, b := normalizer(src[from:to], epsilon)
		s := float64(scale[ch])
		kernel.Affine(dst[from:to], float32(a*s), src[from:to], float32(float64(b*s)+float64(bias[ch])))
	})
}

// normalizer returns a and b so that a·x + b has mean 0 and variance 1.
func normalizer(x []float32, epsilon float64) (a, b float64) {
	n := float64(len(x))
	mean := kernel.Sum(x) / n
	variance := max(0, kernel.SumSquares(x)/n-float64(mean*mean))
	a = 1 / math.Sqrt(variance+epsilon)
	return a, -mean * a
}

// layerNormForward normalizes over the last dimensions, from axis on.
func layerNormForward(c *call) {
	x := c.in[0]
	if x.DType != ir.Float32 {
		c.unsupported("its input is %s", x.DType)
	}
	axis := c.axis(c.node.Int("axis", -1), len(x.Shape))
	rows, n := count(x.Shape[:axis]), count(x.Shape[axis:])
	scale := c.perChannel(1, n)
	var bias []float32
	if c.has(2) {
		bias = c.perChannel(2, n)
	}
	if n == 0 {
		c.fail("no statistics of shape %v", x.Shape)
	}
	var mean, inv []float32
	tail := append(append([]int{}, x.Shape[:axis]...), onesLike(x.Shape[axis:])...)
	if c.asked(1) {
		mean = c.output(1, ir.Float32, tail...).Float32s()
	}
	if c.asked(2) {
		inv = c.output(2, ir.Float32, tail...).Float32s()
	}
	epsilon := float64(c.node.Float("epsilon", 1e-5))
	src, dst := x.Float32s(), c.output(0, ir.Float32, x.Shape...).Float32s()
	c.chunks(rows, grain/n, func(from, to int) {
		for r := from; r < to; r++ {
			in, out := src[r*n:][:n], dst[r*n:][:n]
			a, b := normalizer(in, epsilon)
			kernel.Affine(out, float32(a), in, float32(b))
			kernel.Mul(out, out, scale)
			if bias != nil {
				kernel.Add(out, out, bias)
			}
			if mean != nil {
				mean[r] = float32(-b / a)
			}
			if inv != nil {
				inv[r] = float32(a)
			}
		}
	})
}

func onesLike(shape []int) []int {
	ones := make([]int, len(shape))
	for i := range ones {
		ones[i] = 1
	}
	return ones
}
