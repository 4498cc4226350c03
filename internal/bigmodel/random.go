package main

import (
	"strconv"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/rng"
)

// piece is how many elements one generator makes.
const piece = 1 << 16

// random returns a tensor of 16-bit floats that are close to normal with this mean and deviation: the sum of four uniform
// draws. One in 4096 is an outlier, eight times as far from the mean. A piece follows from the tensor's name and the
// piece's number.
func random(name string, dtype ir.DType, shape []int, mean, deviation float32) *ir.Tensor {
	const size = 2
	return ir.RangeTensor(name, dtype, shape, piece*size, func(dst []byte, off int64) error {
		x := make([]float32, piece)
		for i := int(off) / (piece * size); len(dst) > 0; i++ {
			x = x[:min(piece, len(dst)/size)]
			fill(x, rng.New(1, "bigmodel", name, strconv.Itoa(i)), mean, deviation)
			if dtype == ir.Float16 {
				kernel.Float32ToFloat16(dst[:size*len(x)], x)
			} else {
				kernel.Float32ToBFloat16(dst[:size*len(x)], x)
			}
			dst = dst[size*len(x):]
		}
		return nil
	})
}

func fill(x []float32, r *rng.Rand, mean, deviation float32) {
	// The sum of four draws below 2¹⁶ has mean 2·(2¹⁶−1) and a deviation of 2¹⁶·√(4/12).
	const middle = 2 * (1<<16 - 1)
	factor := deviation / float32(1<<16*0.57735026918962576)
	for i := range x {
		u := r.Uint64()
		sum := int64(u&0xffff+u>>16&0xffff+u>>32&0xffff+u>>48) - middle
		if u>>26&0xfff == 0 {
			sum *= 8
		}
		x[i] = mean + float32(float32(sum)*factor)
	}
}
