package quantize

import (
	"cmp"
	"math"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/affine"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/parallel"
)

// coded is a weight as codes.
type coded struct {
	codes  []byte        // in the weight's layout; int8 as two's complement
	grids  []affine.Grid // one for each group
	zeros  int           // codes that stand for zero
	signal float64       // Σw²
	noise  float64       // Σ(w−ŵ)²
}

// groups describes how a tensor is cut into groups that share a scale: along one axis, or not at all.
type groups struct{ outer, count, inner int }

// groupsOf cuts along axis; below 0 the whole tensor is one group.
func groupsOf(shape []int, axis int) groups {
	g := groups{1, 1, 1}
	for i, d := range shape {
		switch {
		case axis < 0 || i > axis:
			g.inner *= d
		case i == axis:
			g.count = d
		default:
			g.outer *= d
		}
	}
	return g
}

// each calls do with every run of neighbouring elements of group i, by the offset of its first.
func (g groups) each(i int, do func(from, to int)) {
	for o := range g.outer {
		from := (o*g.count + i) * g.inner
		do(from, from+g.inner)
	}
}

// gather returns the elements of group i.
func (g groups) gather(w []float32, i int) []float32 {
	if g.outer == 1 {
		return w[i*g.inner : (i+1)*g.inner]
	}
	out := make([]float32, 0, g.outer*g.inner)
	g.each(i, func(from, to int) { out = append(out, w[from:to]...) })
	return out
}

// encode turns a finite weight into codes, group by group. floor gives for each group the least scale that its bias
// allows, 0 if any; nil: for none.
func encode(w []float32, g groups, p *Params, floor []float64, workers int) *coded {
	typ := typeNamed(p.Weights.Type).span
	c := &coded{codes: make([]byte, len(w)), grids: make([]affine.Grid, g.count)}
	type sums struct {
		zeros         int
		signal, noise float64
	}
	parts := make([]sums, g.count)
	parallel.For(workers, g.count, func(i int) {
		x := g.gather(w, i)
		grid := gridOf(x, p.weightObserver(), p.Weights.Symmetric, typ, affine.Float32)
		if floor != nil {
			grid = widen(grid, x, floor[i])
		}
		c.grids[i] = grid
		s := &parts[i]
		g.each(i, func(from, to int) {
			for j := from; j < to; j++ {
				code := grid.Code(w[j])
				c.codes[j] = byte(code)
				if code == grid.Zero {
					s.zeros++
				}
				e := float64(w[j]) - float64(grid.Value(code))
				s.signal += float64(float64(w[j]) * float64(w[j]))
				s.noise += float64(e * e)
			}
		})
	})
	for _, s := range parts {
		c.zeros += s.zeros
		c.signal += s.signal
		c.noise += s.noise
	}
	return c
}

// gridOf chooses the grid of one group.
func gridOf(x []float32, o Observer, symmetric bool, t affine.Type, s affine.Scale) affine.Grid {
	if g, ok := exactGrid(x, symmetric, t, s); ok {
		return g
	}
	switch o.Kind {
	case "percentile":
		lo, hi := percentile(x, o.Percentile, symmetric)
		return affine.NewIn(lo, hi, symmetric, t, s)
	case "mse":
		return leastError(x, symmetric, t, s)
	}
	lo, hi := extremes(x)
	return affine.NewIn(lo, hi, symmetric, t, s)
}

// extremes returns the least and greatest element, widened to hold zero.
func extremes(x []float32) (lo, hi float64) {
	if len(x) == 0 {
		return 0, 0
	}
	l, h := kernel.MinMax(x)
	return min(float64(l), 0), max(float64(h), 0)
}

// exactGrid returns, for a group whose elements other than zero have one value (or one magnitude, if symmetric), a grid
// that holds it exactly: a scale of it over a power of two, 64 or 128 for 8 bits. A range as usual would give it back off by
// a rounding.
func exactGrid(x []float32, symmetric bool, t affine.Type, s affine.Scale) (affine.Grid, bool) {
	var value float32
	for _, v := range x {
		if symmetric && v < 0 {
			v = -v
		}
		if v == 0 || v == value {
			continue
		}
		if value != 0 {
			return affine.Grid{}, false
		}
		value = v
	}
	g := affine.NewIn(min(float64(value), 0), max(float64(value), 0), symmetric, t, s)
	steps := t.Max - t.Min // 255: a code for each, of which a power of two is used
	if symmetric {
		steps /= 2
	}
	power := int32(1)
	for 2*power <= steps {
		power *= 2
	}
	scale := float32(math.Abs(float64(value))) / float32(power)
	if scale < 0x1p-126 || s.Round(float64(scale), steps) != scale {
		return g, value == 0
	}
	g.Scale = scale
	return g, true
}

