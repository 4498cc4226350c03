// Package kernel is the arithmetic under pare: matrix products, convolutions, functions, conversions. For every kernel
// the plain Go form says what it means; assembly beside it computes the same bits, on any machine and for any number of
// workers.
//
// The rules that make the bits equal:
//
//   - A product is one fused multiply-add per term, in rising order of the summed index, one chain per output element.
//     Vector lanes, tiles and workers run over output elements only, so their sizes leave no trace.
//   - Every other expression rounds after each operation: float32(a*b) + c, for the compiler may fuse a*b + c.
//   - Sums outside products run over a tree whose shape depends on the length alone, in float64.
//   - Functions are polynomials of this package, evaluated in float64 with the same rule.
//   - Denormals are kept. A NaN is a NaN: its sign and payload are left open, and differ between processors.
//
// How the parts hang together: a tile (tile.go) is a small product that stays in registers, and the only place where
// floats are multiplied in products. Gemm (gemm.go, pack.go) cuts matrices into tiles. Convolutions never make the im2col
// matrix: images are laid out (frame.go) so that each of its rows is a run of the image, and a table of offsets leads the
// tile from row to row (sliding.go); the gradient by the weights does the same over images with the channels last
// (conv_weight.go). Shapes of which that would be nearly all zeros are computed as they are defined (conv_direct.go).
//
// The assembly of kernels_amd64.s is written by the generator in _asm (go generate) and chosen at run time by what the
// processor has. The tag purego leaves it out. TestGolden compares digests of all kernels with committed ones, on
// whatever machine it runs.
package kernel
