package ggml

import "math"

// QuantizeBest is Quantize with a search for less squared error, weighted by importance if it is given: what counts is the
// difference between the elements and what Dequantize makes of the block, whose scales are rounded as they are stored.
// No block has a greater error than Quantize gives it. Types of one number are those of Quantize.
func QuantizeBest(dst []byte, t Type, src []float32, n int, importance []float32) error {
	if err := Quantize(dst, t, src, n, importance); err != nil {
		return err
	}
	improve := improvers[t]
	if improve == nil {
		return nil
	}
	elements, bytes := t.Block()
	ws := workspaces.Get().(*workspace)
	ws.lanes = vectors
	defer workspaces.Put(ws)
	other := make([]byte, bytes)
	room := make([]float32, elements)
	w := make([]float32, min(len(src), chunk))
	for i := range w {
		w[i] = 1
	}
	length := len(src)
	if importance != nil {
		length = n
	}
	for first := 0; first < len(src); first += length {
		for i := 0; i < length; i += chunk {
			x := src[first+i:][:min(chunk, length-i)]
			w := w[:len(x)]
			if importance != nil {
				w = importance[i:][:len(x)]
			}
			if start := starters[t]; start != nil {
				copy(ws.weights[:], w)
				start(ws, x)
			}
			for at := 0; at < len(x); at += elements {
				block := dst[:bytes]
				dst = dst[bytes:]
				part, own := x[at:][:elements], w[at:][:elements]
				improve(ws, other, part, own, at)
				if blockError(other, t, part, own, room) < blockError(block, t, part, own, room) {
					copy(block, other)
				}
			}
		}
	}
	return nil
}

// starters make scales of the groups of a chunk, with the weights of ws, for the improvers that begin with some.
var starters [len(layouts)]func(ws *workspace, x []float32)

// improvers write a block of less squared error; QuantizeBest sees whether it is one. The block's first element has the
// number at in its chunk.
var improvers [len(layouts)]func(ws *workspace, dst []byte, x, w []float32, at int)

func init() {
	improvers = [len(layouts)]func(ws *workspace, dst []byte, x, w []float32, at int){
		Q4_0: improveQ4_0, Q4_1: improveQ4_1, Q5_0: improveQ5_0, Q5_1: improveQ5_1, Q8_0: improveQ8_0,
		Q2_K: improveQ2_K, Q3_K: improveQ3_K, Q4_K: improveQ4_K, Q5_K: improveQ5_K, Q6_K: improveQ6_K,
		IQ4_NL: improveIQ4_NL, IQ4_XS: improveIQ4_XS, MXFP4: improveMXFP4, NVFP4: improveNVFP4,
		TQ1_0: improveTQ1_0, TQ2_0: improveTQ2_0, Q1_0: improveQ1_0, Q2_0: improveQ2_0,
	}
	starters = [len(layouts)]func(ws *workspace, x []float32){
		Q4_1: startQ4_1, Q5_1: startQ5_1, Q2_K: startQ2_K, Q3_K: startQ3_K, Q4_K: startQ4_1, Q5_K: startQ5_1, Q6_K: startQ6_K,
		IQ4_XS: startIQ4_XS,
	}
}

// blockError is the weighted squared error of a block, infinite if it is no number. room holds the block's values.
func blockError(block []byte, t Type, x, w, room []float32) float64 {
	decoders[t](room, block)
	var e float64
	for i, v := range room {
		d := float64(x[i]) - float64(v)
		e += float64(float64(w[i]) * float64(d*d))
	}
	if e != e {
		return math.Inf(1)
	}
	return e
}

// levels are the numbers that codes stand for, in units of the scale: nearest returns that next to t.
type levels struct {
	least, greatest float32
	nearest         func(t float32) float32
}

// whole are the whole numbers from lo to hi.
func whole(lo, hi float32) *levels {
	return &levels{lo, hi, func(t float32) float32 {
		return min(max(float32(math.RoundToEven(float64(t))), lo), hi)
	}}
}

var (
	levelsQ4     = whole(-8, 7)
	levelsQ5     = whole(-16, 15)
	levelsQ8     = whole(-127, 127)
	levelsQ6K    = whole(-32, 31)
	levelsQ3K    = whole(-4, 3)
	levelsTrits  = whole(-1, 1)
	levelsQ2     = whole(-1, 2)
	levelsValues = &levels{-127, 113, func(t float32) float32 { return values4[code4(t)] }}
	levelsE2M1   = &levels{-12, 12, func(t float32) float32 { return doubled2[code2(t, 1)] }}
)

// misfit is the weighted squared error with a scale, and what least squares makes of the scale for the same codes.
func (l *levels) misfit(x, w []float32, scale float32) (e, better float32) {
	inverse := 1 / scale
	var xv, vv float32
	for i, v := range x {
		q := l.nearest(float32(v * inverse))
		d := v - float32(q*scale)
		e += float32(float32(w[i]*d) * d)
		wq := float32(w[i] * q)
		xv += float32(wq * v)
		vv += float32(wq * q)
	}
	if !(e >= 0) {
		e = float32(math.Inf(1))
	}
	if vv > 0 {
		better = xv / vv
	}
	return e, better
}

