package ggml

// recodeAffine sets ws.codes to recode of all groups of a chunk: number and add have the scales and minimums as they are
// stored, for each group. Groups whose stored scale is 0 keep the codes of the search.
func (ws *workspace) recodeAffine(x []float32, length int, kind weighting, s *affineSearch, number, add []float32) {
	ws.divide(x, length, number, add, 0, s.n)
	for g, d := range number[:len(x)/length] {
		if d == 0 {
			ws.plainAffine(ws.codes[g*length:], x[g*length:][:length], g*length, kind, s)
		}
	}
}

var zeros [chunk / 16]float32

// recodeSymmetric is recodeAffine for fitSymmetric.
func (ws *workspace) recodeSymmetric(x []float32, length int, kind weighting, s *symmetricSearch, number []float32) {
	ws.divide(x, length, number, zeros[:], -s.n, s.n-1)
	for g, d := range number[:len(x)/length] {
		if d == 0 {
			ws.plainSymmetric(ws.codes[g*length:], x[g*length:][:length], g*length, kind, s)
		}
	}
}

// divide is recode for all groups of a chunk.
func (ws *workspace) divide(x []float32, length int, number, add []float32, lo, hi int32) {
	if length == 32 { // an entry for each 16 elements
		var twice, both [chunk / 16]float32
		for g := range len(x) / 32 {
			twice[2*g], twice[2*g+1] = number[g], number[g]
			both[2*g], both[2*g+1] = add[g], add[g]
		}
		number, add = twice[:], both[:]
	}
	if divideCodes(len(x)/32, &ws.codes[0], &x[0], &add[0], &number[0], float32(lo), float32(hi)) < 4e6 {
		return
	}
	for g := range len(x) / 16 {
		recode(ws.codes[16*g:][:16], x[16*g:][:16], number[g], add[g], lo, hi)
	}
}

// multiply sets ws.codes to (x + add)·number, rounded and clamped, minus lo, for groups of 32. add may be nil.
func (ws *workspace) multiply(x, number, add []float32, lo, hi int32) {
	var twice, both [chunk / 16]float32
	for g := range len(x) / 32 {
		twice[2*g], twice[2*g+1] = number[g], number[g]
		if add != nil {
			both[2*g], both[2*g+1] = add[g], add[g]
		}
	}
	multiplyCodes(len(x)/32, &ws.codes[0], &x[0], &both[0], &twice[0], float32(lo), float32(hi))
}
