package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/recipe/syntax"
)

// Bool, Int … bind a key to a variable, set the variable to the default and describe the key. A list or text that is
// empty, and a number that the field's own range refuses, say as a default that nothing is set.

// Bool is a key with true or false.
func Bool(p *bool, name string, def bool, doc string) *Field {
	*p = def
	f := &Field{Name: name, Doc: doc, Kind: KindBool, Default: strconv.FormatBool(def)}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if v, ok := d.readBool(n, f, name); ok {
			*p = v
		}
	}
	f.show = func() any { return *p }
	return f
}

// Int is a key with a whole number.
func Int(p *int, name string, def int, doc string) *Field {
	*p = def
	f := &Field{Name: name, Doc: doc, Kind: KindInt, Default: strconv.Itoa(def)}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if v, ok := d.readInt(n, f, name, def); ok {
			*p = v
		}
	}
	f.show = func() any { return int64(*p) }
	return f
}

// OptionalInt is a key with a whole number that may be absent: *p is then nil.
func OptionalInt(p **int, name string, doc string) *Field {
	*p = nil
	f := &Field{Name: name, Doc: doc, Kind: KindInt, Optional: true}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		// No number is excused from the range as a default, so the default given is one that the range takes.
		def := 0
		if f.Min != nil {
			def = int(*f.Min)
			if f.MinOpen {
				def++
			}
		}
		if v, ok := d.readInt(n, f, name, def); ok {
			*p = &v
		}
	}
	f.show = func() any {
		if *p == nil {
			return nil
		}
		return int64(**p)
	}
	return f
}

// Float is a key with a finite number.
func Float(p *float64, name string, def float64, doc string) *Field {
	*p = def
	f := &Field{Name: name, Doc: doc, Kind: KindFloat, Default: formatFloat(def)}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if v, ok := d.readFloat(n, f, name, def); ok {
			*p = v
		}
	}
	f.show = func() any { return *p }
	return f
}

// Ratio is a key with a share, written 0.01 or 1%. Unless Max says otherwise a number above 1 must be written in
// percent, for `sparsity: 50` is not what it says.
func Ratio(p *float64, name string, def float64, doc string) *Field {
	*p = def
	f := &Field{Name: name, Doc: doc, Kind: KindRatio, Default: formatShare(def)}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if v, ok := d.readRatio(n, f, name, def); ok {
			*p = v
		}
	}
	f.show = func() any { return *p }
	return f
}

// Bytes is a key with a size, whose unit is required: 90MB, 64MiB.
func Bytes(p *int64, name string, def int64, doc string) *Field {
	*p = def
	f := &Field{Name: name, Doc: doc, Kind: KindBytes, Default: formatSize(def)}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if v, ok := d.readBytes(n, f, name, def); ok {
			*p = v
		}
	}
	f.show = func() any { return formatSize(*p) }
	return f
}

// String is a key with text.
func String(p *string, name string, def string, doc string) *Field {
	*p = def
	f := &Field{Name: name, Doc: doc, Kind: KindString, Default: def}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if v, ok := d.readString(n, f, name); ok {
			*p = v
		}
	}
	f.show = func() any { return *p }
	return f
}

// Data is a key with the name of a data set of the recipe that holds samples; Decoder.Refer checks it.
func Data(p *string, name string, def string, doc string) *Field {
	return dataField(p, name, def, doc, FormatData)
}

// Importance is a key with the name of a data set of the recipe that holds an importance matrix.
func Importance(p *string, name string, def string, doc string) *Field {
	return dataField(p, name, def, doc, FormatImportance)
}

func dataField(p *string, name, def, doc string, format Format) *Field {
	f := String(p, name, def, doc)
	f.Format = format
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		v, ok := d.readString(n, f, name)
		if !ok {
			return
		}
		if d.Refer != nil && !d.Refer(n, v, format) {
			d.errors++
			return
		}
		*p = v
	}
	return f
}

// Path is a key with the path of a file to read, relative to the recipe. It may lead out of the recipe's folder; that
// it stays inside the repository is for the caller to check, who knows the root.
func Path(p *string, name string, def string, doc string) *Field {
	return pathField(p, name, def, doc, FormatPath)
}

// OutputPath is a key with the path of a file to write, which must stay inside the folder it is relative to.
func OutputPath(p *string, name string, def string, doc string) *Field {
	return pathField(p, name, def, doc, FormatOutput)
}

func pathField(p *string, name, def, doc string, format Format) *Field {
	f := String(p, name, def, doc)
	f.Format = format
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if v, ok := d.readString(n, f, name); ok {
			d.path(p, n, f, name, v)
		}
	}
	return f
}

// path takes over a path that the rules allow.
func (d *Decoder) path(p *string, n *syntax.Node, f *Field, name, v string) {
	if why := refusePath(v, f.Format == FormatOutput); why != "" {
		d.fail(n.Span, "path-not-allowed", "%s %s", name, why)
		return
	}
	if f.Format != FormatOutput && d.Locate != nil && v != f.Default {
		located, why := d.Locate(n, v)
		if why != "" {
			d.fail(n.Span, "path-outside-repository", "%s %s", name, why)
			return
		}
		v = located
	}
	*p = v
}

// Paths is a key with a list of paths of files to read, each as of Path.
func Paths(p *[]string, name string, doc string) *Field {
	return scalars(p, name, nil, doc, func(v *string, item string) *Field { return Path(v, item, "", doc) })
}

