package condition

import (
	"math"
	"sort"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/pare-ml/pare/recipe/diag"
)

// space returns the namespace of that name, or nil.
func (e Env) space(name string) *Namespace {
	for i := range e {
		if e[i].Name == name {
			return &e[i]
		}
	}
	return nil
}

// fact returns a fact, or nil.
func (e Env) fact(space, name string) *Fact {
	s := e.space(space)
	if s == nil {
		return nil
	}
	for i := range s.Facts {
		if s.Facts[i].Name == name {
			return &s.Facts[i]
		}
	}
	return nil
}

// spaces returns the names of the namespaces, in the order of the environment.
func (e Env) spaces() []string {
	names := make([]string, len(e))
	for i := range e {
		names[i] = e[i].Name
	}
	return names
}

// names returns the names of the facts, sorted.
func (s *Namespace) names() []string {
	names := make([]string, len(s.Facts))
	for i := range s.Facts {
		names[i] = s.Facts[i].Name
	}
	sort.Strings(names)
	return names
}

func (s *Namespace) noun() string {
	switch {
	case s.Noun != "":
		return s.Noun
	case s.Name == "vars":
		return "variable"
	}
	return "fact"
}

// identifier is a word that stands alone, which no fact does.
func (c *compiler) identifier(a *ast.IdentifierNode) *node {
	start, end := c.extent(a)
	if s := c.env.space(a.Value); s != nil {
		hint := ""
		if names := s.names(); len(names) > 0 {
			hint = "; write one of its " + s.noun() + "s: " + diag.Names(prefixed(s.Name+".", names))
		}
		c.fail(start, end, "condition-type", "%s is a group of %ss, not a value%s", a.Value, s.noun(), hint)
		return &node{start: start, end: end}
	}
	c.fail(start, end, "unknown-fact", "%s", c.unknownWord(a.Value, false))
	c.rename(start, end, a.Value, c.owners(a.Value))
	return &node{start: start, end: end}
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return out
}

// owners lists the facts of this name, each with its group.
func (c *compiler) owners(word string) (list []string) {
	for i := range c.env {
		if c.env.fact(c.env[i].Name, word) != nil {
			list = append(list, c.env[i].Name+"."+word)
		}
	}
	return list
}

// near is the name that word can only have been meant to be, if there is one.
func near(word string, known []string) []string {
	if name := diag.NearOnly(word, known); name != "" {
		return []string{name}
	}
	return nil
}

// rename gives the finding just reported its edit, if there is one way to write the word instead.
func (c *compiler) rename(start, end int, word string, ways []string) {
	if span := c.span(start, end); len(ways) == 1 && span.Text() == word {
		c.report.Fix(diag.Replace(span, ways[0]))
	}
}

// unknownWord words the message for a name that is no namespace: a fact without its group, a slip, or a text without
// its quotes. A dotted word stands where a group must stand.
func (c *compiler) unknownWord(word string, dotted bool) string {
	owners := c.owners(word)
	near := diag.Near(word, c.env.spaces())
	switch {
	case len(owners) > 0 && !dotted:
		return word + " stands alone; write " + strings.Join(owners, " or ")
	case len(c.env) == 0:
		return word + " is not known; nothing can be asked here"
	case near != "":
		return word + ` is not known; did you mean "` + near + `"?`
	case dotted:
		return word + " is not known here; known are " + diag.Names(c.env.spaces())
	}
	return word + " is not known here; known are " + diag.Names(c.env.spaces()) + "; a text is written in quotes"
}

// member is layer.params, layer["params"] or layer.shape[0].
func (c *compiler) member(a *ast.MemberNode) *node {
	start, end := c.extent(a)
	if a.Optional {
		return c.refuse(a, "every fact has a value, so write . for ?.")
	}
	if id, ok := a.Node.(*ast.IdentifierNode); ok {
		return c.lookUp(a, id, start, end)
	}
	x := c.check(a.Node)
	if x.invalid() {
		return &node{start: start, end: end}
	}
	if p, ok := a.Property.(*ast.StringNode); ok {
		return c.wrong(&node{start: start, end: end}, "%s is %s and has no parts, so it has no %q", c.source(x), x.typ.article(), p.Value)
	}
	if x.typ != Ints {
		return c.wrong(&node{start: start, end: end}, "%s is %s; only a list has items", c.source(x), x.typ.article())
	}
	index, ok := c.constantIndex(a.Property)
	if !ok {
		return &node{start: start, end: end}
	}
	return &node{op: opIndex, typ: Int, start: start, end: end, kids: []*node{x}, index: index}
}

