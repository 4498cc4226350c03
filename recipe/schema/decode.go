package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Decoder carries what decoding needs besides the node. It is made for one use after another, not for several at once.
type Decoder struct {
	Report *diag.List

	// Fill gives the value of the expression text[i:j] that stands inside ${{ }} of the scalar n: int64, float64,
	// string or bool, or a Later. It reports what is wrong and returns false. Nil: ${{ }} is not allowed here.
	Fill func(n *syntax.Node, i, j int) (any, bool)

	// Origin says where the value of such an expression was set, for findings about the value. May be nil.
	Origin func(n *syntax.Node, i, j int) []diag.Related

	// Refer checks the name of a data set found in the scalar n, or standing as the default behind a key n, and that it
	// holds what the key wants: samples (FormatData) or an importance matrix (FormatImportance). It reports what is wrong
	// and returns false. Nil: names are not checked.
	Refer func(n *syntax.Node, name string, want Format) bool

	// Locate turns the path of a file to read, found in the scalar n, into one that means the same to whoever opens it,
	// or says why it may not be named: "lies outside the repository". Nil: paths stay as they are written.
	Locate func(n *syntax.Node, path string) (located, refused string)

	// Advise asks for warnings too about what is legal but most likely not meant: numbers that are out of the usual,
	// defaults that should be written out. One decoding of several of the same text is enough for them.
	Advise bool

	// Around lists the mappings around the one to be decoded, outermost first, so that a key that stands too deep is
	// told where it belongs.
	Around []Scope

	errors int // reported so far
	later  int // values so far that are not known yet
}

// Scope is a mapping around another.
type Scope struct {
	Name   string // what findings call it: "prune", "a step"
	Fields []*Field
}

// Later stands for a value that is not known yet, while its type is. The field keeps its default, and checks that
// would need the value are left for the decoding in which it is known. Like is a value of the type to come.
type Later struct{ Like any }

// Decode fills the variables bound by o from the mapping n, strictly: unknown keys, wrong types, values out of range
// and missing required keys are reported, with the near name. A nil n is an empty mapping. It returns whether n was
// free of errors.
func (d *Decoder) Decode(n *syntax.Node, o Object) bool { return d.DecodeAt(n, nil, o) }

// DecodeAt is Decode for the value of a key, which findings about the mapping as a whole name and point at. The key may
// be nil.
func (d *Decoder) DecodeAt(n, key *syntax.Node, o Object) bool {
	before := d.errors
	name := "the mapping"
	if key != nil {
		name = key.Text
	}
	d.object(n, key, name, o)
	return d.errors == before
}

// DecodeValue fills the variable bound by a single field from its value n, which findings call by the field's name.
// It returns whether n was free of errors.
func (d *Decoder) DecodeValue(n *syntax.Node, f *Field) bool {
	before := d.errors
	d.value(n, nil, f, f.Name)
	return d.errors == before
}

// object decodes the mapping n, the value of key, which may be nil; name is what findings call it.
func (d *Decoder) object(n, key *syntax.Node, name string, o Object) {
	if key == nil && o.Name != "" {
		name = o.Name
	}
	if o.Node != nil {
		*o.Node = n
	}
	errors, later := d.errors, d.later
	var given []string // keys that a finding or the short form stands for
	switch {
	case n == nil || n.Kind == syntax.Null:
	case n.Kind == syntax.Mapping:
		given = d.pairs(n, key != nil, name, o)
	case o.Short != "":
		d.value(n, key, o.Field(o.Short), name)
		given = []string{o.Short}
	default:
		d.notMapping(n, name, o)
		return
	}
	d.missing(n, key, name, o, given)
	d.check(n, o, errors, later)
}

// notMapping reports a value where a mapping should be; a scalar may be the value of one of its keys.
func (d *Decoder) notMapping(n *syntax.Node, name string, o Object) {
	if f := o.meant(n); f != nil {
		with := "{" + f.Name + ": " + n.Span.Text() + "}"
		d.failFix(n.Span, "wrong-type", with, "%s is %s; it must be a mapping: write %s", name, found(n), with)
		return
	}
	d.wrongType(n, name, "a mapping with "+diag.Names(o.names()))
}

