// Package condition holds the typed, bounded conditions of a recipe: `layer.params > 1e6 && layer.type == "conv"`.
// They are written in a subset of the expr language that is cheap, total and deterministic: no loops, closures,
// ranges, string building, time or environment. It is the only importer of expr-lang/expr.
//
// expr parses the text. What the tree may hold, which types fit together and what it evaluates to is decided here: its
// own checker and machine let through work without bound (trust.md lists how) and report in their words, not ours. A test
// holds the two to the same results.
package condition

import (
	"sort"

	"github.com/expr-lang/expr/ast"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Type of a fact or of an expression's result.
type Type string

const (
	Bool   Type = "bool"
	Int    Type = "int"
	Number Type = "number"
	String Type = "string"
	Ints   Type = "list of int" // layer.shape; for `in` and for indexing by a constant
)

// Price says what must be read before a fact is known.
type Price string

const (
	Header  Price = "header"  // the model's header or manifest
	Weights Price = "weights" // the layer's weights
	Data    Price = "data"    // running the model on data
	Result  Price = "result"  // metrics of a finished step or artefact
)

// Fact is something a condition may ask about.
type Fact struct {
	Name  string // "params"
	Type  Type
	Price Price
	Doc   string

	Values   []string // of a String: all that it can be, if that is known; comparing with anything else is a finding
	Min, Max *float64 // of an Int or Number: its bounds, if there are any; a comparison they decide is a finding
}

// Namespace is a group of facts under one name: layer, model, target, metrics, baseline, artifact, vars.
type Namespace struct {
	Name  string // "layer"
	Doc   string
	Facts []Fact
	Noun  string // what messages call one of them; "fact" if empty, "variable" for vars
}

// Env lists what a condition at one place of the language may ask about.
type Env []Namespace

// Facts are the values to evaluate with: Facts["layer"]["params"] is an int64, float64, string, bool or []int64.
type Facts map[string]map[string]any

// Condition is a checked expression. It is safe for concurrent use.
type Condition struct {
	Text string
	Node *syntax.Node // where it stands
	Type Type         // of the result
	Uses []string     // the facts it asks about, "layer.params", sorted

	root *node
}

// Compile checks the expression written in the scalar node n against env and returns it ready to run, or nil after
// reporting what is wrong, with the place inside the string. The result must be of type want; "" means any, and an Int
// will do where a Number is wanted.
// Literals may carry units: 90MB, 64MiB, 4%, 2ms (values: bytes, ratio, seconds).
func Compile(n *syntax.Node, env Env, want Type, report *diag.List) *Condition {
	if n == nil || n.Kind != syntax.Scalar {
		kind, span := syntax.Null, diag.Span{}
		if n != nil {
			kind, span = n.Kind, n.Head()
		}
		report.Errorf(span, "condition-syntax", "a condition is written as one line of text; this is %s", kind)
		return nil
	}
	c := &compiler{node: n, text: n.Text, what: "the condition", env: env, report: report}
	return c.condition(want)
}

// CompileText is Compile for an expression that is part of a scalar: Text[start:end] of n, as inside ${{ }}.
func CompileText(n *syntax.Node, start, end int, env Env, want Type, report *diag.List) *Condition {
	c := &compiler{node: n, start: start, text: n.Text[start:end], what: "the expression", env: env, report: report}
	return c.condition(want)
}

// compiler carries one expression from text to tree.
type compiler struct {
	node   *syntax.Node
	start  int    // of text in node.Text
	text   string // the expression
	what   string // what messages call it: the condition, the expression
	env    Env
	report *diag.List
	failed bool

	literals map[int]literal // numbers by their first byte
	runes    []int           // byte offset of each rune of the text, and its length
	brackets map[int]int     // offset of a bracket → offset behind the one that closes it
	extents  map[ast.Node][2]int
	visits   int
	used     map[string]bool
}

func (c *compiler) condition(want Type) *Condition {
	root := c.compile(want)
	if root == nil {
		return nil
	}
	return &Condition{Text: c.text, Node: c.node, Type: root.typ, Uses: c.uses(), root: root}
}

func (c *compiler) compile(want Type) *node {
	source, ok := c.prepare()
	if !ok {
		return nil
	}
	tree := c.parse(source)
	if tree == nil {
		return nil
	}
	root := c.check(tree)
	if !c.failed {
		c.result(root, want)
	}
	if !c.failed {
		c.constants(root)
	}
	if c.failed {
		return nil
	}
	return root
}

// span is the place of bytes of the expression.
func (c *compiler) span(start, end int) diag.Span { return c.node.Sub(c.start+start, c.start+end) }

// fail reports an error at bytes of the expression.
func (c *compiler) fail(start, end int, code, format string, args ...any) {
	c.failed = true
	c.report.Errorf(c.span(start, end), code, format, args...)
}

func (c *compiler) uses() []string {
	names := make([]string, 0, len(c.used))
	for name := range c.used {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
