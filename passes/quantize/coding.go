package quantize

import (
	"fmt"
	"math"
	"sync"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/affine"
	"github.com/pare-ml/pare/internal/ggml"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/parallel"
)

// coding is a weight whose codes and scales are computed when they are written, from ranges of the weight that was: no
// more of it is in memory than a few bands at a time. Codes and scales of one band are found together, whichever is asked
// for first; scales are kept, codes are not.
type coding struct {
	layout
	src       source
	as        *numbers
	symmetric bool
	observer  Observer
	scale     affine.Scale
	workers   int

	unitScales int // scales of a unit
	bandUnits  int
	bands      []band

	prepared func() error // once, before the first band
	global   float32      // of nvfp4: the scale of the scales
	scales   []byte       // as they are stored
	zeros    []byte       // zero points of integers, one byte each
}

// band is some units, or elements of a weight with whole scales, that are treated at a time.
type band struct {
	sync.Mutex
	known bool // its scales are
	seen  bool // its codes have been computed, and what follows is counted
	tally tally
}

// tally is what becomes of the elements of a band.
type tally struct {
	zeros, codedZeros int
	nonFinite         int // taken for zero
	elements          int
	rounding          measure.Rounding // of the bands that are measured
}

// measured tells whether the rounding of band i is measured: of large weights that of every eighth is.
func measured(bands []band, i int) bool { return len(bands) <= 16 || i%8 == 0 }

// bandSize is about how many elements a band has.
const bandSize = 1 << 17

// layout says how elements share scales. The weight is units of rows × cols elements, one behind the other; the last may
// have fewer rows. In each, tiles of tileRows × tileCols elements share a scale, and scales run over tiles, then units. Of a
// whole layout, where scales serve the length of the weight, those of all units are the same.
type layout struct {
	rows, cols, tileRows, tileCols int
	whole                          bool
	count                          int // scales, if whole
}

// down is a number of rows that no weight exceeds.
const down = 1 << 40

// layoutOf works out who shares a scale in a weight of this shape: axis is the one along which groups run (group, block),
// or the one that the scales stand along (channel).
func layoutOf(shape []int, granularity string, axis, group int) layout {
	outer, n, inner := cut(shape, axis)
	switch granularity {
	case "group":
		switch {
		case inner == 1:
			return layout{rows: 1, cols: n, tileRows: 1, tileCols: group}
		case n%group == 0 || outer == 1:
			return layout{rows: group, cols: inner, tileRows: group, tileCols: 1}
		}
		return layout{rows: n, cols: inner, tileRows: group, tileCols: 1}
	case "block":
		return layout{rows: group, cols: shape[1], tileRows: group, tileCols: group}
	case "channel":
		if outer == 1 {
			return layout{rows: 1, cols: inner, tileRows: 1, tileCols: inner}
		}
		if inner == 1 {
			return layout{rows: 1, cols: n, tileRows: down, tileCols: 1, whole: true, count: n}
		}
		return layout{rows: 1, cols: n * inner, tileRows: 1, tileCols: inner, whole: true, count: n}
	}
	return layout{rows: 1, cols: 1, tileRows: down, tileCols: 1, whole: true, count: 1}
}

// cut returns the sizes in front of an axis, of it, and behind it.
func cut(shape []int, axis int) (outer, n, inner int) {
	outer, n, inner = 1, 1, 1
	for i, d := range shape {
		switch {
		case i < axis:
			outer *= d
		case i == axis:
			n = d
		default:
			inner *= d
		}
	}
	return outer, n, inner
}

// newCoding plans the computation; nothing is read yet.
func newCoding(src source, as *numbers, l layout, p *Params, scale affine.Scale, workers int) *coding {
	l.cols, l.tileCols = max(l.cols, 1), max(l.tileCols, 1)
	c := &coding{layout: l, src: src, as: as, symmetric: p.Weights.Symmetric || as.kind != integer, observer: p.weightObserver(), scale: scale, workers: workers}
	n, unit := src.t.Len(), c.unitSize()
	units, scales := ceil(n, unit), c.count
	if !c.whole {
		c.unitScales = ceil(c.rows, c.tileRows) * ceil(c.cols, c.tileCols)
		scales = n/unit*c.unitScales + ceil(n%unit/c.cols, c.tileRows)*ceil(c.cols, c.tileCols)
	}
	c.bandUnits = max(1, bandSize/unit)
	for c.bandUnits*unit*as.dtype.Bits()%8 != 0 {
		c.bandUnits++
	}
	c.bands = make([]band, ceil(units, c.bandUnits))
	c.scales = make([]byte, scales*c.scaleSize())
	if as.kind == integer {
		c.zeros = make([]byte, scales)
	}
	c.prepared = sync.OnceValue(c.prepare)
	return c
}

func ceil(a, b int) int { return (a + b - 1) / b }

// unitSize is the elements of a full unit.
func (c *coding) unitSize() int { return c.rows * c.cols }

// elements returns which a band has.
func (c *coding) elements(i int) (from, to int) {
	size := c.bandUnits * c.unitSize()
	return i * size, min((i+1)*size, c.src.t.Len())
}