// leastError tries shares of the whole range and returns the grid with the least sum of squared errors; of equal ones
// that of the widest range.
func leastError(x []float32, symmetric bool, t affine.Type, s affine.Scale) affine.Grid {
	lo, hi := extremes(x)
	best, least := affine.Grid{}, math.Inf(1)
	for _, ratio := range affine.ClipRatios() {
		g := affine.NewIn(float64(lo*ratio), float64(hi*ratio), symmetric, t, s)
		sum := 0.0
		for _, v := range x {
			e := float64(v) - float64(g.Round(v))
			sum += float64(e * e)
		}
		if sum < least {
			best, least = g, sum
		}
	}
	return best
}

// percentile returns the range that holds the share of the elements, cutting as many below as above; of magnitudes, for
// a symmetric range, only above.
func percentile(x []float32, percent float64, symmetric bool) (lo, hi float64) {
	sorted := make([]float64, len(x))
	for i, v := range x {
		sorted[i] = float64(v)
		if symmetric {
			sorted[i] = math.Abs(sorted[i])
		}
	}
	slices.SortFunc(sorted, cmp.Compare)
	cut := float64(len(x)) * (100 - percent) / 100
	if symmetric {
		n := min(int(cut), len(x)-1)
		return 0, max(0, sorted[len(x)-1-n])
	}
	n := min(int(cut/2), (len(x)-1)/2)
	return min(0, sorted[n]), max(0, sorted[len(x)-1-n])
}

// zeroShare is the part of the 32 bits that the bias of an all-zero group may use: what float32, into which runtimes
// convert the sum, holds exactly.
const zeroShare = 1 << 23

// biasLimit bounds the codes of a bias, with room for the sum that is added to it.
const biasLimit = 1 << 30

// widen raises a grid's scale so that the bias code stays within biasLimit; the scale of a group of zeros is free and
// taken to fit its bias, which a scale of 1 would round to whole steps of the input. unit is |bias| over the scale of
// the input.
func widen(g affine.Grid, x []float32, unit float64) affine.Grid {
	if unit == 0 {
		return g
	}
	least := unit / biasLimit
	if lo, hi := extremes(x); lo == 0 && hi == 0 {
		g.Scale = 0
		least = unit / zeroShare
	}
	if float64(g.Scale) < least {
		g.Scale = float32(min(max(least, 0x1p-126), 1e30))
	}
	return g
}

// sqnr returns the ratio of signal to noise in dB; ok is false if there is no noise.
func sqnr(signal, noise float64) (db float64, ok bool) {
	if noise == 0 || signal == 0 {
		return 0, false
	}
	return 10 * (kernel.Log64(signal/noise) / kernel.Log64(10)), true
}

// nonFinite counts NaN and infinities, and returns a copy with zeros in their place if there are any.
func nonFinite(w []float32) (n int, clean []float32) {
	clean = w
	for i, v := range w {
		if v != v || math.IsInf(float64(v), 0) {
			if n == 0 {
				clean = slices.Clone(w)
			}
			n++
			clean[i] = 0
		}
	}
	return n, clean
}

// tensors returns codes, scales and zero points as tensors. axis as in groupsOf.
func (c *coded) tensors(names [3]string, dtype ir.DType, shape []int, perGroup bool) [3]*ir.Tensor {
	list := headers(names, dtype, shape, perGroup, len(c.grids))
	scales := make([]float32, len(c.grids))
	zeros := make([]byte, len(c.grids))
	for i, g := range c.grids {
		scales[i], zeros[i] = g.Scale, byte(g.Zero)
	}
	return [3]*ir.Tensor{
		ir.NewTensor(names[0], dtype, shape, c.codes),
		ir.FromFloat32s(names[1], list[1].Shape, scales),
		ir.NewTensor(names[2], dtype, list[2].Shape, zeros),
	}
}

// headers returns what tensors returns, without bytes.
func headers(names [3]string, dtype ir.DType, shape []int, perGroup bool, count int) [3]*ir.Tensor {
	var one []int
	if perGroup {
		one = []int{count}
	}
	return [3]*ir.Tensor{header(names[0], dtype, shape), header(names[1], ir.Float32, one), header(names[2], dtype, one)}
}

func header(name string, dtype ir.DType, shape []int) *ir.Tensor {
	return ir.NewTensor(name, dtype, shape, nil).Header()
}
