package arch

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// scalar adds a constant number in the type of the values between layers.
func (b *builder) scalar(v float64) string {
	d := b.dtype()
	var data []byte
	switch d {
	case ir.Float64:
		data = binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
	case ir.Float16:
		data = binary.LittleEndian.AppendUint16(nil, kernel.Float16Bits(float32(v)))
	case ir.BFloat16:
		data = binary.LittleEndian.AppendUint16(nil, kernel.BFloat16Bits(float32(v)))
	default:
		d = ir.Float32
		data = binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))
	}
	return b.constant("float", ir.TensorAttr("value", ir.NewTensor("", d, nil, data)), strconv.FormatFloat(v, 'g', -1, 64))
}

// times multiplies a value by a number, unless that is one.
func (b *builder) times(name, x string, factor float64) string {
	if factor == 1 {
		return x
	}
	return b.op(name, "Mul", []string{x, b.scalar(factor)})
}
