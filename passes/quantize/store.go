package quantize

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/affine"
	"github.com/pare-ml/pare/internal/ggml"
	"github.com/pare-ml/pare/internal/importance"
)

// scaleDType is the type of a weight's scales where the type of the codes leaves it open: that of the weight, so that what
// DequantizeLinear gives is what the layer took before.
func scaleDType(w *ir.Tensor) (ir.DType, affine.Scale) {
	switch w.DType {
	case ir.Float16:
		return ir.Float16, affine.Float16
	case ir.BFloat16:
		return ir.BFloat16, affine.BFloat16
	}
	return ir.Float32, affine.Float32
}

// parts are the tensors that a weight becomes; those that a form does not have are nil.
type parts struct {
	codes, scale, zero, global *ir.Tensor
}

// shapes returns those of scales and zero points, nil for one of them.
func (t *target) scaleShape() []int {
	w := t.Weight.Shape
	switch t.granularity {
	case "channel":
		return []int{w[t.axis]}
	case "group", "block":
		shape := append([]int{}, w...)
		shape[t.axis] = ceil(w[t.axis], t.group)
		return shape
	}
	return nil
}

// hasZero tells whether zero points are stored. Without one DequantizeLinear takes zero, which symmetric codes with a sign
// have; int8 with few scales keeps it, because ONNX Runtime writes it.
func (t *target) hasZero() bool {
	return t.as.kind == integer && (!t.Params.Weights.Symmetric || t.as.span.Min == 0 || t.as.dtype == ir.Int8 && t.granularity != "group" && t.granularity != "block")
}

// plan makes the coding of a weight whose bytes are there.
func (t *target) plan(path string, workers int) {
	_, scale := scaleDType(t.Weight)
	src := source{t: t.Weight, path: path, zero: t.Params.OnNonFinite == "zero"}
	switch t.as.kind {
	case half:
		t.converted = newConversion(src, t.as, t.Params, workers)
	case block:
		t.converted = newConversion(src, t.as, t.Params, workers)
		if t.importance != nil {
			t.converted.importance = sync.OnceValues(t.importance)
		}
	default:
		t.coding = newCoding(src, t.as, layoutOf(t.Weight.Shape, t.granularity, t.axis, t.group), t.Params, scale, workers)
	}
}

// tensors makes the tensors of a weight's codes: of names as given, headers if there is no coding.
func (t *target) tensors(names [4]string) parts {
	w, c := t.Weight, t.coding
	shape := t.scaleShape()
	dtype, _ := scaleDType(w)
	switch t.as.name {
	case "mxfp4":
		dtype = ir.Float8E8M0
	case "nvfp4":
		dtype = ir.Float8E4M3FN
	}
	p := parts{codes: header(names[0], t.as.dtype, w.Shape), scale: header(names[1], dtype, shape)}
	if t.hasZero() {
		p.zero = header(names[2], t.as.dtype, shape)
	}
	if t.as.name == "nvfp4" {
		p.global = header(names[3], ir.Float32, nil)
	}
	if c == nil {
		return p
	}
	p.codes = c.codes(names[0])
	p.scale = c.stored(names[1], dtype, shape, func() []byte { return t.spread(c.scales, dtype.Bits()/8) })
	if p.zero != nil {
		p.zero = c.stored(names[2], t.as.dtype, shape, func() []byte {
			all := t.spread(c.zeros, 1)
			b := make([]byte, (len(all)*t.as.dtype.Bits()+7)/8)
			pack(b, all, t.as.dtype.Bits())
			return b
		})
	}
	if p.global != nil {
		p.global = ir.LazyTensor(names[3], ir.Float32, nil, func() ([]byte, error) {
			if err := c.prepared(); err != nil {
				return nil, err
			}
			return ir.FromFloat32s("", nil, []float32{c.global}).Bytes()
		})
	}
	return p
}

// spread repeats the scales of squares along the rows that share them: DequantizeLinear knows blocks along one axis only.
func (t *target) spread(scales []byte, size int) []byte {
	if t.granularity != "block" {
		return scales
	}
	rows, cols := t.Weight.Shape[0], t.Weight.Shape[1]
	across := ceil(cols, t.group)
	var out []byte
	for r := range ceil(rows, t.group) {
		line := scales[r*across*size : (r+1)*across*size]
		if t.axis == 1 {
			out = append(out, bytes.Repeat(line, min(t.group, rows-r*t.group))...)
			continue
		}
		for c := range cols {
			out = append(out, line[c/t.group*size:][:size]...)
		}
	}
	return out
}

// conversion is a weight in another type without codes of its own: 16-bit floats, or ggml's blocks.
type conversion struct {
	src     source
	as      *numbers
	best    bool // search scales of least error
	row     int
	rows    int // of a band
	bands   []band
	workers int

	importance importance.Vector // of the columns, matrix by matrix of a stack; nil: all matter the same
}

// weighed calls do for the rows from from up to to, counted over all matrices of a stack, with the importance of their
// columns: at once if there is none, else matrix by matrix.
func (c *conversion) weighed(from, to int, do func(from, to int, weights []float32) error) error {
	if c.importance == nil {
		return do(from, to, nil)
	}
	all, err := c.importance()
	if err != nil {
		return err
	}
	_, rows, _ := stackOf(c.src.t.Shape)
	for from < to {
		i := from / rows
		end := min(to, (i+1)*rows)
		if err := do(from, end, all[i*c.row:(i+1)*c.row]); err != nil {
			return err
		}
		from = end
	}
	return nil
}

