package ir

import (
	"fmt"
	"math"
)

// window is the sliding window of a convolution or pooling along each spatial axis.
type window struct {
	kernel, strides, dilations, begin, end []int64
	autoPad                                string
	ceil                                   bool
}

// window reads the attributes; kernel is that of the weight, if there is one.
func (c *call) window(rank int, kernel Shape) (*window, error) {
	w := &window{autoPad: c.Str("auto_pad", "NOTSET"), ceil: c.Int("ceil_mode", 0) != 0}
	var err error
	get := func(name string, def int64, low int64) []int64 {
		list := c.Ints(name)
		if list == nil {
			list = make([]int64, rank)
			for i := range list {
				list[i] = def
			}
		}
		if len(list) != rank && err == nil {
			err = fmt.Errorf("%s has %d numbers for %d spatial axes", name, len(list), rank)
		}
		for _, v := range list {
			if (v < low || v > math.MaxInt32) && err == nil {
				err = fmt.Errorf("%s is %v; each number must lie between %d and %d", name, list, low, math.MaxInt32)
			}
		}
		return list
	}
	w.strides, w.dilations = get("strides", 1, 1), get("dilations", 1, 1)
	if c.Ints("kernel_shape") != nil || kernel == nil {
		if w.kernel = c.Ints("kernel_shape"); w.kernel == nil {
			return nil, fmt.Errorf("has no kernel_shape")
		}
		w.kernel = get("kernel_shape", 1, 1)
	} else {
		for _, d := range kernel {
			w.kernel = append(w.kernel, d.Size)
		}
	}
	if err != nil {
		return nil, err
	}
	for i, d := range kernel {
		if d.Known() && d.Size != w.kernel[i] {
			return nil, fmt.Errorf("kernel_shape is %v, but the weight's is %v", w.kernel, kernel)
		}
	}
	pads := c.Ints("pads")
	if pads == nil {
		pads = make([]int64, 2*rank)
	}
	if len(pads) != 2*rank {
		return nil, fmt.Errorf("pads has %d numbers for %d spatial axes", len(pads), rank)
	}
	for _, p := range pads {
		if p < math.MinInt32 || p > math.MaxInt32 {
			return nil, fmt.Errorf("pads is %v; the numbers are too large", pads)
		}
	}
	w.begin, w.end = pads[:rank], pads[rank:]
	return w, nil
}

// size returns how many places the window has along axis i of a given size.
func (w *window) size(i int, in Dim) (Dim, error) {
	if !in.Known() || w.kernel[i] < 0 {
		if w.autoPad != "NOTSET" && w.autoPad != "VALID" && w.autoPad != "" && w.strides[i] == 1 {
			return in, nil
		}
		return Unknown, nil
	}
	if in.Size > math.MaxInt32 {
		return Unknown, fmt.Errorf("axis %d has size %d, which is too large for a window", i+2, in.Size)
	}
	reach := (w.kernel[i]-1)*w.dilations[i] + 1
	s := w.strides[i]
	switch w.autoPad {
	case "SAME_UPPER", "SAME_LOWER":
		return Dim{Size: (in.Size + s - 1) / s}, nil
	case "VALID":
		if in.Size < reach {
			return Unknown, fmt.Errorf("a window of %d does not fit an axis of %d", reach, in.Size)
		}
		return Dim{Size: (in.Size-reach)/s + 1}, nil
	case "NOTSET", "":
	default:
		return Unknown, fmt.Errorf("auto_pad is %q; it must be NOTSET, VALID, SAME_UPPER or SAME_LOWER", w.autoPad)
	}
	room := in.Size + w.begin[i] + w.end[i] - reach
	if room < 0 {
		return Unknown, fmt.Errorf("a window of %d does not fit an axis of %d padded by %d and %d", reach, in.Size, w.begin[i], w.end[i])
	}
	out := room/s + 1
	if w.ceil {
		out = (room+s-1)/s + 1
		if (out-1)*s >= in.Size+w.begin[i] { // the last window must not start in the padding behind the input
			out--
		}
	}
	return Dim{Size: out}, nil
}