// Model is a key with the model that goes in: a path as of Path, or the address hf://org/name@revision, which the caller
// checks.
func Model(p *string, name string, doc string) *Field {
	f := String(p, name, "", doc)
	f.Format = FormatModel
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		v, ok := d.readString(n, f, name)
		switch {
		case !ok:
		case strings.HasPrefix(v, RemoteScheme):
			*p = v
		default:
			d.path(p, n, f, name, v)
		}
	}
	return f
}

// RemoteScheme begins the address of a model that is no file.
const RemoteScheme = "hf://"

// Node is a key whose value is kept as it stands and decoded later by who knows more.
func Node(p **syntax.Node, name string, doc string) *Field {
	*p = nil
	f := &Field{Name: name, Doc: doc, Kind: KindAny}
	f.bind = func(_ *Decoder, n, _ *syntax.Node, _ string) { *p = n }
	f.show = func() any { return (&Decoder{}).Resolve(*p) }
	return f
}

// Enum is a key with one of a few words.
func Enum(p *string, name string, def string, doc string, choices ...Choice) *Field {
	*p = def
	f := &Field{Name: name, Doc: doc, Kind: KindEnum, Default: def, Choices: choices}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if v, ok := d.readEnum(n, f, name); ok {
			*p = v
		}
	}
	f.show = func() any { return *p }
	return f
}

// Ints is a key with a list of whole numbers; Between and the like bound each of them.
func Ints(p *[]int, name string, def []int, doc string) *Field {
	return scalars(p, name, def, doc, func(v *int, item string) *Field { return Int(v, item, 0, doc).Require() })
}

// Floats is a key with a list of numbers; Between and the like bound each of them.
func Floats(p *[]float64, name string, def []float64, doc string) *Field {
	return scalars(p, name, def, doc, func(v *float64, item string) *Field { return Float(v, item, 0, doc).Require() })
}

// Strings is a key with a list of texts.
func Strings(p *[]string, name string, def []string, doc string) *Field {
	return scalars(p, name, def, doc, func(v *string, item string) *Field { return String(v, item, "", doc) })
}

// Enums is a key with a list of words, each one of a few.
func Enums(p *[]string, name string, def []string, doc string, choices ...Choice) *Field {
	f := scalars(p, name, def, doc, func(v *string, item string) *Field { return Enum(v, item, "", doc, choices...) })
	f.Choices = choices
	return f
}

// scalars binds a list of which each item decodes as the field that item makes.
func scalars[T any](p *[]T, name string, def []T, doc string, item func(*T, string) *Field) *Field {
	*p = slices.Clone(def)
	f := &Field{Name: name, Doc: doc, Kind: KindList, Item: item(new(T), name)}
	if len(def) > 0 {
		f.Default = showList(def, item)
	}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if n.Kind != syntax.Sequence {
			d.notList(n, f, name)
			return
		}
		before, list := d.errors+d.later, make([]T, len(n.Items))
		for i, c := range n.Items {
			one := item(&list[i], name)
			one.Min, one.MinOpen, one.Max, one.MaxOpen = f.Min, f.MinOpen, f.Max, f.MaxOpen
			one.UsualMin, one.UsualMax = f.UsualMin, f.UsualMax
			d.value(c, nil, one, fmt.Sprintf("%s[%d]", name, i))
		}
		if d.errors+d.later == before {
			*p = list
		}
	}
	f.show = func() any { return showItems(*p, item) }
	return f
}

// notList reports a value where a list should be; a scalar only lacks its brackets.
func (d *Decoder) notList(n *syntax.Node, f *Field, name string) {
	if n.Kind == syntax.Scalar && !n.Span.IsZero() && f.Item != nil && !strings.ContainsAny(n.Span.Text(), ",[]{}\n") {
		with := "[" + n.Span.Text() + "]"
		d.failFix(n.Span, "wrong-type", with, "%s is %s; it must be a list: write %s", name, found(n), with)
		return
	}
	d.wrongType(n, name, "a list")
}

func showItems[T any](list []T, item func(*T, string) *Field) []any {
	out := make([]any, len(list))
	for i := range list {
		v := list[i]
		f := item(&v, "")
		v = list[i]
		out[i] = f.show()
	}
	return out
}

func showList[T any](list []T, item func(*T, string) *Field) string {
	words := make([]string, len(list))
	for i, v := range showItems(list, item) {
		words[i] = Inline(v)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// Require makes the key required; Between, AtLeast, Above and Below bound a number; In gives its unit for the docs.
func (f *Field) Require() *Field               { f.Required, f.Default = true, ""; return f }
func (f *Field) Between(lo, hi float64) *Field { f.Min, f.Max = &lo, &hi; return f }
func (f *Field) AtLeast(lo float64) *Field     { f.Min = &lo; return f }
func (f *Field) Above(lo float64) *Field       { f.Min, f.MinOpen = &lo, true; return f }
func (f *Field) Below(hi float64) *Field       { f.Max, f.MaxOpen = &hi, true; return f }
func (f *Field) In(unit string) *Field         { f.Unit = unit; return f }
func (f *Field) Instead(use string) *Field     { f.Deprecated = use; return f }

// Written says that a recipe should write the key out, though it has a default: readers guess it wrong. Usual gives the
// range in which nearly every number lies that is meant; a number outside of it is allowed.
func (f *Field) Written() *Field             { f.Write = true; return f }
func (f *Field) Usual(lo, hi float64) *Field { f.UsualMin, f.UsualMax = &lo, &hi; return f }

// As says what the text of a KindString or KindAny field stands for.
func (f *Field) As(format Format) *Field { f.Format = format; return f }
