package exec

import (
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/parallel"
)

// operator is the record of how one kind of node is computed. The lists in operators.go name them all.
type operator struct {
	name   string
	domain string

	// since is the lowest opset whose definition of the operator forward follows; 0: minOpset.
	since int64

	// minIn and maxIn bound the number of inputs, left-out ones in the middle included; maxIn -1: any number.
	minIn, maxIn int

	// forward sets c.out. It may fail (c.fail, c.unsupported) but only from the goroutine that called it.
	forward func(c *call)

	// gradient sets c.din[i] for each i that c.want asks for, from c.dout, whose elements are nil where nothing flows
	// back. Nil: the operator has no gradient.
	gradient func(c *call)

	// readsIn and readsOut say which inputs and outputs the gradient reads; the contents of others are gone by then,
	// only their shapes stay. Bit i is input i; all is every one.
	readsIn, readsOut uint64

	// settings are the inputs that say how the operator works rather than what flows through it; training leaves
	// parameters there alone.
	settings uint64

	// flat: the gradient is zero wherever it exists (comparisons, rounding, shapes), so nothing flows back.
	flat bool

	// half: float16 and bfloat16 are computed in float32 and rounded once at the end.
	half bool

	// check returns why a node cannot be run, "" if it can; it sees attributes only.
	check func(n *ir.Node, opset int64) string
}

const (
	all   = ^uint64(0)
	first = uint64(1)
)

// step is a node made ready to run.
type step struct {
	node    *ir.Node
	op      *operator
	opset   int64 // of the node's domain
	in, out []int // slots; -1: left out

	infer, train plan
}

// plan says what becomes of a step's values when it is done: they die in Infer and Train at different steps, because
// gradients read some again.
type plan struct {
	reuse []bool // by input: nobody reads it afterwards, so the step may write over it
	free  []int  // slots without a reader after this step
}

// call is one step being computed, forward or backward.
type call struct {
	*step
	p     *Program
	mode  Mode
	in    []*Array // nil: left out
	out   []*Array
	reuse []bool
	kept  []*Array // what forward keeps for gradient

	dout []*Array // gradients of the loss by the outputs; nil: zero
	want []bool   // inputs whose gradient is asked for
	din  []*Array
}

// failure carries an error out of an operator; runStep turns it back.
type failure struct{ err error }

func (c *call) fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// unsupported says that the node asks for what the operator does not do.
func (c *call) unsupported(format string, args ...any) {
	panic(failure{&Unsupported{[]UnsupportedOp{{c.node.Op, c.node.Domain, nodeName(c.node), fmt.Sprintf(format, args...)}}}})
}

// nodeName returns the node's name, or that of its first output if it has none.
func nodeName(n *ir.Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.Output(0)
}

// has reports whether input i is given.
func (c *call) has(i int) bool { return i < len(c.in) && c.in[i] != nil }

// input returns input i, which must be given.
func (c *call) input(i int) *Array {
	if !c.has(i) {
		c.fail("input %d is missing", i)
	}
	return c.in[i]
}

// asked reports whether output i has a name, so that someone may read it.
func (c *call) asked(i int) bool { return i < len(c.step.out) && c.step.out[i] >= 0 }

// alloc returns an array with undefined contents. Forward results go to c.out, gradients to c.din; others must be
// released by c.release.
func (c *call) alloc(dtype ir.DType, shape ...int) *Array {
	a, err := c.p.pool.array(dtype, shape)
	if err != nil {
		c.fail("%w", err)
	}
	return a
}

func (c *call) allocZero(dtype ir.DType, shape ...int) *Array {
	a := c.alloc(dtype, shape...)
	clear(a.Data)
	return a
}

func (c *call) release(arrays ...*Array) {
	for _, a := range arrays {
		c.p.pool.release(a)
	}
}

// output allocates output i.
func (c *call) output(i int, dtype ir.DType, shape ...int) *Array {
	c.out[i] = c.alloc(dtype, shape...)
	return c.out[i]
}

