package measure

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/internal/affine"
	"github.com/pare-ml/pare/internal/kernel"
)

// needsHistogram tells whether an observer needs more than extremes.
func needsHistogram(kind string) bool {
	return kind == "percentile" || kind == "mse" || kind == "entropy"
}

// observer returns the function that chooses a value's range.
func observer(o Observer) (func(*observed) Range, error) {
	switch o.Bits {
	case 0, 8:
	default:
		return nil, fmt.Errorf("an observer for %d-bit codes is not there", o.Bits)
	}
	var choose func(*observed) Range
	switch o.Kind {
	case "minmax":
		choose = func(v *observed) Range { return Range{v.lo, v.hi} }
	case "ema_minmax":
		choose = func(v *observed) Range { return Range{v.emaLo, v.emaHi} }
	case "percentile":
		if !(o.Percentile > 0 && o.Percentile <= 100) {
			return nil, fmt.Errorf("percentile is %g; it must lie above 0 and at most at 100", o.Percentile)
		}
		choose = func(v *observed) Range { return percentile(v.histogram(o.Symmetric), o.Percentile) }
	case "mse":
		choose = func(v *observed) Range { return leastError(v.histogram(o.Symmetric), o.Symmetric) }
	case "entropy":
		choose = func(v *observed) Range { return leastDivergence(v.histogram(o.Symmetric), o.Symmetric) }
	default:
		return nil, fmt.Errorf("there is no observer %q", o.Kind)
	}
	if !o.Symmetric {
		return choose, nil
	}
	return func(v *observed) Range {
		r := choose(v)
		limit := max(-r.Lo, r.Hi)
		return Range{-limit, limit}
	}, nil
}

// percentile returns the range that holds the share of all elements, zeros included, cutting as much below as above. A
// bin is cut only whole. Of magnitudes only the upper end is cut.
func percentile(h histogram, percent float64) Range {
	total := sum(h.bins) + h.zeros
	cut := float64(total) * (100 - percent) / 100
	if h.lo < 0 {
		cut /= 2
	}
	below := func(i int) float64 { return h.lo + float64(float64(i)*h.width) } // lower edge of bin i
	first, last := 0, len(h.bins)
	if h.lo < 0 {
		for n := int64(0); first < last && below(first+1) <= 0; first++ {
			if n += h.bins[first]; float64(n) > cut {
				break
			}
		}
	}
	for n := int64(0); last > first && below(last-1) >= 0; last-- {
		if n += h.bins[last-1]; float64(n) > cut {
			break
		}
	}
	return Range{min(0, below(first)), max(0, below(last))}
}

// leastError tries shares of the whole range and returns the one whose codes give the least sum of squared errors over
// the histogram; of equal ones the widest.
func leastError(h histogram, symmetric bool) Range {
	whole := Range{min(0, h.lo), max(0, h.lo+float64(float64(len(h.bins))*h.width))}
	best, least := whole, math.Inf(1)
	for _, ratio := range affine.ClipRatios() {
		r := Range{float64(whole.Lo * ratio), float64(whole.Hi * ratio)}
		g := affine.New(r.Lo, r.Hi, symmetric, affine.Uint8)
		var sum float64
		for i, n := range h.bins {
			if n > 0 {
				x := h.center(i)
				e := x - roundTo(g, x)
				sum += float64(float64(n) * float64(e*e))
			}
		}
		if sum < least {
			best, least = r, sum
		}
	}
	return best
}

// roundTo returns the number of the grid nearest to x, in float64.
func roundTo(g affine.Grid, x float64) float64 {
	scale, zero := float64(g.Scale), float64(g.Zero)
	q := math.RoundToEven(x/scale) + zero
	q = min(max(q, float64(g.Min)), float64(g.Max))
	return float64((q - zero) * scale)
}

// entropyStep is the difference in bins between two candidates of leastDivergence.
const entropyStep = 16

// leastDivergence returns the range for which the distribution of the codes diverges least from that of the elements
// inside it (Migacz 2017, "8-bit Inference with TensorRT"): for each candidate P is the histogram inside the range with
// what lies outside added to its ends, Q the same histogram without the outside, made constant over the bins that share
// a code. Candidates cut all magnitudes above a limit, from the whole range down to as many bins as there are codes. Of
// equal ones the widest wins.
func leastDivergence(h histogram, symmetric bool) Range {
	levels := 255
	if symmetric {
		levels = 127
	}
	n := len(h.bins)
	zero := 0 // the bin nearest to zero begins there
	if h.width > 0 && h.lo < 0 {
		zero = min(n, int(math.RoundToEven(-h.lo/h.width)))
	}
	edge := func(i int) float64 { return h.lo + float64(float64(i)*h.width) }
	best, least := Range{min(0, edge(0)), max(0, edge(n))}, math.Inf(1)
	for limit := max(zero, n-zero); ; limit -= entropyStep {
		from, to := max(0, zero-limit), min(n, zero+limit)
		if to-from < levels {
			return best
		}
		if d, ok := divergence(h.bins, from, to, float64(levels)); ok && d < least {
			least = d
			best = Range{min(0, edge(from)), max(0, edge(to))}
		}
	}
}

// divergence returns the Kullback-Leibler divergence from P to Q for the bins [from, to) cut into as many runs as there
// are levels. What lies outside counts for the outermost bins inside that hold anything, so that P stays within the
// support of Q. ok is false if nothing is inside.
func divergence(counts []int64, from, to int, levels float64) (d float64, ok bool) {
	first, last := from, to-1
	for first < to && counts[first] == 0 {
		first++
	}
	for last >= from && counts[last] == 0 {
		last--
	}
	if first >= to {
		return 0, false
	}
	under, inside, over := sum(counts[:from]), sum(counts[from:to]), sum(counts[to:])
	total := float64(under + inside + over)
	run := func(i int) int { return from + int(float64(float64(i)*float64(to-from))/levels) }
	for i := range int(levels) {
		a, b := run(i), run(i+1)
		used := 0
		for _, c := range counts[a:b] {
			if c > 0 {
				used++
			}
		}
		q := float64(sum(counts[a:b])) / float64(used) / float64(inside)
		for j := a; j < b; j++ {
			c := counts[j]
			if c == 0 {
				continue
			}
			if j == first {
				c += under
			}
			if j == last {
				c += over
			}
			p := float64(c) / total
			d += float64(p * kernel.Log64(p/q))
		}
	}
	return d, true
}

func sum(counts []int64) int64 {
	var n int64
	for _, c := range counts {
		n += c
	}
	return n
}
