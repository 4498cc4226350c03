package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// wants says in words what a field takes.
func (f *Field) wants() string {
	switch f.Kind {
	case KindBool:
		return "true or false"
	case KindInt:
		return "a whole number"
	case KindFloat:
		return "a number"
	case KindRatio:
		return "a share such as 0.25 or 25%"
	case KindBytes:
		return "a size with its unit, such as 90MB or 64MiB"
	case KindEnum:
		return "one of " + diag.Names(f.choiceNames())
	case KindList:
		return "a list"
	case KindObject, KindMap:
		return "a mapping"
	}
	return "text"
}

// bad reports a finding about a value, at its place, with where it came from if it was filled in.
func (d *Decoder) bad(g given, code, format string, args ...any) {
	d.add(diag.Diagnostic{Severity: diag.Error, Code: code, Span: g.span, Message: fmt.Sprintf(format, args...), Related: g.related})
}

// is says what a value is: "sparsity is 1.5", "sparsity is 1.5, given by vars.sparsity".
func (g given) is(name string) string {
	if g.filled {
		return fmt.Sprintf("%s is %s, given by %s", name, g.text, g.expr)
	}
	return fmt.Sprintf("%s is %s", name, g.text)
}

// number reads the value of a numeric field as a plain number. A number that is odd, quoted or no number is reported.
func (d *Decoder) number(g given, f *Field, name string) (v float64, form form, ok bool) {
	form, odd := readNumber(g.text)
	switch {
	case form == notNumber:
		d.notNumber(g, f, name)
		return 0, form, false
	case !g.plain:
		d.failFix(g.span, "wrong-type", g.text, "%s is the text %q; it must be %s: write it without quotes", name, g.text, f.wants())
		return 0, form, false
	case form == oddNumber:
		d.oddNumber(g, odd, f, name)
		return 0, form, false
	}
	v, err := strconv.ParseFloat(g.text, 64)
	if err != nil {
		d.bad(g, "out-of-range", "%s is %s, which is too large to hold", name, g.text)
		return 0, form, false
	}
	return v, form, true
}

func (d *Decoder) oddNumber(g given, o odd, f *Field, name string) {
	if o.write == "" {
		d.bad(g, "odd-number", "%s is %s, %s; it must be %s", name, g.text, o.why, f.wants())
		return
	}
	d.failFix(g.span, "odd-number", o.write, "%s is %s, %s; write %s", name, g.text, o.why, o.write)
}

// notNumber reports a text where a number should be, with advice for the commonest slips.
func (d *Decoder) notNumber(g given, f *Field, name string) {
	want := f.wants()
	if v, ok := readPercent(g.text); ok {
		d.bad(g, "wrong-type", "%s is %s; it is not a share and must be %s without %%%s", name, g.text, want, asNumber(v, f))
		if f.Kind == KindFloat && g.plain {
			d.Report.Fix(diag.Replace(g.span, formatFloat(v)))
		}
		return
	}
	if whole, part, ok := strings.Cut(g.text, ","); ok && len(part) != 3 {
		if with := whole + "." + part; f.Kind != KindInt && plainNumber(with) != notNumber {
			d.failFix(g.span, "wrong-type", with, "%s is the text %q; it must be %s, with a point: write %s", name, g.text, want, with)
			return
		}
	}
	d.bad(g, "wrong-type", "%s is %s; it must be %s", name, found(g.node), want)
}

func asNumber(v float64, f *Field) string {
	if f.Kind == KindFloat {
		return ": write " + formatFloat(v)
	}
	return ""
}

// inRange checks a number against the field's bounds. The default may lie outside of them: it then says "not set".
func (d *Decoder) inRange(g given, f *Field, name string, v, def float64) bool {
	low := f.Min != nil && (v < *f.Min || f.MinOpen && v == *f.Min)
	high := f.Max != nil && (v > *f.Max || f.MaxOpen && v == *f.Max)
	if !low && !high || v == def && !f.Required {
		d.unusual(g, f, name, v, def)
		return true
	}
	d.bad(g, "out-of-range", "%s; it must %s", g.is(name), f.bounds())
	return false
}

// Range says in words which values a number field takes, as in "lie between 0 and 1" or "be at least 1". It is empty
// if every number will do.
func (f *Field) Range() string {
	if f.Min == nil && f.Max == nil {
		return ""
	}
	return f.bounds()
}

