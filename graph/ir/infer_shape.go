package ir

import (
	"fmt"
	"math"
	"slices"
)

func inferShape(c *call) error {
	x := c.shape(0)
	c.set(0, Int64, Shape{Unknown})
	if x == nil {
		return nil
	}
	clamp := func(v int64) int64 {
		if v < 0 {
			v += int64(len(x))
		}
		return max(0, min(v, int64(len(x))))
	}
	start, end := clamp(c.Int("start", 0)), clamp(c.Int("end", math.MaxInt64))
	x = x[start:max(start, end)]
	elems := make([]Elem, len(x))
	for i, d := range x {
		elems[i] = d.elem()
	}
	c.set(0, Int64, ShapeOf(len(x)))
	c.setElems(elems)
	return nil
}

func inferSize(c *call) error {
	c.set(0, Int64, Shape{})
	if c.shape(0) != nil {
		c.setElems([]Elem{product(c.shape(0)).elem()})
	}
	return nil
}

func inferGather(c *call) error {
	data, idx := c.arg(0), c.arg(1)
	c.set(0, data.DType, nil)
	if data.Shape == nil {
		return nil
	}
	a, err := axis(c.Int("axis", 0), len(data.Shape))
	if err != nil || idx.Shape == nil {
		return err
	}
	out := slices.Concat(data.Shape[:a], idx.Shape, data.Shape[a+1:])
	if out == nil {
		out = Shape{}
	}
	c.set(0, data.DType, out)
	if numbers, ok := c.numbers(1); ok && data.Elems != nil && len(data.Shape) == 1 {
		elems := make([]Elem, len(numbers))
		for i, v := range numbers {
			if v < 0 {
				v += int64(len(data.Elems))
			}
			if v < 0 || v >= int64(len(data.Elems)) {
				return fmt.Errorf("index %d is outside a vector of %d", numbers[i], len(data.Elems))
			}
			elems[i] = data.Elems[v]
		}
		c.setElems(elems)
	}
	return nil
}

func inferGatherElements(c *call) error {
	c.set(0, c.arg(0).DType, c.shape(1))
	return nil
}

func inferConstant(c *call) error {
	if t := c.Constant(); t != nil {
		c.out[0] = InfoOf(t)
	}
	return nil
}

func inferConstantOfShape(c *call) error {
	dtype, value := Float32, Elem{Known: true}
	if a := c.Attr("value"); a != nil && a.Tensor != nil {
		dtype = a.Tensor.DType
		value = Elem{}
		if v := InfoOf(a.Tensor).Elems; len(v) == 1 {
			value = v[0]
		}
	}
	shape, err := c.wanted(0)
	if err != nil {
		return err
	}
	c.set(0, dtype, shape)
	if n, ok := shape.Elements(); ok && n <= maxElems && dtype != Float32 {
		c.setElems(slices.Repeat([]Elem{value}, n))
	}
	return nil
}

// wanted reads a shape given as an input.
func (c *call) wanted(i int) (Shape, error) {
	elems := c.arg(i).Elems
	if elems == nil {
		if s := c.shape(i); len(s) == 1 && s[0].Known() && s[0].Size <= maxElems {
			return unknownShape(int(s[0].Size)), nil
		}
		return nil, nil
	}
	shape := make(Shape, len(elems))
	for j, e := range elems {
		d, ok := e.dim()
		if !ok {
			return nil, fmt.Errorf("shape %v has a negative dimension", elemsText(elems))
		}
		shape[j] = d
	}
	return shape, nil
}

func inferRange(c *call) error {
	c.set(0, c.arg(0).DType, Shape{Unknown})
	var v [3]int64
	for i := range v {
		list, ok := c.numbers(i)
		if !ok || len(list) != 1 || list[0] > math.MaxInt32 || list[0] < math.MinInt32 {
			return nil
		}
		v[i] = list[0]
	}
	if v[2] == 0 {
		return fmt.Errorf("a range cannot go in steps of 0")
	}
	n := (v[1] - v[0]) / v[2]
	if (v[1]-v[0])%v[2] != 0 && n >= 0 && (v[1] > v[0]) == (v[2] > 0) {
		n++
	}
	n = max(0, n)
	c.set(0, c.arg(0).DType, Shape{{Size: n}})
	if n <= maxElems {
		elems := make([]Elem, n)
		for i := range elems {
			elems[i] = Elem{Known: true, Value: v[0] + int64(i)*v[2]}
		}
		c.setElems(elems)
	}
	return nil
}
