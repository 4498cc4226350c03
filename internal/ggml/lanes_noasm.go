//go:build !amd64 || purego

package ggml

// Without assembly there are no vector forms, and the functions below are never called.

func machines() []*lanes { return nil }

func transpose8(int, *float32, int, *float32, int) { panic("ggml: no vectors") }

func divideCodes(int, *uint8, *float32, *float32, *float32, float32, float32) float32 {
	panic("ggml: no vectors")
}

func multiplyCodes(int, *uint8, *float32, *float32, *float32, float32, float32) float32 {
	panic("ggml: no vectors")
}

func greatestBits(int, *float32) uint32 { panic("ggml: no vectors") }

func fromF16(int, *float32, *uint8) { panic("ggml: no vectors") }

func fromBF16(int, *float32, *uint8) { panic("ggml: no vectors") }

func toF16(int, *uint8, *float32) { panic("ggml: no vectors") }

func toBF16(int, *uint8, *float32) { panic("ggml: no vectors") }

func blocksQ8_0(int, *uint8, *float32) { panic("ggml: no vectors") }

func blocksQ4_0(int, *uint8, *float32) { panic("ggml: no vectors") }

func blocksQ4_1(int, *uint8, *float32) { panic("ggml: no vectors") }

func blocksQ5_0(int, *uint8, *float32) { panic("ggml: no vectors") }

func blocksQ5_1(int, *uint8, *float32) { panic("ggml: no vectors") }

func codes4(int, *uint8, *float32, *float32) { panic("ggml: no vectors") }

func greatest16(int, *float32, *float32) { panic("ggml: no vectors") }

func codes2(int, *uint8, *float32, *float32) { panic("ggml: no vectors") }

func roundedCodes(int, *uint8, *float32, *float32) { panic("ggml: no vectors") }

func fromF32([]float32, []byte) { panic("ggml: no vectors") }

func toF32([]byte, []float32) { panic("ggml: no vectors") }
