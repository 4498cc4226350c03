package kernel

// transposeBlock is how many columns are transposed before the next 8 rows: what they write then stays in the cache.
const transposeBlock = 32

// transpose sets dst[j*ldd+i] to src[i*lds+j] for i < rows and j < cols.
func transpose(rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	if rows < 8 || cols < 8 || tiles.plain {
		transposePlain(rows, cols, src, lds, dst, ldd)
		return
	}
	for j := 0; j < cols; j += transposeBlock {
		j = min(j, cols-8)
		blocks := min(transposeBlock, cols-j) / 8
		for i := 0; ; i += 8 {
			i = min(i, rows-8) // the last 8 may overlap those before, rows like columns
			transpose8(blocks, src[i*lds+j:], lds, dst[j*ldd+i:], ldd)
			if rest := cols - j - blocks*8; rest > 0 && rest < 8 {
				transpose8(1, src[i*lds+cols-8:], lds, dst[(cols-8)*ldd+i:], ldd)
			}
			if i == rows-8 {
				break
			}
		}
	}
}

func transposePlain(rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	for i := range rows {
		row := src[i*lds:][:cols]
		for j, v := range row {
			dst[j*ldd+i] = v
		}
	}
}
