package ggml

// affineSearch says which inverse scales fitAffine tries.
type affineSearch struct {
	n          int32     // the greatest code
	absolute   bool      // the error is Σw|d| instead of Σwd²
	numerators []float32 // over max-min, rising
	below      int       // how many numerators are below n+0.5, so that no code needs a clamp to n
}

// newAffineSearch tries (from + step·i + n)/(max-min) for i = 0…steps.
func newAffineSearch(n int32, from, step float32, steps int) *affineSearch {
	s := &affineSearch{n: n}
	for i := range steps + 1 {
		v := from + float32(step*float32(i)) + float32(n)
		s.numerators = append(s.numerators, v)
		if v < float32(n)+0.499 {
			s.below++
		}
	}
	return s
}

// fitAffine (qkx2, qkx3) finds scale and minimum for codes in [0, n]: x ≈ scale·code - minimum. It starts from (max-min)/n
// with a minimum of 0 at most, tries weighted least squares for the codes of each candidate, and keeps the least error.
// A candidate that wins also moves the minimum from which later candidates count their codes.
func fitAffine(codes []uint8, x, w []float32, s *affineSearch) (scale, minimum float32) {
	codes, w = codes[:len(x)], w[:len(x)]
	lo, hi := x[0], x[0]
	sumw := w[0]
	sumx := float32(sumw * x[0])
	for i, v := range x[1:] {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		sumw += w[i+1]
		sumx += float32(w[i+1] * v)
	}
	if lo > 0 {
		lo = 0
	}
	if hi <= lo {
		clear(codes)
		return 0, -lo
	}
	n := float32(s.n)
	winner, from := n/(hi-lo), lo // what the codes come from in the end
	scale = 1 / winner
	least := affineError(x, w, winner, lo, scale, lo, s)
	width := hi - lo
	for _, numerator := range s.numerators {
		candidate := numerator / width
		var suml, suml2, sumxl float32
		for i, v := range x {
			l := float32(clamp(nearest(float32(candidate*(v-lo))), 0, s.n))
			wl := float32(w[i] * l)
			suml += wl
			suml2 += float32(wl * l)
			sumxl += float32(wl * v)
		}
		det := float32(sumw*suml2) - float32(suml*suml)
		if !(det > 0) {
			continue
		}
		newScale := (float32(sumw*sumxl) - float32(sumx*suml)) / det
		newLo := (float32(suml2*sumx) - float32(suml*sumxl)) / det
		if newLo > 0 {
			newLo, newScale = 0, sumxl/suml2
		}
		if e := affineError(x, w, candidate, lo, newScale, newLo, s); e < least {
			winner, from, least = candidate, lo, e
			scale, lo = newScale, newLo
			width = hi - lo
		}
	}
	for i, v := range x {
		codes[i] = uint8(clamp(nearest(float32(winner*(v-from))), 0, s.n))
	}
	return scale, -lo
}

// affineError is the weighted error of scale and minimum with the codes that inverse and from give.
func affineError(x, w []float32, inverse, from, scale, lo float32, s *affineSearch) float32 {
	var e float32
	for i, v := range x {
		l := float32(clamp(nearest(float32(inverse*(v-from))), 0, s.n))
		diff := float32(scale*l) + lo - v
		if s.absolute {
			diff = abs(diff)
		} else {
			diff = float32(diff * diff)
		}
		e += float32(w[i] * diff)
	}
	return e
}
