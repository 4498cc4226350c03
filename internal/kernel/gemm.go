package kernel

import (
	"fmt"

	"github.com/pare-ml/pare/internal/parallel"
)

// Gemm computes C = A·B, or C += A·B if accumulate, for A of m×k, B of k×n and C of m×n elements.
//
// A[i,p] is at a[i*ars+p*acs], B[p,j] at b[p*brs+j*bcs] and C[i,j] at c[i*ldc+j], so that a transposed operand is one
// with its strides swapped. C must overlap neither operand. Each element of C is a chain of k fused multiply-adds in
// rising p that begins with 0, or with C[i,j] if accumulate.
func Gemm(workers, m, n, k int, a []float32, ars, acs int, b []float32, brs, bcs int, c []float32, ldc int, accumulate bool) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("A", a, m, k, ars, acs)
	checkMatrix("B", b, k, n, brs, bcs)
	checkMatrix("C", c, m, n, ldc, 1)
	parallel.For(workers, m, func(i int) {
		row := c[i*ldc:][:n]
		if !accumulate {
			clear(row)
		}
		for p := range k {
			x := a[i*ars+p*acs]
			for j := range row {
				row[j] = FMA(x, b[p*brs+j*bcs], row[j])
			}
		}
	})
}

// checkMatrix panics if a rows×cols matrix with these strides reaches outside its slice.
func checkMatrix(name string, x []float32, rows, cols, rs, cs int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	if rs < 0 || cs < 0 || (rows-1)*rs+(cols-1)*cs >= len(x) {
		panic(fmt.Sprintf("kernel: matrix %s of %d×%d elements with strides %d and %d needs more than %d floats",
			name, rows, cols, rs, cs, len(x)))
	}
}
