package ggml

import "math"

// The blocks of 256 have scales of scales: each group's scale is searched alone, then d and all whole scales together.

func startQ4_1(ws *workspace, x []float32) { ws.startAffine(x, 32, searchQ4) }
func startQ5_1(ws *workspace, x []float32) { ws.startAffine(x, 32, searchQ5) }
func startQ2_K(ws *workspace, x []float32) { ws.startAffine(x, 16, searchQ2KWeight) }
func startQ3_K(ws *workspace, x []float32) { ws.startSymmetric(x, 16, searchQ3K) }
func startQ6_K(ws *workspace, x []float32) { ws.startSymmetric(x, 16, searchQ6K) }

// startAffine sets ws.scales and ws.offsets, in vectors if there are any.
func (ws *workspace) startAffine(x []float32, length int, s *affineSearch) {
	if ws.lanes != nil {
		ws.fitAffine(x, length, given, s)
		return
	}
	for g := range len(x) / length {
		ws.scales[g], ws.offsets[g] = ws.plainAffine(ws.codes[:], x[g*length:][:length], g*length, given, s)
	}
}

// startSymmetric sets ws.scales.
func (ws *workspace) startSymmetric(x []float32, length int, s *symmetricSearch) {
	if ws.lanes != nil {
		ws.fitSymmetric(x, length, given, s)
		return
	}
	for g := range len(x) / length {
		ws.scales[g] = ws.plainSymmetric(ws.codes[:], x[g*length:][:length], g*length, given, s)
	}
}

func startIQ4_XS(ws *workspace, x []float32) {
	if ws.lanes != nil {
		ws.fit4(x, given)
		return
	}
	for g := range len(x) / 32 {
		ws.scales[g] = fit4(x[32*g:][:32], ws.weights[32*g:][:32])
	}
}

// affine is x ≈ scale·code - minimum with codes in [0, n], for a group.
type affine struct {
	x, w []float32
	n    float32
}

// misfit is the weighted squared error.
func (a affine) misfit(scale, minimum float32) float32 {
	inverse := inverse(scale)
	var e float32
	w := a.w[:len(a.x)]
	for i, v := range a.x {
		q := min(max(float32(math.RoundToEven(float64(float32((v+minimum)*inverse)))), 0), a.n)
		d := v + minimum - float32(q*scale)
		e += float32(float32(w[i]*d) * d)
	}
	if !(e >= 0) {
		return float32(math.Inf(1))
	}
	return e
}

// sums adds to the normal equations of x ≈ d·s·code - dmin·m.
func (a affine) sums(scale, minimum, s, m float32, to *[5]float64) {
	inverse := inverse(scale)
	for i, v := range a.x {
		q := min(max(float32(math.RoundToEven(float64(float32((v+minimum)*inverse)))), 0), a.n)
		p, r, x, w := float64(s*q), float64(m), float64(v), float64(a.w[i])
		wp, wr := float64(w*p), float64(w*r)
		to[0] += float64(wp * p)
		to[1] += float64(wp * r)
		to[2] += float64(wr * r)
		to[3] += float64(wp * x)
		to[4] += float64(wr * x)
	}
}

// solve returns the d and dmin of least squares, false where they are not determined.
func solve(s *[5]float64) (d, dmin float32, ok bool) {
	det := float64(s[0]*s[2]) - float64(s[1]*s[1])
	if !(det > float64(1e-9*float64(s[0]*s[2]))) {
		if s[0] > 0 {
			return float32(s[3] / s[0]), 0, s[2] == 0
		}
		return 0, 0, false
	}
	return float32((float64(s[3]*s[2]) - float64(s[4]*s[1])) / det), float32((float64(s[3]*s[1]) - float64(s[4]*s[0])) / det), true
}

// improveOffset finds d and m of a block of 32: from where the search of one group ends, by least squares in turn with
// codes, and by steps of the stored d.
func improveOffset(x, w []float32, n float32, scale, offset float32) (d, m float32) {
	a := affine{x, w, n}
	least := float32(math.Inf(1))
	follow := func(s, o float32) {
		for range 6 {
			s, o = asHalf(s), asHalf(o)
			e := a.misfit(s, o)
			if !(e < least) {
				return
			}
			least, d, m = e, s, -o
			var sums [5]float64
			a.sums(s, o, 1, 1, &sums)
			var ok bool
			if s, o, ok = solve(&sums); !ok {
				return
			}
		}
	}
	follow(scale, offset)
	lo, hi := x[0], x[0]
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	for i := range 24 {
		wide := float32(float32(hi-lo) * (1.05 - float32(0.02*float32(i))))
		middle := float32(float32(hi-lo)*0.5) + lo
		follow(wide/n, float32(wide*0.5)-middle)
	}
	return d, m
}

func improveQ4_1(ws *workspace, dst []byte, x, w []float32, at int) {
	d, m := improveOffset(x, w, 15, ws.scales[at/32], ws.offsets[at/32])
	var codes [32]uint8
	putHalf(dst, d)
	putHalf(dst[2:], m)
	recode(codes[:], x, d, -m, 0, 15)
	putNibbles(dst[4:], codes[:])
}

