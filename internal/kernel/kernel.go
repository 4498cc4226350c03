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
package kernel
