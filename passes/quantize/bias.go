package quantize

import (
	"encoding/binary"
	"math"

	"github.com/pare-ml/pare/internal/affine"
)

// biasFloor returns for each group of a weight what widen needs: the largest |bias| of its channels over the scale of the
// input.
func biasFloor(bias []float32, input float32, count int) []float64 {
	floor := make([]float64, count)
	for i, b := range bias {
		g := 0
		if count > 1 {
			g = i
		}
		floor[g] = max(floor[g], math.Abs(float64(b))/float64(input))
	}
	return floor
}

// encodeBias returns int32 codes of a bias and their scales, each the scale of the input times that of the weight. With
// one scale for the weight there is one for the bias.
func encodeBias(bias []float32, input float32, grids []affine.Grid) (codes []byte, scales []float32) {
	scales = make([]float32, len(grids))
	for i, g := range grids {
		scales[i] = max(float32(float64(input)*float64(g.Scale)), math.SmallestNonzeroFloat32)
	}
	for i, b := range bias {
		s := scales[0]
		if len(scales) > 1 {
			s = scales[i]
		}
		q := math.RoundToEven(float64(b) / float64(s))
		q = min(max(q, math.MinInt32), math.MaxInt32)
		codes = binary.LittleEndian.AppendUint32(codes, uint32(int32(q)))
	}
	return codes, scales
}
