package jsonschema

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Names of definitions.
const (
	filled    = "filled"    // a value that is one ${{ … }}
	mixed     = "mixed"     // a text with ${{ … }} in it
	selector  = "selector"  // one entry of targets or ignore
	selectors = "selectors" // the list
	condition = "condition"
)

// value is the schema of what may stand behind a key.
func (g *generator) value(f *schema.Field) *Schema {
	s := g.kind(f)
	s.Description, s.Markdown = f.Doc, Help(f)
	if f.Default != "" && !f.Required {
		s.Default = written(f.Default)
	}
	if f.Deprecated != "" {
		s.Deprecated, s.DeprecationNote = true, "write "+f.Deprecated
	}
	return s
}

func (g *generator) kind(f *schema.Field) *Schema {
	switch f.Kind {
	case schema.KindBool:
		return or(&Schema{Type: "boolean"}, ref(filled))
	case schema.KindInt:
		return g.excuse(f, or(bounded(f, "integer"), ref(filled)))
	case schema.KindFloat:
		return g.excuse(f, or(bounded(f, "number"), ref(filled)))
	case schema.KindRatio:
		s := g.excuse(f, or(ratio(f), &Schema{Type: "string", Pattern: percentPattern(f)}, ref(filled)))
		s.Examples = []any{"25%", 0.25}
		return s
	case schema.KindBytes:
		s := or(&Schema{Type: "string", Pattern: sizePattern}, ref(filled))
		s.Examples = []any{"90MB", "64MiB"}
		return s
	case schema.KindEnum:
		return or(words(f.Choices), ref(mixed))
	case schema.KindObject:
		return g.nested(f)
	case schema.KindMap:
		return &Schema{Type: "object", Additional: g.object(*f.Fields)}
	case schema.KindList:
		return g.list(f)
	case schema.KindAny:
		return g.any(f)
	}
	return g.text(f)
}

// text is the schema of a text. What paths are refused the pattern says as far as one can.
func (g *generator) text(f *schema.Field) *Schema {
	switch f.Format {
	case schema.FormatModel:
		return or(&Schema{Type: "string", Pattern: pathPattern}, &Schema{Type: "string", Pattern: remotePattern}, ref(mixed))
	case schema.FormatTarget:
		return or(names(g.lang.Targets), &Schema{Type: "string", Pattern: profilePattern}, ref(mixed))
	case schema.FormatPath, schema.FormatOutput:
		return or(&Schema{Type: "string", Pattern: pathPattern}, ref(mixed))
	}
	return &Schema{Type: "string", Not: &Schema{Pattern: `\$\{\{\s*\}\}`}}
}

// Patterns of values, in the syntax that ECMAScript and RE2 share.
const (
	pathPattern     = `^[^/~\\$<>:"|?*\x00-\x1f][^\\$<>:"|?*\x00-\x1f]*$`
	remotePattern   = `^hf://[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*(@[A-Za-z0-9._/-]+)?$`
	profilePattern  = `^[^/~\\$<>:"|?*\x00-\x1f]([^\\$<>:"|?*\x00-\x1f]*/[^\\$<>:"|?*\x00-\x1f]*|[^\\$<>:"|?*\x00-\x1f]*\.([yY][aA]?[mM][lL]|[jJ][sS][oO][nN]))$`
	fragmentPattern = `\.([yY][aA]?[mM][lL])$`
	sizePattern     = `^[0-9]+(\.[0-9]+)? ?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`
	filledPattern   = `^\$\{\{\s*[^\s}](.|\n)*\}\}$`
	mixedPattern    = `\$\{\{\s*[^\s}](.|\n)*\}\}`
)

// excuse allows a default that lies outside of the range: written out it says what leaving it out says.
func (g *generator) excuse(f *schema.Field, s *Schema) *Schema {
	if f.Required || f.Default == "" {
		return s
	}
	def, ok := written(f.Default).(float64)
	if !ok {
		return s
	}
	low := f.Min != nil && (def < *f.Min || f.MinOpen && def == *f.Min)
	high := f.Max != nil && (def > *f.Max || f.MaxOpen && def == *f.Max)
	if low || high {
		s.AnyOf = append(s.AnyOf, &Schema{Const: def})
	}
	return s
}

// bounded is a number in the field's range.
func bounded(f *schema.Field, typ string) *Schema {
	s := &Schema{Type: typ}
	switch {
	case f.Min != nil && f.MinOpen:
		s.ExclusiveMinimum = f.Min
	case f.Min != nil:
		s.Minimum = f.Min
	}
	switch {
	case f.Max != nil && f.MaxOpen:
		s.ExclusiveMaximum = f.Max
	case f.Max != nil:
		s.Maximum = f.Max
	case typ == "integer":
		largest := float64(math.MaxInt64)
		s.Maximum = &largest
	}
	return s
}

