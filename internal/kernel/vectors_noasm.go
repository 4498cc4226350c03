//go:build !amd64 || purego

package kernel

// The functions below serve where tiles is not plainTiles.

func transpose8(blocks int, src []float32, lds int, dst []float32, ldd int) { panic("no assembly") }

func vectorCopyRows(rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	panic("no assembly")
}

func vectorAddRows(rows, cols int, src []float32, lds int, dst []float32, ldd int, number float32) {
	panic("no assembly")
}

// The functions below return how many floats they did; the plain form does the rest.

func addVectors(dst, a, b []float32) int                                 { return 0 }
func subVectors(dst, a, b []float32) int                                 { return 0 }
func mulVectors(dst, a, b []float32) int                                 { return 0 }
func divVectors(dst, a, b []float32) int                                 { return 0 }
func scaleVectors(dst []float32, p float32, x []float32) int             { return 0 }
func addScalarVectors(dst []float32, p float32, x []float32) int         { return 0 }
func affineVectors(dst []float32, p float32, x []float32, q float32) int { return 0 }
func blendVectors(dst []float32, p float32, x []float32, q float32, y []float32, r float32) int {
	return 0
}
func axpyVectors(p float32, x, y []float32) int                                        { return 0 }
func reluVectors(dst, x []float32) int                                                 { return 0 }
func reluGradVectors(dst, y, dy []float32) int                                         { return 0 }
func momentumVectors(s *Momentum, w, v, g []float32) int                               { return 0 }
func adamVectors(s *Adam, w, m, v, g []float32) int                                    { return 0 }
func sumVectors(x []float32, lanes *[8]float64) int                                    { return 0 }
func sumAbsVectors(x []float32, lanes *[8]float64) int                                 { return 0 }
func dotVectors(x, y []float32, lanes *[8]float64) int                                 { return 0 }
func extremesVectors(x []float32, lo, hi *[8]float32, abs *[8]uint32) int              { return 0 }
func codesVectors(dst []byte, src []float32, scale float32, zero, lo, hi int32) int    { return 0 }
func float8E4M3Vectors(dst []byte, src []float32, scale float32) int                   { return 0 }
func dequantizeInt8Vectors(dst []float32, src []int8, scale float32, zero int32) int   { return 0 }
func dequantizeUint8Vectors(dst []float32, src []uint8, scale float32, zero int32) int { return 0 }

func specialsVectors(b []byte, size int) (n, zeros int, most uint32) { return 0, 0, 0 }