func (c *compiler) constantIndex(a ast.Node) (index int64, ok bool) {
	x := c.check(a)
	if x.invalid() {
		return 0, false
	}
	if x.constant() && x.typ == Int {
		if v, err := x.eval(nil); err == nil {
			return v.(int64), true
		}
	}
	c.fail(x.start, x.end, "condition-not-allowed", "an item is asked for by a whole number written out: layer.shape[0]")
	return 0, false
}

func (c *compiler) lookUp(a *ast.MemberNode, id *ast.IdentifierNode, start, end int) *node {
	bad := &node{start: start, end: end}
	space := c.env.space(id.Value)
	if space == nil {
		from, to := c.extent(id)
		c.fail(from, to, "unknown-fact", "%s", c.unknownWord(id.Value, true))
		c.rename(from, to, id.Value, near(id.Value, c.env.spaces()))
		return bad
	}
	property, ok := a.Property.(*ast.StringNode)
	if !ok {
		from, to := c.extent(a.Property)
		c.fail(from, to, "condition-not-allowed", "a %s is named outright, as in %s", space.noun(), c.example(space))
		return bad
	}
	fact := c.env.fact(space.Name, property.Value)
	if fact == nil {
		c.fail(start, end, "unknown-fact", "%s", unknownFact(space, property.Value))
		c.rename(start, end, space.Name+"."+property.Value, prefixed(space.Name+".", near(property.Value, space.names())))
		return bad
	}
	c.used[space.Name+"."+fact.Name] = true
	return &node{op: opFact, typ: fact.Type, start: start, end: end, space: space.Name, name: fact.Name, fact: fact}
}

func (c *compiler) example(s *Namespace) string {
	if names := s.names(); len(names) > 0 {
		return s.Name + "." + names[0]
	}
	return "layer.params"
}

func unknownFact(s *Namespace, word string) string {
	message := s.Name + " has no " + s.noun() + ` "` + word + `"`
	names := s.names()
	switch near := diag.Near(word, names); {
	case near != "":
		return message + `; did you mean "` + near + `"?`
	case len(names) == 0:
		return message + "; it has none"
	}
	return message + "; it has " + diag.Names(names)
}

// value fetches the value of a fact.
func (f Facts) value(n *node) (any, error) {
	v, ok := f[n.space][n.name]
	if !ok || v == nil {
		return nil, &EvalError{Fact: n.space + "." + n.name, Reason: "has no value here"}
	}
	switch v := v.(type) {
	case int:
		return f.typed(n, int64(v), Int)
	case int64:
		return f.typed(n, v, Int)
	case float64:
		if math.IsNaN(v) {
			return nil, &EvalError{Fact: n.space + "." + n.name, Reason: "is not a number (NaN)"}
		}
		return f.typed(n, v, Number)
	case string:
		return f.typed(n, v, String)
	case bool:
		return f.typed(n, v, Bool)
	case []int64:
		return f.typed(n, v, Ints)
	}
	return f.typed(n, v, "")
}

func (f Facts) typed(n *node, v any, t Type) (any, error) {
	if t == n.typ || t == Int && n.typ == Number {
		return v, nil
	}
	return nil, &EvalError{Fact: n.space + "." + n.name, Reason: "has a value of another type than declared (" + string(n.typ) + ")"}
}

// EvalError says why an expression has no value: a fact is missing or not a number, a list is too short, an operation
// has no result.
type EvalError struct {
	Fact   string // or part of the expression
	Reason string
}

func (e *EvalError) Error() string { return e.Fact + " " + e.Reason }