func (f *Field) bounds() string {
	var low, high string
	if f.Min != nil {
		low = "at least " + f.bound(*f.Min)
		if f.MinOpen {
			low = "greater than " + f.bound(*f.Min)
		}
	}
	if f.Max != nil {
		high = "at most " + f.bound(*f.Max)
		if f.MaxOpen {
			high = "less than " + f.bound(*f.Max)
		}
	}
	switch {
	case high == "":
		return "be " + low
	case low == "":
		return "be " + high
	case !f.MinOpen && !f.MaxOpen:
		return fmt.Sprintf("lie between %s and %s", f.bound(*f.Min), f.bound(*f.Max))
	}
	return "be " + low + " and " + high
}

func (f *Field) bound(v float64) string {
	if f.Kind == KindBytes {
		return formatSize(int64(v))
	}
	return formatFloat(v)
}

func (d *Decoder) readBool(n *syntax.Node, f *Field, name string) (bool, bool) {
	g, ok := d.read(n, f, name)
	if !ok {
		return false, false
	}
	if g.filled {
		return g.value.(bool), true
	}
	if g.plain && (g.text == "true" || g.text == "false") {
		return g.text == "true", true
	}
	with := ""
	switch strings.ToLower(g.text) {
	case "yes", "on", "y", "true":
		with = "true"
	case "no", "off", "n", "false":
		with = "false"
	}
	switch {
	case with == "":
		d.bad(g, "wrong-type", "%s is %s; it must be true or false", name, found(n))
	case !g.plain:
		d.failFix(g.span, "wrong-type", with, "%s is the text %q; it must be true or false: write %s without quotes", name, g.text, with)
	default:
		d.failFix(g.span, "odd-bool", with, "%s is %s, which not every reader takes for %s; write %s", name, g.text, with, with)
	}
	return false, false
}

func (d *Decoder) readInt(n *syntax.Node, f *Field, name string, def int) (int, bool) {
	g, ok := d.read(n, f, name)
	if !ok {
		return 0, false
	}
	if !g.filled {
		v, form, ok := d.number(g, f, name)
		if !ok {
			return 0, false
		}
		if form == plainFloat {
			d.fraction(g, name, v)
			return 0, false
		}
		whole, err := strconv.ParseInt(g.text, 10, 64)
		if err != nil {
			d.bad(g, "out-of-range", "%s is %s, which is too large to hold", name, g.text)
			return 0, false
		}
		g.value = whole
	}
	whole := g.value.(int64)
	if int64(int(whole)) != whole {
		d.bad(g, "out-of-range", "%s is %s, which is too large to hold", name, g.text)
		return 0, false
	}
	return int(whole), d.inRange(g, f, name, float64(whole), float64(def))
}

// fraction reports a number with point or exponent where a whole number should be.
func (d *Decoder) fraction(g given, name string, v float64) {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		with := strconv.FormatFloat(v, 'f', 0, 64)
		d.failFix(g.span, "odd-number", with, "%s is %s; a whole number is written without point or exponent: write %s", name, g.text, with)
		return
	}
	d.bad(g, "wrong-type", "%s is %s; it must be a whole number", name, g.text)
}

func (d *Decoder) readFloat(n *syntax.Node, f *Field, name string, def float64) (float64, bool) {
	g, ok := d.read(n, f, name)
	if !ok {
		return 0, false
	}
	v := asFloat(g.value)
	if !g.filled {
		if v, _, ok = d.number(g, f, name); !ok {
			return 0, false
		}
	}
	return v, d.finite(g, name, v) && d.inRange(g, f, name, v, def)
}

func (d *Decoder) finite(g given, name string, v float64) bool {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		d.bad(g, "out-of-range", "%s; it must be finite", g.is(name))
		return false
	}
	return true
}

// asFloat returns a filled-in number as a float64.
func asFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func (d *Decoder) readRatio(n *syntax.Node, f *Field, name string, def float64) (float64, bool) {
	g, ok := d.read(n, f, name)
	if !ok {
		return 0, false
	}
	v, percent := asFloat(g.value), false
	if !g.filled {
		if v, percent = readPercent(g.text); !percent {
			if v, _, ok = d.number(g, f, name); !ok {
				return 0, false
			}
		}
	}
	if !d.finite(g, name, v) {
		return 0, false
	}
	if v > 1 && !percent && (f.Max == nil || *f.Max <= 1) {
		d.bad(g, "out-of-range", "%s; %s", g.is(name), f.aboveOne(v))
		if v >= leastPercent && v <= 100 && !g.filled {
			d.Report.Fix(diag.Replace(g.span, g.text+"%"))
		}
		return 0, false
	}
	return v, d.inRange(g, f, name, v, def)
}

