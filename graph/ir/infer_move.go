package ir

import (
	"fmt"
	"math"
	"slices"
)

func inferTranspose(c *call) error {
	x := c.shape(0)
	c.set(0, c.arg(0).DType, nil)
	if x == nil {
		return nil
	}
	perm := c.Ints("perm")
	if perm == nil {
		for i := range x {
			perm = append(perm, int64(len(x)-1-i))
		}
	}
	if len(perm) != len(x) {
		return fmt.Errorf("perm is %v for a shape %v", perm, x)
	}
	if _, err := axes(perm, len(x)); err != nil {
		return fmt.Errorf("perm is %v: %w", perm, err)
	}
	out := make(Shape, len(x))
	for i, a := range perm {
		a, _ := axis(a, len(x))
		out[i] = x[a]
	}
	c.set(0, c.arg(0).DType, out)
	return nil
}

func inferFlatten(c *call) error {
	x := c.shape(0)
	c.set(0, c.arg(0).DType, unknownShape(2))
	if x == nil {
		return nil
	}
	a := c.Int("axis", 1)
	if a < 0 {
		a += int64(len(x))
	}
	if a < 0 || a > int64(len(x)) {
		return fmt.Errorf("axis %d is outside a shape of rank %d", c.Int("axis", 1), len(x))
	}
	c.set(0, c.arg(0).DType, Shape{product(x[:a]), product(x[a:])})
	return nil
}

// product multiplies dimensions; a name survives a product with ones.
func product(s Shape) Dim {
	p := Dim{Size: 1}
	for _, d := range s {
		switch {
		case d.Known() && d.Size == 0:
			return d
		case p.Known() && p.Size == 1:
			p = d
		case d.Known() && d.Size == 1:
		case p.Known() && d.Known() && p.Size <= math.MaxInt64/d.Size:
			p.Size *= d.Size
		default:
			p = Unknown
		}
	}
	for _, d := range s { // a zero after an unknown dimension decides as well
		if d.Known() && d.Size == 0 {
			return d
		}
	}
	return p
}

func inferReshape(c *call) error {
	in := c.arg(0)
	c.set(0, in.DType, nil)
	var want []Elem
	if list := c.Ints("shape"); list != nil && !c.has(1) {
		for _, v := range list {
			want = append(want, Elem{Known: true, Value: v})
		}
	} else if want = c.arg(1).Elems; want == nil {
		if s := c.shape(1); len(s) == 1 && s[0].Known() && s[0].Size <= maxElems {
			c.set(0, in.DType, unknownShape(int(s[0].Size)))
		}
		return nil
	}
	out, err := reshape(in.Shape, want, c.Int("allowzero", 0) != 0)
	if err != nil {
		return err
	}
	c.set(0, in.DType, out)
	c.setElems(in.Elems)
	return nil
}

// reshape resolves 0 (keep the dimension) and -1 (what is left) of a wanted shape.
func reshape(in Shape, want []Elem, zeroIsZero bool) (Shape, error) {
	out := make(Shape, len(want))
	left := -1
	for i, e := range want {
		switch {
		case e.Known && e.Value == -1:
			if left >= 0 {
				return nil, fmt.Errorf("shape %v asks for the rest twice", elemsText(want))
			}
			left, out[i] = i, Unknown
		case e.Known && e.Value == 0 && !zeroIsZero:
			out[i] = Unknown
			if in != nil {
				if i >= len(in) {
					return nil, fmt.Errorf("shape %v keeps dimension %d, which the input %v does not have", elemsText(want), i, in)
				}
				out[i] = in[i]
			}
		default:
			d, ok := e.dim()
			if !ok {
				return nil, fmt.Errorf("shape %v has a negative dimension", elemsText(want))
			}
			out[i] = d
		}
	}
	if in == nil {
		return out, nil
	}
	if left >= 0 {
		d, err := rest(in, out, left)
		if err != nil {
			return nil, err
		}
		out[left] = d
	}
	if n, ok := in.Elements(); ok {
		if m, ok := out.Elements(); ok && n != m {
			return nil, fmt.Errorf("input of shape %v has %d elements; shape %v has %d", in, n, out, m)
		}
	}
	return out, nil
}

