package dataset

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// WriteIDX writes unsigned bytes in row-major order as an IDX file: images with dims N, H, W (and C), labels with dims
// N. For a gzipped file, give it a gzip.Writer; with that writer's zero header the bytes depend on data alone.
func WriteIDX(w io.Writer, dims []int, data []byte) error {
	if len(dims) < 1 || len(dims) > 4 {
		return fmt.Errorf("write IDX: %s; the format's reader takes 1 to 4", plural(len(dims), "dimension"))
	}
	head := []byte{0, 0, idxUint8, byte(len(dims))}
	total := 1
	for _, d := range dims {
		if d < 0 || d > math.MaxInt32 || (d > 0 && total > maxIDXBytes/d) {
			return fmt.Errorf("write IDX: dimensions %v are too large", dims)
		}
		total *= d
		head = binary.BigEndian.AppendUint32(head, uint32(d))
	}
	if total != len(data) {
		return fmt.Errorf("write IDX: %d bytes for dimensions %v, which hold %d", len(data), dims, total)
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
