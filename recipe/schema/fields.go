package schema

import "github.com/pare-ml/pare/recipe/syntax"

// Bool, Int … bind a key to a variable, set the variable to the default and describe the key.

func Bool(p *bool, name string, def bool, doc string) *Field { panic("replaced in the next commit") }
func Int(p *int, name string, def int, doc string) *Field    { panic("replaced in the next commit") }
func Float(p *float64, name string, def float64, doc string) *Field {
	panic("replaced in the next commit")
}
func String(p *string, name string, def string, doc string) *Field {
	panic("replaced in the next commit")
}
func Bytes(p *int64, name string, def int64, doc string) *Field { panic("replaced in the next commit") }
func Ratio(p *float64, name string, def float64, doc string) *Field {
	panic("replaced in the next commit")
}
func Node(p **syntax.Node, name string, doc string) *Field     { panic("replaced in the next commit") }
func Ints(p *[]int, name string, def []int, doc string) *Field { panic("replaced in the next commit") }
func Floats(p *[]float64, name string, def []float64, doc string) *Field {
	panic("replaced in the next commit")
}
func Strings(p *[]string, name string, def []string, doc string) *Field {
	panic("replaced in the next commit")
}
func Enum(p *string, name string, def string, doc string, choices ...Choice) *Field {
	panic("replaced in the next commit")
}

// Nested binds a mapping whose defaults hold when it is absent.
func Nested(name, doc string, o Object) *Field { panic("replaced in the next commit") }

// Optional binds a mapping that may be absent (or written none): *p is then nil.
func Optional[T any](p **T, name, doc string, fields func(*T) Object) *Field {
	panic("replaced in the next commit")
}

// List binds a list of mappings.
func List[T any](p *[]T, name, doc string, fields func(*T) Object) *Field {
	panic("replaced in the next commit")
}

// Require makes the key required; Between, AtLeast, Above and Below bound a number; In gives its unit for the docs.
func (f *Field) Require() *Field               { f.Required = true; return f }
func (f *Field) Between(lo, hi float64) *Field { f.Min, f.Max = &lo, &hi; return f }
func (f *Field) AtLeast(lo float64) *Field     { f.Min = &lo; return f }
func (f *Field) Above(lo float64) *Field       { f.Min, f.MinOpen = &lo, true; return f }
func (f *Field) Below(hi float64) *Field       { f.Max, f.MaxOpen = &hi, true; return f }
func (f *Field) In(unit string) *Field         { f.Unit = unit; return f }
func (f *Field) Instead(use string) *Field     { f.Deprecated = use; return f }

// Decode fills the variables bound by o from the mapping n, strictly: unknown keys, wrong types, values out of range
// and missing required keys are reported, with the near name. A nil n is an empty mapping. It returns whether n was
// free of errors.
func (d *Decoder) Decode(n *syntax.Node, o Object) bool { panic("replaced in the next commit") }

// Effective returns the current values of all fields of o, defaults included, as nested map[string]any, []any and
// scalars: what the effective recipe prints.
func (o Object) Effective() map[string]any { panic("replaced in the next commit") }

// Canonical returns Effective as JSON with sorted keys and no spaces: equal settings give equal bytes. It is part of
// cache keys.
func (o Object) Canonical() []byte { panic("replaced in the next commit") }