// rest divides the input's elements by those of the other dimensions; names on both sides cancel.
func rest(in, out Shape, left int) (Dim, error) {
	var names []string
	n := int64(1)
	for _, d := range in {
		if !d.Known() {
			if d.Name == "" {
				return Unknown, nil
			}
			names = append(names, d.Name)
			continue
		}
		if d.Size != 0 && n > math.MaxInt64/d.Size {
			return Unknown, fmt.Errorf("shape %v has too many elements", in)
		}
		n *= d.Size
	}
	m := int64(1)
	for i, d := range out {
		if i == left {
			continue
		}
		if !d.Known() {
			j := slices.Index(names, d.Name)
			if j < 0 || d.Name == "" {
				return Unknown, nil
			}
			names = slices.Delete(names, j, j+1)
			continue
		}
		if d.Size != 0 && m > math.MaxInt64/d.Size {
			return Unknown, fmt.Errorf("shape %v has too many elements", out)
		}
		m *= d.Size
	}
	switch {
	case len(names) == 1 && n == m && n != 0:
		return Dim{Size: -1, Name: names[0]}, nil
	case len(names) > 0 || m == 0:
		return Unknown, nil
	case n%m != 0:
		return Unknown, fmt.Errorf("%d elements of shape %v do not divide into %v", n, in, out)
	}
	return Dim{Size: n / m}, nil
}

func elemsText(elems []Elem) []string {
	words := make([]string, len(elems))
	for i, e := range elems {
		switch {
		case e.Known:
			words[i] = fmt.Sprint(e.Value)
		case e.Name != "":
			words[i] = e.Name
		default:
			words[i] = "?"
		}
	}
	return words
}

func inferConcat(c *call) error {
	c.set(0, c.arg(0).DType, nil)
	if len(c.in) == 0 {
		return fmt.Errorf("has no input")
	}
	first := c.shape(0)
	for i := range c.in {
		if c.shape(i) == nil {
			return nil
		}
		if len(c.shape(i)) != len(first) {
			return fmt.Errorf("inputs of shapes %v and %v differ in rank", first, c.shape(i))
		}
	}
	a, err := axis(c.Int("axis", 1), len(first))
	if err != nil {
		return err
	}
	out := slices.Clone(first)
	var elems []Elem
	follow := true
	for i := range c.in {
		s := c.shape(i)
		for j, d := range s {
			switch {
			case j == a && i == 0:
			case j == a && out[j].Known() && d.Known() && d.Size <= math.MaxInt64-out[j].Size:
				out[j].Size += d.Size
			case j == a:
				out[j] = Unknown
			case out[j].Known() && d.Known() && out[j].Size != d.Size:
				return fmt.Errorf("inputs of shapes %v and %v differ outside axis %d", first, s, a)
			case !out[j].Known() && d.Known():
				out[j] = d
			}
		}
		e := c.arg(i).Elems
		follow = follow && e != nil && len(s) == 1 && len(elems) <= maxElems
		elems = append(elems, e[:min(len(e), maxElems)]...)
	}
	c.set(0, c.arg(0).DType, out)
	if follow {
		c.setElems(elems)
	}
	return nil
}

// list returns integers given as an attribute by old opsets and as an input by new ones. given is false if there are
// none; ok is false if there are but they are not known.
func (c *call) list(attr string, input int) (list []int64, given, ok bool) {
	if list := c.Ints(attr); list != nil {
		return list, true, true
	}
	if !c.has(input) {
		return nil, false, true
	}
	list, ok = c.numbers(input)
	return list, true, ok
}