// meant returns the field whose value a scalar probably is: an enumeration that has the word, or the one text that is
// required.
func (o Object) meant(n *syntax.Node) *Field {
	if n.Kind != syntax.Scalar || n.Span.IsZero() || strings.ContainsAny(n.Span.Text(), ",[]{}\n") {
		return nil
	}
	for _, f := range o.Fields {
		if f.Kind == KindEnum && slices.Contains(f.choiceNames(), n.Text) || f.Kind == KindString && f.Required {
			return f
		}
	}
	return nil
}

// check runs the object's own check if its fields decoded and are all known.
func (d *Decoder) check(n *syntax.Node, o Object, errors, later int) {
	if o.Check == nil || d.errors > errors || d.later > later {
		return
	}
	var found diag.List
	o.Check(n, &found)
	for _, f := range found {
		d.add(f)
	}
}

// pairs decodes the keys of a mapping that are there. It returns the fields that an unknown key was said to stand for.
func (d *Decoder) pairs(n *syntax.Node, keyed bool, name string, o Object) (meant []string) {
	d.Around = append(d.Around, Scope{name, o.Fields})
	defer func() { d.Around = d.Around[:len(d.Around)-1] }()
	for _, p := range n.Pairs {
		f := o.Field(p.Key.Text)
		if f == nil {
			meant = append(meant, d.unknownKey(n, p, keyed, name, o))
			continue
		}
		if f.Deprecated != "" {
			d.add(diag.Diagnostic{Severity: diag.Warning, Code: "deprecated-key", Span: p.Key.Span,
				Message: fmt.Sprintf("%s is deprecated; write %s", f.Name, f.Deprecated)})
			if o.Field(f.Deprecated) != nil && n.Pair(f.Deprecated) == nil {
				d.Report.Fix(diag.Replace(p.Key.Span, f.Deprecated))
			}
		}
		d.value(p.Value, p.Key, f, f.Name)
	}
	return meant
}

// value decodes the value of a field, behind a key that may be nil; findings call it name.
func (d *Decoder) value(n, key *syntax.Node, f *Field, name string) {
	if isEmpty(n) && f.Kind != KindAny {
		d.empty(n, key, f, name)
		return
	}
	f.bind(d, n, key, name)
}

func isEmpty(n *syntax.Node) bool { return n == nil || n.Kind == syntax.Null }

func (d *Decoder) empty(n, key *syntax.Node, f *Field, name string) {
	var span diag.Span
	switch {
	case key != nil:
		span = key.Span
	case n != nil:
		span = n.Span
	}
	switch {
	case f.Kind == KindObject && f.Optional:
		d.fail(span, "empty-value", "%s has no value; write %s: none, or a mapping", name, name)
	case f.Kind == KindObject || f.Kind == KindMap || f.Kind == KindList:
		d.fail(span, "empty-value", "%s has no value; it must be %s, or be left out", name, f.wants())
	default:
		d.fail(span, "empty-value", "%s has no value; it must be %s", name, f.wants())
	}
}

// missing reports required keys that are not there; those given need not be.
func (d *Decoder) missing(n, key *syntax.Node, name string, o Object, given []string) {
	for _, f := range o.Fields {
		if n.Pair(f.Name) != nil || slices.Contains(given, f.Name) {
			continue
		}
		if f.Required {
			d.fail(place(n, key), "missing-key", "%s needs %s: %s", name, f.Name, f.Doc)
			continue
		}
		d.hidden(n, key, name, f)
		if f.Format.NamesData() && f.Default != "" && d.Refer != nil && key != nil && !d.Refer(key, f.Default, f.Format) {
			d.errors++
		}
	}
}

// place is where a finding about a mapping as a whole belongs: its key, else its beginning.
func place(n, key *syntax.Node) diag.Span {
	if key != nil {
		return key.Span
	}
	return n.Head()
}