// fit searches the scale of least error: scales at which the greatest element is from a half to all of the greatest level,
// with either sign, in tries steps; the best of them are followed to where least squares changes nothing. round is how
// the scale is stored.
func (l *levels) fit(x, w []float32, tries int, round func(float32) float32) (scale, e float32) {
	e = float32(math.Inf(1))
	top, magnitude := greatest(x)
	if magnitude == 0 {
		e, _ = l.misfit(x, w, 1)
		return 0, e
	}
	try := func(s float32) {
		for range 8 {
			s = round(s)
			if s == 0 || s-s != 0 {
				return
			}
			now, better := l.misfit(x, w, s)
			if now < e {
				scale, e = s, now
			} else if now > float32(1.1*e) || s == scale {
				return
			}
			if better == s {
				return
			}
			s = better
		}
	}
	for i := range tries {
		part := 1.04 - float32(0.55*float32(i))/float32(tries)
		try(top / float32(l.least*part))
		try(top / float32(l.greatest*part))
	}
	return scale, e
}

// asHalf rounds as float16 stores it.
func asHalf(v float32) float32 {
	var b [2]byte
	putHalf(b[:], v)
	return half(b[:])
}

// codesOf sets codes to the levels' places above the least, for whole levels.
func (l *levels) codesOf(codes []uint8, x []float32, scale float32) {
	inverse := inverse(scale)
	for i, v := range x {
		codes[i] = uint8(int32(l.nearest(float32(v*inverse))) - int32(l.least))
	}
}

func improveQ4_0(_ *workspace, dst []byte, x, w []float32, _ int) {
	var codes [32]uint8
	d, _ := levelsQ4.fit(x, w, 32, asHalf)
	levelsQ4.codesOf(codes[:], x, d)
	putHalf(dst, d)
	putNibbles(dst[2:], codes[:])
}

func improveQ5_0(_ *workspace, dst []byte, x, w []float32, _ int) {
	var codes [32]uint8
	d, _ := levelsQ5.fit(x, w, 32, asHalf)
	levelsQ5.codesOf(codes[:], x, d)
	putHalf(dst, d)
	putFifthBits(dst[2:], codes[:])
	putNibbles(dst[6:], codes[:])
}

func improveQ8_0(_ *workspace, dst []byte, x, w []float32, _ int) {
	d, _ := levelsQ8.fit(x, w, 24, asHalf)
	putHalf(dst, d)
	id := inverse(d)
	for i, v := range x {
		dst[2+i] = uint8(int8(levelsQ8.nearest(float32(v * id))))
	}
}

func improveIQ4_NL(_ *workspace, dst []byte, x, w []float32, _ int) {
	d, _ := levelsValues.fit(x, w, 32, asHalf)
	putHalf(dst, d)
	putCodes4(dst[2:], x, inverse(d))
}

func improveTQ1_0(_ *workspace, dst []byte, x, w []float32, _ int) {
	var codes [256]uint8
	d, _ := levelsTrits.fit(x, w, 48, asHalf)
	levelsTrits.codesOf(codes[:], x, d)
	packTQ1_0(dst, codes[:])
	putHalf(dst[52:], d)
}

func improveTQ2_0(_ *workspace, dst []byte, x, w []float32, _ int) {
	var codes [256]uint8
	d, _ := levelsTrits.fit(x, w, 48, asHalf)
	levelsTrits.codesOf(codes[:], x, d)
	putQuarters(dst[:64], codes[:])
	putHalf(dst[64:], d)
}

// improveQ1_0 takes the weighted mean of the magnitudes.
func improveQ1_0(_ *workspace, dst []byte, x, w []float32, _ int) {
	var sumw, sum float64
	for i, v := range x {
		sumw += float64(w[i])
		sum += float64(float64(w[i]) * float64(abs(v)))
	}
	encodeQ1_0(dst, x, nil, 0)
	if sumw > 0 {
		putHalf(dst, float32(sum/sumw))
	}
}

func improveQ2_0(_ *workspace, dst []byte, x, w []float32, _ int) {
	var codes [64]uint8
	d, _ := levelsQ2.fit(x, w, 48, asHalf)
	levelsQ2.codesOf(codes[:], x, d)
	putHalf(dst, d)
	clear(dst[2:18])
	for i, c := range codes {
		dst[2+i/4] |= c << (i % 4 * 2)
	}
}

// improveMXFP4 tries the exponents around that of Quantize.
func improveMXFP4(_ *workspace, dst []byte, x, w []float32, _ int) {
	encodeMXFP4(dst, x, nil, 0)
	first, least := int(dst[0]), float32(math.Inf(1))
	for e := max(0, first-2); e <= min(253, first+1); e++ {
		if miss, _ := levelsE2M1.misfit(x, w, halfE8M0(uint8(e))); miss < least {
			dst[0], least = uint8(e), miss
		}
	}
	putCodes2(dst[1:17], x, halfE8M0(dst[0]))
}

// improveNVFP4 tries the scales around those of Quantize.
func improveNVFP4(_ *workspace, dst []byte, x, w []float32, _ int) {
	encodeNVFP4(dst, x, nil, 0)
	for s := range 4 {
		part, own := x[16*s:][:16], w[16*s:][:16]
		first, least := int(dst[s]), float32(math.Inf(1))
		for u := max(1, first-12); u <= min(0x7e, first+6); u++ {
			if miss, _ := levelsE2M1.misfit(part, own, halfUE4M3(uint8(u))); miss < least {
				dst[s], least = uint8(u), miss
			}
		}
		putCodes2(dst[4+8*s:][:8], part, halfUE4M3(dst[s]))
	}
}
