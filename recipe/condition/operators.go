package condition

import (
	"github.com/expr-lang/expr/ast"
)

// binaries lists the operators of two operands that a condition may use.
var binaries = map[string]op{
	"&&": opAnd, "and": opAnd, "||": opOr, "or": opOr,
	"==": opEqual, "!=": opUnequal,
	"<": opLess, "<=": opLessEqual, ">": opGreater, ">=": opGreaterEqual,
	"+": opAdd, "-": opSubtract, "*": opMultiply, "/": opDivide, "%": opModulo,
	"in": opIn, "matches": opMatches, "contains": opContains, "startsWith": opStartsWith, "endsWith": opEndsWith,
}

// refused says what to write instead of operators of expr that a condition does not have.
var refused = map[string]string{
	"..": "there are no ranges here; write a list, x in [1, 2, 3], or two comparisons, x >= 1 && x <= 3",
	"**": "there are no powers here; multiply",
	"^":  "there are no powers here; multiply",
}

func (c *compiler) binary(a *ast.BinaryNode) *node {
	kind, ok := binaries[a.Operator]
	if !ok {
		why := refused[a.Operator]
		if why == "" {
			why = a.Operator + " is no operator here"
		}
		return c.refuse(a, why)
	}
	if shared := chained(a); shared != nil && !isLeaf(shared) {
		return c.refuse(shared, "between two comparisons may stand a fact or a value; join longer ones with &&")
	}
	start, end := c.extent(a)
	n := &node{op: kind, start: start, end: end}
	if kind == opIn {
		return c.in(a, n)
	}
	left, right := c.check(a.Left), c.other(a)
	n.kids = []*node{left, right}
	switch kind {
	case opAnd, opOr:
		n.typ = Bool
		ok = c.joined(a.Operator, left) && ok
		ok = c.joined(a.Operator, right) && ok
	case opEqual, opUnequal:
		n.typ = Bool
		ok = c.equal(n, a.Operator)
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		n.typ = Bool
		ok = c.ordered(n, a.Operator)
	case opMatches, opContains, opStartsWith, opEndsWith:
		n.typ = Bool
		ok = c.strings(n, a.Operator)
	default:
		ok = c.arithmetic(n, a.Operator)
	}
	if !ok || left.invalid() || right.invalid() {
		return &node{start: start, end: end}
	}
	return n
}

// other checks the right operand. A bare word there, compared with a string, is a string without its quotes.
func (c *compiler) other(a *ast.BinaryNode) *node {
	if id, ok := a.Right.(*ast.IdentifierNode); ok && c.env.space(id.Value) == nil && c.isString(a.Left) {
		start, end := c.extent(id)
		c.fail(start, end, "unknown-fact", "%s is not known; if a text is meant, put it in quotes: %q", id.Value, id.Value)
		return &node{start: start, end: end}
	}
	return c.check(a.Right)
}

// isString tells, without reporting anything, whether a names a fact that is a string.
func (c *compiler) isString(a ast.Node) bool {
	m, ok := a.(*ast.MemberNode)
	if !ok {
		return false
	}
	id, ok := m.Node.(*ast.IdentifierNode)
	name, named := m.Property.(*ast.StringNode)
	if !ok || !named {
		return false
	}
	fact := c.env.fact(id.Value, name.Value)
	return fact != nil && fact.Type == String
}

// chained returns the operand that the parser has put into two comparisons, for a < b < c, or nil. Such operands share
// a branch of the tree, and nested ones make a tree of exponential size out of a short text.
func chained(a *ast.BinaryNode) ast.Node {
	right, ok := a.Right.(*ast.BinaryNode)
	if a.Operator != "&&" || !ok {
		return nil
	}
	left, ok := a.Left.(*ast.BinaryNode)
	if ok && left.Operator == "&&" {
		left, ok = left.Right.(*ast.BinaryNode)
	}
	if !ok || left.Right != right.Left {
		return nil
	}
	return right.Left
}

func isLeaf(a ast.Node) bool {
	switch a := a.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.IdentifierNode, *ast.StringNode, *ast.BoolNode:
		return true
	case *ast.MemberNode:
		return isLeaf(a.Node) && isLeaf(a.Property)
	case *ast.UnaryNode:
		return isLeaf(a.Node)
	}
	return false
}

func (c *compiler) joined(operator string, x *node) bool {
	if !x.is(Bool) {
		c.wrong(x, "%s joins conditions, and %s is %s; compare it with something", operator, c.source(x), x.typ.article())
		return false
	}
	return true
}

func (c *compiler) equal(n *node, operator string) bool {
	left, right := n.kids[0], n.kids[1]
	switch {
	case left.invalid() || right.invalid():
		return true
	case left.typ == Ints || right.typ == Ints:
		c.wrong(n, "a list is not compared as a whole; compare its items: layer.shape[0] == 64, or 64 in layer.shape")
		return false
	case left.typ == right.typ || left.numeric() && right.numeric():
		return true
	}
	outcome := "never equal"
	if operator == "!=" {
		outcome = "always unequal"
	}
	c.wrong(n, "%s is %s and %s is %s; they are %s", c.source(left), left.typ.article(), c.source(right), right.typ.article(), outcome)
	return false
}

