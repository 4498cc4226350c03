// Command cmd quantizes and dequantizes files of raw numbers, for comparison with other programs:
//
//	cmd quantize TYPE COLUMNS FLOATS BLOCKS [IMPORTANCE]
//	cmd best TYPE COLUMNS FLOATS BLOCKS [IMPORTANCE]
//	cmd dequantize TYPE COLUMNS BLOCKS FLOATS
//
// FLOATS and IMPORTANCE hold little-endian float32. The last file but IMPORTANCE is written.
package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strconv"

	"github.com/pare-ml/pare/internal/ggml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 5 {
		return fmt.Errorf("usage: cmd quantize|best|dequantize TYPE COLUMNS IN OUT [IMPORTANCE]")
	}
	t, ok := ggml.ParseType(args[1])
	if !ok {
		return fmt.Errorf("%s is no type", args[1])
	}
	n, err := strconv.Atoi(args[2])
	if err != nil || n <= 0 {
		return fmt.Errorf("%s is no number of columns", args[2])
	}
	row, err := t.RowSize(n)
	if err != nil {
		return err
	}
	in, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	var out []byte
	if args[0] == "dequantize" {
		x := make([]float32, int64(len(in))/row*int64(n))
		err = ggml.Dequantize(x, t, in, n)
		out = fromFloats(x)
	} else {
		quantize := ggml.Quantize
		if args[0] == "best" {
			quantize = ggml.QuantizeBest
		}
		var importance []float32
		if len(args) > 5 {
			b, err := os.ReadFile(args[5])
			if err != nil {
				return err
			}
			importance = toFloats(b)
		}
		x := toFloats(in)
		out = make([]byte, int64(len(x)/n)*row)
		err = quantize(out, t, x, n, importance)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(args[4], out, 0o666)
}

func toFloats(b []byte) []float32 {
	x := make([]float32, len(b)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x
}

func fromFloats(x []float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
