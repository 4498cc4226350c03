// Package layout writes a recipe in its canonical form, as gofmt does for Go: keys in the order in which the language's
// records have them, two blanks a level, one blank line between sections and between steps, quotes only where they are
// needed. What a recipe means stays, and so does every comment, beside what it stood at.
//
// The rules:
//
//   - Keys stand in the order of their records; a merge key before them, keys that no record has behind them. A step
//     begins with its id and its pass. Names that the user chose keep their order. A mapping in which another order
//     would change what an alias means keeps its order.
//   - A section of the recipe, or a step, that takes more than one line has a blank line before and after it. Elsewhere a
//     blank line stays, several become one.
//   - What is written in brackets stays so as long as it fits in 120 columns, in one line, without comments inside.
//   - Words lose their quotes; other quoted texts get double quotes if nothing in them needs a backslash. Texts over
//     several lines and block scalars keep their lines.
//   - Comments at the ends of lines that follow one another stand below each other.
package layout

import (
	"bytes"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Format returns the text of src in canonical form, with LF line ends. It is idempotent: what it returns it returns
// again. If the text is not YAML that a recipe may be written in, the findings are reported and the result is nil. What
// the text says is of no concern: a recipe with unknown keys and wrong values is formatted too.
func Format(src *diag.Source, lang *recipe.Language, report *diag.List) []byte {
	var found diag.List
	tree := syntax.ReadTree(src, &found)
	for _, d := range found {
		if d.Severity == diag.Error {
			report.Add(d)
		}
	}
	if found.HasErrors() {
		return nil
	}
	if tree != nil {
		root := attach(src, tree)
		words := records{step: lang.StepFields(), document: lang.Fields(), passes: passRecords(lang)}
		words.sort(root.body, &words.document)
		out := print(src, root)
		if same(src, tree, &diag.Source{Name: src.Name, Text: out}) {
			return out
		}
	}
	report.Warningf(diag.Span{Source: src}, "not-formatted", "this text is written in a way that cannot be brought into canonical form safely; it stays as it is")
	return bytes.Clone(src.Text)
}