// codes is the tensor of the codes.
func (c *coding) codes(name string) *ir.Tensor {
	from, to := c.elements(0)
	size := max(1, ((to-from)*c.as.dtype.Bits()+7)/8)
	return ir.RangeTensor(name, c.as.dtype, c.src.t.Shape, size, func(dst []byte, off int64) error {
		for i := int(off) / size; len(dst) > 0; i++ {
			n := min(len(dst), size)
			if err := c.encode(i, dst[:n]); err != nil {
				return err
			}
			dst = dst[n:]
		}
		return nil
	})
}

// stored is the tensor of the scales as they were found, or of zero points, made of all bands.
func (c *coding) stored(name string, dtype ir.DType, shape []int, bytes func() []byte) *ir.Tensor {
	return ir.LazyTensor(name, dtype, shape, func() ([]byte, error) {
		if err := c.finish(); err != nil {
			return nil, err
		}
		return bytes(), nil
	})
}

// finish finds the scales of all bands.
func (c *coding) finish() error {
	if err := c.prepared(); err != nil || c.whole {
		return err
	}
	return eachOf(c.workers, len(c.bands), func(i int) error { return c.encode(i, nil) })
}

// eachOf calls do for all numbers below n, on several workers, and returns the error of the first that has one.
func eachOf(workers, n int, do func(i int) error) error {
	errs := make([]error, n)
	parallel.For(workers, n, func(i int) { errs[i] = do(i) })
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// workspace is the memory for one band.
type workspace struct {
	x     []float32 // the band
	tile  []float32 // a tile whose elements do not stand side by side
	was   []float32 // elements that are compared with what they became
	now   []float32
	diff  []float32
	codes []byte // one byte an element
	strip []byte
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func grow[T any](s *[]T, n int) []T {
	if cap(*s) < n {
		*s = make([]T, n)
	}
	return (*s)[:n]
}

// encode finds the scales of a band, unless they are known, and writes its codes to dst, unless that is nil.
func (c *coding) encode(i int, dst []byte) error {
	if err := c.prepared(); err != nil {
		return err
	}
	b := &c.bands[i]
	b.Lock()
	known := b.known || c.whole
	b.Unlock()
	if known && dst == nil {
		return nil
	}
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	from, to := c.elements(i)
	x := grow(&w.x, to-from)
	found, err := c.src.read(x, from)
	if err != nil {
		return err
	}
	r := &run{coding: c, w: w, known: known}
	r.see = r.tile
	if dst != nil {
		r.codes = dst
		if c.as.dtype.Bits() < 8 {
			r.codes = grow(&w.codes, len(x))
		}
		r.tally = found
		if measured(c.bands, i) {
			r.measured, r.was, r.now = true, w.was[:0], w.now[:0]
		}
	}
	r.band(x, i)
	if dst != nil {
		pack(dst, r.codes, c.as.dtype.Bits())
		if r.measured {
			r.tally.rounding = measure.RoundingOf(r.was, r.now, grow(&w.diff, len(r.was)))
			w.was, w.now = r.was, r.now
		}
	}
	b.Lock()
	defer b.Unlock()
	b.known = true
	if dst != nil {
		b.seen, b.tally = true, r.tally
	}
	return nil
}

// pack writes codes of one byte each with so many bits, the first lowest.
func pack(dst, codes []byte, bits int) {
	switch bits {
	case 8:
		if len(dst) > 0 && &dst[0] != &codes[0] {
			copy(dst, codes)
		}
		return
	case 4:
		n := len(codes) / 2
		for i := range n {
			dst[i] = codes[2*i]&15 | codes[2*i+1]<<4
		}
		if len(codes)%2 == 1 {
			dst[n] = codes[2*n] & 15
		}
		return
	}
	clear(dst)
	per := 8 / bits
	for i, code := range codes {
		dst[i/per] |= code & (1<<bits - 1) << (i % per * bits)
	}
}

// total adds up what became of the elements of all bands; ok is false if the codes of one have never been asked for.
func (c *coding) total() (t tally, ok bool) { return totalOf(c.bands) }

func totalOf(bands []band) (t tally, ok bool) {
	for i := range bands {
		b := &bands[i]
		b.Lock()
		if !b.seen {
			b.Unlock()
			return t, false
		}
		t.zeros += b.tally.zeros
		t.codedZeros += b.tally.codedZeros
		t.nonFinite += b.tally.nonFinite
		t.elements += b.tally.elements
		t.rounding.Add(b.tally.rounding)
		b.Unlock()
	}
	return t, true
}

// zerosNow is how many elements are zero by now; of a weight that is measured in part an estimate.
func (t *tally) zerosNow() int {
	if r := &t.rounding; r.Count > 0 && r.Count < int64(t.elements) {
		return int(math.Round(float64(r.Zeros) / float64(r.Count) * float64(t.elements)))
	}
	return int(t.rounding.Zeros)
}

// source reads numbers out of a weight.
type source struct {
	t    *ir.Tensor
	path string // of the model
	// zero takes numbers that are not finite for zero; else they are an error.
	zero bool
}

// read sets dst to the elements from the given one on, and counts zeros and what was taken for zero.
func (s source) read(dst []float32, from int) (t tally, err error) {
	zeros, finite, err := s.raw(dst, from)
	t = tally{zeros: zeros, elements: len(dst)}
	if err != nil || finite {
		return t, err
	}
	if !s.zero {
		return t, s.damaged()
	}
	for i, v := range dst {
		if v-v != 0 {
			dst[i] = 0
			t.nonFinite++
			t.zeros++
		}
	}
	return t, nil
}

var rawBytes = sync.Pool{New: func() any { return new([]byte) }}

// bytes calls do with the bytes of n elements from the given one on, which are memory of a pool.
func (s source) bytes(from, n int, do func(b []byte) error) error {
	size := s.t.DType.Bits() / 8
	align, total := int64(max(s.t.Align(), 1)), s.t.Size()
	lo, hi := int64(from*size), int64((from+n)*size)
	first := lo / align * align
	last := min((hi+align-1)/align*align, total)
	buf := rawBytes.Get().(*[]byte)
	defer rawBytes.Put(buf)
	b := grow(buf, int(last-first))
	if err := s.t.ReadRange(b, first); err != nil {
		return err
	}
	return do(b[lo-first : hi-first])
}

// raw sets dst to the elements from the given one on as they are, and tells whether all are finite.
func (s source) raw(dst []float32, from int) (zeros int, finite bool, err error) {
	if elements, _ := s.t.DType.Block(); elements > 0 {
		if err := s.blocks(dst, from); err != nil {
			return 0, false, err
		}
		zeros, finite = specialsOf(dst)
		return zeros, finite, nil
	}
	err = s.bytes(from, len(dst), func(b []byte) error {
		zeros, finite = specials(s.t.DType, b)
		return widen16(dst, s.t.DType, b)
	})
	return zeros, finite, err
}

// specials counts the zeros among stored numbers and tells whether all are finite.
func specials(t ir.DType, b []byte) (zeros int, finite bool) {
	switch t {
	case ir.Float16:
		return kernel.SpecialFloat16s(b)
	case ir.BFloat16:
		return kernel.SpecialBFloat16s(b)
	}
	return kernel.SpecialFloat32s(b)
}

// specialsOf is specials for numbers at hand.
func specialsOf(x []float32) (zeros int, finite bool) {
	finite = true
	for _, v := range x {
		if v == 0 {
			zeros++
		}
		finite = finite && v-v == 0
	}
	return zeros, finite
}

// stored are the types that a weight can be read from, as ggml numbers them.
var stored = map[ir.DType]ggml.Type{ir.Float32: ggml.F32, ir.Float16: ggml.F16, ir.BFloat16: ggml.BF16}

// widen16 makes float32 of stored numbers; each has its float32.
func widen16(dst []float32, t ir.DType, b []byte) error {
	from, ok := stored[t]
	if !ok {
		return fmt.Errorf("numbers of type %s cannot be read", t)
	}
	if len(dst) == 0 {
		return nil
	}
	return ggml.Dequantize(dst, from, b, len(dst))
}

// blocks is raw for a weight in ggml's blocks.
func (s source) blocks(dst []float32, from int) error {
	elements, bytes := s.t.DType.Block()
	first := from / elements
	last := (from + len(dst) + elements - 1) / elements
	buf := rawBytes.Get().(*[]byte)
	defer rawBytes.Put(buf)
	b := grow(buf, (last-first)*bytes)
	if err := s.t.ReadRange(b, int64(first*bytes)); err != nil {
		return err
	}
	n := (last - first) * elements
	if n == len(dst) {
		return ggml.Dequantize(dst, ggml.Type(s.t.DType-ir.BlockBase), b, n)
	}
	x := make([]float32, n)
	if err := ggml.Dequantize(x, ggml.Type(s.t.DType-ir.BlockBase), b, n); err != nil {
		return err
	}
	copy(dst, x[from-first*elements:])
	return nil
}

// count reads the whole weight and tells how many of its numbers are not finite.
func (s source) count() (int, error) {
	n, x := 0, make([]float32, min(bandSize, s.t.Len()))
	for from := 0; from < s.t.Len(); from += len(x) {
		x = x[:min(len(x), s.t.Len()-from)]
		_, finite, err := s.raw(x, from)
		if err != nil {
			return 0, err
		}
		for _, v := range x {
			if !finite && v-v != 0 {
				n++
			}
		}
	}
	return n, nil
}

// damaged is the error of a weight with numbers that are not finite.
func (s source) damaged() error {
	n, err := s.count()
	if err != nil {
		return err
	}
	return damaged(s.path, s.t, s.found(n)+"; on_nonfinite: zero takes them for zero, keep leaves the layer as it is")
}

func (s source) found(n int) string {
	return fmt.Sprintf("%d of its %d numbers are NaN or infinite", n, s.t.Len())
}

// decibels says a ratio of signal to noise: "42.1 dB", or "exact".
func decibels(signal, noise float64) string {
	if db, ok := sqnr(signal, noise); ok {
		return fmt.Sprintf("%.1f dB", db)
	}
	return "exact"
}
