package schema

import (
	"strconv"

	"github.com/pare-ml/pare/recipe/syntax"
)

// Variable reads a scalar whose type is decided by how it is written: true, 3, 0.25, 25%, 90MB, text. It is how the
// defaults of vars get their types. The value is a bool, int64 (a whole number or a size), float64 (a number or a
// share) or string.
func (d *Decoder) Variable(n *syntax.Node, name string) (v any, kind Kind, ok bool) {
	switch {
	case isEmpty(n):
		d.fail(n.Span, "empty-value", "%s has no value; its default decides its type: write one", name)
	case n.Kind != syntax.Scalar:
		d.wrongType(n, name, "a single value: text, a number, true or false")
	case HasTemplate(n):
		d.fail(n.Span, "template-not-allowed", "%s must be written out; ${{ }} is not filled in here", name)
	case !n.Plain:
		return n.Text, KindString, true
	default:
		return d.plainVariable(n, name)
	}
	return nil, "", false
}

func (d *Decoder) plainVariable(n *syntax.Node, name string) (any, Kind, bool) {
	if _, ok := readPercent(n.Text); ok {
		return d.typed(n, name, KindRatio)
	}
	if _, unit, _ := readSize(n.Text); unit != "" && knownUnit(unit) {
		return d.typed(n, name, KindBytes)
	}
	switch form, o := readNumber(n.Text); {
	case form == plainInt:
		return d.typed(n, name, KindInt)
	case form == plainFloat:
		return d.typed(n, name, KindFloat)
	case form == oddNumber:
		g := given{node: n, span: n.Span, text: n.Text, plain: true}
		d.oddNumber(g, o, &Field{Kind: KindFloat}, name)
		return nil, "", false
	case looksBool(n.Text):
		return d.typed(n, name, KindBool)
	}
	return n.Text, KindString, true
}

// typed reads a scalar as a value of the kind.
func (d *Decoder) typed(n *syntax.Node, name string, kind Kind) (any, Kind, bool) {
	v, ok := d.As(n, name, kind)
	return v, kind, ok
}

// As reads a scalar as a value of a kind that a variable may have.
func (d *Decoder) As(n *syntax.Node, name string, kind Kind) (v any, ok bool) {
	before := d.errors
	f := &Field{Name: name, Kind: kind}
	switch kind {
	case KindBool:
		v, _ = d.readBool(n, f, name)
	case KindInt:
		whole, _ := d.readInt(n, f, name, 0)
		v = int64(whole)
	case KindFloat:
		v, _ = d.readFloat(n, f, name, 0)
	case KindRatio:
		v, _ = d.readRatio(n, f, name, 0)
	case KindBytes:
		v, _ = d.readBytes(n, f, name, 0)
	default:
		v = n.Text
	}
	return v, d.errors == before
}

// FormatValue writes a variable's value as YAML in one line, so that Variable reads the same value of the same kind.
func FormatValue(v any, kind Kind) string {
	switch v := v.(type) {
	case int64:
		if kind == KindBytes {
			return formatSize(v)
		}
	case float64:
		if kind == KindRatio {
			return formatPercent(v)
		}
		if s := formatFloat(v); plainNumber(s) != plainInt {
			return s
		}
		return formatFloat(v) + ".0"
	case string:
		return strconv.Quote(v)
	}
	return Inline(v)
}