func (c *compiler) ordered(n *node, operator string) bool {
	for _, x := range n.kids {
		if !x.numeric() {
			c.wrong(x, "%s compares numbers, and %s is %s", operator, c.source(x), x.typ.article())
			return false
		}
	}
	return true
}

func (c *compiler) strings(n *node, operator string) bool {
	for _, x := range n.kids {
		if !x.is(String) {
			c.wrong(x, "%s needs strings, and %s is %s", operator, c.source(x), x.typ.article())
			return false
		}
	}
	right := n.kids[1]
	if n.op != opMatches || right.invalid() {
		return true
	}
	if right.op != opConst {
		c.fail(right.start, right.end, "condition-not-allowed", "the pattern of matches must be written out as a string; for a part of a name use contains")
		return false
	}
	n.pattern = c.pattern(right)
	return n.pattern != nil
}

func (c *compiler) arithmetic(n *node, operator string) bool {
	left, right := n.kids[0], n.kids[1]
	for _, x := range n.kids {
		switch {
		case x.numeric():
		case operator == "+" && x.typ == String:
			c.fail(n.start, n.end, "condition-not-allowed", "strings are not put together here; compare the parts one by one")
			return false
		default:
			c.wrong(x, "%s works on numbers, and %s is %s", operator, c.source(x), x.typ.article())
			return false
		}
	}
	n.typ = Number
	if left.typ == Int && right.typ == Int && n.op != opDivide {
		n.typ = Int
	}
	if n.op == opModulo {
		return c.modulo(n)
	}
	if n.op == opDivide && right.constant() {
		if v, err := right.eval(nil); err == nil && toFloat(v) == 0 {
			return c.zero(right)
		}
	}
	return true
}

// zero reports a divisor that is zero.
func (c *compiler) zero(n *node) bool {
	text := c.source(n)
	if n.op != opConst {
		text += ", which is 0"
	}
	c.fail(n.start, n.end, "condition-division", "nothing can be divided by %s", text)
	return false
}

func (c *compiler) modulo(n *node) bool {
	left, right := n.kids[0], n.kids[1]
	switch {
	case left.typ == Number || right.typ == Number:
		x := left
		if left.typ != Number {
			x = right
		}
		c.wrong(x, "%% works on whole numbers, and %s is %s; for percent write the sign behind a number and nothing after it: 4%%", c.source(x), x.typ.article())
	case right.invalid() || left.invalid():
		return true
	case right.op != opConst:
		c.fail(right.start, right.end, "condition-not-allowed", "right of %% must stand a number written out, so that it cannot be zero")
	case right.value == int64(0):
		return c.zero(right)
	default:
		return true
	}
	return false
}

// in checks membership: in a list of constants of the same type, or in a fact that is a list.
func (c *compiler) in(a *ast.BinaryNode, n *node) *node {
	n.typ = Bool
	left := c.check(a.Left)
	n.kids = []*node{left}
	list, ok := a.Right.(*ast.ArrayNode)
	if !ok {
		return c.inFact(a, n)
	}
	bad := left.invalid()
	if left.typ == Ints {
		c.wrong(left, "%s is a list itself; ask for one of its items: %s[0]", c.source(left), c.source(left))
		bad = true
	}
	for _, item := range list.Nodes {
		x := c.item(item)
		switch {
		case x.invalid():
			bad = true
		case bad || x.typ == left.typ || x.numeric() && left.numeric():
			n.items = append(n.items, x.value)
			n.kids = append(n.kids, x)
		default:
			c.wrong(x, "%s is %s and %s is %s; they are never equal", c.source(x), x.typ.article(), c.source(left), left.typ.article())
			bad = true
		}
	}
	if bad {
		return &node{start: n.start, end: n.end}
	}
	if len(n.items) == 0 {
		start, end := c.extent(list)
		c.fail(start, end, "condition-constant", "the list is empty, so nothing is in it")
	}
	return n
}

// item checks an item of a list: a constant, possibly with a sign.
func (c *compiler) item(a ast.Node) *node {
	x := c.check(a)
	if x.op == opNegate && x.kids[0].op == opConst {
		if v, err := x.eval(nil); err == nil {
			return &node{op: opConst, typ: x.typ, value: v, start: x.start, end: x.end}
		}
	}
	if x.op != opConst && !x.invalid() {
		c.fail(x.start, x.end, "condition-not-allowed", "a list holds values written out; compare %s with == instead", c.source(x))
		return &node{start: x.start, end: x.end}
	}
	return x
}

func (c *compiler) inFact(a *ast.BinaryNode, n *node) *node {
	if right, ok := a.Right.(*ast.BinaryNode); ok && right.Operator == ".." {
		return c.refuse(right, refused[".."])
	}
	right := c.check(a.Right)
	left := n.kids[0]
	n.op, n.kids = opInFact, []*node{left, right}
	switch {
	case left.invalid() || right.invalid():
		return &node{start: n.start, end: n.end}
	case right.typ != Ints:
		return c.wrong(right, "right of in must stand a list, and %s is %s%s", c.source(right), right.typ.article(), inHint(right))
	case !left.numeric():
		return c.wrong(left, "%s is a list of int, and %s is %s", c.source(right), c.source(left), left.typ.article())
	}
	return n
}

func inHint(right *node) string {
	if right.typ == String {
		return "; for a part of a string write contains"
	}
	return ""
}
