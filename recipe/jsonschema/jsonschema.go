// Package jsonschema writes the recipe language down as a JSON Schema, from the records of package schema, so that
// editors complete keys, passes, parameters and words, show their help, and mark what is wrong. It says less than
// `pare lint`, which alone knows conditions, selectors and the model: whatever the schema refuses, the parser refuses.
//
// It is draft 7, the newest that the YAML servers of all common editors read. What a recipe fills in later is said once,
// in definitions: every value may also be `${{ … }}`.
package jsonschema

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/pare-ml/pare/recipe"
)

// ID is where the schema of the passes, metrics and formats that pare comes with is published.
const ID = "https://pare-ml.github.io/recipe.schema.json"

// Write writes the schema of recipes in the language l, indented, with keys in the order of the records.
func Write(w io.Writer, l *recipe.Language) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(New(l)); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Schema is a schema of draft 7, with the keywords that editors add to it.
type Schema struct {
	Version     string `json:"$schema,omitempty"`
	ID          string `json:"$id,omitempty"`
	Comment     string `json:"$comment,omitempty"`
	Ref         string `json:"$ref,omitempty"` // all else beside it is ignored
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Markdown    string `json:"markdownDescription,omitempty"` // shown instead of Description where it is known

	Type             any      `json:"type,omitempty"` // a word or a list of words
	Const            any      `json:"const,omitempty"`
	Enum             []string `json:"enum,omitempty"`
	EnumDescriptions []string `json:"enumDescriptions,omitempty"` // one for each word of Enum
	Default          any      `json:"default,omitempty"`
	Examples         []any    `json:"examples,omitempty"`
	Deprecated       bool     `json:"deprecated,omitempty"`
	DeprecationNote  string   `json:"deprecationMessage,omitempty"`

	Pattern          string   `json:"pattern,omitempty"` // in the common part of ECMAScript and RE2
	MinLength        int      `json:"minLength,omitempty"`
	MaxLength        int      `json:"maxLength,omitempty"`
	Minimum          *float64 `json:"minimum,omitempty"`
	Maximum          *float64 `json:"maximum,omitempty"`
	ExclusiveMinimum *float64 `json:"exclusiveMinimum,omitempty"`
	ExclusiveMaximum *float64 `json:"exclusiveMaximum,omitempty"`

	Items    *Schema `json:"items,omitempty"`
	MinItems int     `json:"minItems,omitempty"`
	MaxItems int     `json:"maxItems,omitempty"`

	Properties    Members             `json:"properties,omitempty"`
	Required      []string            `json:"required,omitempty"`
	Additional    any                 `json:"additionalProperties,omitempty"` // false or a *Schema
	Names         *Schema             `json:"propertyNames,omitempty"`
	MinProperties int                 `json:"minProperties,omitempty"`
	Dependencies  map[string][]string `json:"dependencies,omitempty"`

	AnyOf []*Schema `json:"anyOf,omitempty"`
	OneOf []*Schema `json:"oneOf,omitempty"`
	AllOf []*Schema `json:"allOf,omitempty"`
	Not   *Schema   `json:"not,omitempty"`
	If    *Schema   `json:"if,omitempty"`
	Then  *Schema   `json:"then,omitempty"`
	Else  *Schema   `json:"else,omitempty"`

	Definitions Members `json:"definitions,omitempty"`
}

// Member is a named schema.
type Member struct {
	Name   string
	Schema *Schema
}

// Members is a mapping that keeps its order.
type Members []Member

// MarshalJSON writes an object.
func (m Members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, x := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(x.Name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(x.Schema); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Get returns the schema of this name, or nil.
func (m Members) Get(name string) *Schema {
	for _, x := range m {
		if x.Name == name {
			return x.Schema
		}
	}
	return nil
}

// ref refers to a definition.
func ref(name string) *Schema { return &Schema{Ref: "#/definitions/" + name} }

// never refuses every value. Draft 7 would allow `false`; editors show nothing for it.
func never(why string) *Schema { return &Schema{Not: &Schema{}, Description: why} }
