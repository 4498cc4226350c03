package exec

import (
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// castForward changes the type of elements. Floats lose their fraction towards zero on the way to integers; what lies
// outside the integers' range, which the standard leaves open, becomes the nearest end, and NaN zero.
func castForward(c *call) {
	x := c.in[0]
	to := ir.DType(c.node.Int("to", 0))
	if c.node.Op == "CastLike" {
		to = c.in[1].DType
	}
	if to == x.DType {
		identityForward(c)
		return
	}
	if !castable(x.DType) || !castable(to) {
		c.unsupported("a cast from %s to %s", x.DType, to)
	}
	c.cast(c.output(0, to, x.Shape...), x)
}

func castGradient(c *call) {
	if c.in[0].DType == ir.Float32 {
		c.din[0] = c.alias(c.dout[0], c.in[0].Shape...)
	}
}

func castable(d ir.DType) bool {
	switch d {
	case ir.Float32, ir.Float64, ir.Float16, ir.BFloat16, ir.Bool, ir.Int8, ir.Int16, ir.Int32, ir.Int64, ir.Uint8,
		ir.Uint16, ir.Uint32, ir.Uint64:
		return true
	}
	return false
}

func isFloat(d ir.DType) bool {
	return d == ir.Float32 || d == ir.Float64 || d == ir.Float16 || d == ir.BFloat16
}

// toFloat64 returns x's elements in a new array of float64; of integers beyond 2⁵³ the nearest.
func (c *call) toFloat64(x *Array) *Array {
	if !castable(x.DType) {
		c.unsupported("an input of %s", x.DType)
	}
	y := c.alloc(ir.Float64, x.Shape...)
	c.cast(y, x)
	return y
}

// cast converts x's elements to y's type: through float64 if either is a float, which is exact for float32 and below,
// and through 64 bits of integer otherwise.
func (c *call) cast(y, x *Array) {
	n := x.Len()
	if y.DType == ir.Float32 && (x.DType == ir.Int64 || x.DType == ir.Uint64) { // float64 would round once more
		dst := y.Float32s()
		if x.DType == ir.Int64 {
			mapInto(c, dst, x.Int64s(), func(v int64) float32 { return float32(v) })
		} else {
			mapInto(c, dst, x.Uint64s(), func(v uint64) float32 { return float32(v) })
		}
		return
	}
	if isFloat(x.DType) || isFloat(y.DType) {
		get, put := readFloat(x), writeFloat(y)
		c.chunks(n, grain, func(from, to int) {
			for i := from; i < to; i++ {
				put(i, get(i))
			}
		})
		return
	}
	get, put := readInt(x), writeInt(y)
	c.chunks(n, grain, func(from, to int) {
		for i := from; i < to; i++ {
			put(i, get(i))
		}
	})
}

func readFloat(x *Array) func(i int) float64 {
	switch x.DType {
	case ir.Float32:
		v := x.Float32s()
		return func(i int) float64 { return float64(v[i]) }
	case ir.Float64:
		v := x.Float64s()
		return func(i int) float64 { return v[i] }
	case ir.Float16:
		v := view[uint16](x.Data)
		return func(i int) float64 { return float64(kernel.Float16FromBits(v[i])) }
	case ir.BFloat16:
		v := view[uint16](x.Data)
		return func(i int) float64 { return float64(kernel.BFloat16FromBits(v[i])) }
	case ir.Uint64:
		v := x.Uint64s()
		return func(i int) float64 { return float64(v[i]) }
	}
	get := readInt(x)
	return func(i int) float64 { return float64(get(i)) }
}

func writeFloat(y *Array) func(i int, v float64) {
	switch y.DType {
	case ir.Float32:
		d := y.Float32s()
		return func(i int, v float64) { d[i] = float32(v) }
	case ir.Float64:
		d := y.Float64s()
		return func(i int, v float64) { d[i] = v }
	case ir.Float16:
		d := view[uint16](y.Data)
		return func(i int, v float64) { d[i] = kernel.Float16Bits(roundOdd(v)) }
	case ir.BFloat16:
		d := view[uint16](y.Data)
		return func(i int, v float64) { d[i] = kernel.BFloat16Bits(roundOdd(v)) }
	case ir.Bool:
		return func(i int, v float64) {
			y.Data[i] = 0
			if v != 0 {
				y.Data[i] = 1
			}
		}
	case ir.Uint64:
		d := y.Uint64s()
		return func(i int, v float64) { d[i] = toUint64(v) }
	}
	put := writeInt(y)
	lo, hi := intRange(y.DType)
	return func(i int, v float64) { put(i, toInt64(v, lo, hi)) }
}

// roundOdd returns v as a float32 that rounds to any narrower format as v itself does: cut off, with the last bit set
// if anything was lost.
func roundOdd(v float64) float32 {
	f := float32(v)
	if float64(f) == v || v != v || math.IsInf(float64(f), 0) {
		return f
	}
	b := math.Float32bits(f)
	if math.Abs(float64(f)) > math.Abs(v) {
		b-- // towards zero
	}
	return math.Float32frombits(b | 1)
}

func toInt64(v float64, lo, hi int64) int64 {
	switch {
	case v != v:
		return 0
	case v <= float64(lo):
		return lo
	case v >= float64(hi):
		return hi
	}
	return int64(v)
}

func toUint64(v float64) uint64 {
	switch {
	case !(v > 0):
		return 0
	case v >= 1<<64:
		return math.MaxUint64
	}
	return uint64(v)
}

func intRange(d ir.DType) (lo, hi int64) {
	switch d {
	case ir.Int8, ir.Int16, ir.Int32, ir.Int64, ir.Int4, ir.Int2:
		return -1 << (d.Bits() - 1), 1<<(d.Bits()-1) - 1
	case ir.Bool:
		return 0, 1
	}
	return 0, 1<<d.Bits() - 1
}

// readInt returns the elements as int64; of uint64 the same 64 bits.
func readInt(x *Array) func(i int) int64 {
	switch x.DType {
	case ir.Int8:
		v := x.Int8s()
		return func(i int) int64 { return int64(v[i]) }
	case ir.Uint8, ir.Bool:
		return func(i int) int64 { return int64(x.Data[i]) }
	case ir.Int16:
		v := x.Int16s()
		return func(i int) int64 { return int64(v[i]) }
	case ir.Uint16:
		v := x.Uint16s()
		return func(i int) int64 { return int64(v[i]) }
	case ir.Int32:
		v := x.Int32s()
		return func(i int) int64 { return int64(v[i]) }
	case ir.Uint32:
		v := x.Uint32s()
		return func(i int) int64 { return int64(v[i]) }
	case ir.Int4:
		return func(i int) int64 { return int64(int8(x.Data[i/2]<<(4*(1-i%2))) >> 4) }
	case ir.Uint4:
		return func(i int) int64 { return int64(x.Data[i/2] >> (4 * (i % 2)) & 15) }
	case ir.Int2:
		return func(i int) int64 { return int64(int8(x.Data[i/4]<<(2*(3-i%4))) >> 6) }
	case ir.Uint2:
		return func(i int) int64 { return int64(x.Data[i/4] >> (2 * (i % 4)) & 3) }
	}
	v := view[int64](x.Data)
	return func(i int) int64 { return v[i] }
}

// writeInt keeps the low bits of the value, as conversions between integers do.
func writeInt(y *Array) func(i int, v int64) {
	switch y.DType.Bits() {
	case 8:
		if y.DType == ir.Bool {
			return func(i int, v int64) {
				y.Data[i] = 0
				if v != 0 {
					y.Data[i] = 1
				}
			}
		}
		return func(i int, v int64) { y.Data[i] = uint8(v) }
	case 16:
		d := view[uint16](y.Data)
		return func(i int, v int64) { d[i] = uint16(v) }
	case 32:
		d := view[uint32](y.Data)
		return func(i int, v int64) { d[i] = uint32(v) }
	}
	d := view[uint64](y.Data)
	return func(i int, v int64) { d[i] = uint64(v) }
}

// computesHalf reports whether an input is a 16-bit float.
func (c *call) computesHalf() bool {
	for _, x := range c.in {
		if x != nil && (x.DType == ir.Float16 || x.DType == ir.BFloat16) {
			return true
		}
	}
	return false
}

// runHalf computes the call in float32 and rounds the float outputs to the inputs' 16-bit type.
func (c *call) runHalf() {
	narrow := ir.Undefined
	wide := &call{step: c.step, p: c.p, mode: c.mode, in: make([]*Array, len(c.in)), out: make([]*Array, len(c.out))}
	defer func() {
		for i, x := range wide.in {
			if x != c.in[i] {
				c.release(x)
			}
		}
		c.release(wide.out...)
		c.release(wide.kept...)
	}()
	for i, x := range c.in {
		wide.in[i] = x
		if x != nil && (x.DType == ir.Float16 || x.DType == ir.BFloat16) {
			narrow = x.DType
			wide.in[i] = c.alloc(ir.Float32, x.Shape...)
			c.cast(wide.in[i], x)
		}
	}
	c.op.forward(wide)
	for i, y := range wide.out {
		if y == nil {
			continue
		}
		if y.DType == ir.Float32 {
			c.cast(c.output(i, narrow, y.Shape...), y)
		} else {
			c.out[i] = c.alias(y, y.Shape...)
		}
	}
}
