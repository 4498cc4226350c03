package condition

import (
	"math"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
)

// constants reports comparisons whose outcome is known without any fact. What cannot be as written is an error, what is
// merely idle a warning.
func (c *compiler) constants(n *node) { c.constant(n, opInvalid) }

// constant is constants for an operand of another operation.
func (c *compiler) constant(n *node, of op) {
	if n.typ == Bool && n.constant() {
		if v, err := n.eval(nil); err == nil {
			what := c.source(n)
			if what == strings.TrimSpace(c.text) {
				what = c.what
			} else if n.op == opConst {
				what = "this part of " + c.what
			}
			c.warn(n, "%s is always %v", what, v)
		}
		return
	}
	switch n.op {
	case opEqual, opUnequal, opLess, opLessEqual, opGreater, opGreaterEqual:
		c.comparison(n)
	case opIn:
		c.membership(n)
	case opAnd, opOr:
		if of != n.op { // else it is a part of the chain that has been looked at
			c.contradiction(n)
		}
	}
	for _, k := range n.kids {
		if decides(n, k) {
			c.warn(k, "with %s here, %s is always %v", c.source(k), c.called(n), n.op == opOr)
			continue
		}
		c.constant(k, n.op)
	}
}

// decides tells whether an operand of || is always true or one of && always false, so that the others do not count.
func decides(n, k *node) bool {
	if n.op != opOr && n.op != opAnd || !k.constant() {
		return false
	}
	v, err := k.eval(nil)
	return err == nil && v == (n.op == opOr)
}

// called is what messages call a part of the text: the whole of it, or the part itself.
func (c *compiler) called(n *node) string {
	if what := c.source(n); what != strings.TrimSpace(c.text) {
		return what
	}
	return c.what
}

func (c *compiler) warn(n *node, format string, args ...any) {
	c.report.Warningf(c.span(n.start, n.end), "condition-constant", format, args...)
}

func (c *compiler) comparison(n *node) {
	left, right := n.kids[0], n.kids[1]
	if same(left, right) {
		always := n.op == opEqual || n.op == opLessEqual || n.op == opGreaterEqual
		c.warn(n, "both sides are %s, so this is always %v", c.source(left), always)
		return
	}
	kind := n.op
	if left.op != opFact && right.op == opFact {
		left, right, kind = right, left, mirrored(kind)
	}
	if left.op != opFact || !right.constant() {
		return
	}
	value, err := right.eval(nil)
	if err != nil {
		return
	}
	if text, ok := value.(string); ok {
		c.oneOf(left, right, text, map[op]string{opEqual: "never", opUnequal: "always"}[kind])
		return
	}
	if f, ok := value.(float64); ok && left.typ == Int && kind == opEqual && f != math.Trunc(f) {
		c.fail(n.start, n.end, "condition-constant", "this is never true: %s is a whole number", c.source(left))
		return
	}
	if left.numeric() {
		c.bounded(n, left, kind, value)
	}
}

func mirrored(kind op) op {
	switch kind {
	case opLess:
		return opGreater
	case opLessEqual:
		return opGreaterEqual
	case opGreater:
		return opLess
	case opGreaterEqual:
		return opLessEqual
	}
	return kind
}

// oneOf reports a string that the fact can never be. A difference with it that always holds is as surely a slip.
func (c *compiler) oneOf(left, right *node, text, outcome string) {
	if len(left.fact.Values) == 0 {
		return
	}
	for _, v := range left.fact.Values {
		if v == text {
			return
		}
	}
	message := "%s is never %q%s"
	if outcome == "always" {
		message = "%s is always other than %q%s"
	}
	c.fail(right.start, right.end, "condition-constant", message, c.source(left), text, c.values(left, text))
	c.report.Fix(diag.Rename(c.span(right.start, right.end), text, left.fact.Values))
}

func (c *compiler) values(fact *node, text string) string {
	if near := diag.Near(text, fact.fact.Values); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return "; it is one of " + diag.Names(fact.fact.Values)
}

// bounded reports a comparison with a number that the fact's bounds decide.
func (c *compiler) bounded(n, fact *node, kind op, value any) {
	below := func(bound *float64) int { // the bound against the value
		return compareNumbers(*bound, value)
	}
	lo, hi := fact.fact.Min, fact.fact.Max
	outcome := ""
	switch {
	case lo != nil && (kind == opLess && below(lo) >= 0 || kind == opLessEqual && below(lo) > 0 || kind == opEqual && below(lo) > 0),
		hi != nil && (kind == opGreater && below(hi) <= 0 || kind == opGreaterEqual && below(hi) < 0 || kind == opEqual && below(hi) < 0):
		outcome = "never"
	case lo != nil && (kind == opGreater && below(lo) > 0 || kind == opGreaterEqual && below(lo) >= 0 || kind == opUnequal && below(lo) > 0),
		hi != nil && (kind == opLess && below(hi) < 0 || kind == opLessEqual && below(hi) <= 0 || kind == opUnequal && below(hi) < 0):
		outcome = "always"
	default:
		return
	}
	c.fail(n.start, n.end, "condition-constant", "this is %s true: %s %s", outcome, c.source(fact), bounds(lo, hi))
}

func bounds(lo, hi *float64) string {
	switch {
	case hi == nil:
		return "is at least " + formatNumber(*lo)
	case lo == nil:
		return "is at most " + formatNumber(*hi)
	}
	return "lies between " + formatNumber(*lo) + " and " + formatNumber(*hi)
}

func (c *compiler) membership(n *node) {
	fact := n.kids[0]
	if fact.op != opFact || len(fact.fact.Values) == 0 {
		return
	}
	for _, item := range n.kids[1:] {
		if text, ok := item.value.(string); ok {
			c.oneOf(fact, item, text, "never")
		}
	}
}
