//go:build !amd64 || purego

package kernel

// Without assembly the plain form serves. NEON tiles have their place in tile_arm64.go, with kernels_arm64.s beside it;
// this file then leaves out arm64.

func tileImplementations() []*implementation { return []*implementation{&plainTiles} }

// The functions below serve where tiles is not plainTiles.

func transpose8(blocks int, src []float32, lds int, dst []float32, ldd int) { panic("no assembly") }

func vectorCopyRows(rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	panic("no assembly")
}

func vectorAddRows(rows, cols int, src []float32, lds int, dst []float32, ldd int, number float32) {
	panic("no assembly")
}