func newConversion(src source, as *numbers, p *Params, workers int) *conversion {
	c := &conversion{src: src, as: as, best: p.Algorithm == "mse", row: 1, workers: workers}
	if n := len(src.t.Shape); n > 0 {
		c.row = max(1, src.t.Shape[n-1])
	}
	c.rows = max(1, bandSize/c.row)
	c.bands = make([]band, ceil(src.t.Len(), c.rows*c.row))
	return c
}

// tensor is the weight in its new type.
func (c *conversion) tensor(name string) *ir.Tensor {
	shape := c.src.t.Shape
	size := c.rowBytes()
	return ir.RangeTensor(name, c.as.dtype, shape, c.rows*size, func(dst []byte, off int64) error {
		for i := int(off) / (c.rows * size); len(dst) > 0; i++ {
			n := min(len(dst), c.rows*size)
			if err := c.convert(i, dst[:n]); err != nil {
				return err
			}
			dst = dst[n:]
		}
		return nil
	})
}

// rowBytes is the size of a row.
func (c *conversion) rowBytes() int {
	if elements, bytes := c.as.dtype.Block(); elements > 0 {
		return c.row / elements * bytes
	}
	return c.row * c.as.dtype.Bits() / 8
}

func (c *conversion) convert(i int, dst []byte) error {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	from := i * c.rows * c.row
	n := min(c.rows*c.row, c.src.t.Len()-from)
	t, done, err := c.direct(i, dst, from, n)
	if err == nil && !done {
		x := grow(&w.x, n)
		if t, err = c.src.read(x, from); err == nil {
			err = c.where(c.write(dst, x, from/c.row), from)
		}
	}
	if err != nil {
		return err
	}
	if measured(c.bands, i) {
		x, now := grow(&w.x, n), grow(&w.now, n)
		if done {
			if _, err := c.src.read(x, from); err != nil {
				return err
			}
		}
		if err := c.values(now, dst); err != nil {
			return err
		}
		t.rounding = measure.RoundingOf(x, now, grow(&w.diff, n))
	}
	b := &c.bands[i]
	b.Lock()
	b.seen, b.tally = true, t
	b.Unlock()
	return nil
}

// direct makes blocks of the stored numbers, without an array of float32 between, where nothing is to be changed about
// them.
func (c *conversion) direct(i int, dst []byte, from, n int) (t tally, done bool, err error) {
	as, ok := stored[c.src.t.DType]
	if c.as.kind != block || c.best || !ok {
		return t, false, nil
	}
	err = c.src.bytes(from, n, func(b []byte) error {
		zeros, finite := specials(c.src.t.DType, b)
		if !finite {
			return nil
		}
		t, done = tally{zeros: zeros, elements: n}, true
		first, width := from/c.row, len(b)/(n/c.row)
		return c.weighed(first, first+n/c.row, func(from, to int, weights []float32) error {
			part, in := dst[(from-first)*c.rowBytes():(to-first)*c.rowBytes()], b[(from-first)*width:(to-first)*width]
			return c.where(ggml.QuantizeFrom(part, ggml.Type(c.as.dtype-ir.BlockBase), in, as, c.row, weights), from*c.row)
		})
	})
	return t, done, err
}

// where says in which rows an error was found.
func (c *conversion) where(err error, from int) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("rows from %d of the weight %q: %w", from/c.row, c.src.t.Name, err)
}

// write stores rows, of which the first has number first.
func (c *conversion) write(dst []byte, x []float32, first int) error {
	switch c.as.dtype {
	case ir.Float16:
		if ggml.Quantize(dst, ggml.F16, x, len(x), nil) == nil {
			return nil
		}
		return overflow(x, 65520, "65,504, where float16 ends; type: bfloat16 holds them")
	case ir.BFloat16:
		if ggml.Quantize(dst, ggml.BF16, x, len(x), nil) == nil {
			return nil
		}
		return overflow(x, 0x1.ffp127, "3.39e38, where bfloat16 ends")
	}
	quantize := ggml.Quantize
	if c.best {
		quantize = ggml.QuantizeBest
	}
	return c.weighed(first, first+len(x)/c.row, func(from, to int, weights []float32) error {
		part, in := dst[(from-first)*c.rowBytes():(to-first)*c.rowBytes()], x[(from-first)*c.row:(to-first)*c.row]
		return quantize(part, ggml.Type(c.as.dtype-ir.BlockBase), in, c.row, weights)
	})
}

// overflow finds numbers that would round to infinity.
func overflow(x []float32, from float32, beyond string) error {
	n := 0
	for _, v := range x {
		if max(v, -v) >= from {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d numbers or more are beyond %s", n, beyond)
}

func (c *conversion) values(dst []float32, b []byte) error {
	switch c.as.dtype {
	case ir.Float16, ir.BFloat16:
		return widen16(dst, c.as.dtype, b)
	}
	return ggml.Dequantize(dst, ggml.Type(c.as.dtype-ir.BlockBase), b, c.row)
}

// total is that of coding.
func (c *conversion) total() (t tally, ok bool) { return totalOf(c.bands) }
