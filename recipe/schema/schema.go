// Package schema holds the records that say what a mapping of the language may contain. A key is said once, beside the
// variable it fills, with its default, range and help; strict decoding, findings, effective values, documentation and
// JSON Schema all come from that one record, as package flag does it for flags.
//
//	type Params struct {
//		Sparsity float64
//		Scope    string
//	}
//
//	func fields(p *Params) schema.Object {
//		return schema.Object{Fields: []*schema.Field{
//			schema.Float(&p.Sparsity, "sparsity", 0, "share of the weights set to zero").Between(0, 1).Require(),
//			schema.Enum(&p.Scope, "scope", "layer", "what one threshold covers",
//				schema.Choice{"layer", "one threshold a layer"}, schema.Choice{"global", "one for all"}),
//		}}
//	}
package schema

import (
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Kind of value a field takes.
type Kind string

const (
	KindBool   Kind = "bool"
	KindInt    Kind = "int"
	KindFloat  Kind = "number"
	KindRatio  Kind = "ratio" // 0.01 or 1%
	KindBytes  Kind = "size"  // 90MB, 64MiB: the unit is required
	KindString Kind = "string"
	KindEnum   Kind = "enum"
	KindObject Kind = "mapping"
	KindList   Kind = "list"
	KindAny    Kind = "any" // kept as the node; decoded later by who knows more
)

// Object is the set of fields of a mapping.
type Object struct {
	Doc    string
	Fields []*Field
	Short  string // if set, a scalar or list may stand for the mapping and fills this field: `algorithm: gptq`

	Check func(n *syntax.Node, report *diag.List) // after decoding: relations between fields; may be nil
}

// Choice is one value of an enumeration.
type Choice struct{ Name, Doc string }

// Field is one key of a mapping. Made by the functions below, which bind it to a variable and set the variable to the
// default at once.
type Field struct {
	Name, Doc  string
	Kind       Kind
	Required   bool
	Default    string   // as one would write it; empty: none
	Choices    []Choice // KindEnum
	Min, Max   *float64
	MinOpen    bool    // Min itself is not allowed
	MaxOpen    bool    // Max itself is not allowed
	Unit       string  // for documentation: "s", "samples"
	Fields     *Object // KindObject; KindList of mappings: of one item
	Item       *Field  // KindList: one item
	Deprecated string  // what to write instead

	bind func(d *Decoder, n *syntax.Node)
	show func() any
}

// Decoder carries what decoding needs besides the node.
type Decoder struct {
	Report *diag.List
	// Fill gives the value of the expression text[i:j] that stands inside ${{ }} of the scalar n: int64, float64,
	// string or bool. It reports what is wrong and returns false. Nil: ${{ }} is not allowed here.
	Fill func(n *syntax.Node, i, j int) (any, bool)
}
