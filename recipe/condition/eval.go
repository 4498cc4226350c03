package condition

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Bool evaluates a condition of type Bool. The error is an *EvalError: the condition has no value with these facts.
func (c *Condition) Bool(f Facts) (bool, error) {
	v, err := c.Value(f)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, &EvalError{Fact: c.Text, Reason: "is " + c.Type.article() + ", not true or false"}
	}
	return b, nil
}

// Value evaluates a condition of any type: int64, float64, string or bool. A part that && || or ?: leaves out is not
// evaluated. Whole numbers do not wrap round and nothing is NaN: where that would happen there is an *EvalError.
func (c *Condition) Value(f Facts) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			v, err = nil, &EvalError{Fact: c.Text, Reason: fmt.Sprintf("cannot be evaluated: %v", p)}
		}
	}()
	v, err = c.root.eval(f)
	if failed, ok := err.(*EvalError); ok && failed.Fact == "" {
		failed.Fact = c.Text
	}
	return v, err
}

func (n *node) eval(f Facts) (any, error) {
	switch n.op {
	case opConst:
		return n.value, nil
	case opFact:
		return f.value(n)
	case opAnd, opOr:
		left, err := n.kids[0].eval(f)
		if err != nil || left.(bool) == (n.op == opOr) {
			return left, err
		}
		return n.kids[1].eval(f)
	case opChoose:
		cond, err := n.kids[0].eval(f)
		if err != nil {
			return nil, err
		}
		chosen := n.kids[2]
		if cond.(bool) {
			chosen = n.kids[1]
		}
		v, err := chosen.eval(f)
		if i, ok := v.(int64); ok && n.typ == Number {
			return float64(i), err
		}
		return v, err
	}
	args := make([]any, len(n.kids))
	for i, k := range n.kids {
		v, err := k.eval(f)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	return n.apply(args)
}

// apply does the operation of n on the values of its operands.
func (n *node) apply(args []any) (any, error) {
	switch n.op {
	case opNot:
		return !args[0].(bool), nil
	case opNegate, opAdd, opSubtract, opMultiply, opDivide, opModulo, opAbs:
		return n.calculate(args)
	case opMin, opMax:
		return n.extreme(args), nil
	case opIndex:
		return item(args[0].([]int64), n.index, n.kids[0])
	case opIn:
		return slices.ContainsFunc(n.items, func(v any) bool { return equal(args[0], v) }), nil
	case opInFact:
		return slices.ContainsFunc(args[1].([]int64), func(v int64) bool { return equal(args[0], v) }), nil
	case opMatches:
		return n.pattern.MatchString(args[0].(string)), nil
	case opContains:
		return strings.Contains(args[0].(string), args[1].(string)), nil
	case opStartsWith:
		return strings.HasPrefix(args[0].(string), args[1].(string)), nil
	case opEndsWith:
		return strings.HasSuffix(args[0].(string), args[1].(string)), nil
	case opEqual:
		return equal(args[0], args[1]), nil
	case opUnequal:
		return !equal(args[0], args[1]), nil
	}
	order := compareNumbers(args[0], args[1])
	switch n.op {
	case opLess:
		return order < 0, nil
	case opLessEqual:
		return order <= 0, nil
	case opGreater:
		return order > 0, nil
	case opGreaterEqual:
		return order >= 0, nil
	}
	return nil, &EvalError{Reason: "holds an operation that is not known"}
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case string:
		return a == b.(string)
	case bool:
		return a == b.(bool)
	}
	return compareNumbers(a, b) == 0
}

// item takes an item of a list; a negative index counts from the end.
func item(list []int64, index int64, fact *node) (any, error) {
	at := index
	if at < 0 {
		at += int64(len(list))
	}
	if at < 0 || at >= int64(len(list)) {
		noun := "items"
		if len(list) == 1 {
			noun = "item"
		}
		return nil, &EvalError{
			Fact:   fmt.Sprintf("%s.%s[%d]", fact.space, fact.name, index),
			Reason: fmt.Sprintf("is not there: the list has %d %s", len(list), noun),
		}
	}
	return list[at], nil
}

// calculate does arithmetic: on whole numbers exactly, else in float64.
func (n *node) calculate(args []any) (any, error) {
	if n.typ == Int {
		return n.whole(args)
	}
	a := toFloat(args[0])
	var r float64
	switch n.op {
	case opNegate:
		r = -a
	case opAbs:
		r = math.Abs(a)
	case opAdd:
		r = a + toFloat(args[1])
	case opSubtract:
		r = a - toFloat(args[1])
	case opMultiply:
		r = a * toFloat(args[1])
	case opDivide:
		b := toFloat(args[1])
		if b == 0 {
			return nil, &EvalError{Reason: "divides by zero"}
		}
		r = a / b
	}
	if math.IsNaN(r) {
		return nil, &EvalError{Reason: "is not a number (NaN)"}
	}
	return r, nil
}

func (n *node) whole(args []any) (any, error) {
	a, b := args[0].(int64), int64(0)
	if len(args) > 1 {
		b = args[1].(int64)
	}
	r, ok := int64(0), true
	switch n.op {
	case opNegate:
		r, ok = -a, a != math.MinInt64
	case opAbs:
		r, ok = max(a, -a), a != math.MinInt64
	case opAdd:
		r = a + b
		ok = (r > a) == (b > 0)
	case opSubtract:
		r = a - b
		ok = (r < a) == (b > 0)
	case opMultiply:
		r, ok = multiply(a, b)
	case opModulo:
		r = a % b // b is a constant other than zero
	}
	if !ok {
		return nil, &EvalError{Reason: "gives a whole number of more than 64 bits"}
	}
	return r, nil
}

func multiply(a, b int64) (r int64, ok bool) {
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	negative := (a < 0) != (b < 0)
	switch {
	case high != 0 || low > 1<<63 || low == 1<<63 && !negative:
		return 0, false
	case negative:
		return -int64(low), true
	}
	return int64(low), true
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

func (n *node) extreme(args []any) any {
	best := args[0]
	for _, v := range args[1:] {
		if order := compareNumbers(v, best); n.op == opMin && order < 0 || n.op == opMax && order > 0 {
			best = v
		}
	}
	if n.typ == Number {
		return toFloat(best)
	}
	return best
}

func toFloat(v any) float64 {
	if i, ok := v.(int64); ok {
		return float64(i)
	}
	return v.(float64)
}

// compareNumbers orders int64 and float64 values exactly, without rounding a large whole number first.
func compareNumbers(a, b any) int {
	x, xWhole := a.(int64)
	y, yWhole := b.(int64)
	switch {
	case xWhole && yWhole:
		return order(x, y)
	case xWhole:
		return -compareFloat(b.(float64), x)
	case yWhole:
		return compareFloat(a.(float64), y)
	}
	return order(a.(float64), b.(float64))
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareFloat orders a float and a whole number.
func compareFloat(f float64, i int64) int {
	switch {
	case f >= 1<<63:
		return 1
	case f < -(1 << 63):
		return -1
	}
	whole := math.Floor(f)
	if o := order(int64(whole), i); o != 0 {
		return o
	}
	return order(f, whole)
}

func formatNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
