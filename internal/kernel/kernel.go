// Package kernel is the arithmetic under pare: matrix products, convolutions, functions, conversions. For every kernel
// the plain Go form says what it means; assembly beside it computes the same bits, on any machine and for any number of
// workers.
package kernel
