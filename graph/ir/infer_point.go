package ir

import "fmt"

// inferSame: the output is as the first input.
func inferSame(c *call) error {
	c.set(0, c.arg(0).DType, c.shape(0))
	return nil
}

func inferSameBool(c *call) error {
	c.set(0, Bool, c.shape(0))
	return nil
}

func inferIdentity(c *call) error {
	if len(c.out) > 0 {
		c.out[0] = c.arg(0)
	}
	return nil
}

func inferDropout(c *call) error {
	c.set(0, c.arg(0).DType, c.shape(0))
	mask := Bool
	if c.opset < 10 {
		mask = c.arg(0).DType
	}
	c.set(1, mask, c.shape(0))
	return nil
}

func inferPRelu(c *call) error {
	x, slope := c.shape(0), c.shape(1)
	if x != nil && slope != nil && c.opset >= 7 { // before, slopes were one for each channel, whatever the rank
		if s, err := broadcast(x, slope); err != nil || len(s) != len(x) {
			return fmt.Errorf("slope of shape %v does not fit an input of shape %v", slope, x)
		}
	}
	return inferSame(c)
}

// inferBroadcast: element by element over shapes that fit each other, with arithmetic on integers that shapes are
// computed from.
func inferBroadcast(c *call) error {
	shape, err := c.broadcastAll()
	if err != nil {
		return err
	}
	c.set(0, c.arg(0).DType, shape)
	if len(c.in) == 2 {
		c.setElems(c.arithmetic(shape))
	}
	return nil
}

func inferCompare(c *call) error {
	shape, err := c.broadcastAll()
	if err != nil {
		return err
	}
	c.set(0, Bool, shape)
	return nil
}

func inferWhere(c *call) error {
	shape, err := c.broadcastAll()
	if err != nil {
		return err
	}
	c.set(0, c.arg(1).DType, shape)
	cond, x, y := c.arg(0).Elems, c.arg(1).Elems, c.arg(2).Elems
	n, ok := shape.Elements()
	if !ok || n > maxElems || cond == nil || x == nil || y == nil || !spreads(cond, n) || !spreads(x, n) || !spreads(y, n) {
		return nil
	}
	elems := make([]Elem, n)
	for i := range elems {
		switch w := cond[i%len(cond)]; {
		case !w.Known:
		case w.Value != 0:
			elems[i] = x[i%len(x)]
		default:
			elems[i] = y[i%len(y)]
		}
	}
	c.setElems(elems)
	return nil
}

// spreads reports whether a value of the elements covers n places, being a scalar or as long.
func spreads(e []Elem, n int) bool { return len(e) == n || len(e) == 1 }

func (c *call) broadcastAll() (Shape, error) {
	if len(c.in) == 0 {
		return nil, fmt.Errorf("has no input")
	}
	shape := c.shape(0)
	for i := 1; i < len(c.in); i++ {
		s := c.shape(i)
		if shape == nil || s == nil {
			shape = nil
			continue
		}
		var err error
		if shape, err = broadcast(shape, s); err != nil {
			return nil, err
		}
	}
	return shape, nil
}

// broadcast joins two shapes as numpy does: aligned at the end, a 1 stretches to the other.
func broadcast(a, b Shape) (Shape, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := make(Shape, len(a))
	copy(out, a)
	for i, e := range b {
		j := len(a) - len(b) + i
		d := a[j]
		switch {
		case d.Same(e):
		case d.Known() && d.Size == 1:
			out[j] = e
		case e.Known() && e.Size == 1:
		case d.Known() && e.Known():
			return nil, fmt.Errorf("shapes %v and %v do not fit each other: %v against %v", a, b, d, e)
		case e.Known(): // the other side is 1 or the same
			out[j] = e
		case d.Known():
		default:
			out[j] = Unknown
		}
	}
	return out, nil
}

// arithmetic computes elements of a small integer result.
func (c *call) arithmetic(shape Shape) []Elem {
	x, y := c.arg(0).Elems, c.arg(1).Elems
	n, ok := shape.Elements()
	if !ok || n > maxElems || x == nil || y == nil || n > 0 && (!spreads(x, n) || !spreads(y, n)) {
		return nil
	}
	elems := make([]Elem, n)
	for i := range elems {
		elems[i] = combine(c.Op, x[i%len(x)], y[i%len(y)])
	}
	return elems
}

