//go:build amd64 && !purego

package ggml

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate sh -c "cd _asm && go run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg ggml"

// machines returns the vector forms that this processor has, best first.
func machines() []*lanes {
	var all []*lanes
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasBMI1 || !hasF16C() {
		return nil
	}
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		all = append(all, &lanes{
			name: "avx512", width: 32,
			squares: avx512Squares, magnitudes: avx512Magnitudes, rmsWeights: avx512RMSWeights, weigh: avx512Weigh,
			affine: avx512Affine, affineAbsolute: avx512AffineAbsolute, symmetric: avx512Symmetric, symmetric4: avx512Symmetric4, sweeps: avx512Sweeps,
		})
	}
	return append(all, &lanes{
		name: "avx2", width: 16,
		squares: avx2Squares, magnitudes: avx2Magnitudes, rmsWeights: avx2RMSWeights, weigh: avx2Weigh,
		affine: avx2Affine, affineAbsolute: avx2AffineAbsolute, symmetric: avx2Symmetric, symmetric4: avx2Symmetric4, sweeps: avx2Sweeps,
	})
}

// hasF16C reports whether half floats are converted in hardware, which golang.org/x/sys/cpu does not know: CPUID 1, bit 29
// of ECX. Every processor with AVX2 has it, but a virtual machine may hide it.
func hasF16C() bool { return cpuid1()>>29&1 != 0 }

func transpose8(blocks int, src *float32, length int, dst *float32, lanes int) {
	avx2Transpose(blocks, src, length, dst, lanes)
}

func divideCodes(blocks int, dst *uint8, x, add, number *float32, lo, hi float32) float32 {
	return avx2DivideCodes(blocks, dst, x, add, number, lo, hi)
}

func multiplyCodes(blocks int, dst *uint8, x, add, number *float32, lo, hi float32) float32 {
	return avx2MultiplyCodes(blocks, dst, x, add, number, lo, hi)
}

func greatestBits(n int, x *float32) uint32 { return avx2GreatestBits(n, x) }

func fromF32(dst []float32, src []byte) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 4*len(dst)), src)
}

func toF32(dst []byte, src []float32) {
	copy(dst, unsafe.Slice((*byte)(unsafe.Pointer(&src[0])), 4*len(src)))
}

func fromF16(n int, dst *float32, src *uint8)  { avx2FromF16(n, dst, src) }
func fromBF16(n int, dst *float32, src *uint8) { avx2FromBF16(n, dst, src) }
func toF16(n int, dst *uint8, src *float32)    { avx2ToF16(n, dst, src) }
func toBF16(n int, dst *uint8, src *float32)   { avx2ToBF16(n, dst, src) }

func blocksQ8_0(blocks int, dst *uint8, x *float32) { avx2Q8_0(blocks, dst, x) }
func blocksQ4_0(blocks int, dst *uint8, x *float32) { avx2Q4_0(blocks, dst, x) }
func blocksQ4_1(blocks int, dst *uint8, x *float32) { avx2Q4_1(blocks, dst, x) }
func blocksQ5_0(blocks int, dst *uint8, x *float32) { avx2Q5_0(blocks, dst, x) }
func blocksQ5_1(blocks int, dst *uint8, x *float32) { avx2Q5_1(blocks, dst, x) }

func codes4(blocks int, dst *uint8, x, number *float32) { avx2Codes4(blocks, dst, x, number) }

func greatest16(groups int, dst, x *float32)            { avx2Greatest16(groups, dst, x) }
func codes2(blocks int, dst *uint8, x, number *float32) { avx2Codes2(blocks, dst, x, number) }
func roundedCodes(blocks int, dst *uint8, x, number *float32) {
	avx2RoundedCodes(blocks, dst, x, number)
}
