package docs

import (
	"fmt"
	"strings"

	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/schema"
)

// passPage is the text of a pass with what its records say: parameters, words, order.
func passPage(p *passes.Pass, text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- Written by go generate ./docs from passes/%s: edit doc.md there. -->\n%s\n", p.Name, strings.TrimSpace(text))
	b.WriteString("\n## Parameters\n\n")
	fields := p.Fields()
	if len(fields.Fields) == 0 {
		b.WriteString("None.\n")
	} else {
		b.WriteString("| parameter | value | default | meaning |\n|---|---|---|---|\n")
		parameterRows(&b, fields, "")
		wordLists(&b, fields)
	}
	if p.Whole {
		b.WriteString("\nThe pass treats the model as a whole: a step of it takes no `overrides`.\n")
	}
	if len(p.Order) > 0 {
		b.WriteString("\n## Order\n\n")
		for _, o := range p.Order {
			if o.Before != "" {
				fmt.Fprintf(&b, "- before [`%s`](%[1]s.md): %s\n", o.Before, o.Why)
			} else {
				fmt.Fprintf(&b, "- after [`%s`](%[1]s.md): %s\n", o.After, o.Why)
			}
		}
	}
	fmt.Fprintf(&b, "\nVersion %d of the pass; a new version gives other bytes.\n", p.Version)
	return b.String()
}

// parameterRows writes a row for each parameter, those of nested mappings below theirs.
func parameterRows(b *strings.Builder, o schema.Object, prefix string) {
	for _, f := range o.Fields {
		def := ""
		switch {
		case f.Required:
			def = "required"
		case f.Default != "":
			def = "`" + f.Default + "`"
		}
		doc := f.Doc
		if f.Unit != "" && !strings.Contains(doc, f.Unit) {
			doc += " (in " + f.Unit + ")"
		}
		if f.Deprecated != "" {
			doc += "; deprecated, write " + f.Deprecated
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", prefix+f.Name, cell(takes(f)), cell(def), cell(doc))
		if f.Fields == nil {
			continue
		}
		inner := prefix + f.Name + "."
		switch f.Kind {
		case schema.KindList:
			inner = prefix + f.Name + "[]."
		case schema.KindMap:
			inner = prefix + f.Name + ".*."
		}
		parameterRows(b, *f.Fields, inner)
	}
}

// takes says what a parameter takes.
func takes(f *schema.Field) string {
	var words string
	switch {
	case f.Kind == schema.KindEnum:
		words = choices(f, ", ")
	case f.Kind == schema.KindList && f.Item != nil && f.Item.Kind == schema.KindEnum:
		words = "list of " + choices(f, ", ")
	case f.Kind == schema.KindList && f.Item != nil && f.Item.Format == schema.FormatPath:
		words = "list of paths"
	case f.Format == schema.FormatModel:
		words = "path or address"
	case f.Format == schema.FormatTarget:
		words = "name or path"
	case f.Format == schema.FormatSet:
		words = "parameters"
	case f.Format == schema.FormatSteps, f.Format == schema.FormatSelectors:
		words = "list of " + string(f.Format)
	case f.Format == schema.FormatVars:
		words = "names with values"
	case f.Kind == schema.KindAny && f.Format == "":
		words = "number, share or size"
	case f.Kind == schema.KindList && f.Item != nil:
		words = "list of " + plain(f.Item.Kind) + "s"
	case f.Kind == schema.KindList:
		words = "list of mappings"
	case f.Format.NamesData():
		words = "data set"
	case f.Format == schema.FormatPath, f.Format == schema.FormatOutput:
		words = "path"
	case f.Kind == schema.KindAny && f.Format != "":
		words = string(f.Format)
	default:
		words = plain(f.Kind)
	}
	if f.Kind == schema.KindObject && f.Fields.Short != "" {
		words = "`" + f.Fields.Short + "` alone, or a mapping"
	}
	if f.Kind == schema.KindObject && f.Optional {
		words += " or `none`"
	}
	if r := f.Range(); r != "" {
		words += "; must " + r
	}
	return words
}

func plain(k schema.Kind) string {
	switch k {
	case schema.KindBool:
		return "`true`, `false`"
	case schema.KindInt:
		return "whole number"
	case schema.KindRatio:
		return "share"
	case schema.KindString:
		return "text"
	}
	return string(k)
}

func choices(f *schema.Field, sep string) string {
	var words []string
	for _, c := range f.Choices {
		words = append(words, "`"+c.Name+"`")
	}
	return strings.Join(words, sep)
}

// wordLists says what each word of an enumeration means.
func wordLists(b *strings.Builder, o schema.Object) {
	o.Walk(func(path string, f *schema.Field) {
		if len(f.Choices) == 0 || f.Choices[0].Doc == "" {
			return
		}
		fmt.Fprintf(b, "\n`%s`:\n\n", path)
		for _, c := range f.Choices {
			fmt.Fprintf(b, "- `%s`: %s\n", c.Name, c.Doc)
		}
	})
}

// passIndex lists the passes in the order of common use.
func passIndex(list []*passes.Pass) string {
	var b strings.Builder
	b.WriteString(head("Passes", "the passes in passes/all"))
	b.WriteString("What a step may do, in the order in which recipes commonly use them. `pare list NAME` shows the same in a terminal.\n\n| pass | what it does |\n|---|---|\n")
	for _, p := range list {
		fmt.Fprintf(&b, "| [`%s`](%[1]s.md) | %s |\n", p.Name, cell(sentence(p.Doc)))
	}
	return b.String()
}
