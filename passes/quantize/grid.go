package quantize

import (
	"encoding/binary"
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/affine"
	"github.com/pare-ml/pare/internal/kernel"
)

// grid is the numbers that the codes of one tile stand for. Of floats Scale alone counts.
type grid struct {
	affine.Grid
	stored uint8 // of float4: the scale as it is stored
}

// scaleType is what the coding's scales are stored in.
func (c *coding) scaleType() ir.DType {
	switch {
	case c.as.name == "mxfp4":
		return ir.Float8E8M0
	case c.as.name == "nvfp4":
		return ir.Float8E4M3FN
	case c.scale == affine.Float16:
		return ir.Float16
	case c.scale == affine.BFloat16:
		return ir.BFloat16
	}
	return ir.Float32
}

func (c *coding) scaleSize() int { return c.scaleType().Bits() / 8 }

// store keeps the grid of scale k. Scales of different bands lie in different bytes, so bands need no lock for it.
func (c *coding) store(k int, g grid) {
	b := c.scales[k*c.scaleSize():]
	switch c.scaleType() {
	case ir.Float32:
		binary.LittleEndian.PutUint32(b, math.Float32bits(g.Scale))
	case ir.Float16:
		binary.LittleEndian.PutUint16(b, kernel.Float16Bits(g.Scale))
	case ir.BFloat16:
		binary.LittleEndian.PutUint16(b, kernel.BFloat16Bits(g.Scale))
	default:
		b[0] = g.stored
	}
	if c.zeros != nil {
		c.zeros[k] = byte(g.Zero)
	}
}

// load returns the grid of scale k.
func (c *coding) load(k int) grid {
	b := c.scales[k*c.scaleSize():]
	var g grid
	switch c.scaleType() {
	case ir.Float32:
		g.Scale = math.Float32frombits(binary.LittleEndian.Uint32(b))
	case ir.Float16:
		g.Scale = kernel.Float16FromBits(binary.LittleEndian.Uint16(b))
	case ir.BFloat16:
		g.Scale = kernel.BFloat16FromBits(binary.LittleEndian.Uint16(b))
	case ir.Float8E8M0:
		g.stored = b[0]
		g.Scale = kernel.Float8E8M0[b[0]]
	case ir.Float8E4M3FN:
		g.stored = b[0]
		g.Scale = float32(kernel.Float8E4M3[b[0]] * c.global)
	}
	if c.zeros != nil {
		t := c.as.span
		g.Min, g.Max, g.Zero = t.Min, t.Max, int32(c.zeros[k])
		if t.Min < 0 {
			g.Zero = int32(int8(c.zeros[k]))
		}
		if c.symmetric {
			half := (t.Max - t.Min) / 2
			g.Min = g.Zero - half
		}
	}
	return g
}

// choose finds the grid of elements that share a scale.
func (c *coding) choose(x []float32) grid {
	switch c.as.kind {
	case integer:
		return grid{Grid: gridOf(x, c.observer, c.symmetric, c.as.span, c.scale)}
	case float8:
		return c.chooseFloat8(x)
	}
	if c.as.name == "mxfp4" {
		return c.choosePower(x)
	}
	return c.chooseSmall(x)
}

// chooseFloat8 lets the greatest number stand for the largest element, or with observer mse for a share of it.
func (c *coding) chooseFloat8(x []float32) grid {
	limit := float64(kernel.MaxAbs(x))
	at := func(limit float64) grid {
		return grid{Grid: affine.Grid{Scale: c.scale.Round(limit/c.as.most, int32(c.as.most))}}
	}
	switch c.observer.Kind {
	case "percentile":
		_, hi := percentile(x, c.observer.Percentile, true)
		return at(hi)
	case "mse":
		var list []grid
		for _, ratio := range affine.ClipRatios() {
			list = append(list, at(limit*ratio))
		}
		return c.least(x, list)
	}
	return at(limit)
}

// choosePower takes the power of two that the MX standard names: that of the largest element, less 2, the exponent of 6.
// Elements between 6 and 8 times it are cut; observer mse tries its neighbours too.
func (c *coding) choosePower(x []float32) grid {
	most := kernel.MaxAbs(x)
	if most == 0 {
		return grid{Grid: affine.Grid{Scale: 1}, stored: 127}
	}
	at := func(e int) grid {
		e = min(max(e, 0), 254)
		return grid{Grid: affine.Grid{Scale: kernel.Float8E8M0[e]}, stored: uint8(e)}
	}
	_, exponent := math.Frexp(float64(most)) // most = f·2^exponent, f from 0.5
	e := exponent - 1 - 2 + 127
	if c.observer.Kind == "mse" {
		return c.least(x, []grid{at(e), at(e + 1), at(e - 1)})
	}
	return at(e)
}

// chooseSmall takes the 8-bit float nearest to a sixth of the largest element in units of the tensor's scale; observer mse
// tries those from a half of that to one and a half.
func (c *coding) chooseSmall(x []float32) grid {
	at := func(code uint8) grid {
		code = min(max(code, 1), 0x7e)
		return grid{Grid: affine.Grid{Scale: float32(kernel.Float8E4M3[code] * c.global)}, stored: code}
	}
	most := float64(kernel.MaxAbs(x))
	if most == 0 {
		return at(0x38) // 1
	}
	share := most / 6 / float64(c.global)
	code := kernel.Float8E4M3Bits(float32(share))
	if c.observer.Kind != "mse" {
		return at(code)
	}
	list := []grid{at(code)}
	for other := kernel.Float8E4M3Bits(float32(share / 2)); other <= kernel.Float8E4M3Bits(float32(share*1.5)); other++ {
		list = append(list, at(other))
	}
	return c.least(x, list)
}