// outputLike allocates output 0 in the type and shape of input i, on the input's own memory if that is free. Operators
// that use it read element k before they write element k, and nothing else of the input afterwards.
func (c *call) outputLike(i int) *Array {
	x := c.in[i]
	if i < len(c.reuse) && c.reuse[i] && exclusive(x) {
		return c.outputAlias(0, x, x.Shape...)
	}
	return c.output(0, x.DType, x.Shape...)
}

// outputAlias makes output i an array on x's memory with a shape of as many elements.
func (c *call) outputAlias(i int, x *Array, shape ...int) *Array {
	c.out[i] = c.alias(x, shape...)
	return c.out[i]
}

func (c *call) alias(x *Array, shape ...int) *Array {
	c.p.pool.retain(x)
	return &Array{DType: x.DType, Shape: append([]int{}, shape...), Data: x.Data, buf: x.buf}
}

// gradLike allocates a float32 gradient for input i, on the memory of dout if that has the same size and is free.
func (c *call) gradLike(i int, dout *Array) *Array {
	shape := c.in[i].Shape
	if dout != nil && exclusive(dout) && dout.Len() == count(shape) {
		c.din[i] = c.alias(dout, shape...)
	} else {
		c.din[i] = c.alloc(ir.Float32, shape...)
	}
	return c.din[i]
}

// exclusive reports whether a's memory belongs to the pool and to no other array.
func exclusive(a *Array) bool { return a.buf != nil && a.buf.refs == 1 }

// keep holds arrays for the gradient of this step.
func (c *call) keep(arrays ...*Array) { c.kept = append(c.kept, arrays...) }

// forGradient reports whether the pass keeps what gradients need.
func (c *call) forGradient() bool { return c.mode != Infer }

// chunks calls do for pieces of [0, n) of the given size; the pieces never depend on the number of workers.
func (c *call) chunks(n, size int, do func(from, to int)) {
	parallel.Chunks(c.p.workers, n, max(1, size), func(_, from, to int) { do(from, to) })
}

// each calls do for each i of [0, n).
func (c *call) each(n int, do func(i int)) { parallel.For(c.p.workers, n, do) }

// grain is the number of elements that elementwise work is cut into: large enough to be worth a goroutine.
const grain = 1 << 15

// ints returns an integer input, nil if it is left out.
func (c *call) ints(i int) []int64 {
	if !c.has(i) {
		return nil
	}
	a := c.in[i]
	switch a.DType {
	case ir.Int64:
		return a.Int64s()
	case ir.Int32:
		out := make([]int64, a.Len())
		for k, v := range a.Int32s() {
			out[k] = int64(v)
		}
		return out
	}
	c.unsupported("input %d is %s; it must be int64 or int32", i, a.DType)
	return nil
}

// axis turns an axis that may be negative into an index of [0, rank).
func (c *call) axis(v int64, rank int) int {
	if v < -int64(rank) || v >= int64(rank) {
		c.fail("axis is %d; a value of rank %d has axes %d to %d", v, rank, -rank, rank-1)
	}
	if v < 0 {
		v += int64(rank)
	}
	return int(v)
}

// axes does the same for a list, and refuses repetitions.
func (c *call) axes(list []int64, rank int) []bool {
	set := make([]bool, rank)
	for _, v := range list {
		a := c.axis(v, rank)
		if set[a] {
			c.fail("axis %d is listed twice", v)
		}
		set[a] = true
	}
	return set
}

// size turns an int64 dimension or count from the model into an int.
func (c *call) size(v int64) int {
	if v < 0 || v > math.MaxInt32*256 {
		c.fail("size %d is out of range", v)
	}
	return int(v)
}

// sameShape reports whether two arrays have the same shape.
func sameShape(a, b *Array) bool { return equalShape(a.Shape, b.Shape) }

func equalShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