func improveQ5_1(ws *workspace, dst []byte, x, w []float32, at int) {
	d, m := improveOffset(x, w, 31, ws.scales[at/32], ws.offsets[at/32])
	var codes [32]uint8
	putHalf(dst, d)
	putHalf(dst[2:], m)
	recode(codes[:], x, d, -m, 0, 31)
	putFifthBits(dst[4:], codes[:])
	putNibbles(dst[8:], codes[:])
}

// offsetBlock is a block of 256 of groups with whole scales s and minimums m.
type offsetBlock struct {
	x, w    []float32
	length  int
	n       float32
	top     float32 // the greatest whole scale
	d, dmin float32
	s, m    [16]float32
}

func (b *offsetBlock) group(j int) affine {
	return affine{b.x[j*b.length:][:b.length], b.w[j*b.length:][:b.length], b.n}
}

// improve sets d, dmin, s and m, from the scales and minimums of the groups.
func (b *offsetBlock) improve(scales, mins []float32) {
	var s, m float32
	for j := range scales {
		s, m = max(s, scales[j]), max(m, mins[j])
	}
	b.d, b.dmin = asHalf(s/b.top), asHalf(m/b.top)
	for j := range scales {
		b.s[j] = b.whole(scales[j], b.d)
		b.m[j] = b.whole(mins[j], b.dmin)
	}
	least := b.adjust(len(scales))
	for range 4 {
		var sums [5]float64
		for j := range scales {
			b.group(j).sums(float32(b.d*b.s[j]), float32(b.dmin*b.m[j]), b.s[j], b.m[j], &sums)
		}
		before := *b
		d, dmin, ok := solve(&sums)
		b.d, b.dmin = asHalf(d), asHalf(max(0, dmin))
		if !ok || b.d-b.d != 0 || b.dmin-b.dmin != 0 {
			*b = before
			return
		}
		e := b.adjust(len(scales))
		if !(e < least) {
			*b = before
			return
		}
		least = e
	}
}

func (b *offsetBlock) whole(v, unit float32) float32 {
	if unit == 0 {
		return 0
	}
	return min(max(float32(math.RoundToEven(float64(v/unit))), 0), b.top)
}

// adjust moves each group's whole scale and minimum by at most 1, to the least error, and returns the sum of errors.
func (b *offsetBlock) adjust(groups int) float32 {
	var total float32
	for j := range groups {
		g, s, m := b.group(j), b.s[j], b.m[j]
		least := float32(math.Inf(1))
		for ds := float32(-1); ds <= 1; ds++ {
			for dm := float32(-1); dm <= 1; dm++ {
				if s+ds < 0 || s+ds > b.top || m+dm < 0 || m+dm > b.top {
					continue
				}
				if e := g.misfit(float32(b.d*(s+ds)), float32(b.dmin*(m+dm))); e < least {
					least, b.s[j], b.m[j] = e, s+ds, m+dm
				}
			}
		}
		total += least
	}
	return total
}

// write sets codes, and s and m as bytes.
func (b *offsetBlock) write(codes []uint8, s, m []uint8) {
	for j := range s {
		s[j], m[j] = uint8(b.s[j]), uint8(b.m[j])
		g := b.group(j)
		recode(codes[j*b.length:][:b.length], g.x, float32(b.d*b.s[j]), float32(b.dmin*b.m[j]), 0, int32(b.n))
	}
}

func improveQ2_K(ws *workspace, dst []byte, x, w []float32, at int) {
	b := &offsetBlock{x: x, w: w, length: 16, n: 3, top: 15}
	b.improve(ws.scales[at/16:][:16], ws.offsets[at/16:][:16])
	var codes [256]uint8
	var s, m [16]uint8
	b.write(codes[:], s[:], m[:])
	for j := range s {
		dst[j] = s[j] | m[j]<<4
	}
	putQuarters(dst[16:80], codes[:])
	putHalf(dst[80:], b.d)
	putHalf(dst[82:], b.dmin)
}

func improveQ4_K(ws *workspace, dst []byte, x, w []float32, at int) {
	var codes [256]uint8
	improve32(ws, dst, codes[:], x, w, at, 15)
	packQ4_K(dst, codes[:])
}

func improveQ5_K(ws *workspace, dst []byte, x, w []float32, at int) {
	var codes [256]uint8
	improve32(ws, dst, codes[:], x, w, at, 31)
	packQ5_K(dst, codes[:])
}

func improve32(ws *workspace, dst []byte, codes []uint8, x, w []float32, at int, n float32) {
	b := &offsetBlock{x: x, w: w, length: 32, n: n, top: 63}
	b.improve(ws.scales[at/32:][:8], ws.offsets[at/32:][:8])
	var s, m [8]uint8
	b.write(codes, s[:], m[:])
	putHalf(dst, b.d)
	putHalf(dst[2:], b.dmin)
	putScales(dst[4:16], &s, &m)
}
