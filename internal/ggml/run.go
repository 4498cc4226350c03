package ggml

import (
	"encoding/binary"
	"errors"
	"fmt"
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
}

var encoders [len(layouts)]encoder

var decoders [len(layouts)]func(dst []float32, src []byte)

func init() {
	encoders = [len(layouts)]encoder{
		F32: {block: encodeF32}, F16: {block: encodeF16, scales: []int{0}}, BF16: {block: encodeBF16},
		Q4_0:   {block: encodeQ4_0, weighted: true, rowWise: true, scales: []int{0}},
		Q4_1:   {block: encodeQ4_1, weighted: true, rowWise: true, scales: []int{0, 2}},
		Q5_0:   {block: encodeQ5_0, weighted: true, rowWise: true, scales: []int{0}},
		Q5_1:   {block: encodeQ5_1, weighted: true, rowWise: true, scales: []int{0, 2}},
		Q8_0:   {block: encodeQ8_0, scales: []int{0}},
		Q2_K:   {block: encodeQ2_K, run: runQ2_K, weighted: true, scales: []int{80, 82}},
		Q3_K:   {block: encodeQ3_K, weighted: true, scales: []int{108}},
		Q4_K:   {block: encodeQ4_K, run: runQ4_K, weighted: true, scales: []int{0, 2}},
		Q5_K:   {block: encodeQ5_K, run: runQ5_K, weighted: true, scales: []int{0, 2}},
		Q6_K:   {block: encodeQ6_K, run: runQ6_K, weighted: true, scales: []int{208}},
		IQ4_NL: {block: encodeIQ4_NL, weighted: true, scales: []int{0}},
		IQ4_XS: {block: encodeIQ4_XS, weighted: true, scales: []int{0}},
		MXFP4:  {block: encodeMXFP4},
		NVFP4:  {block: encodeNVFP4},
		TQ1_0:  {block: encodeTQ1_0, scales: []int{52}},
		TQ2_0:  {block: encodeTQ2_0, scales: []int{64}},
		Q1_0:   {block: encodeQ1_0, scales: []int{0}},
		Q2_0:   {block: encodeQ2_0, scales: []int{0}},
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

// encode writes rows of checked sizes.
func encode(dst []byte, t Type, src []float32, n int, importance []float32) error {
	e := &encoders[t]
	elements, bytes := t.Block()
	var ws *workspace
	if vectors != nil && e.run != nil {
		ws = &workspace{lanes: vectors}
	}
	length := len(src) // of what is encoded at once: without importance all rows are one
	if importance != nil {
		length = n
	}
	for first := 0; first < len(src); first += length {
		row := src[first : first+length]
		var rowMean float32
		if e.rowWise && importance != nil {
			rowMean = sumSquares(row) / float32(n)
		}
		for i := 0; i < length; i += chunk {
			x := row[i:min(i+chunk, length)]
			if err := checkFinite(x, first+i); err != nil {
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
			if err := e.checkScales(dst[:size], bytes); err != nil {
				return fmt.Errorf("elements %d to %d: %w", first+i, first+i+len(x)-1, err)
			}
			dst = dst[size:]
		}
	}
	return nil
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

// checkFinite names the first element that is NaN or infinite; first is the number of x[0].
func checkFinite(x []float32, first int) error {
	if vectors != nil && len(x)%32 == 0 && greatestBits(len(x), &x[0]) < 0x7f800000 {
		return nil
	}
	for i, v := range x {
		if v-v != 0 {
			return fmt.Errorf("element %d is %v; blocks hold finite numbers only", first+i, v)
		}
	}
	return nil
}

// checkScales checks that no scale of these blocks is infinite or NaN.
func (e *encoder) checkScales(blocks []byte, bytes int) error {
	for _, p := range e.scales {
		for i := p; i < len(blocks); i += bytes {
			if binary.LittleEndian.Uint16(blocks[i:])&0x7c00 == 0x7c00 {
				return errors.New("a scale lies beyond float16, which ends at 65504")
			}
		}
	}
	return nil
}
