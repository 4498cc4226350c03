//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm && go run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg kernel"

func tileImplementations() []*implementation {
	var list []*implementation
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX2 {
		list = append(list, &implementation{name: "avx512", rows: 14, lanes: 16, run: assembly(&avx512Tiles), column: assemblyColumn(&avx512Columns)})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		list = append(list, &implementation{name: "avx2", rows: 6, lanes: 8, run: assembly(&avx2Tiles), column: assemblyColumn(&avx2Columns)})
	}
	return append(list, &plainTiles)
}

// assemblyTile is a tileFunc for certain rows and vectors.
type assemblyTile func(k int, a *float32, lda int, b *float32, offs *int, c *float32, ldc int, load bool)

// assembly returns the tileFunc that chooses from functions[vectors][rows].
func assembly(functions *[3][15]assemblyTile) tileFunc {
	return func(rows, vectors, k int, a []float32, lda int, b []float32, offs []int, c []float32, ldc int, load bool) {
		if k == 0 {
			plainTile(rows, vectors, 0, a, lda, b, offs, c, ldc, load)
			return
		}
		functions[vectors][rows](k, &a[0], lda, &b[0], &offs[0], &c[0], ldc, load)
	}
}

var avx512Tiles = [3][15]assemblyTile{
	1: {nil, avx512Rows1Vectors1, avx512Rows2Vectors1, avx512Rows3Vectors1, avx512Rows4Vectors1, avx512Rows5Vectors1,
		avx512Rows6Vectors1, avx512Rows7Vectors1, avx512Rows8Vectors1, avx512Rows9Vectors1, avx512Rows10Vectors1,
		avx512Rows11Vectors1, avx512Rows12Vectors1, avx512Rows13Vectors1, avx512Rows14Vectors1},
	2: {nil, avx512Rows1Vectors2, avx512Rows2Vectors2, avx512Rows3Vectors2, avx512Rows4Vectors2, avx512Rows5Vectors2,
		avx512Rows6Vectors2, avx512Rows7Vectors2, avx512Rows8Vectors2, avx512Rows9Vectors2, avx512Rows10Vectors2,
		avx512Rows11Vectors2, avx512Rows12Vectors2, avx512Rows13Vectors2, avx512Rows14Vectors2},
}

var avx2Tiles = [3][15]assemblyTile{
	1: {nil, avx2Rows1Vectors1, avx2Rows2Vectors1, avx2Rows3Vectors1, avx2Rows4Vectors1, avx2Rows5Vectors1, avx2Rows6Vectors1},
	2: {nil, avx2Rows1Vectors2, avx2Rows2Vectors2, avx2Rows3Vectors2, avx2Rows4Vectors2, avx2Rows5Vectors2, avx2Rows6Vectors2},
}

// assemblyColumn returns the columnFunc that chooses from functions[vectors].
func assemblyColumn(functions *[5]func(k int, a *float32, lda int, b *float32, offs *int, c *float32, load bool)) columnFunc {
	return func(vectors, k int, a []float32, lda int, b []float32, offs []int, c []float32, load bool) {
		functions[vectors](k, &a[0], lda, &b[0], &offs[0], &c[0], load)
	}
}

var (
	avx512Columns = [5]func(k int, a *float32, lda int, b *float32, offs *int, c *float32, load bool){
		nil, avx512Column1, avx512Column2, avx512Column3, avx512Column4}
	avx2Columns = [5]func(k int, a *float32, lda int, b *float32, offs *int, c *float32, load bool){
		nil, avx2Column1, avx2Column2, avx2Column3, avx2Column4}
)
