// Package condition holds the typed, bounded conditions of a recipe: `layer.params > 1e6 && layer.type == "conv"`.
// They are written in a subset of the expr language that is cheap, total and deterministic: no loops, closures,
// ranges, string building, time or environment. It is the only importer of expr-lang/expr.
package condition

import (
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
}

// Namespace is a group of facts under one name: layer, model, target, metrics, baseline, artifact, vars.
type Namespace struct {
	Name  string // "layer"
	Doc   string
	Facts []Fact
}

// Env lists what a condition at one place of the language may ask about.
type Env []Namespace

// Facts are the values to evaluate with: Facts["layer"]["params"] is an int64, float64, string, bool or []int64.
type Facts map[string]map[string]any

// Condition is a checked expression. It is safe for concurrent use.
type Condition struct {
	Text string
	Node *syntax.Node // where it stands
	Uses []string     // the facts it asks about, "layer.params", sorted

	program any
}

// Compile checks the expression written in the scalar node n against env and returns it ready to run, or nil after
// reporting what is wrong, with the place inside the string. The result must be of type want.
// Literals may carry units: 90MB, 64MiB, 4%, 2ms (values: bytes, ratio, seconds).
func Compile(n *syntax.Node, env Env, want Type, report *diag.List) *Condition {
	panic("replaced in the next commit")
}

// CompileText is Compile for an expression that is part of a scalar: Text[start:end] of n, as inside ${{ }}.
func CompileText(n *syntax.Node, start, end int, env Env, want Type, report *diag.List) *Condition {
	panic("replaced in the next commit")
}

// Bool evaluates a condition of type Bool.
func (c *Condition) Bool(f Facts) (bool, error) { panic("replaced in the next commit") }

// Value evaluates a condition of any type: int64, float64, string or bool.
func (c *Condition) Value(f Facts) (any, error) { panic("replaced in the next commit") }
