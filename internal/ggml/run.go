package ggml

import (
	"encoding/binary"
	"fmt"
	"math"
)

// encoder is how a type is written.
type encoder struct {
	// block writes one block. importance is that of its elements or nil; rowMean is the mean square of the whole row, given
	// where rowWise and importance is not nil.
	block func(dst []byte, x, importance []float32, rowMean float32)
	// run writes the blocks of a chunk in vectors; nil if there is no such form.
	run      func(ws *workspace, dst []byte, x, importance []float32, rowMean float32)
	weighted bool  // importance changes the bytes
	rowWise  bool  // the weights depend on the whole row
	scales   []int // where the block has float16 scales
	limit    limit // for types of one number
	direct   bool  // without importance no scale is greater than the greatest element
}

// limit says from where on finite numbers would become infinite.
type limit struct {
	from float32
	name string
	ends string
}

var encoders [len(layouts)]encoder

var decoders [len(layouts)]func(dst []float32, src []byte)

func init() {
	encoders = [len(layouts)]encoder{
		F32:    {block: encodeF32, run: runF32},
		F16:    {block: encodeF16, run: runF16, limit: limit{65520, "float16", "65504"}},
		BF16:   {block: encodeBF16, run: runBF16, limit: limit{0x1.ffp127, "bfloat16", "3.39e38"}},
		Q4_0:   {block: encodeQ4_0, run: runQ4_0, weighted: true, rowWise: true, scales: []int{0}, direct: true},
		Q4_1:   {block: encodeQ4_1, run: runQ4_1, weighted: true, rowWise: true, scales: []int{0, 2}, direct: true},
		Q5_0:   {block: encodeQ5_0, run: runQ5_0, weighted: true, rowWise: true, scales: []int{0}, direct: true},
		Q5_1:   {block: encodeQ5_1, run: runQ5_1, weighted: true, rowWise: true, scales: []int{0, 2}, direct: true},
		Q8_0:   {block: encodeQ8_0, run: runQ8_0, scales: []int{0}, direct: true},
		Q2_K:   {block: encodeQ2_K, run: runQ2_K, weighted: true, scales: []int{80, 82}},
		Q3_K:   {block: encodeQ3_K, run: runQ3_K, weighted: true, scales: []int{108}},
		Q4_K:   {block: encodeQ4_K, run: runQ4_K, weighted: true, scales: []int{0, 2}},
		Q5_K:   {block: encodeQ5_K, run: runQ5_K, weighted: true, scales: []int{0, 2}},
		Q6_K:   {block: encodeQ6_K, run: runQ6_K, weighted: true, scales: []int{208}},
		IQ4_NL: {block: encodeIQ4_NL, run: runIQ4_NL, weighted: true, scales: []int{0}},
		IQ4_XS: {block: encodeIQ4_XS, run: runIQ4_XS, weighted: true, scales: []int{0}},
		MXFP4:  {block: encodeMXFP4, run: runMXFP4},
		NVFP4:  {block: encodeNVFP4, run: runNVFP4},
		TQ1_0:  {block: encodeTQ1_0, run: runTQ1_0, scales: []int{52}, direct: true},
		TQ2_0:  {block: encodeTQ2_0, run: runTQ2_0, scales: []int{64}, direct: true},
		Q1_0:   {block: encodeQ1_0, run: runQ1_0, scales: []int{0}, direct: true},
		Q2_0:   {block: encodeQ2_0, run: runQ2_0, scales: []int{0}, direct: true},
	}
	decoders = [len(layouts)]func(dst []float32, src []byte){
		F32: decodeF32, F16: decodeF16, BF16: decodeBF16, F64: decodeF64, I8: decodeI8, I16: decodeI16, I32: decodeI32, I64: decodeI64,
		Q4_0: decodeQ4_0, Q4_1: decodeQ4_1, Q5_0: decodeQ5_0, Q5_1: decodeQ5_1, Q8_0: decodeQ8_0, Q8_1: decodeQ8_1,
		Q2_K: decodeQ2_K, Q3_K: decodeQ3_K, Q4_K: decodeQ4_K, Q5_K: decodeQ5_K, Q6_K: decodeQ6_K, Q8_K: decodeQ8_K,
		IQ4_NL: decodeIQ4_NL, IQ4_XS: decodeIQ4_XS, MXFP4: decodeMXFP4, NVFP4: decodeNVFP4,
		TQ1_0: decodeTQ1_0, TQ2_0: decodeTQ2_0, Q1_0: decodeQ1_0, Q2_0: decodeQ2_0,
		IQ2_XXS: decodeIQ2_XXS, IQ2_XS: decodeIQ2_XS, IQ2_S: decodeIQ2_S, IQ3_XXS: decodeIQ3_XXS, IQ3_S: decodeIQ3_S,
		IQ1_S: decodeIQ1_S, IQ1_M: decodeIQ1_M,
	}
}

