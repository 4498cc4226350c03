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
//			schema.Ratio(&p.Sparsity, "sparsity", 0, "share of the weights set to zero").Between(0, 1).Require(),
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
	KindMap    Kind = "named mappings" // names that the user chooses, each with a mapping of one kind
	KindList   Kind = "list"
	KindAny    Kind = "any" // kept as the node; decoded later by who knows more
)

// Format says what the text of a KindString or KindAny field stands for, beyond its kind.
type Format string

const (
	FormatData      Format = "data"      // the name of a data set of the recipe that holds samples
	FormatPath      Format = "path"      // a file to read, relative to the recipe
	FormatOutput    Format = "output"    // a file to write, inside the folder that it is relative to
	FormatSelectors Format = "selectors" // a list of selectors
	FormatCondition Format = "condition" // an expression that gives yes or no
	FormatSteps     Format = "steps"     // the list of steps
	FormatVars      Format = "vars"      // names with their default values
	FormatSet       Format = "set"       // parameters of the step's pass
	FormatModel     Format = "model"     // a model: a file to read, or the address of one, hf://org/name@revision
	FormatTarget    Format = "target"    // the name of a device profile, or a file that holds one

	FormatImportance Format = "importance" // the name of a data set of the recipe that holds an importance matrix
)

// NamesData tells whether the text is the name of a data set.
func (f Format) NamesData() bool { return f == FormatData || f == FormatImportance }

// Object is the set of fields of a mapping.
type Object struct {
	Name   string // what findings call a mapping that stands behind no key: "a step"; else they say the key
	Doc    string
	Fields []*Field
	Short  string // if set, a scalar or list may stand for the mapping and fills this field: `algorithm: gptq`

	Check func(n *syntax.Node, report *diag.List) // after decoding without errors: relations between fields; may be nil
	Node  **syntax.Node                           // if set, receives the node that was decoded
}

// Field returns the field of this name, or nil.
func (o Object) Field(name string) *Field {
	for _, f := range o.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// names of all fields that are not deprecated, in their order.
func (o Object) names() []string {
	var out []string
	for _, f := range o.Fields {
		if f.Deprecated == "" {
			out = append(out, f.Name)
		}
	}
	return out
}

// Choice is one value of an enumeration.
type Choice struct{ Name, Doc string }

// Field is one key of a mapping. Made by the functions below, which bind it to a variable and set the variable to the
// default at once.
type Field struct {
	Name, Doc  string
	Kind       Kind
	Format     Format // KindString and KindAny: what the text stands for; may be empty
	Required   bool
	Optional   bool     // KindObject: may be absent or written none. KindInt: may be absent
	Default    string   // as one would write it; empty: none
	Choices    []Choice // KindEnum, KindList of KindEnum
	Min, Max   *float64
	MinOpen    bool    // Min itself is not allowed
	MaxOpen    bool    // Max itself is not allowed
	Unit       string  // for documentation: "s", "samples"
	Fields     *Object // KindObject; KindMap, KindList of mappings: of one item
	Item       *Field  // KindList of scalars: one item
	Deprecated string  // what to write instead
	Write      bool    // a recipe should write it out, though it has a default
	UsualMin   *float64
	UsualMax   *float64 // numbers outside of these are allowed, but most likely a slip

	bind func(d *Decoder, n, key *syntax.Node, name string) // key: the node of the key, or nil
	show func() any
}

// choiceNames lists the values of an enumeration.
func (f *Field) choiceNames() []string {
	out := make([]string, len(f.Choices))
	for i, c := range f.Choices {
		out[i] = c.Name
	}
	return out
}

// Walk calls visit for each field, outer before inner, in the order of the records. The path joins names with dots;
// an item of a list is written [], an entry of a mapping with free names is written *: "losses[].weight",
// "data.*.images".
func (o Object) Walk(visit func(path string, f *Field)) { o.walk("", visit) }

func (o Object) walk(prefix string, visit func(path string, f *Field)) {
	for _, f := range o.Fields {
		path := prefix + f.Name
		visit(path, f)
		if f.Fields == nil {
			continue
		}
		switch f.Kind {
		case KindList:
			path += "[]"
		case KindMap:
			path += ".*"
		}
		f.Fields.walk(path+".", visit)
	}
}
