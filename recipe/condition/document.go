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

// Operators lists what a condition may be made of, for help pages: a sample and its meaning.
func Operators() [][2]string {
	return [][2]string{
		{"layer.params > 1e6", "comparison: < <= > >= == !=; may be chained: 0.1 < layer.sparsity < 0.5"},
		{"a && b, a || b, !a", "or written and, or, not"},
		{`layer.role in ["ffn", "attention"]`, "one of a list of values; also not in"},
		{`layer.name contains "proj"`, "part of a string; also startsWith, endsWith"},
		{"layer.name matches `conv\\d+`", "a RE2 pattern, written out, found anywhere in the string"},
		{"layer.shape[0], layer.shape[-1]", "an item of a list, from its start or its end"},
		{"64 in layer.shape", "whether a list holds a value"},
		{"+ - * / % min(a, b) max(a, b) abs(a)", "arithmetic; / always gives a number, % needs a whole number written out on its right"},
		{"layer.index < 2 ? 8 : 4", "a choice"},
		{"90MB 64MiB 4% 2ms", "units: " + strings.Join(unitNames(), " ")},
	}
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
