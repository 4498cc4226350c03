package condition

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

// maxVisits bounds the walk over expr's tree, which may share branches.
const maxVisits = 4 * maxLength

// check turns a tree of the parser into one of ours, or reports why not. What is not listed here is refused.
func (c *compiler) check(a ast.Node) *node {
	if c.visits++; c.visits > maxVisits {
		if !c.failed {
			c.fail(0, len(c.text), "condition-too-long", "%s is too involved", c.what)
		}
		return &node{}
	}
	switch a := a.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return c.number(a)
	case *ast.StringNode:
		return c.constantNode(a, String, a.Value)
	case *ast.BoolNode:
		return c.constantNode(a, Bool, a.Value)
	case *ast.IdentifierNode:
		return c.identifier(a)
	case *ast.MemberNode:
		return c.member(a)
	case *ast.UnaryNode:
		return c.unary(a)
	case *ast.BinaryNode:
		return c.binary(a)
	case *ast.ConditionalNode:
		return c.choose(a)
	case *ast.CallNode:
		if callee, ok := a.Callee.(*ast.IdentifierNode); ok {
			return c.call(a, callee.Value, a.Arguments)
		}
		return c.refuse(a, "a fact has no methods; call min, max or abs on it: max(layer.in_features, 64)")
	case *ast.BuiltinNode:
		return c.call(a, a.Name, a.Arguments)
	}
	return c.refuse(a, reasons(a))
}

// reasons says why a kind of node is refused, and what to write instead.
func reasons(a ast.Node) string {
	switch a.(type) {
	case *ast.NilNode:
		return "nil is no value here; every fact has one"
	case *ast.ArrayNode:
		return "a list stands only to the right of in, and holds only values: layer.index in [0, 1, 29]"
	case *ast.SliceNode:
		return "there are no slices here; ask for one item: layer.shape[0]"
	case *ast.MapNode, *ast.PairNode:
		return "there are no mappings here; compare facts one by one"
	case *ast.ChainNode:
		return "every fact has a value, so write . for ?."
	case *ast.SequenceNode:
		return "one expression stands here; join parts with &&, not with ;"
	case *ast.VariableDeclaratorNode:
		return "no variable can be set here; declare one under vars, or write the value"
	case *ast.PredicateNode, *ast.PointerNode:
		return "there are no loops and no closures here"
	case *ast.BytesNode:
		return `there are no byte strings here; write "…"`
	}
	return "this is not allowed here"
}

func (c *compiler) refuse(a ast.Node, why string) *node {
	start, end := c.extent(a)
	c.fail(start, end, "condition-not-allowed", "%s", why)
	return &node{start: start, end: end}
}

// wrong reports a node of the wrong type.
func (c *compiler) wrong(n *node, format string, args ...any) *node {
	c.fail(n.start, n.end, "condition-type", format, args...)
	return &node{start: n.start, end: n.end}
}

func (c *compiler) constantNode(a ast.Node, t Type, value any) *node {
	start, end := c.extent(a)
	return &node{op: opConst, typ: t, value: value, start: start, end: end}
}

func (c *compiler) number(a ast.Node) *node {
	start, end := c.extent(a)
	l, ok := c.literals[start]
	if at := a.Location(); !ok || c.offset(at.To) != start+len(l.text) {
		c.fail(start, end, "condition-syntax", "this number cannot be read")
		return &node{start: start, end: end}
	}
	n := &node{op: opConst, typ: Number, value: l.value, start: start, end: start + len(l.text)}
	if _, whole := l.value.(int64); whole {
		n.typ = Int
	}
	return n
}

// source is the text of a node as the user wrote it, for messages.
func (c *compiler) source(n *node) string { return c.text[n.start:n.end] }

func (c *compiler) unary(a *ast.UnaryNode) *node {
	start, end := c.extent(a)
	x := c.check(a.Node)
	n := &node{start: start, end: end, kids: []*node{x}}
	switch a.Operator {
	case "!", "not":
		n.op, n.typ = opNot, Bool
		if !x.is(Bool) {
			hint := "compare it with something first"
			if x.op == opFact {
				hint = "for a comparison write !=, or put the comparison in parentheses: not (…)"
			}
			return c.wrong(x, "%s turns a condition round, and %s is %s; %s", a.Operator, c.source(x), x.typ.article(), hint)
		}
	case "-", "+":
		n.op, n.typ = opNegate, x.typ
		if !x.numeric() {
			return c.wrong(x, "%s needs a number, and %s is %s", a.Operator, c.source(x), x.typ.article())
		}
		if a.Operator == "+" {
			x.start = start
			return x
		}
	default:
		return c.refuse(a, a.Operator+" is no operator here")
	}
	if x.invalid() {
		return &node{start: start, end: end}
	}
	return n
}

