//go:build !amd64 || purego

package kernel

// Without assembly the plain form serves. NEON tiles have their place in tile_arm64.go, with kernels_arm64.s beside it;
// this file then leaves out arm64.

func tileImplementations() []*implementation { return []*implementation{&plainTiles} }
