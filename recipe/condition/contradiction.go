package condition

// contradiction reports comparisons joined by && of which no value can meet all, and comparisons joined by || of which
// every value meets one: layer.type == "conv" && layer.type == "linear" is never true, with != and || it is always.
func (c *compiler) contradiction(n *node) {
	var parts []*node
	flatten(n, n.op, &parts)
	for j, part := range parts {
		b, ok := limitOf(part, n.op == opOr)
		if !ok {
			continue
		}
		for _, other := range parts[:j] {
			a, ok := limitOf(other, n.op == opOr)
			if !ok || !same(a.fact, b.fact) || !a.excludes(b) {
				continue
			}
			outcome, instead := "never", "||"
			if n.op == opOr {
				outcome, instead = "always", "&&"
			}
			c.fail(part.start, part.end, "condition-constant", "together with %s this is %s true; did you mean %s?", c.source(other), outcome, instead)
			return
		}
	}
}

// maxParts bounds the pairs that contradiction looks at.
const maxParts = 50

// flatten lists the operands of a chain of one operator, in the order of the text.
func flatten(n *node, kind op, parts *[]*node) {
	if n.op != kind {
		if len(*parts) < maxParts {
			*parts = append(*parts, n)
		}
		return
	}
	for _, k := range n.kids {
		flatten(k, kind, parts)
	}
}

// limit is a comparison of a fact with a constant.
type limit struct {
	fact  *node
	kind  op
	value any
}

var opposite = map[op]op{
	opEqual: opUnequal, opUnequal: opEqual, opLess: opGreaterEqual, opGreaterEqual: opLess, opGreater: opLessEqual, opLessEqual: opGreater,
}

// limitOf reads a comparison of a fact with a constant, or its opposite.
func limitOf(n *node, negated bool) (limit, bool) {
	switch n.op {
	case opEqual, opUnequal, opLess, opLessEqual, opGreater, opGreaterEqual:
	default:
		return limit{}, false
	}
	l := limit{n.kids[0], n.op, n.kids[1]}
	if n.kids[0].op != opFact && n.kids[1].op == opFact {
		l = limit{n.kids[1], mirrored(n.op), n.kids[0]}
	}
	right := l.value.(*node)
	if l.fact.op != opFact || !right.constant() {
		return limit{}, false
	}
	var err error
	if l.value, err = right.eval(nil); err != nil {
		return limit{}, false
	}
	if negated {
		l.kind = opposite[l.kind]
	}
	return l, true
}

// excludes tells whether no value of the fact meets both limits.
func (a limit) excludes(b limit) bool {
	if a.kind == opEqual {
		return !b.takes(a.value)
	}
	if b.kind == opEqual {
		return !a.takes(b.value)
	}
	low, high := a, b
	if b.kind == opGreater || b.kind == opGreaterEqual {
		low, high = b, a
	}
	if low.kind != opGreater && low.kind != opGreaterEqual || high.kind != opLess && high.kind != opLessEqual {
		return false
	}
	order := compareNumbers(low.value, high.value)
	return order > 0 || order == 0 && (low.kind == opGreater || high.kind == opLess)
}

// takes tells whether a value meets the limit.
func (a limit) takes(v any) bool {
	switch a.kind {
	case opEqual:
		return equal(v, a.value)
	case opUnequal:
		return !equal(v, a.value)
	}
	order := compareNumbers(v, a.value)
	switch a.kind {
	case opLess:
		return order < 0
	case opLessEqual:
		return order <= 0
	case opGreater:
		return order > 0
	}
	return order >= 0
}