// forms are the vector forms that this processor has, best first; vectors is the one in use, nil for plain Go.
var (
	forms   = machines()
	vectors = best(forms)
)

func best(all []*lanes) *lanes {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// source gives n elements from first on, until it is asked again; n is at most a chunk.
type source func(first, n int) []float32

// encode writes count elements in rows of n, of checked sizes.
func encode(dst []byte, t Type, src source, count, n int, importance []float32) error {
	e := &encoders[t]
	elements, bytes := t.Block()
	var ws *workspace
	if vectors != nil && e.run != nil {
		ws = workspaces.Get().(*workspace)
		ws.lanes = vectors
		defer workspaces.Put(ws)
	}
	length := count // of what is encoded at once: without importance all rows are one
	if importance != nil {
		length = n
	}
	for first := 0; first < count; first += length {
		var rowMean float32
		if e.rowWise && importance != nil {
			rowMean = meanSquare(src, first, n)
		}
		for i := 0; i < length; i += chunk {
			x := src(first+i, min(chunk, length-i))
			top, err := checkFinite(x, first+i)
			if err == nil && e.limit.from > 0 && top >= e.limit.from {
				err = e.limit.check(x, first+i)
			}
			if err != nil {
				return err
			}
			var own []float32
			if importance != nil {
				own = importance[i:][:len(x)]
			}
			size := len(x) / elements * bytes
			if ws != nil {
				e.run(ws, dst[:size], x, own, rowMean)
			} else {
				e.encode(dst[:size], x, own, rowMean, elements, bytes)
			}
			if !e.direct || importance != nil || top >= 32768 {
				if bad := e.checkScales(dst[:size], bytes); bad >= 0 {
					return tooGreat(first+i+bad*elements, elements)
				}
			}
			dst = dst[size:]
		}
	}
	return nil
}

// check names the first element beyond the limit; first is the number of x[0].
func (l limit) check(x []float32, first int) error {
	for i, v := range x {
		if abs(v) >= l.from {
			return fmt.Errorf("element %d is %v; %s ends at %s", first+i, v, l.name, l.ends)
		}
	}
	return nil
}

func tooGreat(first, elements int) error {
	return fmt.Errorf("elements %d to %d are so great that their scale lies beyond float16, which ends at 65504", first, first+elements-1)
}

// meanSquare of n elements is the sum of their squares, in order, over n.
func meanSquare(src source, first, n int) float32 {
	var sum float32
	for i := 0; i < n; i += chunk {
		for _, v := range src(first+i, min(chunk, n-i)) {
			sum += float32(v * v)
		}
	}
	return sum / float32(n)
}

// encode writes the blocks of a chunk in plain Go.
func (e *encoder) encode(dst []byte, x, importance []float32, rowMean float32, elements, bytes int) {
	for i := 0; i < len(x); i += elements {
		var own []float32
		if importance != nil {
			own = importance[i : i+elements]
		}
		e.block(dst[:bytes:bytes], x[i:i+elements:i+elements], own, rowMean)
		dst = dst[bytes:]
	}
}

// checkFinite returns the greatest magnitude, or an error that names the first element that is NaN or infinite; first is
// the number of x[0].
func checkFinite(x []float32, first int) (float32, error) {
	var top uint32
	n := 0
	if vectors != nil {
		if n = len(x) &^ 31; n > 0 {
			top = greatestBits(n, &x[0])
		}
	}
	for _, v := range x[n:] {
		top = max(top, math.Float32bits(v)&^(1<<31))
	}
	if top < 0x7f800000 {
		return math.Float32frombits(top), nil
	}
	for i, v := range x {
		if v-v != 0 {
			return 0, fmt.Errorf("element %d is %v; blocks hold finite numbers only", first+i, v)
		}
	}
	panic("unreachable")
}

// checkScales returns the first block with a scale that is infinite or NaN, or -1.
func (e *encoder) checkScales(blocks []byte, bytes int) int {
	for _, p := range e.scales {
		for i := p; i < len(blocks); i += bytes {
			if binary.LittleEndian.Uint16(blocks[i:])&0x7c00 == 0x7c00 {
				return i / bytes
			}
		}
	}
	return -1
}

// decode reads blocks of checked sizes.
func decode(dst []float32, t Type, src []byte) {
	elements, bytes := t.Block()
	if vectors != nil && (t == F16 || t == BF16) {
		if n := len(dst) &^ 15; n > 0 {
			if t == F16 {
				fromF16(n, &dst[0], &src[0])
			} else {
				fromBF16(n, &dst[0], &src[0])
			}
			dst, src = dst[n:], src[2*n:]
		}
	}
	if vectors != nil && t == F32 && len(dst) > 0 {
		fromF32(dst, src)
		return
	}
	for block := decoders[t]; len(dst) > 0; dst, src = dst[elements:], src[bytes:] {
		block(dst[:elements:elements], src[:bytes:bytes])
	}
}
