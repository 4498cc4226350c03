package ir

import (
	"fmt"
	"math"
	"slices"
)

func inferPad(c *call) error {
	x := c.shape(0)
	c.set(0, c.arg(0).DType, nil)
	if x == nil {
		return nil
	}
	attr := "pads"
	if c.opset < 2 {
		attr = "paddings"
	}
	pads, given, ok := c.list(attr, 1)
	out := unknownShape(len(x))
	if !ok || !given {
		c.set(0, c.arg(0).DType, out)
		return nil
	}
	at := make([]int64, len(x))
	for i := range at {
		at[i] = int64(i)
	}
	if c.has(3) {
		if at, ok = c.numbers(3); !ok {
			c.set(0, c.arg(0).DType, out)
			return nil
		}
		if _, err := axes(at, len(x)); err != nil {
			return err
		}
	}
	if len(pads) != 2*len(at) {
		return fmt.Errorf("pads is %v; a shape of rank %d needs %d numbers", pads, len(x), 2*len(at))
	}
	copy(out, x)
	for i, a := range at {
		a, _ := axis(a, len(x))
		b, e := pads[i], pads[i+len(at)]
		if b < math.MinInt32 || b > math.MaxInt32 || e < math.MinInt32 || e > math.MaxInt32 {
			return fmt.Errorf("pads is %v; the numbers are too large", pads)
		}
		switch d := x[a]; {
		case b == 0 && e == 0:
		case d.Known() && d.Size < math.MaxInt64/2:
			n := d.Size + b + e
			if n < 0 {
				return fmt.Errorf("pads %v cut more than axis %d of shape %v has", pads, a, x)
			}
			out[a] = Dim{Size: n}
		default:
			out[a] = Unknown
		}
	}
	c.set(0, c.arg(0).DType, out)
	return nil
}

func inferSplit(c *call) error {
	x := c.shape(0)
	for i := range c.out {
		c.set(i, c.arg(0).DType, nil)
	}
	if x == nil || len(c.out) == 0 {
		return nil
	}
	a, err := axis(c.Int("axis", 0), len(x))
	if err != nil {
		return err
	}
	sizes, given, ok := c.list("split", 1)
	parts := int64(len(c.out))
	switch {
	case !ok:
		sizes = nil
	case given:
		if len(sizes) != len(c.out) {
			return fmt.Errorf("split %v names %d parts for %d outputs", sizes, len(sizes), len(c.out))
		}
		sum := int64(0)
		for _, n := range sizes {
			if n < 0 || n > math.MaxInt64-sum {
				return fmt.Errorf("split %v has an impossible size", sizes)
			}
			sum += n
		}
		if x[a].Known() && sum != x[a].Size {
			return fmt.Errorf("split %v adds up to %d, not to axis %d of shape %v", sizes, sum, a, x)
		}
	case x[a].Known():
		if n := c.Int("num_outputs", parts); n != parts {
			return fmt.Errorf("num_outputs is %d for %d outputs", n, parts)
		}
		each := (x[a].Size + parts - 1) / parts
		if c.opset < 18 && x[a].Size%parts != 0 {
			return fmt.Errorf("axis %d of shape %v does not divide into %d parts", a, x, parts)
		}
		for left := x[a].Size; int64(len(sizes)) < parts; left -= each {
			sizes = append(sizes, max(0, min(each, left)))
		}
	}
	from := int64(0)
	for i := range c.out {
		s := slices.Clone(x)
		s[a] = Unknown
		if sizes != nil {
			s[a] = Dim{Size: sizes[i]}
		}
		c.set(i, c.arg(0).DType, s)
		if e := c.arg(0).Elems; sizes != nil && len(x) == 1 && from+sizes[i] <= int64(len(e)) {
			c.out[i].Elems = e[from : from+sizes[i]]
			from += sizes[i]
		}
	}
	return nil
}

