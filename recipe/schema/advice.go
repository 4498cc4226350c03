package schema

import (
	"fmt"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// hidden warns of a key that is not there and should be.
func (d *Decoder) hidden(n, key *syntax.Node, name string, f *Field) {
	if !d.Advise || !f.Write {
		return
	}
	message := fmt.Sprintf("%s does not say %s, which readers will guess at; write it", name, f.Name)
	if f.Default != "" {
		message = fmt.Sprintf("%s leaves %s at its default, which readers will guess at; write %s: %s, or what is meant", name, f.Name, f.Name, f.Default)
	}
	d.add(diag.Diagnostic{Severity: diag.Warning, Code: "hidden-default", Span: place(n, key), Message: message})
}

// unusual warns of a number that the field takes and that is most likely a slip.
func (d *Decoder) unusual(g given, f *Field, name string, v, def float64) {
	if !d.Advise || f.UsualMin == nil || v == def || v >= *f.UsualMin && v <= *f.UsualMax {
		return
	}
	d.add(diag.Diagnostic{Severity: diag.Warning, Code: "suspicious-number", Span: g.span, Related: g.related,
		Message: fmt.Sprintf("%s; it usually lies between %s and %s", g.is(name), f.usual(*f.UsualMin), f.usual(*f.UsualMax))})
}

func (f *Field) usual(v float64) string {
	if f.Kind == KindRatio {
		return formatPercent(v)
	}
	return f.bound(v)
}