// unknownKey reports a key of n that no field bears: where it belongs, the name it is near to, or what there is. It returns
// the name of the field that the key probably stands for.
func (d *Decoder) unknownKey(n *syntax.Node, p syntax.Pair, keyed bool, name string, o Object) (meant string) {
	key := p.Key.Text
	what := fmt.Sprintf("unknown key %q in %s", key, name)
	known := o.names()
	inside, near, around := o.inside(key), diag.Near(key, known), ""
	if inside == nil {
		around = d.around(key, keyed, name)
	}
	switch {
	case inside != nil:
		d.fail(p.Key.Span, "unknown-key", "%s; it belongs inside %s: write %s: {%s: …}", what, inside.Name, inside.Name, key)
		return inside.Name
	case around != "":
		d.fail(p.Key.Span, "unknown-key", "%s; it belongs %s", what, around)
	case near != "":
		d.fail(p.Key.Span, "unknown-key", "%s; did you mean %q?", what, near)
		if n.Pair(near) == nil {
			d.Report.Fix(diag.Rename(p.Key.Span, key, known))
		}
		return near
	case len(known) == 0:
		d.fail(p.Key.Span, "unknown-key", "%s; it takes no parameters", what)
	default:
		d.fail(p.Key.Span, "unknown-key", "%s; it takes %s", what, diag.Names(known))
	}
	return ""
}

// inside returns the field of o whose mapping has the key.
func (o Object) inside(key string) *Field {
	for _, f := range o.Fields {
		if f.Fields != nil && f.Kind != KindList && f.Kind != KindMap && f.Fields.Field(key) != nil {
			return f
		}
	}
	return nil
}

// around says which mapping around the one called name has the key, or "".
func (d *Decoder) around(key string, keyed bool, name string) string {
	for i := len(d.Around) - 2; i >= 0; i-- {
		if (Object{Fields: d.Around[i].Fields}).Field(key) == nil {
			continue
		}
		if keyed && i == len(d.Around)-2 {
			return fmt.Sprintf("beside %s, one level further left", name)
		}
		return fmt.Sprintf("directly in %s, further left", d.Around[i].Name)
	}
	return ""
}

// add reports a finding and counts it if it is an error.
func (d *Decoder) add(f diag.Diagnostic) {
	if f.Severity == diag.Error {
		d.errors++
	}
	d.Report.Add(f)
}

func (d *Decoder) fail(span diag.Span, code, format string, args ...any) {
	d.add(diag.Diagnostic{Severity: diag.Error, Code: code, Span: span, Message: fmt.Sprintf(format, args...)})
}

// failFix is fail with a sure edit.
func (d *Decoder) failFix(span diag.Span, code, with, format string, args ...any) {
	d.add(diag.Diagnostic{Severity: diag.Error, Code: code, Span: span, Message: fmt.Sprintf(format, args...),
		Fixes: []diag.Fix{{Edits: []diag.Edit{{Span: span, New: with}}}}})
}

// wrongType reports a node that is not of the wanted kind of value.
func (d *Decoder) wrongType(n *syntax.Node, name, want string) {
	d.fail(n.Head(), "wrong-type", "%s is %s; it must be %s", name, found(n), want)
}

// found says in words what a node is: `the text "0,5"`, `the number 4`, "a list", "a mapping".
func found(n *syntax.Node) string {
	switch n.Kind {
	case syntax.Sequence:
		return "a list"
	case syntax.Mapping:
		return "a mapping"
	case syntax.Null:
		return "empty"
	}
	if n.Plain {
		switch form, _ := readNumber(n.Text); {
		case form == plainInt || form == plainFloat:
			return "the number " + n.Text
		case n.Text == "true" || n.Text == "false":
			return n.Text
		}
	}
	return "the text " + quoteShort(n.Text)
}

// quoteShort quotes a text for a message, cut after 40 characters.
func quoteShort(s string) string {
	r := []rune(s)
	if len(r) > 40 {
		return fmt.Sprintf("%q", string(r[:39])+"…")
	}
	return fmt.Sprintf("%q", s)
}
