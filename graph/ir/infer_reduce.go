package ir

import "slices"

func inferReduce(c *call) error {
	x := c.shape(0)
	dtype := c.arg(0).DType
	c.set(0, dtype, nil)
	list, given, ok := c.list("axes", 1)
	keep := c.Int("keepdims", 1) != 0
	if x == nil {
		return nil
	}
	if !ok {
		if keep {
			c.set(0, dtype, unknownShape(len(x)))
		}
		return nil
	}
	reduced, err := axes(list, len(x))
	if err != nil {
		return err
	}
	if !given || len(list) == 0 {
		if c.Int("noop_with_empty_axes", 0) != 0 {
			c.set(0, dtype, x)
			return nil
		}
		for i := range reduced {
			reduced[i] = true
		}
	}
	out := Shape{}
	for i, d := range x {
		switch {
		case !reduced[i]:
			out = append(out, d)
		case keep:
			out = append(out, Dim{Size: 1})
		}
	}
	c.set(0, dtype, out)
	return nil
}

func inferArg(c *call) error {
	x := c.shape(0)
	c.set(0, Int64, nil)
	if x == nil {
		return nil
	}
	a, err := axis(c.Int("axis", 0), len(x))
	if err != nil {
		return err
	}
	out := slices.Clone(x)
	if c.Int("keepdims", 1) != 0 {
		out[a] = Dim{Size: 1}
	} else {
		out = slices.Delete(out, a, a+1)
	}
	c.set(0, Int64, out)
	return nil
}

func inferTopK(c *call) error {
	x := c.shape(0)
	if x == nil {
		c.set(0, c.arg(0).DType, nil)
		c.set(1, Int64, nil)
		return nil
	}
	a, err := axis(c.Int("axis", -1), len(x))
	if err != nil {
		return err
	}
	out := slices.Clone(x)
	out[a] = Unknown
	if k := c.Int("k", -1); k >= 0 {
		out[a] = Dim{Size: k}
	} else if list, ok := c.numbers(1); ok && len(list) == 1 && list[0] >= 0 {
		out[a] = Dim{Size: list[0]}
	}
	c.set(0, c.arg(0).DType, out)
	c.set(1, Int64, out)
	return nil
}
