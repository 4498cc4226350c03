package condition

import "regexp"

// op is what a node does with its operands.
type op uint8

const (
	opInvalid op = iota // reported; has any type, so that one slip gives one finding
	opConst
	opFact
	opIndex
	opNot
	opNegate
	opAnd
	opOr
	opEqual
	opUnequal
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opAdd
	opSubtract
	opMultiply
	opDivide
	opModulo
	opIn      // in a list of constants
	opInFact  // in a fact that is a list
	opMatches // a constant pattern
	opContains
	opStartsWith
	opEndsWith
	opChoose // a ? b : c
	opMin
	opMax
	opAbs
)

// node is a checked expression.
type node struct {
	op         op
	typ        Type // "" if invalid
	start, end int  // bytes of the text
	kids       []*node

	value   any    // opConst
	space   string // opFact
	name    string // opFact
	fact    *Fact  // opFact
	index   int64  // opIndex
	items   []any  // opIn
	pattern *regexp.Regexp
}

func (n *node) invalid() bool { return n.op == opInvalid }

// numeric tells whether the node's value is a number of either type. Unknown counts as one.
func (n *node) numeric() bool { return n.invalid() || n.typ == Int || n.typ == Number }

func (n *node) is(t Type) bool { return n.invalid() || n.typ == t }

// constant tells whether no fact is asked.
func (n *node) constant() bool {
	if n.op == opFact || n.op == opInvalid {
		return false
	}
	for _, k := range n.kids {
		if !k.constant() {
			return false
		}
	}
	return true
}

// same tells whether two nodes ask the same fact, or the same item of it.
func same(a, b *node) bool {
	switch {
	case a.op != b.op:
		return false
	case a.op == opIndex:
		return a.index == b.index && same(a.kids[0], b.kids[0])
	}
	return a.op == opFact && a.space == b.space && a.name == b.name
}