func inferSlice(c *call) error {
	x := c.arg(0)
	c.set(0, x.DType, nil)
	if x.Shape == nil {
		return nil
	}
	starts, _, ok1 := c.list("starts", 1)
	ends, _, ok2 := c.list("ends", 2)
	at, given, ok3 := c.list("axes", 3)
	steps, stepped := []int64(nil), false
	ok4 := true
	if c.has(4) {
		stepped = true
		steps, ok4 = c.numbers(4)
	}
	if !ok3 {
		c.set(0, x.DType, unknownShape(len(x.Shape)))
		return nil
	}
	if !given {
		n := len(x.Shape)
		if ok1 {
			n = min(n, len(starts))
		}
		for i := range n {
			at = append(at, int64(i))
		}
	}
	if _, err := axes(at, len(x.Shape)); err != nil {
		return err
	}
	out := slices.Clone(x.Shape)
	if !ok1 || !ok2 || !ok4 {
		for _, a := range at {
			a, _ := axis(a, len(out))
			out[a] = Unknown
		}
		c.set(0, x.DType, out)
		return nil
	}
	if len(starts) != len(at) || len(ends) != len(at) || stepped && len(steps) != len(at) {
		return fmt.Errorf("starts %v, ends %v, axes %v and steps %v differ in length", starts, ends, at, steps)
	}
	elems := x.Elems
	for i, a := range at {
		a, _ := axis(a, len(out))
		step := int64(1)
		if stepped {
			step = steps[i]
		}
		if step == 0 {
			return fmt.Errorf("steps is %v; no step may be 0", steps)
		}
		d := out[a]
		if !d.Known() {
			if starts[i] != 0 || step != 1 || ends[i] < math.MaxInt32 { // else all of it
				out[a] = Unknown
			}
			elems = nil
			continue
		}
		from, n := sliceRange(starts[i], ends[i], step, d.Size)
		out[a] = Dim{Size: n}
		if int64(len(elems)) == d.Size && len(out) == 1 {
			cut := make([]Elem, 0, n)
			for j := range n {
				cut = append(cut, elems[from+j*step])
			}
			elems = cut
		} else {
			elems = nil
		}
	}
	c.set(0, x.DType, out)
	if len(out) == 1 {
		c.setElems(elems)
	}
	return nil
}

// sliceRange returns the first index and the number of elements that a slice of an axis takes.
func sliceRange(start, end, step, size int64) (from, n int64) {
	place := func(v, low, high int64) int64 {
		if v < 0 {
			v += size
		}
		return max(low, min(v, high))
	}
	if step > 0 {
		start, end = place(start, 0, size), place(end, 0, size)
		if end <= start {
			return start, 0
		}
		return start, (end-start-1)/step + 1
	}
	start, end = place(start, 0, size-1), place(end, -1, size-1)
	if start <= end || size == 0 {
		return 0, 0
	}
	if step == math.MinInt64 {
		return start, 1
	}
	return start, (start-end-1)/-step + 1
}

// inferResize takes the sizes, or multiplies by the scales, of Resize and Upsample.
func inferResize(c *call) error {
	x := c.shape(0)
	c.set(0, c.arg(0).DType, nil)
	if x == nil {
		return nil
	}
	out := unknownShape(len(x))
	c.set(0, c.arg(0).DType, out)
	if c.Ints("axes") != nil { // opset 18: only some axes
		return nil
	}
	if c.Op == "Resize" && c.has(3) {
		if want, err := c.wanted(3); err != nil {
			return err
		} else if len(want) == len(x) && c.Str("keep_aspect_ratio_policy", "stretch") == "stretch" {
			c.set(0, c.arg(0).DType, want)
		}
		return nil
	}
	at := 1
	if c.Op == "Resize" && c.opset > 10 {
		at = 2
	}
	scales := []float32(nil)
	if a := c.Attr("scales"); a != nil {
		scales = a.Floats
	} else if t := c.arg(at).Const; t != nil && t.HasData() && t.Len() == len(x) && t.DType == Float32 {
		scales, _ = t.Float32s()
	}
	if len(scales) != len(x) {
		return nil
	}
	for i, d := range x {
		if scales[i] == 1 {
			out[i] = d
		} else if n := float64(d.Size) * float64(scales[i]); d.Known() && n >= 0 && n < math.MaxInt32 {
			out[i] = Dim{Size: int64(math.Floor(n))}
		}
	}
	return nil
}
