// Package arith is imported by the lines of package lines.
package arith

// Times returns a product that a compiler may take to where it is called.
func Times(a, b float64) float64 { return a * b } // want "fused with the sum at fused.go"

// Rounded returns a product that it may not.
func Rounded(a, b float64) float64 { return float64(a * b) }

// Plus adds up what it is given, which may be a product.
func Plus(a, b float64) float64 { return a + b }

// Mad is right by itself.
func Mad(a, b, c float64) float64 { return float64(a*b) + c }
