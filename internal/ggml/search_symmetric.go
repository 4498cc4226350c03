package ggml

// symmetricSearch says which inverse scales fitSymmetric tries.
type symmetricSearch struct {
	n          int32     // codes lie in [-n, n-1]
	numerators []float32 // over the greatest element
}

// newSymmetricSearch tries -n/top, then -(n+0.1i)/top for i = -9…9 without 0.
func newSymmetricSearch(n int32) *symmetricSearch {
	s := &symmetricSearch{n: n, numerators: []float32{-float32(n)}}
	for i := -9; i <= 9; i++ {
		if i != 0 {
			s.numerators = append(s.numerators, -(float32(n) + float32(0.1*float32(i))))
		}
	}
	return s
}

// fitSymmetric (qx) finds the scale for codes in [-n, n-1] and sets codes to them plus n: of the inverse scales that are
// tried, the one with the greatest (Σwxl)²/Σwl² wins, and the scale is Σwxl/Σwl². Groups of zeros get codes 0.
func fitSymmetric(codes []uint8, x, w []float32, s *symmetricSearch) float32 {
	n := s.n
	codes, w = codes[:len(x)], w[:len(x)]
	top, magnitude := greatest(x)
	if magnitude < epsilon {
		clear(codes)
		return 0
	}
	try := func(inverse float32) (sumlx, suml2 float32) {
		for i, v := range x {
			l := float32(clamp(nearest(float32(inverse*v)), -n, n-1))
			sumlx += float32(float32(w[i]*v) * l)
			suml2 += float32(float32(w[i]*l) * l)
		}
		return sumlx, suml2
	}
	winner := s.numerators[0] / top
	sumlx, suml2 := try(winner)
	var scale float32
	if suml2 != 0 {
		scale = sumlx / suml2
	}
	best := float32(scale * sumlx)
	for _, numerator := range s.numerators[1:] {
		candidate := numerator / top
		sumlx, suml2 := try(candidate)
		if suml2 > 0 && float32(sumlx*sumlx) > float32(best*suml2) {
			winner, scale = candidate, sumlx/suml2
			best = float32(scale * sumlx)
		}
	}
	for i, v := range x {
		codes[i] = uint8(n + clamp(nearest(float32(winner*v)), -n, n-1))
	}
	return scale
}

// fitSymmetricSweeps (q3) starts from the inverse scale -n/top, with w = x², and then changes one code at a time where
// that lowers the error, in up to five sweeps.
func fitSymmetricSweeps(codes []uint8, x []float32, n int32) float32 {
	codes = codes[:len(x)]
	top, magnitude := greatest(x)
	if magnitude < epsilon {
		clear(codes)
		return 0
	}
	inverse := -float32(n) / top
	var sumlx, suml2 float32
	for i, v := range x {
		l := clamp(nearest(float32(inverse*v)), -n, n-1)
		codes[i] = uint8(l + n)
		w, l32 := float32(v*v), float32(l)
		sumlx += float32(float32(w*v) * l32)
		suml2 += float32(float32(w*l32) * l32)
	}
	for range 5 {
		changed := false
		for i, v := range x {
			w, old := float32(v*v), float32(int32(codes[i])-n)
			slx := sumlx - float32(float32(w*v)*old)
			if !(slx > 0) {
				continue
			}
			sl2 := suml2 - float32(float32(w*old)*old)
			l := clamp(nearest(float32(v*sl2)/slx), -n, n-1)
			if l+n == int32(codes[i]) {
				continue
			}
			l32 := float32(l)
			slx += float32(float32(w*v) * l32)
			sl2 += float32(float32(w*l32) * l32)
			if sl2 > 0 && float32(float32(slx*slx)*suml2) > float32(float32(sumlx*sumlx)*sl2) {
				codes[i] = uint8(l + n)
				sumlx, suml2, changed = slx, sl2, true
			}
		}
		if !changed {
			break
		}
	}
	if suml2 > 0 {
		return sumlx / suml2
	}
	return 0
}

// fitPositive (qp) finds the scale for codes in [0, n] of numbers that are not negative: inverse scales (n+0.1i)/max for
// i = -4…4 by the weighted squared error, then up to five sweeps as in fitSymmetricSweeps.
func fitPositive(codes []uint8, x, w []float32, n int32) float32 {
	codes, w = codes[:len(x)], w[:len(x)]
	var top float32
	for _, v := range x {
		if !(top > v) {
			top = v
		}
	}
	if top < epsilon {
		clear(codes)
		return 0
	}
	winner := float32(n) / top
	scale := 1 / winner
	var least float32
	for i, v := range x {
		diff := v - float32(scale*float32(uint8(nearest(float32(winner*v)))))
		least += float32(float32(w[i]*diff) * diff)
	}
	for step := -4; step <= 4; step++ {
		if step == 0 {
			continue
		}
		candidate := (float32(0.1*float32(step)) + float32(n)) / top
		if e := positiveError(x, w, candidate, n); e < least {
			winner, least = candidate, e
		}
	}
	var sumlx, suml2 float32
	for i, v := range x {
		l := min(n, nearest(float32(winner*v)))
		codes[i] = uint8(l)
		l32 := float32(l)
		sumlx += float32(float32(w[i]*v) * l32)
		suml2 += float32(float32(w[i]*l32) * l32)
	}
	for range 5 {
		changed := false
		for i, v := range x {
			old := float32(codes[i])
			slx := sumlx - float32(float32(w[i]*v)*old)
			sl2 := suml2 - float32(float32(w[i]*old)*old)
			if !(slx > 0 && sl2 > 0) {
				continue
			}
			l := min(n, nearest(float32(v*sl2)/slx))
			if l == int32(codes[i]) {
				continue
			}
			l32 := float32(l)
			slx += float32(float32(w[i]*v) * l32)
			sl2 += float32(float32(w[i]*l32) * l32)
			if float32(float32(slx*slx)*suml2) > float32(float32(sumlx*sumlx)*sl2) {
				codes[i] = uint8(l)
				sumlx, suml2, changed = slx, sl2, true
			}
		}
		if !changed {
			break
		}
	}
	if suml2 > 0 {
		return sumlx / suml2
	}
	return 0
}

func positiveError(x, w []float32, inverse float32, n int32) float32 {
	scale := 1 / inverse
	var e float32
	for i, v := range x {
		l := min(n, nearest(float32(inverse*v)))
		diff := v - float32(scale*float32(l))
		e += float32(float32(w[i]*diff) * diff)
	}
	return e
}