func inferSqueeze(c *call) error {
	in := c.arg(0)
	c.set(0, in.DType, nil)
	list, given, ok := c.list("axes", 1)
	if in.Shape == nil || !ok {
		return nil
	}
	var out Shape = Shape{}
	if !given {
		for _, d := range in.Shape {
			if !d.Known() {
				return nil // it may be a 1
			}
			if d.Size != 1 {
				out = append(out, d)
			}
		}
	} else {
		gone, err := axes(list, len(in.Shape))
		if err != nil {
			return err
		}
		for i, d := range in.Shape {
			if !gone[i] {
				out = append(out, d)
			} else if d.Known() && d.Size != 1 {
				return fmt.Errorf("axis %d of shape %v is not 1", i, in.Shape)
			}
		}
	}
	c.set(0, in.DType, out)
	c.setElems(in.Elems)
	return nil
}

func inferUnsqueeze(c *call) error {
	in := c.arg(0)
	c.set(0, in.DType, nil)
	list, _, ok := c.list("axes", 1)
	if in.Shape == nil || !ok {
		return nil
	}
	added, err := axes(list, len(in.Shape)+len(list))
	if err != nil {
		return err
	}
	out, next := make(Shape, len(added)), 0
	for i := range out {
		if added[i] {
			out[i] = Dim{Size: 1}
		} else {
			out[i] = in.Shape[next]
			next++
		}
	}
	c.set(0, in.DType, out)
	c.setElems(in.Elems)
	return nil
}

func inferExpand(c *call) error {
	c.set(0, c.arg(0).DType, nil)
	want, err := c.wanted(1)
	if err != nil || want == nil || c.shape(0) == nil {
		return err
	}
	out, err := broadcast(c.shape(0), want)
	if err != nil {
		return err
	}
	c.set(0, c.arg(0).DType, out)
	if e := c.arg(0).Elems; len(e) == 1 {
		if n, ok := out.Elements(); ok && n <= maxElems {
			c.setElems(slices.Repeat(e, n))
		}
	}
	return nil
}

func inferTile(c *call) error {
	x := c.shape(0)
	c.set(0, c.arg(0).DType, nil)
	times, ok := c.numbers(1)
	if x == nil {
		return nil
	}
	out := unknownShape(len(x))
	if ok {
		if len(times) != len(x) {
			return fmt.Errorf("%d repeats for a shape %v", len(times), x)
		}
		for i, d := range x {
			switch {
			case times[i] < 0:
				return fmt.Errorf("repeats %v has a negative number", times)
			case times[i] == 1:
				out[i] = d
			case d.Known() && (d.Size == 0 || times[i] <= math.MaxInt64/d.Size):
				out[i] = Dim{Size: d.Size * times[i]}
			}
		}
	}
	c.set(0, c.arg(0).DType, out)
	return nil
}

func inferDepthToSpace(c *call) error { return c.blocks(false) }
func inferSpaceToDepth(c *call) error { return c.blocks(true) }

// blocks moves blocks of b by b places between the spatial axes and the channels.
func (c *call) blocks(toDepth bool) error {
	x, b := c.shape(0), c.Int("blocksize", 0)
	c.set(0, c.arg(0).DType, nil)
	if b < 1 || b > 1<<15 {
		return fmt.Errorf("blocksize is %d; it must lie between 1 and %d", b, 1<<15)
	}
	if err := c.rank(0, 4, 4); err != nil || x == nil {
		return err
	}
	scale := func(d Dim, up bool, by int64) (Dim, error) {
		switch {
		case !d.Known():
			return Unknown, nil
		case up && d.Size <= math.MaxInt64/by:
			return Dim{Size: d.Size * by}, nil
		case !up && d.Size%by == 0:
			return Dim{Size: d.Size / by}, nil
		}
		return Unknown, fmt.Errorf("shape %v does not divide into blocks of %d", x, b)
	}
	out := slices.Clone(x)
	for i, by := range []int64{1, b * b, b, b} {
		var err error
		if i > 0 {
			if out[i], err = scale(x[i], toDepth == (i == 1), by); err != nil {
				return err
			}
		}
	}
	c.set(0, c.arg(0).DType, out)
	return nil
}
