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
