package docs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/target"
	"github.com/pare-ml/pare/internal/cli"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/schema"
)

func formatsPage(list []*format.Format) string {
	var b strings.Builder
	b.WriteString(head("Formats", "the formats in graph/format/all"))
	b.WriteString("What `format` of an output may be, and what models may come in. Without `format` the extension of the path decides.\n\n" +
		"| format | extensions | what it is |\n|---|---|---|\n")
	for _, f := range list {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, strings.Join(f.Extensions, " "), cell(sentence(f.Doc)))
	}
	for _, f := range list {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", f.Name, strings.TrimSpace(f.Doc))
	}
	return b.String()
}

// factsPage lists what conditions may ask about, and the words of selectors.
func factsPage(l *recipe.Language) string {
	var b strings.Builder
	b.WriteString(head("Facts", "the facts in graph and the layers in graph/ir"))
	b.WriteString("What a [condition](recipe.md#conditions) may ask about. The price says what must be read first: the `header` of the model,\n" +
		"its `weights`, `data` that the model is run on, or the `result` of a step or a build.\n")
	for _, ns := range l.Env {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n| fact | type | price | meaning |\n|---|---|---|---|\n", ns.Name, upper(strings.TrimSuffix(ns.Doc, ".")))
		for _, f := range ns.Facts {
			doc := strings.TrimSuffix(sentence(f.Doc), ".")
			if values := slices.DeleteFunc(slices.Clone(f.Values), func(v string) bool { return v == "" }); len(values) > 0 {
				doc += ": one of `" + strings.Join(values, "`, `") + "`"
			}
			fmt.Fprintf(&b, "| `%s.%s` | %s | %s | %s |\n", ns.Name, f.Name, f.Type, f.Price, cell(doc))
		}
	}
	b.WriteString("\n## vars\n\nThe variables that the recipe declares, each of the type of its default.\n")
	for _, list := range []struct {
		title, prefix, text string
		words               []recipe.Word
	}{
		{"Layer types", "type:", "What a layer is, whatever the exporter called it. Selectors say `type:conv`, conditions `layer.type == \"conv\"`.", l.Types},
		{"Layer roles", "role:", "What a layer is for, found from the graph. Selectors say `role:head`, conditions `layer.role == \"head\"`.", l.Roles},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| selector | meaning |\n|---|---|\n", list.title, list.text)
		for _, w := range list.words {
			fmt.Fprintf(&b, "| `%s%s` | %s |\n", list.prefix, w.Name, cell(w.Doc))
		}
	}
	return b.String()
}

func targetsPage(l *recipe.Language) string {
	var b strings.Builder
	b.WriteString(head("Targets", "the device profiles that pare comes with"))
	b.WriteString("What `target` of a recipe may be, besides the path of a profile of your own.\n\n| target | device |\n|---|---|\n")
	for _, w := range l.Targets {
		fmt.Fprintf(&b, "| `%s` | %s |\n", w.Name, cell(sentence(w.Doc)))
	}
	for _, w := range l.Targets {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", w.Name, strings.TrimSpace(w.Doc))
	}
	b.WriteString("\n## A profile of your own\n\nA YAML file with these keys. What is left out is not restricted.\n\n" +
		"| key | value | default | meaning |\n|---|---|---|---|\n")
	parameterRows(&b, target.Fields(), "")
	return b.String()
}

func commandsPage(list []cli.Command) string {
	var b strings.Builder
	b.WriteString(head("Commands", "the verbs in internal/cli"))
	b.WriteString("What `pare help COMMAND` prints.\n\n| command | |\n|---|---|\n")
	for _, c := range list {
		fmt.Fprintf(&b, "| [`pare %s`](#pare-%[1]s) | %s |\n", c.Name, cell(c.Summary))
	}
	for _, c := range list {
		fmt.Fprintf(&b, "\n## pare %s\n\n```text\n%s\n```\n", c.Name, strings.TrimSpace(c.Help))
	}
	return b.String()
}

func upper(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

// keysPage lists the keys of a recipe and of a step.
func keysPage(l *recipe.Language) string {
	var b strings.Builder
	b.WriteString(head("Keys of a recipe", "the records of package recipe"))
	b.WriteString("[The language](recipe.md) explains them. A dot leads into a mapping, `[]` to each item of a list, `*` stands for a name of your own.\n" +
		"\n## Recipe\n\n| key | value | default | meaning |\n|---|---|---|---|\n")
	parameterRows(&b, l.Fields(), "")
	b.WriteString("\n## Step\n\nAn entry of `passes` has these keys, and one more: the name of its [pass](passes/README.md), with the parameters of the pass.\n\n" +
		"| key | value | default | meaning |\n|---|---|---|---|\n")
	step := l.StepFields()
	step.Fields = slices.DeleteFunc(step.Fields, func(f *schema.Field) bool {
		return slices.ContainsFunc(l.Passes, func(w recipe.PassWord) bool { return w.Name == f.Name })
	})
	parameterRows(&b, step, "")
	return b.String()
}