func inferConv(c *call) error {
	x, wAt, dtype := c.shape(0), 1, c.arg(0).DType
	switch c.Op {
	case "QLinearConv":
		wAt, dtype = 3, c.arg(7).DType
	case "ConvInteger":
		dtype = Int32
	}
	w := c.shape(wAt)
	c.set(0, dtype, nil)
	if x == nil || w == nil {
		return nil
	}
	if len(x) < 3 || len(w) != len(x) {
		return fmt.Errorf("input of shape %v and weight of shape %v must both have a rank of 3 or more", x, w)
	}
	group := c.Int("group", 1)
	if group < 1 || group > math.MaxInt32 {
		return fmt.Errorf("group is %d; it must be 1 or more", group)
	}
	if x[1].Known() && w[1].Known() && x[1].Size != w[1].Size*group {
		return fmt.Errorf("input has %v channels; a weight of shape %v in %d groups takes %d", x[1], w, group, w[1].Size*group)
	}
	if w[0].Known() && w[0].Size%group != 0 {
		return fmt.Errorf("%v output channels do not divide into %d groups", w[0], group)
	}
	out, err := c.slide(x, w[2:])
	if err != nil {
		return err
	}
	out[1] = w[0]
	c.set(0, dtype, out)
	return nil
}

// slide moves the window over the spatial axes; batch and channels stay.
func (c *call) slide(x, kernel Shape) (Shape, error) {
	win, err := c.window(len(x)-2, kernel)
	if err != nil {
		return nil, err
	}
	out := make(Shape, len(x))
	copy(out, x[:2])
	for i, d := range x[2:] {
		if out[i+2], err = win.size(i, d); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func inferPool(c *call) error {
	x := c.shape(0)
	c.set(0, c.arg(0).DType, nil)
	c.set(1, Int64, nil)
	if x == nil {
		return nil
	}
	if err := c.rank(0, 3, -1); err != nil {
		return err
	}
	out, err := c.slide(x, nil)
	if err != nil {
		return err
	}
	c.set(0, c.arg(0).DType, out)
	c.set(1, Int64, out)
	return nil
}

func inferGlobalPool(c *call) error {
	x := c.shape(0)
	c.set(0, c.arg(0).DType, nil)
	if x == nil {
		return nil
	}
	if err := c.rank(0, 3, -1); err != nil {
		return err
	}
	out := make(Shape, len(x))
	copy(out, x[:2])
	for i := 2; i < len(out); i++ {
		out[i] = Dim{Size: 1}
	}
	c.set(0, c.arg(0).DType, out)
	return nil
}

func inferConvTranspose(c *call) error {
	x, w := c.shape(0), c.shape(1)
	c.set(0, c.arg(0).DType, nil)
	if x == nil || w == nil {
		return nil
	}
	if len(x) < 3 || len(w) != len(x) {
		return fmt.Errorf("input of shape %v and weight of shape %v must both have a rank of 3 or more", x, w)
	}
	if x[1].Known() && w[0].Known() && x[1].Size != w[0].Size {
		return fmt.Errorf("input has %v channels; a weight of shape %v takes %v", x[1], w, w[0])
	}
	win, err := c.window(len(x)-2, w[2:])
	if err != nil {
		return err
	}
	rank := len(x) - 2
	extra, given := c.Ints("output_padding"), c.Ints("output_shape")
	if extra != nil && len(extra) != rank {
		return fmt.Errorf("output_padding has %d numbers for %d spatial axes", len(extra), rank)
	}
	if len(given) > rank { // some exporters give batch and channels too
		given = given[len(given)-rank:]
	}
	if given != nil && len(given) != rank {
		return fmt.Errorf("output_shape has %d numbers for %d spatial axes", len(given), rank)
	}
	group := c.Int("group", 1)
	if group < 1 || group > math.MaxInt32 {
		return fmt.Errorf("group is %d; it must be 1 or more", group)
	}
	out := make(Shape, len(x))
	out[0], out[1] = x[0], Unknown
	if w[1].Known() && w[1].Size <= math.MaxInt32 {
		out[1] = Dim{Size: w[1].Size * group}
	}
	for i, d := range x[2:] {
		o := Unknown
		switch {
		case given != nil:
			o = Dim{Size: given[i]}
		case !d.Known() || d.Size > math.MaxInt32 || win.kernel[i] < 0:
		case win.autoPad == "SAME_UPPER" || win.autoPad == "SAME_LOWER":
			o = Dim{Size: d.Size * win.strides[i]}
		default:
			n := (d.Size-1)*win.strides[i] + (win.kernel[i]-1)*win.dilations[i] + 1
			if win.autoPad != "VALID" {
				n -= win.begin[i] + win.end[i]
			}
			if extra != nil && extra[i] >= 0 && extra[i] < math.MaxInt32 {
				n += extra[i]
			}
			if o = (Dim{Size: n}); n < 0 {
				return fmt.Errorf("axis %d of size %d would have a size of %d", i+2, d.Size, n)
			}
		}
		out[i+2] = o
	}
	c.set(0, c.arg(0).DType, out)
	return nil
}

func inferGemm(c *call) error {
	c.set(0, c.arg(0).DType, nil)
	for i := range 2 {
		if err := c.rank(i, 2, 2); err != nil {
			return err
		}
	}
	m, k, n, l := Unknown, Unknown, Unknown, Unknown
	if a := c.shape(0); a != nil {
		if m, k = a[0], a[1]; c.Int("transA", 0) != 0 {
			m, k = k, m
		}
	}
	if b := c.shape(1); b != nil {
		if l, n = b[0], b[1]; c.Int("transB", 0) != 0 {
			l, n = n, l
		}
	}
	if k.Known() && l.Known() && k.Size != l.Size {
		return fmt.Errorf("matrices of shapes %v and %v cannot be multiplied: %v columns against %v rows", c.shape(0), c.shape(1), k, l)
	}
	out := Shape{m, n}
	if bias := c.shape(2); bias != nil && c.has(2) {
		if s, err := broadcast(out, bias); err != nil || len(s) != 2 {
			return fmt.Errorf("input 2 of shape %v does not fit a product of shape %v", bias, out)
		}
	}
	c.set(0, c.arg(0).DType, out)
	return nil
}

func inferMatMul(c *call) error {
	dtype, bAt := c.arg(0).DType, 1
	switch c.Op {
	case "MatMulInteger":
		dtype = Int32
	case "QLinearMatMul":
		dtype, bAt = c.arg(7).DType, 3
	}
	c.set(0, dtype, nil)
	a, b := c.shape(0), c.shape(bAt)
	if a == nil || b == nil {
		return nil
	}
	if len(a) == 0 || len(b) == 0 {
		return fmt.Errorf("inputs of shapes %v and %v: a scalar cannot be multiplied", a, b)
	}
	row, column := len(a) == 1, len(b) == 1
	if row {
		a = Shape{{Size: 1}, a[0]}
	}
	if column {
		b = Shape{b[0], {Size: 1}}
	}
	k, l := a[len(a)-1], b[len(b)-2]
	if k.Known() && l.Known() && k.Size != l.Size {
		return fmt.Errorf("inputs of shapes %v and %v cannot be multiplied: %v columns against %v rows", c.shape(0), c.shape(bAt), k, l)
	}
	out, err := broadcast(a[:len(a)-2], b[:len(b)-2])
	if err != nil {
		return err
	}
	if !row {
		out = append(out, a[len(a)-2])
	}
	if !column {
		out = append(out, b[len(b)-1])
	}
	c.set(0, dtype, out)
	return nil
}

// inferRecurrent: Y [steps, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden].
func inferRecurrent(c *call) error {
	x := c.shape(0)
	dtype := c.arg(0).DType
	directions, hidden := Dim{Size: 1}, Dim{Size: c.Int("hidden_size", -1)}
	if c.Str("direction", "forward") == "bidirectional" {
		directions.Size = 2
	}
	if hidden.Size < 1 {
		hidden = Unknown
		if r := c.shape(2); len(r) == 3 {
			hidden = r[2]
		}
	}
	steps, batch := Unknown, Unknown
	if x != nil {
		if len(x) != 3 {
			return fmt.Errorf("input 0 has shape %v; its rank must be 3", x)
		}
		steps, batch = x[0], x[1]
	}
	if c.Int("layout", 0) == 1 {
		steps, batch = batch, steps
		c.set(0, dtype, Shape{batch, steps, directions, hidden})
		c.set(1, dtype, Shape{batch, directions, hidden})
		c.set(2, dtype, Shape{batch, directions, hidden})
		return nil
	}
	c.set(0, dtype, Shape{steps, directions, batch, hidden})
	c.set(1, dtype, Shape{directions, batch, hidden})
	c.set(2, dtype, Shape{directions, batch, hidden})
	return nil
}