// leastPercent is the least bare number that can only have been meant in percent: 2 may be a slip for 0.2.
const leastPercent = 10

// aboveOne is advice for a bare share above 1: it was probably meant in percent.
func (f *Field) aboveOne(v float64) string {
	s := formatFloat(v)
	if share, ok := readPercent(s + "%"); ok && v >= 2 && v <= 100 {
		return fmt.Sprintf("%s%% is written %s%% or %s", s, s, formatFloat(share))
	}
	if f.Max != nil {
		return "it must " + f.bounds()
	}
	return fmt.Sprintf("a share above 1 is written in percent: %s", formatShare(v))
}

func (d *Decoder) readBytes(n *syntax.Node, f *Field, name string, def int64) (int64, bool) {
	g, ok := d.read(n, f, name)
	if !ok {
		return 0, false
	}
	if g.filled {
		v := g.value.(int64)
		return v, d.inRange(g, f, name, float64(v), float64(def))
	}
	v, unit, ok := readSize(g.text)
	switch form, _ := readNumber(g.text); {
	case ok:
		return v, d.inRange(g, f, name, float64(v), float64(def))
	case unit != "" && knownUnit(unit):
		d.bad(g, "out-of-range", "%s is %s, which is not a whole number of bytes that can be held", name, g.text)
	case unit != "":
		d.bad(g, "unknown-unit", "%s is %s; sizes are written in B, KB, MB, GB or KiB, MiB, GiB%s", name, g.text, didYouMean(nearUnit(unit)))
		if near := nearUnit(unit); near != "" && g.span.Text() == g.text {
			d.Report.Fix(diag.Replace(g.span, strings.TrimSuffix(g.text, unit)+near))
		}
	case g.plain && form == plainInt:
		d.bad(g, "missing-unit", "%s is %s; a size needs its unit: %sMB or %sMiB", name, g.text, g.text, g.text)
	default:
		d.bad(g, "wrong-type", "%s is %s; it must be %s", name, found(n), f.wants())
	}
	return 0, false
}

func knownUnit(unit string) bool {
	for _, u := range units {
		if u.name == unit {
			return true
		}
	}
	return false
}

// nearUnit returns the unit that differs in case alone, or "".
func nearUnit(unit string) string {
	for _, u := range units {
		if strings.EqualFold(u.name, unit) {
			return u.name
		}
	}
	return ""
}

func didYouMean(word string) string {
	if word == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", word)
}

func (d *Decoder) readString(n *syntax.Node, f *Field, name string) (string, bool) {
	g, ok := d.read(n, f, name)
	if !ok {
		return "", false
	}
	if g.filled || !g.plain {
		return g.text, true
	}
	form, _ := readNumber(g.text)
	quoted := strconv.Quote(g.text)
	switch {
	case form == plainInt || form == plainFloat:
		d.failFix(g.span, "wrong-type", quoted, "%s is the number %s; it must be text: write %s", name, g.text, quoted)
		return "", false
	case form == oddNumber:
		d.failFix(g.span, "odd-text", quoted, "%s is %s, which some readers do not take for text; write %s", name, g.text, quoted)
		return "", false
	case looksBool(g.text):
		d.failFix(g.span, "odd-text", quoted, "%s is %s, which some readers take for true or false; write %s", name, g.text, quoted)
		return "", false
	}
	return g.text, true
}

func looksBool(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n":
		return true
	}
	return false
}

func (d *Decoder) readEnum(n *syntax.Node, f *Field, name string) (string, bool) {
	g, ok := d.read(n, f, name)
	if !ok {
		return "", false
	}
	names := f.choiceNames()
	for _, c := range names {
		if c == g.text {
			return c, true
		}
	}
	if form, _ := readNumber(g.text); g.plain && form != notNumber {
		d.bad(g, "wrong-type", "%s is the number %s; it must be %s", name, g.text, f.wants())
		return "", false
	}
	if near := diag.Near(g.text, names); near != "" {
		d.bad(g, "unknown-value", "unknown %s %s; did you mean %q?", name, quoteShort(g.text), near)
		d.Report.Fix(diag.Rename(g.span, g.text, names))
	} else {
		d.bad(g, "unknown-value", "unknown %s %s; it must be %s", name, quoteShort(g.text), f.wants())
	}
	return "", false
}
