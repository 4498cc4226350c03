package cli

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// npy encodes a matrix as a NumPy file (format version 1.0, numpy.lib.format).
func npy(data []float32, rows, columns int) []byte {
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, columns)
	const fixed = len("\x93NUMPY") + 4
	head += strings.Repeat(" ", 63-(fixed+len(head))%64) + "\n" // the data start at a multiple of 64
	out := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	out = append(out, head...)
	for _, v := range data {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}