// ratio is a share written as a plain number: above 1 it must be written in percent, unless the range goes further.
func ratio(f *schema.Field) *Schema {
	s := bounded(f, "number")
	if f.Max == nil {
		one := 1.0
		s.Maximum = &one
	}
	return s
}

// percentPattern is a share in percent; of the range 0 … 1 it says the ends.
func percentPattern(f *schema.Field) string {
	const exponent = `([eE][-+]?[0-9]+)`
	if f.Min == nil || f.Max == nil || *f.Min != 0 || *f.Max != 1 {
		return `^[-+]?((0|[1-9][0-9]*)(\.[0-9]+)?|\.[0-9]+)` + exponent + `?%$`
	}
	forms := []string{`[1-9][0-9]?(\.[0-9]+)?`, `0?\.[0-9]*[1-9][0-9]*`, `((0|[1-9][0-9]*)(\.[0-9]+)?|\.[0-9]+)` + exponent}
	if !f.MinOpen {
		forms = append(forms, `0(\.0+)?`, `\.0+`)
	}
	if !f.MaxOpen {
		forms = append(forms, `100(\.0+)?`)
	}
	return `^\+?(` + strings.Join(forms, "|") + `)%$`
}

// words are the values of an enumeration, each with its help.
func words(choices []schema.Choice) *Schema {
	s := &Schema{}
	helped := false
	for _, c := range choices {
		s.Enum = append(s.Enum, c.Name)
		s.EnumDescriptions = append(s.EnumDescriptions, c.Doc)
		helped = helped || c.Doc != ""
	}
	if !helped {
		s.EnumDescriptions = nil
	}
	return s
}

// names are words of the language, each with its help. Draft 7 has no empty enumeration.
func names(list []recipe.Word) *Schema {
	if len(list) == 0 {
		return never("there is none")
	}
	var choices []schema.Choice
	for _, w := range list {
		choices = append(choices, schema.Choice{Name: w.Name, Doc: w.Doc})
	}
	return words(choices)
}

// list is a list of scalars, of which each keeps to the range, or of mappings.
func (g *generator) list(f *schema.Field) *Schema {
	if f.Item == nil {
		return &Schema{Type: "array", Items: g.object(*f.Fields)}
	}
	one := *f.Item
	one.Min, one.MinOpen, one.Max, one.MaxOpen = f.Min, f.MinOpen, f.Max, f.MaxOpen
	one.Required = true // no default excuses an item
	return &Schema{Type: "array", Items: g.kind(&one)}
}

// nested is a mapping behind a key: a short form may stand for it, and none for one that is optional.
func (g *generator) nested(f *schema.Field) *Schema {
	s := g.object(*f.Fields)
	if f.Optional {
		if s.AnyOf == nil || s.Type != nil {
			s = or(s)
		}
		s.AnyOf = append([]*Schema{{Const: "none"}}, s.AnyOf...)
	}
	return s
}

// or allows any of some schemas. Help is added to what it returns, so it is never one of them.
func or(list ...*Schema) *Schema { return &Schema{AnyOf: list} }

// written reads a default as the records write it, which is YAML in one line.
func written(text string) any {
	n := syntax.Parse(&diag.Source{Name: "default", Text: []byte("- " + text)}, nil)
	if n == nil || n.Kind != syntax.Sequence {
		return text
	}
	return Instance(n.Items[0])
}

// Instance is the value that an editor makes of a node, by the core schema of YAML 1.2: what JSON Schema judges.
func Instance(n *syntax.Node) any {
	switch n.Kind {
	case syntax.Null:
		return nil
	case syntax.Sequence:
		list := make([]any, len(n.Items))
		for i, c := range n.Items {
			list[i] = Instance(c)
		}
		return list
	case syntax.Mapping:
		m := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			m[p.Key.Text] = Instance(p.Value)
		}
		return m
	}
	if n.Plain {
		return core(n.Text)
	}
	return n.Text
}

// core resolves a plain scalar. Infinities and NaN, which JSON lacks, stay text.
func core(s string) any {
	if slices.Contains([]string{"true", "True", "TRUE"}, s) {
		return true
	}
	if slices.Contains([]string{"false", "False", "FALSE"}, s) {
		return false
	}
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		if v, err := strconv.ParseUint(hex, 16, 64); err == nil {
			return float64(v)
		}
	}
	if octal, ok := strings.CutPrefix(s, "0o"); ok {
		if v, err := strconv.ParseUint(octal, 8, 64); err == nil {
			return float64(v)
		}
	}
	if strings.Trim(s, "+-.0123456789eE") != "" || !strings.ContainsAny(s, "0123456789") {
		return s
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(v, 0) {
		return v
	}
	return s
}
