package jsonschema

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/schema"
)

// Help is what an editor shows of a key, in Markdown: its meaning, its range and default, and what each word means.
func Help(f *schema.Field) string {
	var b strings.Builder
	b.WriteString(sentence(f.Doc))
	var facts []string
	if f.Required {
		facts = append(facts, "required")
	}
	if f.Unit != "" {
		facts = append(facts, "in "+f.Unit)
	}
	if r := f.Range(); r != "" {
		facts = append(facts, "must "+r)
	}
	if f.Default != "" && !f.Required {
		facts = append(facts, "default `"+f.Default+"`")
	}
	if f.Fields != nil && f.Fields.Short != "" && f.Kind == schema.KindObject {
		facts = append(facts, "a value alone stands for `"+f.Fields.Short+"`")
	}
	if len(facts) > 0 {
		fmt.Fprintf(&b, "\n\n*%s*", strings.Join(facts, "; "))
	}
	if len(f.Choices) > 0 && f.Kind != schema.KindEnum { // editors show the words of an enumeration themselves
		b.WriteString("\n\n")
		for _, c := range f.Choices {
			fmt.Fprintf(&b, "- `%s`", c.Name)
			if c.Doc != "" {
				fmt.Fprintf(&b, ": %s", c.Doc)
			}
			b.WriteByte('\n')
		}
	}
	return strings.TrimSpace(b.String())
}

// PassHelp is what an editor shows of a pass, in Markdown: what it does, and what must stand before or after it.
func PassHelp(w *recipe.PassWord) string {
	text := w.Doc
	for _, o := range w.Order {
		if o.Before != "" {
			text += fmt.Sprintf("\n\n*Before `%s`: %s.*", o.Before, o.Why)
		} else {
			text += fmt.Sprintf("\n\n*After `%s`: %s.*", o.After, o.Why)
		}
	}
	return text
}

// sentence makes a sentence of a record's help.
func sentence(doc string) string {
	if doc == "" || strings.HasSuffix(doc, ".") {
		return doc
	}
	first, size := utf8.DecodeRuneInString(doc)
	return string(unicode.ToUpper(first)) + doc[size:] + "."
}
