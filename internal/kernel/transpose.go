package kernel

// transpose sets dst[j*ldd+i] to src[i*lds+j] for i < rows and j < cols.
func transpose(rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	if rows < 8 || cols < 8 || !haveTranspose8 {
		transposePlain(rows, cols, src, lds, dst, ldd)
		return
	}
	blocks := cols / 8
	for i := 0; ; i += 8 {
		i = min(i, rows-8) // the last strip may overlap the one before
		transpose8(blocks, src[i*lds:], lds, dst[i:], ldd)
		if i == rows-8 {
			break
		}
	}
	if done := blocks * 8; done < cols {
		transposePlain(rows, cols-done, src[done:], lds, dst[done*ldd:], ldd)
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
