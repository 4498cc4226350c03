package ggml

import "encoding/binary"

// Q6_K: 16 sub-blocks of 16. ql[128], qh[64], int8 scales[16], float16 d; x ≈ d·scale·(code-32).

var searchQ6K = newSymmetricSearch(32)

func encodeQ6_K(dst []byte, x, importance []float32, _ float32) {
	var codes [256]uint8
	var scales, number, w [16]float32
	for j := range scales {
		part := x[16*j:][:16]
		weights := w[:]
		if importance != nil {
			weights = importance[16*j:][:16]
		} else {
			for i, v := range part {
				w[i] = float32(v * v)
			}
		}
		scales[j] = fitSymmetric(codes[16*j:][:16], part, weights, searchQ6K)
	}
	if !scalesQ6_K(dst, scales[:], number[:]) {
		return
	}
	for j, d := range number {
		recode(codes[16*j:][:16], x[16*j:][:16], d, 0, -32, 31)
	}
	packQ6_K(dst, codes[:])
}

// scalesQ6_K writes d and the scales, and sets number to the scales as they are stored. If all are zero it clears the
// block and returns false.
func scalesQ6_K(dst []byte, scales, number []float32) bool {
	top, magnitude := greatest(scales)
	if magnitude < epsilon {
		clear(dst[:210])
		clear(number)
		return false
	}
	per := -128 / top
	putHalf(dst[208:], 1/per)
	d := half(dst[208:])
	for j, v := range scales {
		dst[192+j] = uint8(min(127, nearest(float32(per*v))))
		number[j] = d * float32(int8(dst[192+j]))
	}
	return true
}

// runQ6_K is encodeQ6_K for the blocks of a chunk.
func runQ6_K(ws *workspace, dst []byte, x, importance []float32, _ float32) {
	kind := squares
	if importance != nil {
		kind = given
		copy(ws.weights[:], importance)
	}
	ws.fitSymmetric(x, 16, kind, searchQ6K)
	var number [chunk / 16]float32
	var zero [chunk / 256]bool
	for b := range len(x) / 256 {
		zero[b] = !scalesQ6_K(dst[210*b:], ws.scales[16*b:][:16], number[16*b:][:16])
	}
	ws.recodeSymmetric(x, 16, kind, searchQ6K, number[:])
	for b := range len(x) / 256 {
		if !zero[b] {
			packQ6_K(dst[210*b:], ws.codes[256*b:])
		}
	}
}

// packQ6_K writes 256 codes of 6 bits; of each 128, ql[l] has the low nibbles of l and l+64, ql[l+32] of l+32 and l+96;
// qh[l] the top bits of l, l+32, l+64, l+96.
func packQ6_K(dst []byte, codes []uint8) {
	for k := range 2 {
		ql, qh, from := dst[64*k:][:64], dst[128+32*k:][:32], codes[128*k:][:128]
		for l := 0; l < 32; l += 8 {
			a, b, c, d := eight(from[l:]), eight(from[l+32:]), eight(from[l+64:]), eight(from[l+96:])
			binary.LittleEndian.PutUint64(ql[l:], a&(15*ones)|c&(15*ones)<<4)
			binary.LittleEndian.PutUint64(ql[l+32:], b&(15*ones)|d&(15*ones)<<4)
			binary.LittleEndian.PutUint64(qh[l:], a>>4&(3*ones)|b>>4&(3*ones)<<2|c&(0x30*ones)|d&(0x30*ones)<<2)
		}
	}
}

func decodeQ6_K(dst []float32, src []byte) {
	d := half(src[208:])
	for j := range 16 {
		scale := float32(d * float32(int8(src[192+j])))
		ql, qh := src[j/8*64+j%4*16:][:16], src[128+j/8*32+j%2*16:][:16]
		for i, b := range ql {
			q := int32(b>>(j%8/4*4)&15) | int32(qh[i]>>(j%8/2*2)&3)<<4
			dst[16*j+i] = scale * float32(q-32)
		}
	}
}