func (c *compiler) choose(a *ast.ConditionalNode) *node {
	start, end := c.extent(a)
	if a.Cond == a.Exp1 {
		return c.refuse(a, "write all three parts: condition ? value : other value")
	}
	if !a.Ternary {
		return c.refuse(a, "there is no if here; write condition ? value : other value")
	}
	cond, yes, no := c.check(a.Cond), c.check(a.Exp1), c.check(a.Exp2)
	if !cond.is(Bool) {
		return c.wrong(cond, "before ? must stand a condition, and %s is %s", c.source(cond), cond.typ.article())
	}
	if cond.invalid() || yes.invalid() || no.invalid() {
		return &node{start: start, end: end}
	}
	n := &node{op: opChoose, typ: yes.typ, start: start, end: end, kids: []*node{cond, yes, no}}
	switch {
	case yes.typ == Ints || no.typ == Ints:
		return c.wrong(n, "a choice gives one value, not a list")
	case yes.typ == no.typ:
	case yes.numeric() && no.numeric():
		n.typ = Number
	default:
		return c.wrong(n, "the two sides of : are %s and %s; they must be of one type", yes.typ.article(), no.typ.article())
	}
	return n
}

// functions that a condition may call.
var functions = []string{"abs", "max", "min"}

func (c *compiler) call(a ast.Node, name string, args []ast.Node) *node {
	start, end := c.extent(a)
	if len(args) > 0 {
		if first, _ := c.extent(args[0]); first < start {
			return c.refuse(a, "there are no pipes here; write what goes in between the parentheses: max(a, b)")
		}
	}
	n := &node{op: map[string]op{"abs": opAbs, "max": opMax, "min": opMin}[name], typ: Int, start: start, end: end}
	if n.op == opInvalid {
		why := "there is no function " + name
		if b, ok := a.(*ast.BuiltinNode); ok && hasPredicate(b) {
			why = name + " is a loop, which is not allowed"
		}
		return c.refuse(a, why+"; the functions are "+strings.Join(functions, ", "))
	}
	if n.op == opAbs && len(args) != 1 || len(args) == 0 {
		want := map[op]string{opAbs: "one number", opMin: "one number or more", opMax: "one number or more"}[n.op]
		c.fail(start, end, "condition-type", "%s takes %s, not %d", name, want, len(args))
		return &node{start: start, end: end}
	}
	bad := false
	for _, arg := range args {
		x := c.check(arg)
		switch {
		case !x.numeric():
			c.wrong(x, "%s takes numbers, and %s is %s", name, c.source(x), x.typ.article())
			bad = true
		case x.invalid():
			bad = true
		case x.typ == Number:
			n.typ = Number
		}
		n.kids = append(n.kids, x)
	}
	if bad {
		return &node{start: start, end: end}
	}
	return n
}

func hasPredicate(b *ast.BuiltinNode) bool {
	for _, arg := range b.Arguments {
		if _, ok := arg.(*ast.PredicateNode); ok {
			return true
		}
	}
	return false
}

// result checks the type of the whole expression.
func (c *compiler) result(root *node, want Type) {
	if root.typ == Ints {
		c.wrong(root, "%s is a list; take one item of it, as in %s[0]", c.source(root), c.source(root))
		return
	}
	if want == "" || root.typ == want || want == Number && root.typ == Int {
		return
	}
	if want == Bool {
		c.wrong(root, "%s is %s; a condition must be true or false, so compare it with something", c.source(root), root.typ.article())
		return
	}
	c.wrong(root, "%s is %s; here must stand %s", c.source(root), root.typ.article(), want.article())
}

// article is the type with its article: an int, a list of int.
func (t Type) article() string {
	switch t {
	case Int:
		return "an int"
	case "":
		return "unknown"
	}
	return "a " + string(t)
}