// combine computes one element; a name survives what leaves it as it is.
func combine(op string, a, b Elem) Elem {
	is := func(e Elem, v int64) bool { return e.Known && e.Value == v }
	switch {
	case a.Known && b.Known:
		if v, ok := compute(op, a.Value, b.Value); ok {
			return Elem{Known: true, Value: v}
		}
	case op == "Mul" && is(a, 1), op == "Add" && is(a, 0):
		return b
	case (op == "Mul" || op == "Div") && is(b, 1), (op == "Add" || op == "Sub") && is(b, 0):
		return a
	case op == "Mul" && (is(a, 0) || is(b, 0)):
		return Elem{Known: true}
	}
	return Elem{}
}

// compute is integer arithmetic on sizes; ok is false where the result is undefined or large enough to be no size.
func compute(op string, a, b int64) (int64, bool) {
	const limit = 1 << 31
	small := a > -limit && a < limit && b > -limit && b < limit
	switch op {
	case "Add":
		return a + b, small
	case "Sub":
		return a - b, small
	case "Mul":
		return a * b, small
	case "Div":
		if b == 0 || !small {
			return 0, false
		}
		return a / b, true
	case "Max":
		return max(a, b), true
	case "Min":
		return min(a, b), true
	}
	return 0, false
}

func inferBatchNorm(c *call) error {
	if err := c.rank(0, 2, -1); err != nil && c.opset >= 9 {
		return err
	}
	x := c.shape(0)
	channels := Unknown
	for i := 1; i < 5; i++ {
		s := c.shape(i)
		if s == nil {
			continue
		}
		if len(s) != 1 {
			return fmt.Errorf("input %d has shape %v; it must be one number for each channel", i, s)
		}
		if len(x) > 1 && x[1].Known() && s[0].Known() && x[1].Size != s[0].Size {
			return fmt.Errorf("input %d has %v elements for %v channels", i, s[0], x[1])
		}
		channels = s[0]
	}
	c.set(0, c.arg(0).DType, x)
	for i := 1; i < len(c.out); i++ { // statistics of training
		c.set(i, c.arg(3).DType, Shape{channels})
	}
	return nil
}

func inferLayerNorm(c *call) error {
	x := c.shape(0)
	c.set(0, c.arg(0).DType, x)
	if x == nil {
		return nil
	}
	a, err := axis(c.Int("axis", -1), len(x))
	if err != nil {
		return err
	}
	stat := make(Shape, len(x))
	for i := range stat {
		if stat[i] = x[i]; i >= a {
			stat[i] = Dim{Size: 1}
		}
	}
	c.set(1, dtypeOf(c.Int("stash_type", 1)), stat)
	c.set(2, dtypeOf(c.Int("stash_type", 1)), stat)
	return nil
}

func inferQuantize(c *call) error {
	dtype := Uint8
	switch {
	case c.has(2):
		dtype = c.arg(2).DType
	case c.Int("output_dtype", 0) != 0:
		dtype = dtypeOf(c.Int("output_dtype", 0))
	}
	c.set(0, dtype, c.shape(0))
	return nil
}

func inferDequantize(c *call) error {
	dtype := c.arg(1).DType
	if d := c.Int("output_dtype", 0); d != 0 {
		dtype = dtypeOf(d)
	}
	c.set(0, dtype, c.shape(0))
	return nil
}

func inferDynamicQuantize(c *call) error {
	c.set(0, Uint8, c.shape(0))
	c.set(1, Float32, Shape{})
	c.set(2, Uint8, Shape{})
	return nil
}

func inferCast(c *call) error {
	to := dtypeOf(c.Int("to", 0))
	c.set(0, to, c.shape(0))
	if to == Int64 || to == Int32 {
		c.setElems(c.arg(0).Elems)
	}
	return nil
}

func inferCastLike(c *call) error {
	c.set(0, c.arg(1).DType, c.shape(0))
	return nil
}
