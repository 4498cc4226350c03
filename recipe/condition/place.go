package condition

import "github.com/expr-lang/expr/ast"

// extent returns the bytes of the text that a node of the parser covers. The parser marks a member by its property and
// an operation by its operator, so the outer ends come from the operands. Parentheses round it are left out.
func (c *compiler) extent(a ast.Node) (start, end int) {
	if e, ok := c.extents[a]; ok {
		return e[0], e[1]
	}
	start, end = c.measure(a)
	c.extents[a] = [2]int{start, end} // kept, because branches may be shared many times over
	return start, end
}

func (c *compiler) measure(a ast.Node) (start, end int) {
	at := a.Location()
	start, end = c.offset(at.From), c.offset(at.To)
	switch a := a.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		if l, ok := c.literals[start]; ok {
			end = start + len(l.text)
		}
	case *ast.MemberNode:
		end = c.behind(start, end)
		start, _ = c.extent(a.Node)
	case *ast.CallNode:
		start, end = c.extent(a.Callee)
		end = c.behind(c.space(end), end)
	case *ast.BuiltinNode:
		end = c.behind(c.space(end), end)
	case *ast.ArrayNode, *ast.MapNode:
		end = c.behind(start, end)
	case *ast.SliceNode:
		end = c.behind(start, end)
		start, _ = c.extent(a.Node)
	case *ast.ChainNode:
		return c.extent(a.Node)
	case *ast.UnaryNode:
		from, to := c.extent(a.Node)
		start, end = min(start, from), max(end, to)
	case *ast.BinaryNode:
		start, end = c.outer(a.Left, a.Right)
	case *ast.ConditionalNode:
		start, end = c.outer(a.Cond, a.Exp2)
	case *ast.SequenceNode:
		start, end = c.outer(a.Nodes[0], a.Nodes[len(a.Nodes)-1])
	case *ast.VariableDeclaratorNode:
		_, end = c.extent(a.Expr)
	}
	return start, max(start, end)
}

func (c *compiler) outer(left, right ast.Node) (start, end int) {
	start, _ = c.extent(left)
	_, end = c.extent(right)
	return start, end
}

// behind returns the offset after the bracket that closes the one at open, or end if there is none at open.
func (c *compiler) behind(open, end int) int {
	if closed, ok := c.brackets[open]; ok {
		return closed
	}
	return end
}

// space skips blanks.
func (c *compiler) space(i int) int {
	for i < len(c.text) && (c.text[i] == ' ' || c.text[i] == '\t' || c.text[i] == '\n' || c.text[i] == '\r') {
		i++
	}
	return i
}