// least returns the grid with the least sum of squared errors, of equal ones the first.
func (c *coding) least(x []float32, list []grid) grid {
	codes, values := make([]byte, len(x)), make([]float32, len(x))
	best, least := list[0], math.Inf(1)
	for _, g := range list {
		c.code(codes, x, g)
		c.values(values, codes, g)
		sum := 0.0
		for i, v := range x {
			e := float64(v) - float64(values[i])
			sum += float64(e * e)
		}
		if sum < least {
			best, least = g, sum
		}
	}
	return best
}

// code sets codes to those of finite elements, one byte each.
func (c *coding) code(codes []byte, x []float32, g grid) {
	switch {
	case c.as.dtype == ir.Float8E4M3FN:
		kernel.Float8E4M3s(codes, x, g.Scale)
	case c.as.dtype == ir.Float8E5M2:
		for i, v := range x {
			codes[i] = kernel.Float8E5M2Bits(v / g.Scale)
		}
	case c.as.kind == float4:
		for i, v := range x {
			codes[i] = kernel.Float4Bits(v / g.Scale)
		}
	default:
		kernel.Codes(codes, x, g.Scale, g.Zero, g.Min, g.Max)
	}
}

// values sets dst to the numbers that codes stand for.
func (c *coding) values(dst []float32, codes []byte, g grid) {
	switch {
	case c.as.dtype == ir.Float8E4M3FN:
		for i, code := range codes {
			dst[i] = float32(kernel.Float8E4M3[code] * g.Scale)
		}
	case c.as.dtype == ir.Float8E5M2:
		for i, code := range codes {
			dst[i] = float32(kernel.Float8E5M2[code] * g.Scale)
		}
	case c.as.kind == float4:
		for i, code := range codes {
			dst[i] = float32(kernel.Float4[code&15] * g.Scale)
		}
	case c.as.span.Min < 0:
		for i, code := range codes {
			dst[i] = float32(float32(int32(int8(code))-g.Zero) * g.Scale)
		}
	default:
		for i, code := range codes {
			dst[i] = float32(float32(int32(code)-g.Zero) * g.Scale)
		}
	}
}

// prepare finds what a band cannot find alone: whole scales, and the scale of nvfp4's scales.
func (c *coding) prepare() error {
	switch {
	case c.as.name == "nvfp4":
		return c.prepareGlobal()
	case c.whole && (c.observer.Kind == "minmax" || c.observer.Kind == ""):
		return c.prepareExtremes()
	case c.whole:
		return c.prepareSearch()
	}
	return nil
}

// prepareGlobal sets the tensor's scale so that its largest element is 6 times the largest 8-bit float.
func (c *coding) prepareGlobal() error {
	most := make([]float32, len(c.bands))
	err := c.visit(func(i int, x []float32, k int) { most[i] = max(most[i], kernel.MaxAbs(x)) }, c.workers)
	c.global = 1
	var limit float32
	for _, v := range most {
		limit = max(limit, v)
	}
	if limit > 0 {
		c.global = affine.Float32.Round(float64(limit)/(448*6), 448*6)
	}
	return err
}

// extent is what min-max ranges follow from.
type extent struct {
	lo, hi, least float32 // the least and greatest element, zero among them; the least magnitude that is not zero
}

func (e *extent) add(x []float32) {
	for _, v := range x {
		e.lo, e.hi = min(e.lo, v), max(e.hi, v)
		if v = max(v, -v); v != 0 && (v < e.least || e.least == 0) {
			e.least = v
		}
	}
}

func (e *extent) merge(f extent) {
	e.lo, e.hi = min(e.lo, f.lo), max(e.hi, f.hi)
	if f.least != 0 && (f.least < e.least || e.least == 0) {
		e.least = f.least
	}
}

// stand returns few elements with the same grid as all.
func (e extent) stand() []float32 {
	x := []float32{e.lo, e.hi}
	if e.least != 0 && e.least != -e.lo && e.least != e.hi {
		x = append(x, e.least)
	}
	return x
}

// prepareExtremes finds whole scales from ranges alone.
func (c *coding) prepareExtremes() error {
	all := make([]extent, len(c.bands)*c.layout.count)
	err := c.visit(func(i int, x []float32, k int) { all[i*c.layout.count+k].add(x) }, c.workers)
	if err != nil {
		return err
	}
	for k := range c.layout.count {
		var e extent
		for i := range c.bands {
			e.merge(all[i*c.layout.count+k])
		}
		c.store(k, c.choose(e.stand()))
	}
	return nil
}

// prepareSearch finds whole scales by rules that look at all elements, which are gathered: the weight is in memory once.
func (c *coding) prepareSearch() error {
	all := make([][]float32, c.layout.count)
	if err := c.visit(func(_ int, x []float32, k int) { all[k] = append(all[k], x...) }, 1); err != nil {
		return err
	}
	grids := make([]grid, len(all))
	if err := eachOf(c.workers, len(all), func(k int) error { grids[k] = c.choose(all[k]); return nil }); err != nil {
		return err
	}
	for k, g := range grids {
		c.store(k, g)
	}
	return nil
}

// visit shows all tiles, band by band; with one worker in order.
func (c *coding) visit(see func(band int, x []float32, k int), workers int) error {
	return eachOf(workers, len(c.bands), func(i int) error {
		w := workspaces.Get().(*workspace)
		defer workspaces.Put(w)
		from, to := c.elements(i)
		x := grow(&w.x, to-from)
		if _, err := c.src.read(x, from); err != nil {
			return err
		}
		r := &run{coding: c, w: w, see: func(x []float32, _ []byte, k int) { see(i, x, k) }}
		r.band(x, i)
		return nil
	})
}
