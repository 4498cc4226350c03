package kernel

// transpose sets dst[j*ldd+i] to src[i*lds+j] for i < rows and j < cols.
func transpose(rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	if rows < 8 || cols < 8 || !haveTranspose8 {
		transposePlain(rows, cols, src, lds, dst, ldd)
		return
	}
	for i := 0; ; i += 8 {
		i = min(i, rows-8) // the last strip may overlap the one before, and the last block too
		transpose8(cols/8, src[i*lds:], lds, dst[i:], ldd)
		if cols%8 != 0 {
			transpose8(1, src[i*lds+cols-8:], lds, dst[(cols-8)*ldd+i:], ldd)
		}
		if i == rows-8 {
			return
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
