package condition

import (
	"fmt"
	"strings"
)

// Fact returns the fact of a full name, "layer.params", as Condition.Uses gives it, or nil.
func (e Env) Fact(name string) *Fact {
	space, fact, _ := strings.Cut(name, ".")
	return e.fact(space, fact)
}

// Names returns the full names of all facts, in the order of the environment: for help and completion.
func (e Env) Names() []string {
	var names []string
	for _, s := range e {
		for _, f := range s.Facts {
			names = append(names, s.Name+"."+f.Name)
		}
	}
	return names
}

// Markdown returns a table of every fact with its type, its price and its meaning.
func (e Env) Markdown() string {
	var b strings.Builder
	b.WriteString("| fact | type | known from | meaning |\n|---|---|---|---|\n")
	for _, s := range e {
		for _, f := range s.Facts {
			doc := f.Doc
			if len(f.Values) > 0 {
				doc += " (" + strings.Join(f.Values, ", ") + ")"
			}
			if f.Min != nil || f.Max != nil {
				doc += " (" + bounds(f.Min, f.Max) + ")"
			}
			fmt.Fprintf(&b, "| `%s.%s` | %s | %s | %s |\n", s.Name, f.Name, f.Type, f.Price, strings.ReplaceAll(doc, "|", `\|`))
		}
	}
	return b.String()
}
