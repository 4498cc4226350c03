package kernel

// copyRows copies rows × cols floats between matrices with the distances lds and ldd from row to row.
func copyRows(rows, cols int, dst []float32, ldd int, src []float32, lds int) {
	if !tiles.plain {
		vectorCopyRows(rows, cols, src, lds, dst, ldd)
		return
	}
	for i := range rows {
		copy(dst[i*ldd:][:cols], src[i*lds:])
	}
}

// addRows is copyRows with a number added to each float.
func addRows(rows, cols int, dst []float32, ldd int, src []float32, lds int, number float32) {
	if !tiles.plain {
		vectorAddRows(rows, cols, src, lds, dst, ldd, number)
		return
	}
	for i := range rows {
		line := dst[i*ldd:][:cols]
		for j, v := range src[i*lds:][:cols] {
			line[j] = v + number
		}
	}
}

// spreadRows is copyRows with a distance of step from one float of a row of dst to the next.
func spreadRows(rows, cols int, dst []float32, ldd, step int, src []float32, lds int) {
	for i := range rows {
		line := dst[i*ldd:][:(cols-1)*step+1]
		for j, v := range src[i*lds:][:cols] {
			line[j*step] = v
		}
	}
}
